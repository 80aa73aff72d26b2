#include "replication/partition/partition.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "protocol/record/validate.h"
#include "replication/partition/partition_state.h"

namespace moldau::replication {
namespace {

using protocol::ErrorCode;

constexpr const char* kArea = "replication";

storage::ProducerOrigin to_storage(AppendOrigin origin) noexcept {
  switch (origin) {
    case AppendOrigin::kClient: return storage::ProducerOrigin::kClient;
    case AppendOrigin::kCoordinator: return storage::ProducerOrigin::kCoordinator;
    case AppendOrigin::kReplica: return storage::ProducerOrigin::kReplica;
    case AppendOrigin::kRaft: return storage::ProducerOrigin::kRaft;
  }
  return storage::ProducerOrigin::kClient;
}

ErrorCode to_wire_code(storage::AppendRefusal refusal) noexcept {
  switch (refusal) {
    case storage::AppendRefusal::kOutOfOrderSequence: return ErrorCode::kOutOfOrderSequenceNumber;
    case storage::AppendRefusal::kInvalidProducerEpoch: return ErrorCode::kInvalidProducerEpoch;
    case storage::AppendRefusal::kInvalidTxnState: return ErrorCode::kInvalidTxnState;
    case storage::AppendRefusal::kCoordinatorFenced: return ErrorCode::kTransactionCoordinatorFenced;
    case storage::AppendRefusal::kBatchTooLarge: return ErrorCode::kRecordListTooLarge;
    case storage::AppendRefusal::kCorrupt: return ErrorCode::kCorruptMessage;
    case storage::AppendRefusal::kOffsetsOutOfOrder:
    case storage::AppendRefusal::kUnexpectedOffset: return ErrorCode::kOffsetOutOfRange;
    case storage::AppendRefusal::kEpochMismatch: return ErrorCode::kFencedLeaderEpoch;
    case storage::AppendRefusal::kFenced:
    case storage::AppendRefusal::kStorage: return ErrorCode::kKafkaStorageError;
  }
  return ErrorCode::kUnknownServerError;
}

RestoredReplica restored(const storage::Log& log, Offset high_watermark) {
  return {log.log_start(), log.log_end(), high_watermark};
}

}  // namespace

Partition::Partition(PartitionEnvironment& environment, TopicPartition name, Uuid topic_id,
                     std::unique_ptr<storage::Log> log, Offset high_watermark, const PartitionConfig& config)
    : environment_(environment),
      name_(std::move(name)),
      topic_id_(topic_id),
      log_(std::move(log)),
      config_(config),
      core_(environment.self, restored(*log_, high_watermark), std::max(1, config.min_isr),
            environment.replica_lag_max),
      durable_end_(log_->durable_end()),
      offline_(log_->offline()),
      last_use_(environment.shard.clock().now()),
      alive_(std::make_shared<Partition*>(this)) {
  log_->on_config(config.log);
  log_->on_high_watermark(core_.high_watermark());
  check_invariants();
}

Partition::~Partition() {
  *alive_ = nullptr;
  environment_.sync.withdraw(*this);
  // A deletion that still waits is given up unanswered: its request has gone before.
  MOLDAU_ASSERT(!acks_.linked());
}

// --- metadata events ---

void Partition::on_registration(const PartitionRegistration& registration) {
  if (offline_ || !log_ || log_->fenced()) {
    return;  // it can neither lead nor follow
  }
  const LeaderEpoch before = core_.leader_epoch();
  const Role role_before = core_.role();
  Effects effects;
  const auto refused = core_.on_registration(registration, environment_.brokers, mono_ms(), effects);
  if (refused == RegistrationRefusal::kMalformed) {
    moldau::log(environment_.logger, LogLevel::kError, kArea,
                "{}-{}: the registration of partition epoch {} is malformed", name_.topic, name_.partition.value(),
                registration.partition_epoch);
  }
  if (refused) {
    return;
  }
  const bool changed = core_.leader_epoch() != before || core_.role() != role_before;
  if (changed) {
    moldau::log(environment_.logger, core_.is_leader() ? LogLevel::kInfo : LogLevel::kDebug, kArea,
                "{}-{}: {} in leader epoch {}, log [{}, {}), high watermark {}", name_.topic, name_.partition.value(),
                core_.is_leader() ? "leads" : "follows", core_.leader_epoch().value(), core_.log_start().value(),
                core_.log_end().value(), core_.high_watermark().value());
  }
  apply(effects);
  if (changed) {
    wake_fetches(true);
  }
}

void Partition::on_brokers_changed() {
  Effects effects;
  core_.on_brokers(environment_.brokers, mono_ms(), effects);
  apply(effects);
}

void Partition::on_config(const PartitionConfig& config) {
  config_ = config;
  if (log_) {
    log_->on_config(config.log);
  }
  Effects effects;
  core_.on_min_isr(std::max(1, config.min_isr), environment_.brokers, mono_ms(), effects);
  apply(effects);
  complete_acks();  // the sync policy may have been relaxed
}

void Partition::on_alter_partition_answer(const AlterPartitionAnswer& answer) {
  Effects effects;
  core_.on_alter_partition_answer(answer, environment_.brokers, mono_ms(), effects);
  apply(effects);
  complete_acks();  // an ISR that shrank is told to those whose offset was reached before
}

void Partition::on_lag_tick() {
  Effects effects;
  core_.on_tick(environment_.brokers, mono_ms(), effects);
  apply(effects);
}

std::unique_ptr<storage::Log> Partition::on_deleted() {
  auto log = end(ErrorCode::kUnknownTopicOrPartition);
  tell([this](PartitionListener& listener) { listener.on_deleted(*this); });
  return log;
}

std::unique_ptr<storage::Log> Partition::release() {
  return end(ErrorCode::kNotLeaderOrFollower);
}

std::unique_ptr<storage::Log> Partition::end(ErrorCode code) {
  environment_.sync.withdraw(*this);
  Effects effects;
  core_.on_offline(effects);
  auto log = std::move(log_);
  release_appends();
  fail_waiters(code);
  if (effects.leadership == LeadershipChange::kLost) {
    tell([this](PartitionListener& listener) { listener.on_leadership_lost(*this); });
  }
  return log;
}

void Partition::on_directory_failed() {
  if (offline_) {
    return;
  }
  offline_ = true;
  release_appends();
  Effects effects;
  core_.on_offline(effects);
  fail_waiters(ErrorCode::kKafkaStorageError);
  if (effects.leadership == LeadershipChange::kLost) {
    tell([this](PartitionListener& listener) { listener.on_leadership_lost(*this); });
  }
  tell([this](PartitionListener& listener) { listener.on_offline(*this); });
}

void Partition::on_storage_failure(const Error& error) {
  if (offline_) {
    return;
  }
  moldau::log(environment_.logger, LogLevel::kError, kArea, "{}-{}: {}", name_.topic, name_.partition.value(),
              error.message());
  environment_.directory.on_storage_failure(*this, error);
  on_directory_failed();
}

// --- the one door ---

std::expected<Appended, Refusal> Partition::append(AppendOrigin origin, LeaderEpoch expected,
                                                   record::ValidatedBatch& batch, Acks acks) {
  MOLDAU_ASSERT(origin == AppendOrigin::kClient || origin == AppendOrigin::kCoordinator,
                static_cast<std::int64_t>(origin));
  if (auto refused = unavailable(expected, true)) {
    return std::unexpected(*refused);
  }
  if (hold_) {
    return std::unexpected(refusal(ErrorCode::kNotLeaderOrFollower));
  }
  if (acks == Acks::kAll && !core_.enough_replicas()) {
    return std::unexpected(refusal(ErrorCode::kNotEnoughReplicas, "fewer in-sync replicas than min.insync.replicas"));
  }
  const auto result = log_->append_as_leader(batch, core_.leader_epoch(), to_storage(origin), wall_ms());
  if (!result) {
    return std::unexpected(refuse_append(result.error()));
  }
  const bool stamped = batch.header.timestamp_type() == record::TimestampType::kLogAppendTime;
  return finish_append(*result, acks,
                       !result->duplicate && stamped ? batch.header.max_timestamp : result->append_time_ms);
}

std::expected<Appended, Refusal> Partition::append(AppendOrigin origin, LeaderEpoch expected, MutableBytes batches) {
  MOLDAU_ASSERT(origin == AppendOrigin::kReplica || origin == AppendOrigin::kRaft, static_cast<std::int64_t>(origin));
  const bool as_leader = origin == AppendOrigin::kRaft;
  if (auto refused = unavailable(expected, as_leader)) {
    return std::unexpected(*refused);
  }
  if (!as_leader && core_.role() != Role::kFollower) {
    return std::unexpected(refusal(ErrorCode::kNotLeaderOrFollower));
  }
  const auto result = log_->append_as_is(batches, core_.leader_epoch(), to_storage(origin), wall_ms());
  if (!result) {
    return std::unexpected(refuse_append(result.error()));
  }
  return finish_append(*result, as_leader ? Acks::kAll : Acks::kLeader, kNoTimestamp);
}

std::expected<Appended, Refusal> Partition::finish_append(const storage::AppendResult& result, Acks acks,
                                                          std::int64_t append_time_ms) {
  const Appended appended{result.first_offset, result.last_offset,   append_time_ms,
                          log_->log_start(),   core_.leader_epoch(), result.duplicate};
  note_use();
  rolled_ = rolled_ || result.rolled;
  // A rolled segment is synced in the background as in Kafka: the recovery point can pass it then.
  if (result.rolled || (acks == Acks::kAll && config_.acks_all_sync && durable_end_ <= result.last_offset) ||
      log_->unsynced_records() >= config_.flush_messages) {
    request_sync();
  }
  if (!result.duplicate) {
    Effects effects;
    core_.on_append(log_->log_end(), environment_.brokers, mono_ms(), effects);
    const bool told = effects.high_watermark.has_value();
    apply(effects);
    if (!told) {
      wake_fetches(false);  // those who read to the log end
    }
  }
  return appended;
}

Refusal Partition::refuse_append(const storage::AppendError& error) {
  const Refusal answer = refusal(to_wire_code(error.refusal), error.cause.context());
  if (error.refusal == storage::AppendRefusal::kStorage) {
    on_storage_failure(error.cause);
  }
  return answer;
}

Refusal Partition::refusal(ErrorCode code, const char* message) const {
  return {code, message, core_.leader(), core_.leader_epoch()};
}

std::optional<Refusal> Partition::unavailable(LeaderEpoch current, bool leader_only) const {
  if (!log_) {
    return refusal(ErrorCode::kUnknownTopicOrPartition);
  }
  if (offline_ || log_->fenced()) {
    return refusal(ErrorCode::kKafkaStorageError, "the log directory is offline, or the log is damaged");
  }
  if (current != kNoLeaderEpoch && current != core_.leader_epoch()) {
    return refusal(current < core_.leader_epoch() ? ErrorCode::kFencedLeaderEpoch : ErrorCode::kUnknownLeaderEpoch);
  }
  if (core_.role() == Role::kNone || (leader_only && !core_.is_leader())) {
    return refusal(ErrorCode::kNotLeaderOrFollower);
  }
  return std::nullopt;
}

// --- carrying out ---

void Partition::apply(Effects& effects) {
  if (effects.assign_epoch_start) {
    if (const auto assigned = log_->assign_epoch_start(effects.assign_epoch_start->epoch); !assigned) {
      on_storage_failure(assigned.error());
      return;
    }
  }
  if (effects.high_watermark && log_) {
    log_->on_high_watermark(core_.high_watermark());
  }
  check_invariants();
  if (effects.leadership == LeadershipChange::kGained) {
    tell([this](PartitionListener& listener) { listener.on_leadership_gained(*this, core_.leader_epoch()); });
  } else if (effects.leadership == LeadershipChange::kLost) {
    fail_waiters(ErrorCode::kNotLeaderOrFollower);
    tell([this](PartitionListener& listener) { listener.on_leadership_lost(*this); });
  }
  if (effects.alter_partition) {
    environment_.alter_partition.send(*this, *effects.alter_partition);
  }
  if (effects.high_watermark) {
    tell_high_watermark();
  }
}

void Partition::tell_high_watermark() {
  tell([this](PartitionListener& listener) { listener.on_high_watermark(*this, core_.high_watermark()); });
  complete_acks();
  wake_fetches(false);
}

// --- follower ---

void Partition::on_leader_values(Offset high_watermark, Offset log_start) {
  if (unavailable(kNoLeaderEpoch, false) || core_.is_leader()) {
    return;
  }
  Effects effects;
  core_.on_leader_high_watermark(high_watermark, effects);
  apply(effects);
  const Offset start = std::min(log_start, core_.log_end());
  if (start > core_.log_start()) {
    if (const auto advanced = log_->advance_log_start(start); !advanced) {
      on_storage_failure(advanced.error());
      return;
    }
    Effects moved;
    core_.on_log_start(log_->log_start(), moved);
    apply(moved);
  }
}

Result<> Partition::truncate_to(Offset offset) {
  MOLDAU_ASSERT(log_ && !core_.is_leader(), offset.value());
  if (const auto truncated = log_->truncate_to(offset, wall_ms()); !truncated) {
    on_storage_failure(truncated.error());
    return std::unexpected(truncated.error());
  }
  after_truncation();
  return {};
}

Result<> Partition::truncate_fully_and_start_at(Offset offset) {
  MOLDAU_ASSERT(log_ && !core_.is_leader(), offset.value());
  if (const auto truncated = log_->truncate_fully_and_start_at(offset, wall_ms()); !truncated) {
    on_storage_failure(truncated.error());
    return std::unexpected(truncated.error());
  }
  after_truncation();
  return {};
}

void Partition::after_truncation() {
  durable_end_ = log_->durable_end();
  Effects effects;
  core_.on_truncate(log_->log_start(), log_->log_end(), effects);
  apply(effects);
  wake_fetches(true);
}

// --- moving ---

void Partition::hold_appends() {
  MOLDAU_ASSERT(!hold_ && log_ && !offline_);
  hold_ = std::make_unique<std::vector<Callback>>();
}

void Partition::release_appends() {
  if (const auto released = std::exchange(hold_, nullptr)) {
    for (Callback& resume : *released) {
      resume();
    }
  }
}

std::unique_ptr<storage::Log> Partition::replace_log(std::unique_ptr<storage::Log> log) {
  MOLDAU_ASSERT(hold_ && !ticket_ && log_ && !offline_);
  MOLDAU_ASSERT(log->log_start() == log_->log_start(), log->log_start().value(), log_->log_start().value());
  MOLDAU_ASSERT(log->log_end() == log_->log_end(), log->log_end().value(), log_->log_end().value());
  MOLDAU_ASSERT(log->durable_end() == log->log_end(), log->durable_end().value());
  environment_.sync.withdraw(*this);  // what was asked for is of the old log
  log->on_config(config_.log);
  log->on_high_watermark(core_.high_watermark());
  std::unique_ptr<storage::Log> old = std::exchange(log_, std::move(log));
  rolled_ = false;
  released_ = true;
  durable_end_ = log_->durable_end();
  check_invariants();
  tell([this](PartitionListener& listener) { listener.on_durable_end(*this, durable_end_); });
  complete_acks();
  return old;
}

// --- upkeep ---

void Partition::enforce_retention() {
  if (unavailable(kNoLeaderEpoch, false)) {
    return;
  }
  released_ = false;  // the check may open what an idle partition had closed
  const auto deleted = log_->enforce_retention(wall_ms(), core_.high_watermark());
  if (!deleted) {
    (void)refuse_io(deleted.error());  // damage is this partition's own and is met again by its readers
    return;
  }
  if (log_->log_start() != core_.log_start()) {
    Effects effects;
    core_.on_log_start(log_->log_start(), effects);
    apply(effects);
    complete_deletes();
  }
}

void Partition::expire_producers() {
  if (log_ && !offline_) {
    log_->expire_producers(wall_ms());
  }
}

void Partition::note_use() noexcept {
  last_use_ = environment_.shard.clock().now();
  released_ = false;
}

void Partition::release_if_unused_since(runtime::MonoTime since) {
  if (!log_ || offline_ || released_ || last_use_ > since || ticket_) {
    return;
  }
  if (log_->has_unsynced()) {
    request_sync();
    return;
  }
  log_->release_idle_resources();
  released_ = true;
  if (log_->offline()) {
    on_storage_failure({ErrorKind::kIo, "the files of an idle partition could not be written out"});
  }
}

std::vector<std::string> Partition::take_due_deletions() {
  return log_ ? log_->take_due_deletions(wall_ms()) : std::vector<std::string>{};
}

// --- questions ---

Offset Partition::last_stable_offset() const noexcept {
  if (!log_) {
    return core_.high_watermark();
  }
  const auto unstable = log_->first_unstable_offset();
  return unstable && *unstable < core_.high_watermark() ? *unstable : core_.high_watermark();
}

Offset Partition::bound_of(FetchIsolation isolation) const noexcept {
  switch (isolation) {
    case FetchIsolation::kHighWatermark: return core_.high_watermark();
    case FetchIsolation::kLastStable: return last_stable_offset();
    case FetchIsolation::kLogEnd: return core_.log_end();
  }
  return core_.high_watermark();
}

MonoMs Partition::mono_ms() const noexcept {
  return std::chrono::duration_cast<std::chrono::milliseconds>(environment_.shard.clock().now().time_since_epoch())
      .count();
}

void Partition::add_listener(PartitionListener& listener) {
  MOLDAU_ASSERT(listeners_.size() < kListenersMax);
  listeners_.push_back(&listener);
}

void Partition::remove_listener(PartitionListener& listener) noexcept {
  std::erase(listeners_, &listener);
}

void Partition::check_invariants() const {
  core_.check_invariants();
  if (!log_) {
    return;
  }
  MOLDAU_ASSERT(last_stable_offset() <= core_.high_watermark(), last_stable_offset().value());
  MOLDAU_ASSERT(core_.log_start() == log_->log_start() || offline_, core_.log_start().value(),
                log_->log_start().value());
  MOLDAU_ASSERT(core_.log_end() == log_->log_end() || offline_, core_.log_end().value(), log_->log_end().value());
  MOLDAU_ASSERT(durable_end_ <= log_->log_end() || offline_, durable_end_.value(), log_->log_end().value());
}

}  // namespace moldau::replication
