#include "metadata/controller/replication_control.h"

#include <algorithm>
#include <set>

#include "base/assert.h"
#include "base/probe.h"

namespace moldau::metadata {
namespace {

// The versions in which a registration change first had the field that it sets, as Kafka writes them.
constexpr std::int16_t kFencingVersion = 0;
constexpr std::int16_t kShutdownVersion = 1;
constexpr std::int16_t kDirectoriesVersion = 2;
constexpr std::int16_t kCordonedVersion = 3;
constexpr std::int8_t kFence = 1;
constexpr std::int8_t kUnfence = -1;

records::BrokerRegistrationChangeRecord change_of(const BrokerRegistration& broker) {
  records::BrokerRegistrationChangeRecord record;
  record.broker_id = broker.id().value();
  record.broker_epoch = broker.epoch().value();
  return record;
}

}  // namespace

template <class Concerned>
void ReplicationControl::update_partitions(const Event& event, Concerned concerned, RecordBatch& out) const {
  const LeaderAcceptor acceptor{*state_.image, event.removed, event.added, event.unclean_shutdown};
  const std::int16_t version = partition_change_record_version(state_.version());
  for (const auto& topic : state_.image->topics()) {
    std::optional<TopicRules> rules;
    for (const auto& entry : topic.value->partitions) {
      const PartitionRegistration& partition = *entry.value;
      if (!concerned(partition)) {
        continue;
      }
      if (!rules) {
        rules = state_.rules_of(*topic.value);
      }
      PartitionChangeBuilder builder(partition, *rules, acceptor);
      builder.unclean_shutdown_of(event.unclean_shutdown)
          .target_isr(without(without(partition.isr, event.removed), event.unclean_shutdown));
      if (auto record = builder.build(topic.key, entry.key)) {
        out.push_back({*std::move(record), version});
      }
    }
  }
}

void ReplicationControl::on_fenced(const BrokerRegistration& broker, RecordBatch& out) const {
  const NodeId id = broker.id();
  update_partitions({.removed = id}, [&](const PartitionRegistration& p) { return contains(p.isr, id); }, out);
  auto change = change_of(broker);
  change.fenced = kFence;
  out.push_back({std::move(change), kFencingVersion});
}

void ReplicationControl::on_unfenced(const BrokerRegistration& broker, RecordBatch& out) const {
  auto change = change_of(broker);
  change.fenced = kUnfence;
  out.push_back({std::move(change), kFencingVersion});
  update_partitions({.added = broker.id()}, [](const PartitionRegistration& p) { return !p.has_leader(); }, out);
}

void ReplicationControl::on_controlled_shutdown(const BrokerRegistration& broker, RecordBatch& out) const {
  if (!broker.in_controlled_shutdown()) {
    auto change = change_of(broker);
    change.in_controlled_shutdown = 1;
    out.push_back({std::move(change), kShutdownVersion});
  }
  const NodeId id = broker.id();
  update_partitions({.removed = id}, [&](const PartitionRegistration& p) { return contains(p.isr, id); }, out);
}

void ReplicationControl::on_new_incarnation(NodeId broker, bool was_clean, RecordBatch& out) const {
  const auto in_isr = [&](const PartitionRegistration& p) { return contains(p.isr, broker); };
  if (was_clean || !state_.image->elr_enabled()) {
    update_partitions({.removed = broker}, in_isr, out);
    return;
  }
  MOLDAU_PROBE("controller.unclean_restart");
  update_partitions({.unclean_shutdown = broker}, in_isr, out);
  update_partitions(
      {.unclean_shutdown = broker}, [&](const PartitionRegistration& p) { return contains(p.elr, broker); }, out);
}

void ReplicationControl::on_offline_directories(const BrokerRegistration& broker, const std::vector<Uuid>& offline,
                                                RecordBatch& out) const {
  const auto is_offline = [&](const Uuid& id) { return std::ranges::find(offline, id) != offline.end(); };
  std::vector<Uuid> lost;
  std::vector<Uuid> left;
  for (const Uuid& directory : broker.directories()) {
    (is_offline(directory) ? lost : left).push_back(directory);
  }
  if (lost.empty()) {
    return;
  }
  const NodeId id = broker.id();
  for (const Uuid& directory : lost) {
    update_partitions(
        {.removed = id}, [&](const PartitionRegistration& p) { return p.directory(id) == directory; }, out);
  }
  auto change = change_of(broker);
  change.log_dirs = std::move(left);
  out.push_back({std::move(change), kDirectoriesVersion});
}

void ReplicationControl::on_cordoned_directories(const BrokerRegistration& broker,
                                                 const std::optional<std::vector<Uuid>>& cordoned,
                                                 RecordBatch& out) const {
  if (!cordoned) {
    return;
  }
  const auto as_set = [](const std::vector<Uuid>& ids) { return std::set<Uuid>(ids.begin(), ids.end()); };
  if (broker.cordoned() && as_set(*broker.cordoned()) == as_set(*cordoned)) {
    return;
  }
  auto change = change_of(broker);
  change.cordoned_log_dirs = cordoned;
  out.push_back({std::move(change), kCordonedVersion});
}

bool ReplicationControl::leads_any(NodeId broker) const {
  return std::ranges::any_of(state_.image->topics(), [&](const auto& topic) {
    return std::ranges::any_of(topic.value->partitions,
                               [&](const auto& partition) { return partition.value->leader == broker; });
  });
}

Decision<BrokerRegistrationReply> ReplicationControl::register_broker(const RegisterBroker& request, Offset next_offset,
                                                                      Instant now) const {
  auto record = cluster_.registration(request, BrokerEpoch(next_offset.value()), now);
  if (!record) {
    return std::unexpected(std::move(record.error()));
  }
  ControllerResult<BrokerRegistrationReply> result;
  result.response.epoch = BrokerEpoch(record->broker_epoch);
  const BrokerRegistration* existing = state_.image->broker(request.broker);
  if (existing == nullptr || existing->incarnation_id() != request.incarnation_id) {
    const bool was_clean =
        existing != nullptr && request.previous_epoch && *request.previous_epoch == existing->epoch();
    on_new_incarnation(request.broker, was_clean, result.records);
  }
  // The registration comes last: if only a prefix is committed, the broker registers again and the rest is redone.
  result.records.push_back({*std::move(record), register_broker_record_version(state_.version())});
  return result;
}

Decision<ReplicationControl::HeartbeatDecision> ReplicationControl::heartbeat(const BrokerHeartbeat& request) const {
  if (ApiError error = cluster_.check_epoch(request.broker, request.epoch); error.failed()) {
    return std::unexpected(std::move(error));
  }
  const BrokerRegistration& broker = *state_.image->broker(request.broker);
  const BrokerControlState current = state_.heartbeats.current_state(request.broker);
  const bool leads = request.want_shut_down && leads_any(request.broker);
  const HeartbeatWish wish{request.metadata_offset, request.want_fence, request.want_shut_down};
  const BrokerControlState next = state_.heartbeats.next_state(request.broker, wish, broker.registered_at(), leads);

  ControllerResult<HeartbeatDecision> result;
  if (next != current) {
    switch (next) {
      case BrokerControlState::kFenced:
      case BrokerControlState::kShutdownNow: on_fenced(broker, result.records); break;
      case BrokerControlState::kUnfenced: on_unfenced(broker, result.records); break;
      case BrokerControlState::kControlledShutdown: on_controlled_shutdown(broker, result.records); break;
    }
  }
  if (has_directory_assignment(state_.version())) {
    on_offline_directories(broker, request.offline_log_dirs, result.records);
  }
  if (has_cordoned_directories(state_.version())) {
    on_cordoned_directories(broker, request.cordoned_log_dirs, result.records);
  }
  result.response.next = next;
  result.response.reply = {.is_caught_up = request.metadata_offset >= broker.registered_at(),
                           .is_fenced = is_fenced(next),
                           .in_controlled_shutdown = next == BrokerControlState::kControlledShutdown,
                           .should_shut_down = next == BrokerControlState::kShutdownNow};
  return result;
}

RecordBatch ReplicationControl::fence(NodeId broker) const {
  RecordBatch records;
  if (const BrokerRegistration* registration = state_.image->broker(broker)) {
    on_fenced(*registration, records);
  }
  return records;
}

Decision<> ReplicationControl::unregister_broker(NodeId broker) const {
  const BrokerRegistration* registration = state_.image->broker(broker);
  if (registration == nullptr) {
    return refuse(ErrorCode::kBrokerIdNotRegistered, "broker " + std::to_string(broker.value()) + " is not registered");
  }
  ControllerResult<> result;
  update_partitions(
      {.removed = broker}, [&](const PartitionRegistration& p) { return contains(p.isr, broker); }, result.records);
  update_partitions(
      {.removed = broker}, [&](const PartitionRegistration& p) { return contains(p.elr, broker); }, result.records);
  records::UnregisterBrokerRecord record;
  record.broker_id = broker.value();
  record.broker_epoch = registration->epoch().value();
  result.records.push_back({std::move(record), 0});
  return result;
}

ErrorCode ReplicationControl::check_proposal(NodeId leader, const AlterPartition::Proposal& proposal,
                                             const PartitionRegistration* partition) const {
  if (partition == nullptr) {
    return ErrorCode::kUnknownTopicOrPartition;
  }
  // The leader knows a later state than we do: another controller is active.
  if (proposal.leader_epoch > partition->leader_epoch || proposal.partition_epoch > partition->partition_epoch) {
    return ErrorCode::kNotController;
  }
  if (proposal.leader_epoch < partition->leader_epoch) {
    return ErrorCode::kFencedLeaderEpoch;
  }
  if (leader != partition->leader) {
    return ErrorCode::kInvalidRequest;
  }
  if (proposal.partition_epoch < partition->partition_epoch) {
    return ErrorCode::kInvalidUpdateVersion;
  }
  std::set<NodeId> members;
  for (const auto& member : proposal.new_isr) {
    if (!contains(partition->replicas, member.broker) || !members.insert(member.broker).second) {
      return ErrorCode::kInvalidRequest;
    }
  }
  const bool recovering = proposal.recovery == LeaderRecoveryState::kRecovering;
  if (!members.contains(leader) || (recovering && members.size() > 1) ||
      (recovering && partition->recovery == LeaderRecoveryState::kRecovered)) {
    return ErrorCode::kInvalidRequest;
  }
  for (const auto& member : proposal.new_isr) {
    const BrokerRegistration* broker = state_.image->broker(member.broker);
    if (broker == nullptr || !broker->active() || (member.epoch != kNoBrokerEpoch && member.epoch != broker->epoch())) {
      return ErrorCode::kIneligibleReplica;
    }
  }
  return ErrorCode::kNone;
}

Decision<std::vector<AlterPartitionOutcome>> ReplicationControl::alter_partition(const AlterPartition& request) const {
  if (ApiError error = cluster_.check_epoch(request.broker, request.epoch); error.failed()) {
    return std::unexpected(std::move(error));
  }
  ControllerResult<std::vector<AlterPartitionOutcome>> result;
  const LeaderAcceptor acceptor{*state_.image};
  std::set<TopicIdPartition> seen;
  for (const AlterPartition::Proposal& proposal : request.proposals) {
    AlterPartitionOutcome& outcome = result.response.emplace_back();
    outcome.partition = proposal.partition;
    const Topic* topic = state_.image->topic(proposal.partition.topic_id);
    if (topic == nullptr) {
      outcome.error = ErrorCode::kUnknownTopicId;
      continue;
    }
    const PartitionRegistration* partition = topic->partition(proposal.partition.partition);
    outcome.error = check_proposal(request.broker, proposal, partition);
    if (outcome.error == ErrorCode::kNone && !seen.insert(proposal.partition).second) {
      outcome.error = ErrorCode::kInvalidRequest;  // its epoch is spent by the first one
    }
    if (outcome.error != ErrorCode::kNone) {
      continue;
    }
    Replicas isr;
    for (const auto& member : proposal.new_isr) {
      isr.push_back(member.broker);
    }
    const TopicRules rules = state_.rules_of(*topic);
    auto record = PartitionChangeBuilder(*partition, rules, acceptor)
                      .target_isr(std::move(isr))
                      .target_recovery(proposal.recovery)
                      .build(topic->id, proposal.partition.partition);
    outcome.state = *partition;
    if (record) {
      auto merged = partition->merged(*record);
      MOLDAU_ASSERT(merged.has_value());
      outcome.state = *std::move(merged);
      if (outcome.state.leader != request.broker) {
        outcome.error = ErrorCode::kNewLeaderElected;  // the change ended a reassignment that moved the leader
      }
      result.records.push_back({*std::move(record), partition_change_record_version(state_.version())});
    }
  }
  return result;
}

RecordBatch ReplicationControl::elect_unclean_leaders(std::size_t elections_max) const {
  RecordBatch records;
  const LeaderAcceptor acceptor{*state_.image};
  for (const auto& topic : state_.image->topics()) {
    std::optional<TopicRules> rules;
    for (const auto& entry : topic.value->partitions) {
      if (entry.value->has_leader()) {
        continue;
      }
      if (!rules) {
        rules = state_.rules_of(*topic.value);
      }
      if (!rules->unclean_election) {
        break;
      }
      if (records.size() >= elections_max) {
        return records;
      }
      if (auto record = PartitionChangeBuilder(*entry.value, *rules, acceptor).build(topic.key, entry.key)) {
        records.push_back({*std::move(record), partition_change_record_version(state_.version())});
      }
    }
  }
  return records;
}

}  // namespace moldau::metadata
