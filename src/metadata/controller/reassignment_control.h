// Decides which brokers hold a partition: AlterPartitionReassignments, and what of it is still going on.
//
// A reassignment goes through the partition's own state: new replicas join the list and are marked as adding, those
// that are to go as removing; it is complete when all that are added are in sync (PartitionChangeBuilder). One that
// adds nobody completes at once. Source: Kafka's ReplicationControlManager, PartitionReassignmentReplicas,
// PartitionReassignmentRevert; KIP-455,
//         KIP-860. Error messages are our own. Differences: a partition that is named twice is decided on what the
//         first decision makes of it; beyond kRecordsPerOperationMax a partition is refused with kPolicyViolation
//         (Kafka: UNKNOWN_SERVER_ERROR); a target that takes back what a reassignment under way adds or removes unmarks
//         it (Kafka keeps the mark: the reassignment then ends elsewhere, or never); a leader that a cancellation
//         elects uncleanly is one that is up, and recovering (Kafka: the first replica, as if it had been in sync).
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "metadata/controller/controller_state.h"
#include "metadata/records/partition_change_record.h"

namespace moldau::metadata {

struct AlterReassignments {
  struct Partition {
    PartitionIndex index{0};
    std::optional<Replicas> replicas;  // none: cancels what is going on
  };
  struct Topic {
    std::string name;
    std::vector<Partition> partitions;
  };
  std::vector<Topic> topics;
  bool allow_replication_factor_change = true;
};

struct ReassignmentsAltered {
  struct Partition {
    PartitionIndex index{0};
    ApiError error;
  };
  std::string topic;
  std::vector<Partition> partitions;
};

struct ListReassignments {
  struct Topic {
    std::string name;
    std::vector<PartitionIndex> partitions;
  };
  std::optional<std::vector<Topic>> topics;  // none: everything
};

struct OngoingReassignments {
  struct Partition {
    PartitionIndex index{0};
    Replicas replicas;
    Replicas adding;
    Replicas removing;
  };
  std::string topic;
  std::vector<Partition> partitions;  // not empty
};

// Topics in the order of the request, or by name. O(partitions) for all.
[[nodiscard]] std::vector<OngoingReassignments> ongoing_reassignments(const Image& image,
                                                                      const ListReassignments& request);

class ReassignmentControl {
 public:
  explicit ReassignmentControl(const ControllerState& state) : state_(state) {}

  // One answer for each partition, in the order of the request.
  // kUnknownTopicOrPartition; kInvalidReplicaAssignment (nobody, somebody twice, a broker that is not registered; or a
  // cancellation that would need an unclean election where it is not allowed); kInvalidReplicationFactor (changed where
  // it must not); kNoReassignmentInProgress (nothing to cancel).
  [[nodiscard]] Decision<std::vector<ReassignmentsAltered>> alter(const AlterReassignments& request) const;

 private:
  using Changed = std::map<TopicIdPartition, PartitionRegistration>;
  using Change = std::expected<std::optional<records::PartitionChangeRecord>, ApiError>;

  [[nodiscard]] ApiError alter_one(const std::string& name, const AlterReassignments::Partition& target,
                                   bool may_change_factor, Changed& changed, RecordBatch& out) const;
  [[nodiscard]] Change cancel(const Topic& topic, PartitionIndex index, const PartitionRegistration& partition) const;
  [[nodiscard]] Change reassign(const Topic& topic, PartitionIndex index, const PartitionRegistration& partition,
                                const Replicas& target, bool may_change_factor) const;
  [[nodiscard]] ApiError check_target(const Replicas& target) const;

  const ControllerState& state_;
};

}  // namespace moldau::metadata
