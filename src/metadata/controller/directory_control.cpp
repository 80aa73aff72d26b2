#include "metadata/controller/directory_control.h"

#include <utility>

#include "metadata/controller/partition_change_builder.h"

namespace moldau::metadata {

ErrorCode DirectoryControl::assign_one(const AssignReplicasToDirs::Assignment& assignment, NodeId broker,
                                       RecordBatch& out) const {
  const Topic* topic = state_.image->topic(assignment.partition.topic_id);
  if (topic == nullptr) {
    return ErrorCode::kUnknownTopicId;
  }
  const PartitionIndex index = assignment.partition.partition;
  const PartitionRegistration* partition = topic->partition(index);
  if (partition == nullptr) {
    return ErrorCode::kUnknownTopicOrPartition;
  }
  if (!contains(partition->replicas, broker)) {
    return ErrorCode::kNotLeaderOrFollower;
  }
  const TopicRules rules = state_.rules_of(*topic);
  const std::int16_t version = partition_change_record_version(state_.version());
  const LeaderAcceptor acceptor{*state_.image};
  if (auto record = PartitionChangeBuilder(*partition, rules, acceptor)
                        .directory(broker, assignment.directory)
                        .build(topic->id, index)) {
    out.push_back({*std::move(record), version});
  }
  if (!state_.image->broker(broker)->has_online_directory(assignment.directory)) {
    const LeaderAcceptor without_it{*state_.image, broker};
    if (auto record = PartitionChangeBuilder(*partition, rules, without_it)
                          .target_isr(without(partition->isr, broker))
                          .build(topic->id, index)) {
      out.push_back({*std::move(record), version});
    }
  }
  return ErrorCode::kNone;
}

Decision<std::vector<ErrorCode>> DirectoryControl::assign(const AssignReplicasToDirs& request) const {
  if (!has_directory_assignment(state_.version())) {
    return refuse(ErrorCode::kUnsupportedVersion, "this metadata.version does not know log directories");
  }
  if (ApiError error = cluster_.check_epoch(request.broker, request.epoch); error.failed()) {
    return std::unexpected(std::move(error));
  }
  ControllerResult<std::vector<ErrorCode>> result;
  for (const AssignReplicasToDirs::Assignment& assignment : request.assignments) {
    result.response.push_back(assign_one(assignment, request.broker, result.records));
  }
  return result;
}

}  // namespace moldau::metadata
