// What goes into and comes out of ReplicationCore: values only.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/ids.h"

namespace moldau::replication {

// Milliseconds on a monotonic clock; only differences mean something.
using MonoMs = std::int64_t;

enum class LeaderRecoveryState : std::uint8_t { kRecovered = 0, kRecovering = 1 };

// A partition as the metadata log says it is: the result of replayed Partition and PartitionChange records.
struct PartitionRegistration {
  std::vector<NodeId> replicas;  // the assignment, in order of preference
  std::vector<NodeId> isr;       // in-sync replicas, a subset of the replicas
  std::vector<NodeId> elr;       // eligible leader replicas (KIP-966), disjoint from the isr
  NodeId leader = kNoNode;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  std::int32_t partition_epoch = -1;  // grows with every change of this partition
  LeaderRecoveryState recovery_state = LeaderRecoveryState::kRecovered;
};

// What the metadata says about the brokers of a partition. A view of the newest image; read during a step only.
struct BrokerStatus {
  BrokerEpoch epoch = kNoBrokerEpoch;
  bool fenced = true;
  bool shutting_down = false;  // in controlled shutdown
};

class BrokerView {
 public:
  virtual ~BrokerView() = default;
  // Nothing if the broker is not registered.
  [[nodiscard]] virtual std::optional<BrokerStatus> status(NodeId broker) const = 0;
};

struct IsrMember {
  NodeId broker = kNoNode;
  BrokerEpoch epoch = kNoBrokerEpoch;  // -1: the leader has not seen a fetch of this incarnation
  friend bool operator==(const IsrMember&, const IsrMember&) = default;
};

// A wish of the leader for another ISR, to be sent to the controller as AlterPartition. At most one is open at a time.
struct AlterPartition {
  std::uint64_t id = 0;  // comes back with the answer
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  std::int32_t partition_epoch = -1;  // compared with the controller's: the change applies to nothing newer
  std::vector<IsrMember> new_isr;
  LeaderRecoveryState recovery_state = LeaderRecoveryState::kRecovered;
};

// How the controller answered.
enum class AlterPartitionOutcome : std::uint8_t {
  kApplied,     // isr and epochs say what is in force now
  kNotApplied,  // INELIGIBLE_REPLICA, OPERATION_NOT_ATTEMPTED: certainly not applied, now or later
  kStale,  // FENCED_LEADER_EPOCH, INVALID_UPDATE_VERSION, UNKNOWN_TOPIC_ID, NEW_LEADER_ELECTED …: metadata will tell
  kRetry,  // anything else: applied or not is unknown, the same wish is sent again
};

struct AlterPartitionAnswer {
  std::uint64_t id = 0;
  AlterPartitionOutcome outcome = AlterPartitionOutcome::kRetry;
  std::vector<NodeId> isr;  // kApplied only, with the two epochs
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  std::int32_t partition_epoch = -1;
};

// A follower's Fetch, as far as replication is concerned.
struct FollowerFetch {
  NodeId replica = kNoNode;
  BrokerEpoch broker_epoch = kNoBrokerEpoch;  // -1: an old version that does not say
  LeaderEpoch leader_epoch = kNoLeaderEpoch;  // the epoch it fetches under; -1: not said
  Offset fetch_offset{0};                     // its log end: it holds everything below
  Offset log_start{0};
};

enum class Role : std::uint8_t { kNone, kLeader, kFollower };

enum class LeadershipChange : std::uint8_t { kNone, kGained, kLost };

// What the shell has to do after a step, in this order.
struct Effects {
  // Write the start of the leader epoch into the log's epoch cache before anything is appended or answered.
  std::optional<OffsetAndEpoch> assign_epoch_start;
  LeadershipChange leadership = LeadershipChange::kNone;  // kGained also when only the leader epoch changed
  std::optional<Offset> high_watermark;                   // the new one
  std::optional<AlterPartition> alter_partition;          // send, or send again

  void clear() { *this = Effects{}; }
};

}  // namespace moldau::replication
