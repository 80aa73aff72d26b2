#include "storage/log/log.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/probe.h"
#include "storage/epoch/leader_epoch_file.h"
#include "storage/log/log_state.h"
#include "storage/recovery/log_recovery.h"

namespace moldau::storage {
namespace {

LogLevel level_of(Severity severity) noexcept {
  switch (severity) {
    case Severity::kInfo: return LogLevel::kInfo;
    case Severity::kWarn: return LogLevel::kWarn;
    case Severity::kError: break;
  }
  return LogLevel::kError;
}

}  // namespace

Log::Log(LogEnvironment environment, std::string directory, TopicPartition name, const LogConfig& config)
    : environment_(environment),
      name_(std::move(name)),
      state_(new State{.context = {.fs = environment.fs,
                                   .logger = environment.logger,
                                   .directory = std::move(directory),
                                   .config = config}}) {}

Log::~Log() = default;

// --- opening and closing ---

Result<std::unique_ptr<Log>> Log::open(LogEnvironment environment, std::string directory, TopicPartition name,
                                       const LogConfig& config, const OpenHints& hints) {
  std::unique_ptr<Log> opened(new Log(environment, std::move(directory), std::move(name), config));
  State& state = *opened->state_;
  auto recovered = recover_log(state.context, hints, environment.random, opened->report_);
  for (const OpenLine& line : opened->report_.lines) {
    log(environment.logger, level_of(line.severity), "storage", "{}-{}: {}", opened->name_.topic,
        opened->name_.partition.value(), line.text);
  }
  if (!recovered) {
    return std::unexpected(recovered.error());
  }
  opened->log_start_ = recovered->log_start;
  opened->log_end_ = recovered->log_end;
  opened->durable_end_ = recovered->durable_end;
  opened->recovery_point_ = recovered->recovery_point;
  state.segments = std::move(recovered->segments);
  state.epochs = std::move(recovered->epochs);
  state.epochs_unsynced = recovered->epochs_unsynced;
  state.producers = std::move(recovered->producers);
  state.snapshots = std::move(recovered->snapshots);
  for (std::string& path : recovered->deleted_paths) {
    state.deletions.push_back({hints.now_ms + config.file_delete_delay_ms, std::move(path)});
  }
  state.compacted_below = hints.compacted_below;
  opened->settle_unsynced(hints);
  return opened;
}

void Log::settle_unsynced(const OpenHints& hints) {
  state_->parent_unsynced = hints.new_directory;
  for (const auto& segment : state_->segments) {
    segment->collect_unsynced(state_->context.unsynced);
  }
  if (durable_end_ < log_end_) {
    unsynced_since_ms_ = hints.now_ms;
  }
  state_->context.scan_buffer = {};
  if (!fenced()) {
    check_invariants();
  }
}

Result<> Log::close(bool clean) {
  if (fenced() || !clean) {
    state_->segments.clear();
    return {};
  }
  MOLDAU_CHECK(usable());
  if (state_->ticket_out) {
    return fail(ErrorKind::kInvalid, "a sync of the log is in flight");
  }
  const auto write_out = [&]() -> Result<> {
    MOLDAU_CHECK(state_->active().become_inactive());
    for (const auto& segment : state_->segments) {
      MOLDAU_CHECK(segment->write_indexes());
    }
    MOLDAU_CHECK(take_producer_snapshot());
    return collect_unsynced().run(environment_.fs);
  };
  auto written = write_out();
  state_->ticket_out = false;
  if (!written) {
    return std::unexpected(go_offline(written.error()));
  }
  durable_end_ = recovery_point_ = log_end_;
  state_->segments.clear();
  return {};
}

Error Log::go_offline(const Error& error) {
  if (!offline_) {
    MOLDAU_PROBE("log.offline");
    offline_ = true;
    log(environment_.logger, LogLevel::kError, "storage", "{}-{}: {}; nothing is written to the log any more",
        name_.topic, name_.partition.value(), error.message());
  }
  return error;
}

// --- producer snapshots ---

Result<> Log::take_producer_snapshot() {
  const Offset end = state_->producers.map_end();
  const Offset newest = state_->snapshots.empty() ? log_start_ : *state_->snapshots.rbegin();
  if (end <= newest && (state_->snapshots.contains(end) || state_->producers.size() == 0)) {
    return {};
  }
  MOLDAU_CHECK(write_producer_snapshot(state_->context, state_->producers));
  state_->snapshots.insert(end);
  return {};
}

Result<> Log::drop_producer_snapshot(Offset offset) {
  return state_->snapshots.erase(offset) == 0 ? Result<>{} : remove_producer_snapshot(state_->context, offset);
}

void Log::on_recovery_point_checkpointed(Offset recovery_point) {
  if (!usable() || state_->snapshots.empty()) {
    return;
  }
  const Offset needed = state_->segments[segment_of(recovery_point)]->base();
  const Offset newest = *state_->snapshots.rbegin();
  for (const Offset offset : SnapshotOffsets(state_->snapshots)) {
    if (offset < needed && offset != newest) {
      if (auto dropped = drop_producer_snapshot(offset); !dropped) {
        go_offline(dropped.error());
        return;
      }
    }
  }
}

// --- durability ---

bool Log::has_unsynced() const noexcept {
  const SegmentContext& context = state_->context;
  return !fenced() && !offline_ && !state_->segments.empty() &&
         (state_->active().unsynced() || !context.unsynced.empty() || context.names_unsynced ||
          state_->epochs_unsynced || state_->parent_unsynced);
}

SyncTicket Log::collect_unsynced() {
  SyncTicket ticket;
  ticket.end = log_end_;
  ticket.truncations = state_->truncations;
  if (!usable()) {
    return ticket;
  }
  MOLDAU_ASSERT(!state_->ticket_out);
  state_->ticket_out = true;
  SegmentContext& context = state_->context;
  ticket.files = std::exchange(context.unsynced, {});
  state_->active().collect_unsynced(ticket.files);
  if (std::exchange(state_->epochs_unsynced, false)) {
    ticket.replacements.push_back({runtime::join_path(context.directory, kLeaderEpochFile),
                                   to_vector(as_bytes(format_leader_epochs(state_->epochs)))});
  }
  if (std::exchange(context.names_unsynced, false)) {
    ticket.directories.push_back(context.directory);
  }
  if (std::exchange(state_->parent_unsynced, false)) {
    ticket.directories.push_back(runtime::parent_path(context.directory));
  }
  unsynced_since_ms_ = INT64_MAX;
  return ticket;
}

void Log::on_synced(const SyncTicket& ticket) {
  state_->ticket_out = false;
  // What a truncation since then left behind is in the next ticket.
  if (usable() && ticket.truncations == state_->truncations) {
    durable_end_ = recovery_point_ = std::max(durable_end_, ticket.end);
    MOLDAU_ASSERT(durable_end_ <= log_end_, durable_end_.value(), log_end_.value());
  }
}

void Log::on_sync_failed(const Error& error) {
  state_->ticket_out = false;
  go_offline(error);
}

void Log::release_idle_resources() {
  if (!usable()) {
    return;
  }
  for (const auto& segment : state_->segments) {
    if (auto released = segment->release(); !released) {
      go_offline(released.error());
      return;
    }
  }
  state_->context.scan_buffer = {};
}

// --- events ---

void Log::on_high_watermark(Offset high_watermark) {
  state_->producers.on_high_watermark(high_watermark);
}

void Log::on_config(const LogConfig& config) {
  state_->context.config = config;
}

void Log::expire_producers(std::int64_t now_ms) {
  state_->producers.expire(now_ms, config().producer_id_expiration_ms);
}

void Log::on_directory_renamed(std::string directory) {
  for (State::Deletion& deletion : state_->deletions) {
    deletion.path.replace(0, state_->context.directory.size(), directory);
  }
  state_->context.directory = std::move(directory);
}

// --- questions ---

const std::string& Log::directory() const noexcept {
  return state_->context.directory;
}

const LogConfig& Log::config() const noexcept {
  return state_->context.config;
}

std::optional<Offset> Log::first_unstable_offset() const {
  const auto first = state_->producers.first_unstable_offset();
  return first ? std::optional(std::max(*first, log_start_)) : std::nullopt;
}

std::uint64_t Log::size_bytes() const noexcept {
  std::uint64_t size = 0;
  for (const auto& segment : state_->segments) {
    size += segment->size_bytes();
  }
  return size;
}

std::size_t Log::segment_count() const noexcept {
  return state_->segments.size();
}

Offset Log::active_segment_base() const noexcept {
  return state_->segments.empty() ? log_end_ : state_->active().base();
}

std::size_t Log::producer_count() const noexcept {
  return state_->producers.size();
}

std::vector<std::pair<ProducerId, ProducerEntry>> Log::producers() const {
  return state_->producers.sorted_entries();
}

void Log::check_invariants() const {
  MOLDAU_ASSERT(!state_->segments.empty());
  for (std::size_t n = 1; n < state_->segments.size(); ++n) {
    MOLDAU_ASSERT(state_->segments[n - 1]->base() < state_->segments[n]->base(), state_->segments[n]->base().value());
  }
  MOLDAU_ASSERT(log_start_ <= log_end_, log_start_.value(), log_end_.value());
  MOLDAU_ASSERT(durable_end_ <= log_end_, durable_end_.value(), log_end_.value());
  MOLDAU_ASSERT(recovery_point_ <= durable_end_, recovery_point_.value(), durable_end_.value());
  MOLDAU_ASSERT(state_->active().base() <= log_end_, state_->active().base().value(), log_end_.value());
  MOLDAU_ASSERT(state_->producers.map_end() == log_end_, state_->producers.map_end().value(), log_end_.value());
  state_->producers.check_invariants();
}

}  // namespace moldau::storage
