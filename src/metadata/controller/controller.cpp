#include "metadata/controller/controller.h"

#include "base/assert.h"
#include "base/probe.h"

namespace moldau::metadata {

Controller::Controller(ControllerOptions options, const ConfigSchema& schema, Entropy& entropy)
    : state_(std::move(options), schema, entropy),
      cluster_(state_),
      replication_(state_),
      directories_(state_),
      topics_(state_),
      configs_(state_),
      quotas_(state_),
      producer_ids_(state_),
      elections_(state_),
      reassignments_(state_),
      features_(state_) {}

void Controller::activate(std::shared_ptr<const Image> committed, bool open_transaction, Instant now) {
  MOLDAU_ASSERT(!active_);
  active_ = true;
  state_.image = std::move(committed);
  open_transaction_ = open_transaction;
  before_transaction_ = open_transaction ? state_.image : nullptr;
  state_.heartbeats = Heartbeats(state_.options.session_timeout);
  for (const auto& broker : state_.image->brokers()) {
    const BrokerRegistration& registration = *broker.value;
    state_.heartbeats.on_registered(broker.key, registration.epoch(), registration.fenced());
    if (!registration.fenced()) {
      state_.heartbeats.on_contact(broker.key, registration.epoch(), now);
    }
  }
}

void Controller::deactivate() {
  active_ = false;
  state_.image = std::make_shared<const Image>();
  before_transaction_.reset();
  open_transaction_ = false;
  state_.heartbeats = Heartbeats(state_.options.session_timeout);
}

Decision<> Controller::complete_activation(const RecordBatch& bootstrap) const {
  return activation_records(*state_.image, open_transaction_, bootstrap, state_.options.static_min_insync_replicas);
}

Result<void> Controller::replay(const RecordBatch& records, Offset base) {
  std::optional<Delta> delta;
  delta.emplace(state_.image);
  std::set<NodeId> brokers;
  Offset offset = base;
  for (const auto& record : records) {
    MOLDAU_CHECK(replay_one(record.record, offset, delta, brokers));
    ++offset;
  }
  brokers.insert(delta->changes().brokers.begin(), delta->changes().brokers.end());
  state_.image = delta->apply({offset - 1, kNoLeaderEpoch, kNoTimestamp});
  follow_brokers(brokers);
  return {};
}

Result<void> Controller::replay_one(const records::AnyMetadataRecord& record, Offset offset,
                                    std::optional<Delta>& delta, std::set<NodeId>& brokers) {
  if (std::holds_alternative<records::BeginTransactionRecord>(record)) {
    if (open_transaction_) {
      return fail(ErrorKind::kCorrupt, "a metadata transaction within another", 0, offset.value());
    }
    // What came before it in this batch stays, whatever happens to the transaction.
    brokers.insert(delta->changes().brokers.begin(), delta->changes().brokers.end());
    before_transaction_ = delta->apply({offset - 1, kNoLeaderEpoch, kNoTimestamp});
    delta.emplace(before_transaction_);
    open_transaction_ = true;
    return {};
  }
  const bool ends = std::holds_alternative<records::EndTransactionRecord>(record);
  const bool aborts = std::holds_alternative<records::AbortTransactionRecord>(record);
  if (ends || aborts) {
    if (!open_transaction_) {
      return fail(ErrorKind::kCorrupt, "the end of no metadata transaction", 0, offset.value());
    }
    if (aborts) {
      MOLDAU_PROBE("controller.aborted_transaction");
      for (const Image* image : {&delta->next(), before_transaction_.get()}) {
        for (const auto& broker : image->brokers()) {
          brokers.insert(broker.key);
        }
      }
      delta.emplace(before_transaction_);
    }
    open_transaction_ = false;
    before_transaction_.reset();
    return {};
  }
  return delta->replay(record, offset);
}

void Controller::follow_brokers(const std::set<NodeId>& brokers) {
  for (const NodeId id : brokers) {
    if (const BrokerRegistration* broker = state_.image->broker(id)) {
      state_.heartbeats.on_registered(id, broker->epoch(), broker->fenced());
    } else {
      state_.heartbeats.remove(id);
    }
  }
}

Decision<BrokerRegistrationReply> Controller::register_broker(const RegisterBroker& request, Offset next_offset,
                                                              Instant now) const {
  return replication_.register_broker(request, next_offset, now);
}

Decision<> Controller::register_controller(const RegisterController& request) const {
  return cluster_.register_controller(request);
}

Decision<BrokerHeartbeatReply> Controller::heartbeat(const BrokerHeartbeat& request, Instant now) {
  state_.heartbeats.on_contact(request.broker, request.epoch, now);
  auto decision = replication_.heartbeat(request);
  if (!decision) {
    return std::unexpected(std::move(decision.error()));
  }
  state_.heartbeats.touch(request.broker, is_fenced(decision->response.next), request.metadata_offset);
  return ControllerResult<BrokerHeartbeatReply>{std::move(decision->records), decision->response.reply,
                                                decision->atomic};
}

void Controller::on_controlled_shutdown_appended(NodeId broker, Offset end) {
  const BrokerRegistration* registration = state_.image->broker(broker);
  if (registration != nullptr && !registration->fenced()) {
    state_.heartbeats.enter_controlled_shutdown(broker, end - 1);
  }
}

Decision<> Controller::unregister_broker(NodeId broker) const {
  return replication_.unregister_broker(broker);
}

Decision<std::vector<TopicCreated>> Controller::create_topics(const CreateTopics& request, MutationQuota* quota) const {
  return topics_.create(request, quota);
}

Decision<std::vector<PartitionsAdded>> Controller::create_partitions(const CreatePartitions& request,
                                                                     MutationQuota* quota) const {
  return topics_.create_partitions(request, quota);
}

Decision<std::vector<LeadersElected>> Controller::elect_leaders(const ElectLeaders& request) const {
  return elections_.elect(request);
}

Decision<std::vector<ReassignmentsAltered>> Controller::alter_reassignments(const AlterReassignments& request) const {
  return reassignments_.alter(request);
}

Decision<> Controller::update_features(const UpdateFeatures& request) const {
  return features_.update(request);
}

Decision<std::vector<TopicDeleted>> Controller::delete_topics(const std::vector<TopicDeletion>& request,
                                                              MutationQuota* quota) const {
  return topics_.remove(request, quota);
}

Decision<std::vector<ResourceOutcome>> Controller::alter_configs(const std::vector<ResourceAlterations>& request,
                                                                 bool validate_only) const {
  return configs_.alter_incrementally(request, validate_only);
}

Decision<std::vector<ResourceOutcome>> Controller::alter_configs_legacy(const std::vector<ResourceAlterations>& request,
                                                                        bool validate_only) const {
  return configs_.alter_legacy(request, validate_only);
}

Decision<std::vector<QuotaOutcome>> Controller::alter_client_quotas(const std::vector<QuotaAlteration>& request,
                                                                    bool validate_only) const {
  return quotas_.alter(request, validate_only);
}

Decision<std::vector<AlterPartitionOutcome>> Controller::alter_partition(const AlterPartition& request) const {
  return replication_.alter_partition(request);
}

Decision<std::vector<ErrorCode>> Controller::assign_replicas_to_dirs(const AssignReplicasToDirs& request) const {
  return directories_.assign(request);
}

Decision<ProducerIdBlock> Controller::allocate_producer_ids(NodeId broker, BrokerEpoch epoch) const {
  return producer_ids_.next_block(broker, epoch);
}

std::optional<ControllerResult<>> Controller::fence_one_stale_broker(Instant now) {
  while (const std::optional<NodeId> broker = state_.heartbeats.take_expired(now)) {
    const BrokerRegistration* registration = state_.image->broker(*broker);
    if (registration == nullptr || registration->fenced()) {
      continue;  // nothing is lost by a fenced broker that stops talking
    }
    MOLDAU_PROBE("controller.fenced_stale_broker");
    ControllerResult<> result;
    result.records = replication_.fence(*broker);
    return result;
  }
  return std::nullopt;
}

ControllerResult<> Controller::elect_unclean_leaders(std::size_t elections_max) const {
  ControllerResult<> result;
  result.records = replication_.elect_unclean_leaders(elections_max);
  return result;
}

ControllerResult<> Controller::no_op() {
  ControllerResult<> result;
  result.records.push_back({records::NoOpRecord{}, 0});
  return result;
}

void Controller::check_invariants() const {
  state_.image->check_invariants();
  for (const auto& topic : state_.image->topics()) {
    const bool elr_enabled = state_.image->elr_enabled();
    const std::int64_t minimum = state_.min_insync_replicas_of(*topic.value);
    for (const auto& entry : topic.value->partitions) {
      const PartitionRegistration& partition = *entry.value;
      // The minimum as configured: capped, it falls for all partitions when the first one gets fewer replicas.
      MOLDAU_ASSERT(partition.elr.empty() || static_cast<std::int64_t>(partition.isr.size()) < minimum,
                    entry.key.value());
      for (const NodeId member : partition.isr) {
        const BrokerRegistration* broker = state_.image->broker(member);
        MOLDAU_ASSERT(broker == nullptr || !broker->fenced() || !elr_enabled, member.value());
      }
    }
  }
}

}  // namespace moldau::metadata
