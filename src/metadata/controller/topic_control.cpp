#include "metadata/controller/topic_control.h"

#include <algorithm>
#include <map>
#include <set>

#include "metadata/controller/replica_placer.h"
#include "metadata/controller/topic_name.h"

namespace moldau::metadata {
namespace {

std::int64_t count_partitions(const CreateTopics& request, std::int32_t default_partitions) {
  std::int64_t total = 0;
  for (const TopicCreation& topic : request.topics) {
    if (!topic.assignments.empty()) {
      total += static_cast<std::int64_t>(topic.assignments.size());
    } else if (topic.partitions == -1) {
      total += default_partitions;
    } else if (topic.partitions > 0) {
      total += topic.partitions;
    }
  }
  return total;
}

}  // namespace

ApiError quota_exceeded() {
  return {ErrorCode::kThrottlingQuotaExceeded, {}};
}

Decision<std::vector<TopicCreated>> TopicControl::create(const CreateTopics& request, MutationQuota* quota) const {
  if (count_partitions(request, state_.options.default_partitions) > kPartitionsPerRequestMax) {
    return refuse(ErrorCode::kPolicyViolation,
                  "the request creates more than " + std::to_string(kPartitionsPerRequestMax) + " partitions");
  }
  std::map<std::string_view, int> named;
  for (const TopicCreation& topic : request.topics) {
    ++named[topic.name];
  }
  ControllerResult<std::vector<TopicCreated>> result;
  result.atomic = true;
  std::set<std::string_view> answered;
  for (const TopicCreation& topic : request.topics) {
    if (!answered.insert(topic.name).second) {
      continue;
    }
    TopicCreated created;
    created.name = topic.name;
    if (named.at(topic.name) > 1) {
      created.error = {ErrorCode::kInvalidRequest, "the topic is named twice"};
    } else {
      created.error = create_one(topic, quota, created, result.records);
    }
    result.response.push_back(std::move(created));
  }
  if (result.records.size() > kRecordsPerOperationMax) {
    return refuse(ErrorCode::kPolicyViolation, "the request needs too many records");
  }
  if (request.validate_only) {
    result.records.clear();
  }
  return result;
}

ApiError TopicControl::create_one(const TopicCreation& topic, MutationQuota* quota, TopicCreated& created,
                                  RecordBatch& out) const {
  if (topic.name == kClusterMetadataTopic) {
    return {ErrorCode::kInvalidRequest, "the metadata log cannot be created as a topic"};
  }
  if (ApiError error = check_name(topic.name); error.failed()) {
    return error;
  }
  ResourceAlterations alterations{{ConfigResourceType::kTopic, topic.name}, {}};
  ConfigMap own;
  for (const TopicCreation::Config& config : topic.configs) {
    if (!config.value) {
      return {ErrorCode::kInvalidConfig, "config " + config.name + " has no value"};
    }
    alterations.alterations.push_back({config.name, ConfigOperation::kSet, config.value});
    own.insert_or_assign(config.name, *config.value);
  }
  RecordBatch config_records;
  if (!alterations.alterations.empty()) {
    auto records = configs_.records_for(alterations, true);
    if (!records) {
      return std::move(records.error());
    }
    config_records = *std::move(records);
  }
  const auto assigned = assign(topic);
  if (!assigned) {
    return assigned.error();
  }
  if (quota != nullptr && !quota->take(assigned->size())) {
    return quota_exceeded();
  }
  created.id = state_.entropy.uuid();
  created.partitions = static_cast<std::int32_t>(assigned->size());
  created.replication_factor = static_cast<std::int16_t>(assigned->front().size());
  created.configs = state_.schema.effective_topic_configs(state_.layers_of_topic(own));

  records::TopicRecord record;
  record.name = topic.name;
  record.topic_id = created.id;
  out.push_back({std::move(record), 0});
  std::ranges::move(config_records, std::back_inserter(out));
  for (std::size_t i = 0; i < assigned->size(); ++i) {
    out.push_back(partition_record(created.id, PartitionIndex(static_cast<std::int32_t>(i)), (*assigned)[i]));
  }
  return {};
}

ApiError TopicControl::check_name(const std::string& name) const {
  if (std::string fault = topic_name_fault(name); !fault.empty()) {
    return {ErrorCode::kInvalidTopicException, std::move(fault)};
  }
  // Before the collision, unlike the order in which Kafka looks, but with the same answer: an existing topic of this
  // name is no collision with another one.
  if (state_.image->topic(name) != nullptr) {
    return {ErrorCode::kTopicAlreadyExists, "topic '" + name + "' exists"};
  }
  if (const std::string* other = state_.image->colliding_topic(name)) {
    return {ErrorCode::kInvalidTopicException,
            "topic '" + name + "' differs from '" + *other + "' only in '.' and '_'"};
  }
  return {};
}

std::expected<std::vector<Replicas>, ApiError> TopicControl::assign(const TopicCreation& topic) const {
  if (!topic.assignments.empty()) {
    return assign_by_hand(topic);
  }
  if (topic.replication_factor < -1 || topic.replication_factor == 0) {
    return refuse(ErrorCode::kInvalidReplicationFactor, "the replication factor must be positive, or -1");
  }
  if (topic.partitions < -1 || topic.partitions == 0) {
    return refuse(ErrorCode::kInvalidPartitions, "the number of partitions must be positive, or -1");
  }
  return place(topic.partitions == -1 ? state_.options.default_partitions : topic.partitions,
               topic.replication_factor == -1 ? state_.options.default_replication_factor : topic.replication_factor);
}

std::expected<std::vector<Replicas>, ApiError> TopicControl::place(std::int32_t partitions,
                                                                   std::int16_t replication_factor) const {
  std::vector<UsableBroker> usable;
  for (const auto& broker : state_.image->brokers()) {
    if (!state_.heartbeats.in_controlled_shutdown(broker.key) && broker.value->has_uncordoned_directory()) {
      usable.push_back({broker.key, broker.value->rack(), broker.value->fenced()});
    }
  }
  auto placed = place_replicas(usable, partitions, replication_factor, state_.entropy);
  if (placed && std::ranges::any_of(*placed, [&](const Replicas& brokers) { return active(brokers).empty(); })) {
    return refuse(ErrorCode::kInvalidReplicationFactor, "every broker is fenced or about to stop");
  }
  return placed;
}

std::expected<std::vector<Replicas>, ApiError> TopicControl::assign_by_hand(const TopicCreation& topic) const {
  if (topic.replication_factor != -1) {
    return refuse(ErrorCode::kInvalidRequest, "both an assignment and a replication factor are given");
  }
  if (topic.partitions != -1) {
    return refuse(ErrorCode::kInvalidRequest, "both an assignment and a number of partitions are given");
  }
  std::map<PartitionIndex, Replicas> by_index;
  std::optional<std::size_t> factor;
  for (const TopicCreation::Assignment& assignment : topic.assignments) {
    const std::string index = std::to_string(assignment.partition.value());
    if (by_index.contains(assignment.partition)) {
      return refuse(ErrorCode::kInvalidReplicaAssignment, "partition " + index + " is assigned twice");
    }
    if (ApiError error = check_assignment(assignment.brokers, factor); error.failed()) {
      return std::unexpected(std::move(error));
    }
    factor = assignment.brokers.size();
    if (ApiError error = check_leadable(assignment.brokers, assignment.partition); error.failed()) {
      return std::unexpected(std::move(error));
    }
    by_index.emplace(assignment.partition, assignment.brokers);
  }
  std::vector<Replicas> assigned;
  for (auto& [index, brokers] : by_index) {
    if (index.value() != static_cast<std::int32_t>(assigned.size())) {
      return refuse(ErrorCode::kInvalidReplicaAssignment, "the partitions must be numbered 0, 1, 2, ...");
    }
    assigned.push_back(std::move(brokers));
  }
  return assigned;
}

ApiError TopicControl::check_assignment(const Replicas& brokers, std::optional<std::size_t> replication_factor) const {
  const auto invalid = [](std::string why) { return ApiError{ErrorCode::kInvalidReplicaAssignment, std::move(why)}; };
  if (brokers.empty()) {
    return invalid("an assignment names no broker");
  }
  std::set<NodeId> distinct;
  for (const NodeId broker : brokers) {
    if (state_.image->broker(broker) == nullptr) {
      return invalid("an assignment names broker " + std::to_string(broker.value()) + ", which is not registered");
    }
    if (!distinct.insert(broker).second) {
      return invalid("an assignment names broker " + std::to_string(broker.value()) + " twice");
    }
  }
  if (replication_factor && *replication_factor != brokers.size()) {
    return invalid("the assignments differ in their number of replicas");
  }
  return {};
}

ApiError TopicControl::check_leadable(const Replicas& brokers, PartitionIndex partition) const {
  if (!active(brokers).empty()) {
    return {};
  }
  return {ErrorCode::kInvalidReplicaAssignment,
          "every broker of partition " + std::to_string(partition.value()) + " is fenced or about to stop"};
}

Replicas TopicControl::active(const Replicas& brokers) const {
  Replicas up;
  std::ranges::copy_if(brokers, std::back_inserter(up), [&](NodeId id) { return state_.is_active(id); });
  return up;
}

PartitionRegistration TopicControl::new_partition(const Replicas& brokers) const {
  PartitionRegistration partition;
  partition.replicas = brokers;
  for (const NodeId broker : brokers) {
    partition.directories.push_back(state_.image->broker(broker)->default_directory());
  }
  partition.isr = active(brokers);
  partition.leader = partition.isr.front();
  return partition;
}

records::MetadataRecordAndVersion TopicControl::partition_record(const Uuid& topic, PartitionIndex index,
                                                                 const Replicas& brokers) const {
  return {new_partition(brokers).to_record(topic, index, state_.version()), partition_record_version(state_.version())};
}

Decision<std::vector<PartitionsAdded>> TopicControl::create_partitions(const CreatePartitions& request,
                                                                       MutationQuota* quota) const {
  std::map<std::string_view, int> named;
  for (const PartitionsAddition& addition : request.topics) {
    ++named[addition.topic];
  }
  ControllerResult<std::vector<PartitionsAdded>> result;
  result.atomic = true;
  std::set<std::string_view> answered;
  for (const PartitionsAddition& addition : request.topics) {
    if (!answered.insert(addition.topic).second) {
      continue;
    }
    result.response.push_back({addition.topic, named.at(addition.topic) > 1
                                                   ? ApiError{ErrorCode::kInvalidRequest, "the topic is named twice"}
                                                   : add_partitions(addition, quota, result.records)});
  }
  if (request.validate_only) {
    result.records.clear();
  }
  return result;
}

ApiError TopicControl::add_partitions(const PartitionsAddition& addition, MutationQuota* quota,
                                      RecordBatch& out) const {
  const Topic* topic = state_.image->topic(addition.topic);
  if (topic == nullptr) {
    return {ErrorCode::kUnknownTopicOrPartition, {}};
  }
  const auto present = static_cast<std::int32_t>(topic->partitions.size());
  if (addition.count <= present) {
    return {ErrorCode::kInvalidPartitions, "topic '" + addition.topic + "' has " + std::to_string(present) +
                                               " partition(s); " + std::to_string(addition.count) + " is no increase"};
  }
  const auto added = static_cast<std::size_t>(addition.count - present);
  if (addition.assignments && addition.assignments->size() != added) {
    return {ErrorCode::kInvalidReplicaAssignment, std::to_string(added) + " partition(s) are new, but " +
                                                      std::to_string(addition.assignments->size()) +
                                                      " assignment(s) are given"};
  }
  if (out.size() + added > kRecordsPerOperationMax) {
    return {ErrorCode::kPolicyViolation,
            "one request may not create more than " + std::to_string(kRecordsPerOperationMax) + " partitions"};
  }
  if (quota != nullptr && !quota->take(added)) {
    return quota_exceeded();
  }
  if (topic->partitions.empty()) {
    return {ErrorCode::kUnknownServerError, {}};  // a log that no controller writes
  }
  const std::size_t factor = topic->partitions.begin()->value->replicas.size();
  std::vector<Replicas> assigned;
  if (addition.assignments) {
    assigned = *addition.assignments;
    for (std::size_t i = 0; i < added; ++i) {
      if (ApiError error = check_assignment(assigned[i], factor); error.failed()) {
        return error;
      }
      const PartitionIndex index(present + static_cast<std::int32_t>(i));
      if (ApiError error = check_leadable(assigned[i], index); error.failed()) {
        return error;
      }
    }
  } else {
    auto placed = place(static_cast<std::int32_t>(added), static_cast<std::int16_t>(factor));
    if (!placed) {
      return std::move(placed.error());
    }
    assigned = *std::move(placed);
  }
  for (std::size_t i = 0; i < added; ++i) {
    out.push_back(partition_record(topic->id, PartitionIndex(present + static_cast<std::int32_t>(i)), assigned[i]));
  }
  return {};
}

Decision<std::vector<TopicDeleted>> TopicControl::remove(const std::vector<TopicDeletion>& request,
                                                         MutationQuota* quota) const {
  if (!state_.options.delete_topic_enable) {
    return refuse(ErrorCode::kTopicDeletionDisabled, "delete.topic.enable is false");
  }
  std::map<std::string, int> names;
  std::map<Uuid, int> ids;
  for (const TopicDeletion& one : request) {
    if (one.name && one.id.is_zero()) {
      ++names[*one.name];
    } else if (!one.name && !one.id.is_zero()) {
      ++ids[one.id];
    }
  }
  ControllerResult<std::vector<TopicDeleted>> result;
  result.atomic = true;
  const auto answer = [&](std::optional<std::string> name, const Uuid& id, ErrorCode code, std::string message = {}) {
    result.response.push_back({std::move(name), id, {code, std::move(message)}});
  };
  const auto remove_topic = [&](const Topic& topic) {
    if (quota != nullptr && !quota->take(topic.partitions.size())) {
      const ApiError exceeded = quota_exceeded();
      return answer(topic.name, topic.id, exceeded.code, exceeded.message);
    }
    records::RemoveTopicRecord record;
    record.topic_id = topic.id;
    result.records.push_back({std::move(record), 0});
    answer(topic.name, topic.id, ErrorCode::kNone);
  };
  for (const TopicDeletion& one : request) {
    if (one.name && !one.id.is_zero()) {
      answer(one.name, one.id, ErrorCode::kInvalidRequest, "a topic is given by name or by id, not by both");
    } else if (!one.name && one.id.is_zero()) {
      answer(std::nullopt, kZeroUuid, ErrorCode::kInvalidRequest, "neither name nor id of a topic is given");
    }
  }
  for (const auto& [id, count] : ids) {
    const Topic* topic = state_.image->topic(id);
    if (count > 1) {
      answer(std::nullopt, id, ErrorCode::kInvalidRequest, "the topic id is given twice");
    } else if (topic == nullptr) {
      answer(std::nullopt, id, ErrorCode::kUnknownTopicId, std::string(default_message(ErrorCode::kUnknownTopicId)));
    } else if (const auto named = names.find(topic->name); named != names.end() && named->second == 1) {
      answer(topic->name, id, ErrorCode::kInvalidRequest, "the topic is given by name and by id");
    } else {
      remove_topic(*topic);
    }
  }
  for (const auto& [name, count] : names) {
    const Topic* topic = state_.image->topic(name);
    if (count > 1) {
      answer(name, kZeroUuid, ErrorCode::kInvalidRequest, "the topic name is given twice");
    } else if (topic == nullptr) {
      answer(name, kZeroUuid, ErrorCode::kUnknownTopicOrPartition,
             std::string(default_message(ErrorCode::kUnknownTopicOrPartition)));
    } else if (const auto given = ids.find(topic->id); given == ids.end()) {
      remove_topic(*topic);
    } else if (given->second > 1) {
      answer(name, topic->id, ErrorCode::kInvalidRequest, "the topic is given by name and by id");
    }
  }
  if (result.records.size() > kRecordsPerOperationMax) {
    return refuse(ErrorCode::kPolicyViolation, "the request deletes too many topics");
  }
  return result;
}

}  // namespace moldau::metadata
