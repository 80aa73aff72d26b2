// Decides which topics exist and how many partitions they have: CreateTopics, CreatePartitions, DeleteTopics.
//
// Semantics: inventory 7 and 8, 47. One bad topic does not fail the rest; the order of records is Topic, Config*,
// Partition*. Authorization is the handler's: it strips what the caller may not do before it asks.
// Source: Kafka's ReplicationControlManager and ControllerApis. Error messages are our own. Difference: partitions
// beyond kRecordsPerOperationMax are refused with kPolicyViolation and nothing of that topic is made (Kafka answers
// UNKNOWN_SERVER_ERROR and makes as many as fit).
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "metadata/controller/configuration_control.h"
#include "metadata/controller/controller_state.h"
#include "metadata/controller/mutation_quota.h"

namespace moldau::metadata {

// One request may not create more partitions: kPolicyViolation for all of it.
inline constexpr std::int64_t kPartitionsPerRequestMax = 10'000;

struct TopicCreation {
  struct Assignment {
    PartitionIndex partition{0};
    Replicas brokers;
  };
  struct Config {
    std::string name;
    std::optional<std::string> value;
  };
  std::string name;
  std::int32_t partitions = -1;          // -1: num.partitions
  std::int16_t replication_factor = -1;  // -1: default.replication.factor
  std::vector<Assignment> assignments;   // excludes both
  std::vector<Config> configs;
};

struct CreateTopics {
  std::vector<TopicCreation> topics;
  bool validate_only = false;
};

struct TopicCreated {
  std::string name;
  Uuid id;
  ApiError error;
  std::int32_t partitions = -1;
  std::int16_t replication_factor = -1;
  std::vector<EffectiveConfig> configs;  // by name
};

struct PartitionsAddition {
  std::string topic;
  std::int32_t count = 0;                            // partitions that the topic is to have, the present ones included
  std::optional<std::vector<Replicas>> assignments;  // of each new partition, in order
};

struct CreatePartitions {
  std::vector<PartitionsAddition> topics;
  bool validate_only = false;
};

struct PartitionsAdded {
  std::string topic;
  ApiError error;
};

// By name or by id, not both.
struct TopicDeletion {
  std::optional<std::string> name;
  Uuid id;
};

struct TopicDeleted {
  std::optional<std::string> name;
  Uuid id;
  ApiError error;
};

// The answer to what a quota refuses.
[[nodiscard]] ApiError quota_exceeded();

class TopicControl {
 public:
  explicit TopicControl(const ControllerState& state) : state_(state), configs_(state) {}

  // One answer for each name, in the order of the request. kPolicyViolation for all if it is too large. `quota` is
  // asked for each topic that could be created, validated or not; null gives all.
  [[nodiscard]] Decision<std::vector<TopicCreated>> create(const CreateTopics& request, MutationQuota* quota) const;

  // One answer for each distinct name; a name given twice is refused. Each topic stands or falls alone.
  // kUnknownTopicOrPartition; kInvalidPartitions (no more than there are); kInvalidReplicaAssignment (another number of
  // assignments than new partitions, or one that cannot be); kInvalidReplicationFactor (too few usable brokers).
  [[nodiscard]] Decision<std::vector<PartitionsAdded>> create_partitions(const CreatePartitions& request,
                                                                         MutationQuota* quota) const;

  // One answer for each distinct name or id. kTopicDeletionDisabled for all by delete.topic.enable=false.
  [[nodiscard]] Decision<std::vector<TopicDeleted>> remove(const std::vector<TopicDeletion>& request,
                                                           MutationQuota* quota) const;

 private:
  [[nodiscard]] ApiError create_one(const TopicCreation& topic, MutationQuota* quota, TopicCreated& created,
                                    RecordBatch& out) const;
  [[nodiscard]] ApiError check_name(const std::string& name) const;
  [[nodiscard]] std::expected<std::vector<Replicas>, ApiError> assign(const TopicCreation& topic) const;
  [[nodiscard]] std::expected<std::vector<Replicas>, ApiError> assign_by_hand(const TopicCreation& topic) const;
  [[nodiscard]] ApiError add_partitions(const PartitionsAddition& addition, MutationQuota* quota,
                                        RecordBatch& out) const;
  [[nodiscard]] std::expected<std::vector<Replicas>, ApiError> place(std::int32_t partitions,
                                                                     std::int16_t replication_factor) const;
  [[nodiscard]] ApiError check_assignment(const Replicas& brokers, std::optional<std::size_t> replication_factor) const;
  // kInvalidReplicaAssignment: nobody in it may lead `partition`.
  [[nodiscard]] ApiError check_leadable(const Replicas& brokers, PartitionIndex partition) const;
  [[nodiscard]] PartitionRegistration new_partition(const Replicas& brokers) const;
  [[nodiscard]] records::MetadataRecordAndVersion partition_record(const Uuid& topic, PartitionIndex index,
                                                                   const Replicas& brokers) const;
  [[nodiscard]] Replicas active(const Replicas& brokers) const;

  const ControllerState& state_;
  ConfigurationControl configs_;
};

}  // namespace moldau::metadata
