#include "metadata/loader/controller_shell.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/probe.h"

namespace moldau::metadata {
namespace {

ApiError not_active() {
  return {ErrorCode::kNotController, "this node is not the active controller"};
}

}  // namespace

ControllerShell::ControllerShell(runtime::Shard& shard, MetadataLog& log, MetadataLoader& loader,
                                 const ConfigSchema& schema, Logger& logger, Options options)
    : shard_(shard),
      log_(log),
      loader_(loader),
      logger_(logger),
      options_(std::move(options)),
      entropy_(shard.random()),
      controller_(options_.controller, schema, entropy_),
      session_timer_(shard.timers(), [this] { check_sessions(); }),
      idle_timer_(shard.timers(),
                  [this] {
                    append_quietly(Controller::no_op(), "no-op");
                    arm_idle_timer();
                  }),
      election_timer_(shard.timers(), [this] {
        append_quietly(controller_.elect_unclean_leaders(kElectionsPerRoundMax), "unclean elections");
        election_timer_.arm(shard_.clock().now() + kUncleanElectionInterval);
      }) {}

ControllerShell::~ControllerShell() {
  stop();
}

// --- leadership ---

void ControllerShell::on_leader_change(LeaderEpoch epoch, NodeId leader) {
  const bool was_active = controller_.active();
  epoch_ = epoch;
  leader_ = leader;
  if (stopped_) {
    return;
  }
  const bool is_self = leader == options_.controller.node_id;
  if (was_active && !is_self) {
    log(logger_, LogLevel::kWarn, "controller", "node {} leads epoch {}: no longer the active controller",
        leader.value(), epoch.value());
    become_inactive();
  } else if (!was_active && is_self) {
    activate();
  }
}

void ControllerShell::activate() {
  loader_.flush();
  last_appended_ = log_.next_offset() - 1;
  controller_.activate(loader_.committed_image(), loader_.transaction_open(), now());
  log(logger_, LogLevel::kInfo, "controller", "active in epoch {}, from offset {}", epoch_.value(),
      log_.next_offset().value());
  Decision<> first = controller_.complete_activation(options_.bootstrap);
  if (!first) {
    renounce(first.error().message.c_str());
    return;
  }
  append_quietly(*std::move(first), "activation");
  register_self();
  if (active()) {
    arm_session_timer();
    arm_idle_timer();
    election_timer_.arm(shard_.clock().now() + kUncleanElectionInterval);
  }
}

void ControllerShell::register_self() {
  const auto* registered = controller_.image()->controllers().find(options_.self.controller);
  if (active() && (registered == nullptr || (*registered)->incarnation_id != options_.self.incarnation_id)) {
    if (Decision<> registration = controller_.register_controller(options_.self)) {
      append_quietly(*std::move(registration), "controller registration");
    }  // below metadata.version 15 controllers do not register
  }
}

void ControllerShell::renounce(const char* why) {
  log(logger_, LogLevel::kError, "controller", "gives up epoch {}: {}", epoch_.value(), why);
  become_inactive();
  log_.resign(epoch_);
}

void ControllerShell::become_inactive() {
  controller_.deactivate();
  session_timer_.cancel();
  idle_timer_.cancel();
  election_timer_.cancel();
  for (std::deque<Pending> waiting = std::exchange(pending_, {}); Pending & one : waiting) {
    one.complete(not_active());
  }
}

void ControllerShell::stop() {
  if (std::exchange(stopped_, true)) {
    return;
  }
  if (controller_.active()) {
    become_inactive();
    log_.resign(epoch_);
  }
}

// --- decisions ---

std::optional<ApiError> ControllerShell::refusal() const {
  if (!controller_.active()) {
    return not_active();
  }
  if (pending_.size() >= kPendingMax) {
    MOLDAU_PROBE("controller_shell.queue_full");
    return ApiError{ErrorCode::kRequestTimedOut, "too many changes wait to be committed"};
  }
  return std::nullopt;
}

template <class T>
void ControllerShell::carry_out(Decision<T> decision, Reply<T> reply) {
  if (!decision) {
    reply(std::unexpected(std::move(decision.error())));
    return;
  }
  if (!decision->records.empty()) {
    if (ApiError error = append(std::move(decision->records), decision->atomic); error.failed()) {
      reply(std::unexpected(std::move(error)));
      return;
    }
  }
  if (last_appended_ < committed_end_) {
    reply(std::move(decision->response));
    return;
  }
  pending_.push_back({last_appended_, [reply = std::move(reply),
                                       response = std::move(decision->response)](const ApiError& error) mutable {
                        if (error.failed()) {
                          reply(std::unexpected(error));
                        } else {
                          reply(std::move(response));
                        }
                      }});
}

ApiError ControllerShell::append(RecordBatch records, bool atomic) {
  if (records.size() <= kRecordsPerBatchMax) {
    return append_batch(std::move(records));
  }
  if (atomic) {
    return {ErrorCode::kPolicyViolation, "the change needs more records than one batch may hold"};
  }
  for (std::size_t first = 0; first < records.size(); first += kRecordsPerBatchMax) {
    const std::size_t last = std::min(first + kRecordsPerBatchMax, records.size());
    RecordBatch batch;
    batch.reserve(last - first);
    std::move(records.begin() + static_cast<std::ptrdiff_t>(first), records.begin() + static_cast<std::ptrdiff_t>(last),
              std::back_inserter(batch));
    if (ApiError error = append_batch(std::move(batch)); error.failed()) {
      if (first > 0 && active()) {
        renounce("only a part of a change could be appended");
      }
      return error;
    }
  }
  return {};
}

ApiError ControllerShell::append_batch(RecordBatch records) {
  const Offset base = log_.next_offset();
  const auto count = static_cast<std::int64_t>(records.size());
  const auto appended = log_.append(epoch_, records);
  if (!appended) {
    switch (appended.error()) {
      case MetadataLog::Refused::kTooLarge:
        return {ErrorCode::kPolicyViolation, "the change is larger than one batch may be"};
      case MetadataLog::Refused::kOverloaded:
        return {ErrorCode::kRequestTimedOut, "too many changes wait to be committed"};
      case MetadataLog::Refused::kNotLeader:
      case MetadataLog::Refused::kFailed: break;
    }
    renounce("the metadata log takes no records");
    return not_active();
  }
  MOLDAU_ASSERT(*appended == base + (count - 1), appended->value(), base.value(), count);
  last_appended_ = *appended;
  if (const Result<> replayed = controller_.replay(records, base); !replayed) {
    renounce(replayed.error().message().c_str());
    return {ErrorCode::kUnknownServerError, "the controller contradicted itself"};
  }
  return {};
}

void ControllerShell::append_quietly(ControllerResult<> result, const char* what) {
  if (result.records.empty() || !active()) {
    return;
  }
  if (const ApiError error = append(std::move(result.records), result.atomic); error.failed()) {
    log(logger_, LogLevel::kWarn, "controller", "{}: {}", what, error.message);
  }
}

void ControllerShell::on_committed(Offset end) {
  committed_end_ = end;
  while (!pending_.empty() && pending_.front().last < end) {
    Completion complete = std::move(pending_.front().complete);
    pending_.pop_front();
    complete({});
  }
}

// --- periodic work ---

void ControllerShell::arm_idle_timer() {
  if (active() && options_.max_idle_interval.count() > 0) {
    idle_timer_.arm(shard_.clock().now() + options_.max_idle_interval);
  }
}

void ControllerShell::arm_session_timer() {
  if (!active()) {
    return;
  }
  if (const std::optional<Instant> expiry = controller_.next_session_expiry()) {
    // A session has ended once its time is exceeded.
    session_timer_.arm(runtime::MonoTime(*expiry + std::chrono::milliseconds(1)));
  } else {
    session_timer_.cancel();
  }
}

void ControllerShell::check_sessions() {
  while (active()) {
    std::optional<ControllerResult<>> fencing = controller_.fence_one_stale_broker(now());
    if (!fencing) {
      break;
    }
    log(logger_, LogLevel::kWarn, "controller", "a broker's session has ended: it is fenced");
    append_quietly(*std::move(fencing), "fencing");
  }
  arm_session_timer();
}

// --- requests ---

void ControllerShell::register_broker(RegisterBroker request, Reply<BrokerRegistrationReply> reply) {
  if (auto error = refusal()) {
    return reply(std::unexpected(*std::move(error)));
  }
  carry_out(controller_.register_broker(request, log_.next_offset(), now()), std::move(reply));
}

void ControllerShell::register_controller(RegisterController request, Reply<Nothing> reply) {
  if (auto error = refusal()) {
    return reply(std::unexpected(*std::move(error)));
  }
  carry_out(controller_.register_controller(request), std::move(reply));
}

void ControllerShell::heartbeat(BrokerHeartbeat request, Reply<BrokerHeartbeatReply> reply) {
  if (auto error = refusal()) {
    return reply(std::unexpected(*std::move(error)));
  }
  Decision<BrokerHeartbeatReply> decision = controller_.heartbeat(request, now());
  const bool stopping = decision && decision->response.in_controlled_shutdown;
  carry_out(std::move(decision), std::move(reply));
  if (active()) {
    if (stopping) {
      controller_.on_controlled_shutdown_appended(request.broker, last_appended_ + 1);
    }
    if (!session_timer_.armed()) {
      arm_session_timer();
    }
  }
}

void ControllerShell::unregister_broker(NodeId broker, Reply<Nothing> reply) {
  if (auto error = refusal()) {
    return reply(std::unexpected(*std::move(error)));
  }
  carry_out(controller_.unregister_broker(broker), std::move(reply));
}

void ControllerShell::create_topics(CreateTopics request, Reply<std::vector<TopicCreated>> reply,
                                    MutationQuota* quota) {
  if (auto error = refusal()) {
    return reply(std::unexpected(*std::move(error)));
  }
  carry_out(controller_.create_topics(request, quota), std::move(reply));
}

void ControllerShell::create_partitions(CreatePartitions request, Reply<std::vector<PartitionsAdded>> reply,
                                        MutationQuota* quota) {
  if (auto error = refusal()) {
    return reply(std::unexpected(*std::move(error)));
  }
  carry_out(controller_.create_partitions(request, quota), std::move(reply));
}

void ControllerShell::elect_leaders(ElectLeaders request, Reply<std::vector<LeadersElected>> reply) {
  if (auto error = refusal()) {
    return reply(std::unexpected(*std::move(error)));
  }
  carry_out(controller_.elect_leaders(request), std::move(reply));
}

void ControllerShell::alter_reassignments(AlterReassignments request, Reply<std::vector<ReassignmentsAltered>> reply) {
  if (auto error = refusal()) {
    return reply(std::unexpected(*std::move(error)));
  }
  carry_out(controller_.alter_reassignments(request), std::move(reply));
}

void ControllerShell::list_reassignments(ListReassignments request, Reply<std::vector<OngoingReassignments>> reply) {
  if (!active()) {
    return reply(std::unexpected(not_active()));
  }
  reply(ongoing_reassignments(*loader_.committed_image(), request));
}

void ControllerShell::update_features(UpdateFeatures request, Reply<Nothing> reply) {
  if (auto error = refusal()) {
    return reply(std::unexpected(*std::move(error)));
  }
  carry_out(controller_.update_features(request), std::move(reply));
  register_self();
}

void ControllerShell::delete_topics(std::vector<TopicDeletion> request, Reply<std::vector<TopicDeleted>> reply,
                                    MutationQuota* quota) {
  if (auto error = refusal()) {
    return reply(std::unexpected(*std::move(error)));
  }
  carry_out(controller_.delete_topics(request, quota), std::move(reply));
}

void ControllerShell::alter_configs(std::vector<ResourceAlterations> request, bool validate_only,
                                    Reply<std::vector<ResourceOutcome>> reply) {
  if (auto error = refusal()) {
    return reply(std::unexpected(*std::move(error)));
  }
  carry_out(controller_.alter_configs(request, validate_only), std::move(reply));
}

void ControllerShell::alter_configs_legacy(std::vector<ResourceAlterations> request, bool validate_only,
                                           Reply<std::vector<ResourceOutcome>> reply) {
  if (auto error = refusal()) {
    return reply(std::unexpected(*std::move(error)));
  }
  carry_out(controller_.alter_configs_legacy(request, validate_only), std::move(reply));
}

void ControllerShell::alter_client_quotas(std::vector<QuotaAlteration> request, bool validate_only,
                                          Reply<std::vector<QuotaOutcome>> reply) {
  if (auto error = refusal()) {
    return reply(std::unexpected(*std::move(error)));
  }
  carry_out(controller_.alter_client_quotas(request, validate_only), std::move(reply));
}

void ControllerShell::alter_partition(AlterPartition request, Reply<std::vector<AlterPartitionOutcome>> reply) {
  if (auto error = refusal()) {
    return reply(std::unexpected(*std::move(error)));
  }
  carry_out(controller_.alter_partition(request), std::move(reply));
}

void ControllerShell::assign_replicas_to_dirs(AssignReplicasToDirs request, Reply<std::vector<ErrorCode>> reply) {
  if (auto error = refusal()) {
    return reply(std::unexpected(*std::move(error)));
  }
  carry_out(controller_.assign_replicas_to_dirs(request), std::move(reply));
}

void ControllerShell::allocate_producer_ids(NodeId broker, BrokerEpoch epoch, Reply<ProducerIdBlock> reply) {
  if (auto error = refusal()) {
    return reply(std::unexpected(*std::move(error)));
  }
  carry_out(controller_.allocate_producer_ids(broker, epoch), std::move(reply));
}

}  // namespace moldau::metadata
