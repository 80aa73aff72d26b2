#include "storage/recovery/producer_recovery.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/log.h"
#include "base/probe.h"
#include "storage/recovery/damage.h"
#include "storage/recovery/producer_replay.h"

namespace moldau::storage {

Result<> ProducerRecovery::run(SnapshotOffsets found, Offset trusted_end, std::int64_t now_ms) {
  MOLDAU_CHECK(transactions_.find_broken(log_.log_end));
  log_.snapshots = std::move(found);
  MOLDAU_CHECK(drop_snapshots(trusted_end));
  MOLDAU_TRY(from, load_snapshot());
  // Only what the snapshot says can be too old here, as in Kafka: what the log itself says is as new as it gets, even
  // if the client's record times are not.
  log_.producers.expire(now_ms, context_.config.producer_id_expiration_ms);
  MOLDAU_CHECK(prepare_transaction_indexes(from));
  return replay(from);
}

// --- snapshots ---

Result<> ProducerRecovery::drop_snapshots(Offset trusted_end) {
  const auto newest = log_.snapshots.upper_bound(trusted_end);
  const Offset kept = newest == log_.snapshots.begin() ? kNoOffset : *std::prev(newest);
  std::vector<Offset> dropped;
  for (const Offset offset : log_.snapshots) {
    if (const char* why = reason_to_drop(offset, trusted_end, kept)) {
      if (offset > log_.log_end) {
        report_.add(Severity::kWarn,
                    fmt::format("{}: removed, {}", log_file_name(offset, FileRole::kProducerSnapshot), why));
      } else {  // as after every stop
        log(context_.logger, LogLevel::kDebug, "storage", "{}/{}: removed, {}", context_.directory,
            log_file_name(offset, FileRole::kProducerSnapshot), why);
      }
      dropped.push_back(offset);
    }
  }
  for (const Offset offset : dropped) {
    MOLDAU_CHECK(remove_snapshot(offset));
  }
  return {};
}

const char* ProducerRecovery::reason_to_drop(Offset snapshot, Offset trusted_end, Offset kept) const {
  if (snapshot > log_.log_end) {
    return "the log ends before it";
  }
  if (snapshot > trusted_end) {
    return "it lies above the recovery point";
  }
  if (snapshot < log_.log_start) {
    return "it lies below the log start";
  }
  return snapshot != kept && !is_segment_base(snapshot) ? "a newer one takes its place" : nullptr;
}

bool ProducerRecovery::is_segment_base(Offset offset) const {
  return std::ranges::any_of(log_.segments, [&](const auto& segment) { return segment->base() == offset; });
}

Result<> ProducerRecovery::remove_snapshot(Offset offset) {
  log_.snapshots.erase(offset);
  return remove_producer_snapshot(context_, offset);
}

// The newest one that is whole; where to read on from.
Result<Offset> ProducerRecovery::load_snapshot() {
  while (!log_.snapshots.empty()) {
    const Offset offset = *log_.snapshots.rbegin();
    auto entries = read_producer_snapshot(context_, offset);
    if (entries) {
      log_.producers.load(*std::move(entries), offset);
      // Damage there is found when it is read: the state without the older batches is still right.
      if (auto restored = restore_windows(log_.segments, offset, log_.producers);
          !restored && !is_damage(restored.error())) {
        return std::unexpected(restored.error());
      }
      return offset;
    }
    if (entries.error().kind() == ErrorKind::kIo) {
      return std::unexpected(entries.error());
    }
    MOLDAU_PROBE("recovery.bad_snapshot");
    report_.add(Severity::kWarn, fmt::format("{}: removed, {}", log_file_name(offset, FileRole::kProducerSnapshot),
                                             entries.error().message()));
    MOLDAU_CHECK(remove_snapshot(offset));
  }
  log_.producers.reset(log_.log_start);
  return log_.log_start;
}

// --- replay ---

Result<> ProducerRecovery::prepare_transaction_indexes(Offset& from) {
  MOLDAU_CHECK(transactions_.empty_broken());
  if (transactions_.broken_below(from)) {  // the snapshot is of no use: the transactions' begins lie before it
    from = log_.log_start;
    log_.producers.reset(from);
  }
  return transactions_.keep_scanned_below(from);
}

Result<> ProducerRecovery::replay(Offset from) {
  ReplayHooks hooks;
  reading_ = holder_of(log_.segments, from);
  hooks.on_segment = [this](Segment& segment) {
    reading_ = holder_of(log_.segments, segment.base());
    return snapshot_at(segment);
  };
  hooks.on_completed = [this](Segment& segment, const CompletedTxn& txn) { return transactions_.write(segment, txn); };
  return replay_producers(log_.segments, from, log_.log_end, log_.producers, hooks);
}

// One for each segment above the recovery point, so that the next recovery need not read further back.
Result<> ProducerRecovery::snapshot_at(const Segment& segment) {
  if (segment.base() <= log_.log_start || log_.snapshots.contains(segment.base()) || !transactions_.rewrites(segment)) {
    return {};
  }
  MOLDAU_CHECK(write_producer_snapshot(context_, log_.producers));
  log_.snapshots.insert(segment.base());
  return {};
}

}  // namespace moldau::storage
