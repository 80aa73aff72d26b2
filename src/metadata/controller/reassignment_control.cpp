#include "metadata/controller/reassignment_control.h"

#include <algorithm>
#include <set>

#include "base/assert.h"
#include "base/probe.h"

namespace moldau::metadata {
namespace {

Replicas without_all(const Replicas& all, const Replicas& some) {
  Replicas rest;
  std::ranges::copy_if(all, std::back_inserter(rest), [&](NodeId id) { return !contains(some, id); });
  return rest;
}

Replicas sorted(Replicas replicas) {
  std::ranges::sort(replicas);
  return replicas;
}

// Of what a partition is on its way to, or has.
std::size_t replication_factor_of(const PartitionRegistration& partition) {
  return without_all(partition.replicas, partition.removing).size();
}

void add_if_ongoing(OngoingReassignments& topic, PartitionIndex index, const PartitionRegistration* partition) {
  if (partition != nullptr && partition->is_reassigning()) {
    topic.partitions.push_back({index, partition->replicas, partition->adding, partition->removing});
  }
}

}  // namespace

std::vector<OngoingReassignments> ongoing_reassignments(const Image& image, const ListReassignments& request) {
  std::vector<OngoingReassignments> all;
  const auto add = [&](OngoingReassignments topic) {
    if (!topic.partitions.empty()) {
      all.push_back(std::move(topic));
    }
  };
  if (!request.topics) {
    for (const auto& entry : image.topic_names()) {
      const Topic& topic = *image.topic(entry.value);
      OngoingReassignments ongoing{topic.name, {}};
      for (const auto& partition : topic.partitions) {
        add_if_ongoing(ongoing, partition.key, partition.value.get());
      }
      add(std::move(ongoing));
    }
    return all;
  }
  for (const ListReassignments::Topic& asked : *request.topics) {
    if (const Topic* topic = image.topic(asked.name)) {
      OngoingReassignments ongoing{topic->name, {}};
      for (const PartitionIndex index : asked.partitions) {
        add_if_ongoing(ongoing, index, topic->partition(index));
      }
      add(std::move(ongoing));
    }
  }
  return all;
}

Decision<std::vector<ReassignmentsAltered>> ReassignmentControl::alter(const AlterReassignments& request) const {
  ControllerResult<std::vector<ReassignmentsAltered>> result;
  result.atomic = true;
  Changed changed;
  for (const AlterReassignments::Topic& topic : request.topics) {
    ReassignmentsAltered& answer = result.response.emplace_back();
    answer.topic = topic.name;
    for (const AlterReassignments::Partition& target : topic.partitions) {
      answer.partitions.push_back({target.index, alter_one(topic.name, target, request.allow_replication_factor_change,
                                                           changed, result.records)});
    }
  }
  return result;
}

ApiError ReassignmentControl::alter_one(const std::string& name, const AlterReassignments::Partition& target,
                                        bool may_change_factor, Changed& changed, RecordBatch& out) const {
  const Topic* topic = state_.image->topic(name);
  if (topic == nullptr) {
    return {ErrorCode::kUnknownTopicOrPartition, "there is no topic '" + name + "'"};
  }
  const TopicIdPartition id{topic->id, target.index};
  const auto known = changed.find(id);
  const PartitionRegistration* partition = known != changed.end() ? &known->second : topic->partition(target.index);
  if (partition == nullptr) {
    return {ErrorCode::kUnknownTopicOrPartition,
            "there is no partition " + std::to_string(target.index.value()) + " of topic '" + name + "'"};
  }
  Change change = target.replicas ? reassign(*topic, target.index, *partition, *target.replicas, may_change_factor)
                                  : cancel(*topic, target.index, *partition);
  if (!change) {
    return std::move(change.error());
  }
  if (!*change) {
    return {};
  }
  if (out.size() >= kRecordsPerOperationMax) {
    return {ErrorCode::kPolicyViolation, "the request reassigns too many partitions"};
  }
  auto merged = partition->merged(**change);
  MOLDAU_ASSERT(merged.has_value());
  changed.insert_or_assign(id, *std::move(merged));
  out.push_back({**std::move(change), partition_change_record_version(state_.version())});
  return {};
}

ReassignmentControl::Change ReassignmentControl::cancel(const Topic& topic, PartitionIndex index,
                                                        const PartitionRegistration& partition) const {
  if (!partition.is_reassigning()) {
    return refuse(ErrorCode::kNoReassignmentInProgress);
  }
  const TopicRules rules = state_.rules_of(topic);
  Replicas replicas = without_all(partition.replicas, partition.adding);
  Replicas isr = without_all(partition.isr, partition.adding);
  if (replicas.empty()) {
    return refuse(ErrorCode::kInvalidReplicaAssignment, "the reassignment adds every replica that there is");
  }
  const LeaderAcceptor acceptor{*state_.image};
  if (isr.empty()) {
    // Only replicas that the cancellation removes are in sync.
    if (!rules.unclean_election) {
      return refuse(ErrorCode::kInvalidReplicaAssignment,
                    "no replica of before the reassignment is in sync, and unclean elections are not allowed");
    }
    MOLDAU_PROBE("controller.unclean_reassignment_cancelled");
    const bool somebody_is_up =
        std::ranges::any_of(replicas, [&](NodeId id) { return acceptor.accepts(id, partition); });
    if (!somebody_is_up && !rules.elr_enabled) {
      isr.push_back(replicas.front());  // without ELR an ISR is never empty
    }
  }
  return PartitionChangeBuilder(partition, rules, acceptor)
      .target_isr(std::move(isr))
      .target_replicas(std::move(replicas))
      .target_removing({})
      .target_adding({})
      .build(topic.id, index);
}

ReassignmentControl::Change ReassignmentControl::reassign(const Topic& topic, PartitionIndex index,
                                                          const PartitionRegistration& partition,
                                                          const Replicas& target, bool may_change_factor) const {
  if (ApiError error = check_target(target); error.failed()) {
    return std::unexpected(std::move(error));
  }
  if (const std::size_t factor = replication_factor_of(partition); !may_change_factor && factor != target.size()) {
    return refuse(ErrorCode::kInvalidReplicationFactor, "the replication factor is " + std::to_string(factor) +
                                                            "; the request would make it " +
                                                            std::to_string(target.size()));
  }
  const Replicas removing = sorted(without_all(partition.replicas, target));
  const Replicas adding = sorted(without_all(target, partition.replicas));
  Replicas replicas = target;
  replicas.insert(replicas.end(), removing.begin(), removing.end());
  const LeaderAcceptor acceptor{*state_.image};
  const TopicRules rules = state_.rules_of(topic);
  PartitionChangeBuilder builder(partition, rules, acceptor);
  // Where this target adds or removes nobody, the marks of the reassignment under way stay, so that asking for the same
  // target again changes nothing; but not marks that the target contradicts.
  return builder.election(Election::kOnline)
      .target_replicas(std::move(replicas))
      .target_removing(removing.empty() ? without_all(partition.removing, target) : removing)
      .target_adding(adding.empty() ? without_all(partition.adding, removing) : adding)
      .build(topic.id, index);
}

ApiError ReassignmentControl::check_target(const Replicas& target) const {
  const auto invalid = [](std::string why) { return ApiError{ErrorCode::kInvalidReplicaAssignment, std::move(why)}; };
  if (target.empty()) {
    return invalid("the assignment names no broker");
  }
  std::set<NodeId> distinct;
  for (const NodeId broker : target) {
    if (state_.image->broker(broker) == nullptr) {
      return invalid("the assignment names broker " + std::to_string(broker.value()) + ", which is not registered");
    }
    if (!distinct.insert(broker).second) {
      return invalid("the assignment names broker " + std::to_string(broker.value()) + " twice");
    }
  }
  return {};
}

}  // namespace moldau::metadata
