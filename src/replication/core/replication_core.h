// ReplicationCore decides, for one replica of one partition, the high watermark, who is in sync, and under which leader
// epoch it acts. Pure: no clock, no I/O, never suspends. States and their edges: README.md.
//
// Shard:      owned by a Partition on its shard; not thread-safe.
// Invariants: (check_invariants() after every step; property tests drive three replicas)
//   R1  log start <= high watermark <= log end (I12).
//   R2  the high watermark never decreases, but for a truncation of this replica's log (I2, I11).
//   R3  as leader it advances only while |committed ISR| >= min(min.insync.replicas, |replicas|) (I8), and to no more
//       than the smallest log end of the maximal ISR and of eligible followers that are caught up (I5).
//   R4  maximal ISR >= committed ISR, and it holds every replica of the ISR that an open AlterPartition may bring into
//       force (I6).
//   R5  leader epoch and partition epoch never decrease.
//   R6  ISR and ELR of a registration are disjoint subsets of the replicas (I7); one that breaks this is refused.
// Bound:      O(replicas) a step; allocates only when the registration or the ISR changes.
// Source:     kafka.cluster.Partition, KIP-497 (maximal ISR), KIP-903 (broker epochs in the ISR), KIP-966 (min ISR).
//             Differences: an equal partition epoch does not end an open AlterPartition (only more restrictive);
//             a follower's high watermark never falls without a truncation.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/ids.h"
#include "replication/core/follower_state.h"
#include "replication/core/types.h"

namespace moldau::replication {

// What the shell read from the log and the checkpoints. The high watermark is brought into [log_start, log_end].
struct RestoredReplica {
  Offset log_start{0};
  Offset log_end{0};
  Offset high_watermark{0};
};

// Why a registration was not taken.
enum class RegistrationRefusal : std::uint8_t {
  kStale,      // an older partition epoch or leader epoch than is known
  kMalformed,  // breaks R6 or names no replica
};

// Why a follower's fetch does not count.
enum class FetchRefusal : std::uint8_t {
  kNotLeader,
  kFencedLeaderEpoch,   // it fetches under an older epoch
  kUnknownLeaderEpoch,  // … a newer one
  kUnknownReplica,      // not in the assignment
  kStaleBrokerEpoch,    // an earlier incarnation of the broker
};

enum class AckStatus : std::uint8_t {
  kWaiting,
  kReached,            // the high watermark passed it and the ISR is large enough
  kTooFewAfterAppend,  // the high watermark passed it, but the ISR is below its minimum now
};

class ReplicationCore {
 public:
  // `lag_max` is replica.lag.time.max.ms, `min_isr` the topic's min.insync.replicas (>= 1).
  ReplicationCore(NodeId self, RestoredReplica restored, std::int32_t min_isr, MonoMs lag_max);

  // --- metadata ---

  // The newest registration. Becomes leader, follower, or stays; a new leader epoch starts at the log's end.
  [[nodiscard]] std::optional<RegistrationRefusal> on_registration(const PartitionRegistration& registration,
                                                                   const BrokerView& brokers, MonoMs now, Effects& out);
  // Brokers were fenced, unfenced or re-registered: who may hold the high watermark back has changed.
  void on_brokers(const BrokerView& brokers, MonoMs now, Effects& out);
  void on_min_isr(std::int32_t min_isr, const BrokerView& brokers, MonoMs now, Effects& out);
  // The log directory failed or the partition was deleted: neither leader nor follower from now on.
  void on_offline(Effects& out);

  // --- the log ---

  // The log grew to `log_end` (as leader or as follower).
  void on_append(Offset log_end, const BrokerView& brokers, MonoMs now, Effects& out);
  // Retention, DeleteRecords or the leader moved the start; the high watermark follows if it would lie below.
  void on_log_start(Offset log_start, Effects& out);
  // A follower cut its log; the high watermark falls if it lies beyond.
  void on_truncate(Offset log_start, Offset log_end, Effects& out);
  // As follower: the leader's high watermark, from its Fetch answer. Bounded by what the log holds.
  void on_leader_high_watermark(Offset high_watermark, Effects& out);

  // --- replication ---

  [[nodiscard]] std::optional<FetchRefusal> on_follower_fetch(const FollowerFetch& fetch, const BrokerView& brokers,
                                                              MonoMs now, Effects& out);
  void on_alter_partition_answer(const AlterPartitionAnswer& answer, const BrokerView& brokers, MonoMs now,
                                 Effects& out);
  // Every lag_max / 2: followers that are late leave the ISR.
  void on_tick(const BrokerView& brokers, MonoMs now, Effects& out);

  // --- questions ---

  [[nodiscard]] Role role() const noexcept { return role_; }
  [[nodiscard]] bool is_leader() const noexcept { return role_ == Role::kLeader; }
  [[nodiscard]] LeaderEpoch leader_epoch() const noexcept { return leader_epoch_; }
  [[nodiscard]] NodeId leader() const noexcept { return leader_; }
  [[nodiscard]] std::int32_t partition_epoch() const noexcept { return partition_epoch_; }
  [[nodiscard]] Offset high_watermark() const noexcept { return high_watermark_; }
  [[nodiscard]] Offset log_start() const noexcept { return log_start_; }
  [[nodiscard]] Offset log_end() const noexcept { return log_end_; }
  [[nodiscard]] std::span<const NodeId> replicas() const noexcept { return replicas_; }
  [[nodiscard]] std::span<const NodeId> isr() const noexcept { return isr_; }  // committed; empty on a follower
  [[nodiscard]] std::vector<NodeId> maximal_isr() const;
  [[nodiscard]] std::int32_t effective_min_isr() const noexcept;
  [[nodiscard]] bool under_min_isr() const noexcept;
  // Where the leader's epoch began; nothing on a follower.
  [[nodiscard]] std::optional<Offset> epoch_start() const noexcept { return epoch_start_; }
  // False on a new leader until its high watermark reaches its epoch's start: offsets are not available until then.
  [[nodiscard]] bool offsets_available() const noexcept { return !epoch_start_ || high_watermark_ >= *epoch_start_; }
  // May an append with acks=all begin? Others do not ask.
  [[nodiscard]] bool enough_replicas() const noexcept { return !under_min_isr(); }
  // Of an append with acks=all that ends at `end` (exclusive). As leader only.
  [[nodiscard]] AckStatus ack_status(Offset end) const noexcept;
  // The smallest log start of this and all live replicas: up to there a DeleteRecords is done. As leader only.
  [[nodiscard]] Offset low_watermark(const BrokerView& brokers) const;
  [[nodiscard]] bool alter_partition_open() const noexcept { return pending_.has_value(); }

  void check_invariants() const;

 private:
  // An ISR change on its way. Growing counts as done at once (stricter), shrinking only when confirmed.
  struct PendingIsr {
    AlterPartition request;
    std::optional<NodeId> joining;
  };

  [[nodiscard]] bool in_isr(NodeId node) const noexcept;
  [[nodiscard]] bool in_maximal_isr(NodeId node) const noexcept;
  [[nodiscard]] FollowerState* follower(NodeId node) noexcept;
  [[nodiscard]] static bool may_join_isr(const FollowerState& follower, const BrokerView& brokers);
  void become_leader(const PartitionRegistration& registration, bool new_epoch, MonoMs now, Effects& out);
  void become_follower(Effects& out);
  void keep_followers_of(std::span<const NodeId> replicas);
  void advance_high_watermark(const BrokerView& brokers, MonoMs now, Effects& out);
  void set_high_watermark(Offset value, Effects& out);
  void maybe_grow_isr(const FollowerState& candidate, const BrokerView& brokers, Effects& out);
  void propose(std::vector<NodeId> isr, std::optional<NodeId> joining, const BrokerView& brokers, Effects& out);

  const NodeId self_;
  const MonoMs lag_max_;
  std::int32_t min_isr_;

  Role role_ = Role::kNone;
  NodeId leader_ = kNoNode;
  LeaderEpoch leader_epoch_ = kNoLeaderEpoch;
  std::int32_t partition_epoch_ = -1;
  std::optional<Offset> epoch_start_;

  Offset log_start_;
  Offset log_end_;
  Offset high_watermark_;

  std::vector<NodeId> replicas_;
  std::vector<NodeId> isr_;
  std::vector<FollowerState> followers_;  // as leader: every other replica
  std::optional<PendingIsr> pending_;
  std::uint64_t next_request_id_ = 1;
};

}  // namespace moldau::replication
