// What a leader knows of the other replicas in its epoch: how far each is, when it was last heard, and from that the
// high watermark and whether the leader still has a majority behind it.
//
// Shard:      part of Quorum.
// Invariants: P1 the high watermark never goes back and is above the epoch's start once it is there;
//             P2 it is held durably by a majority of the voters of the newest set;
//             P3 observers and voters are disjoint.
// Bound: voters + kObserversMax entries; of observers beyond that, the one silent longest is forgotten.
// Source: org.apache.kafka.raft.LeaderState.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "raft/core/messages.h"

namespace moldau::raft {

struct ReplicaProgress {
  explicit ReplicaProgress(const ReplicaKey& replica) : key(replica) {}

  ReplicaKey key;
  std::optional<Offset> end;                // durable there
  Instant last_fetch = Instant::min();      // min: never
  Instant last_caught_up = Instant::min();  // min: never
  Offset leader_end_at_last_fetch = kNoOffset;
};

class LeaderProgress {
 public:
  static constexpr std::size_t kObserversMax = 10'000;
  static constexpr Millis kObserverSession{300'000};  // silent longer: forgotten

  LeaderProgress(ReplicaKey self, const VoterSet& voters, Offset epoch_start, Instant now, Millis check_quorum);

  // Both return true if the high watermark moved.
  [[nodiscard]] bool on_local_durable(Offset end);
  // `end` is a valid fetch offset of a replica other than this one.
  [[nodiscard]] bool on_fetch(const ReplicaKey& replica, Offset end, Offset leader_end, Instant now);
  // The voter set changed in the log.
  [[nodiscard]] bool on_voters(const VoterSet& voters);

  [[nodiscard]] std::optional<Offset> high_watermark() const noexcept { return high_watermark_; }
  [[nodiscard]] Offset epoch_start() const noexcept { return epoch_start_; }
  // When leadership ends unless a majority fetches before; never with one voter.
  [[nodiscard]] Instant check_quorum_deadline() const noexcept;
  [[nodiscard]] std::vector<ReplicaKey> voters_to_remind(Instant now, Millis silent_for) const;
  [[nodiscard]] std::vector<ReplicaKey> successors() const;  // other voters, the most advanced first

  [[nodiscard]] const std::vector<ReplicaProgress>& voters() const noexcept { return voters_; }
  [[nodiscard]] const std::vector<ReplicaProgress>& observers() const noexcept { return observers_; }
  void forget_silent_observers(Instant now);

  void check_invariants() const;

 private:
  [[nodiscard]] ReplicaProgress* find_voter(const ReplicaKey& key) noexcept;
  [[nodiscard]] ReplicaProgress& find_or_add(const ReplicaKey& key, Instant now);
  void count_towards_check_quorum(const ReplicaProgress& voter, Instant now);
  [[nodiscard]] bool update_high_watermark();
  [[nodiscard]] std::vector<ReplicaProgress> by_descending_end() const;

  ReplicaKey self_;
  Offset epoch_start_;
  std::optional<Offset> high_watermark_;
  std::vector<ReplicaProgress> voters_;
  std::vector<ReplicaProgress> observers_;
  std::vector<NodeId> heard_;  // voters that fetched in the current check-quorum interval
  Millis check_quorum_;
  Instant check_quorum_deadline_;
};

}  // namespace moldau::raft
