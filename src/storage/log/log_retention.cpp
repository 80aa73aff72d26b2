#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "base/probe.h"
#include "storage/log/log_state.h"
#include "storage/recovery/producer_replay.h"

namespace moldau::storage {

// --- truncation ---

Result<bool> Log::truncate_to(Offset offset, std::int64_t now_ms) {
  MOLDAU_CHECK(usable());
  MOLDAU_CHECK(not_swapping());
  MOLDAU_ASSERT(offset >= Offset(0), offset.value());
  if (offset >= log_end_) {
    // This replica may have noted an epoch of its own leadership and then appended nothing under it.
    state_->epochs_unsynced |= state_->epochs.truncate_from_end(log_end_);
    return false;
  }
  if (offset < state_->segments.front()->base()) {
    MOLDAU_CHECK(truncate_fully_and_start_at(offset, now_ms));
    return true;
  }
  const auto truncate = [&]() -> Result<> {
    while (state_->active().base() > offset) {
      MOLDAU_CHECK(remove_segment(state_->segments.size() - 1, now_ms));
    }
    // A batch goes whole: were the log to end inside of it, what is left of its offsets would have no records.
    MOLDAU_TRY(first_removed, state_->active().find(offset));
    if (first_removed) {
      offset = std::min(offset, first_removed->header.base_offset);
    }
    MOLDAU_CHECK(state_->active().truncate_to(offset, now_ms));
    log_end_ = offset;
    log_start_ = std::min(log_start_, offset);
    durable_end_ = std::min(durable_end_, offset);
    recovery_point_ = std::min(recovery_point_, offset);
    ++state_->truncations;
    forget_positions();
    state_->epochs_unsynced |= state_->epochs.truncate_from_end(offset);
    unsynced_since_ms_ = std::min(unsynced_since_ms_, now_ms);
    return rebuild_producers(offset, now_ms);
  };
  if (auto truncated = truncate(); !truncated) {
    return std::unexpected(go_offline(truncated.error()));
  }
  return true;
}

Result<> Log::truncate_fully_and_start_at(Offset offset, std::int64_t now_ms) {
  MOLDAU_CHECK(usable());
  MOLDAU_CHECK(not_swapping());
  MOLDAU_ASSERT(offset >= Offset(0), offset.value());
  const auto truncate = [&]() -> Result<> {
    while (!state_->segments.empty()) {
      MOLDAU_CHECK(remove_segment(state_->segments.size() - 1, now_ms));
    }
    for (const Offset snapshot : SnapshotOffsets(state_->snapshots)) {
      MOLDAU_CHECK(drop_producer_snapshot(snapshot));
    }
    MOLDAU_TRY(segment,
               Segment::create(state_->context, offset, draw_roll_jitter(config(), environment_.random), now_ms));
    state_->segments.push_back(std::move(segment));
    return {};
  };
  if (auto truncated = truncate(); !truncated) {
    return std::unexpected(go_offline(truncated.error()));
  }
  log_start_ = log_end_ = durable_end_ = recovery_point_ = offset;
  ++state_->truncations;
  forget_positions();
  state_->epochs.clear();
  state_->epochs_unsynced = true;
  state_->producers.reset(offset);
  return {};
}

Result<> Log::rebuild_producers(Offset end, std::int64_t now_ms) {
  while (!state_->snapshots.empty() && *state_->snapshots.rbegin() > end) {
    MOLDAU_CHECK(drop_producer_snapshot(*state_->snapshots.rbegin()));
  }
  if (state_->producers.empty()) {
    state_->producers.set_map_end(end);  // what is shorter than a log without producers has none either
    return {};
  }
  Offset from = log_start_;
  state_->producers.reset(from);
  while (!state_->snapshots.empty() && *state_->snapshots.rbegin() >= log_start_) {
    const Offset offset = *state_->snapshots.rbegin();
    if (auto entries = read_producer_snapshot(state_->context, offset)) {
      state_->producers.load(*std::move(entries), offset);
      state_->producers.expire(now_ms, config().producer_id_expiration_ms);
      if (auto restored = restore_windows(state_->segments, offset, state_->producers);
          !restored && restored.error().kind() == ErrorKind::kIo) {
        return restored;
      }
      from = offset;
      break;
    } else if (entries.error().kind() == ErrorKind::kIo) {
      return std::unexpected(entries.error());
    }
    MOLDAU_CHECK(drop_producer_snapshot(offset));
  }
  ReplayHooks hooks;
  hooks.on_segment = [](Segment&) -> Result<> { return {}; };
  hooks.on_completed = [](Segment&, const CompletedTxn&) -> Result<> { return {}; };
  return replay_producers(state_->segments, from, end, state_->producers, hooks);
}

Result<> Log::remove_segment(std::size_t n, std::int64_t now_ms) {
  MOLDAU_TRY(paths, state_->segments[n]->rename_files(kDeletedSuffix));
  const Offset base = state_->segments[n]->base();
  state_->segments.erase(state_->segments.begin() + static_cast<std::ptrdiff_t>(n));
  for (std::string& path : paths) {
    state_->deletions.push_back({now_ms + config().file_delete_delay_ms, std::move(path)});
  }
  return drop_producer_snapshot(base);
}

// --- log start and retention ---

void Log::move_log_start(Offset offset) {
  log_start_ = std::max(log_start_, offset);
  state_->epochs_unsynced |= state_->epochs.truncate_from_start(log_start_);
  state_->producers.on_high_watermark(log_start_);  // markers below the log start are below every high watermark
  state_->producers.set_map_end(std::max(state_->producers.map_end(), log_start_));
}

Result<> Log::advance_log_start(Offset offset) {
  MOLDAU_CHECK(usable());
  if (offset > log_end_) {
    return fail(ErrorKind::kOutOfRange, "log start above the log end", 0, offset.value());
  }
  if (offset > log_start_) {
    move_log_start(offset);
  }
  return {};
}

// The high watermark has passed all of the segment, and an empty active segment is not worth a successor.
bool Log::may_delete(std::size_t n, Offset high_watermark) const {
  if (state_->swapping) {
    return false;  // at the next check
  }
  const bool is_active = n + 1 == state_->segments.size();
  const Offset end = is_active ? log_end_ : state_->segments[n + 1]->base();
  return high_watermark >= end && !(is_active && state_->segments[n]->empty());
}

std::size_t Log::count_below_start(Offset high_watermark) const {
  std::size_t count = 0;
  while (count + 1 < state_->segments.size() && may_delete(count, high_watermark) &&
         state_->segments[count + 1]->base() <= log_start_) {
    ++count;
  }
  return count;
}

Result<std::size_t> Log::count_oversized(Offset high_watermark) {
  std::size_t count = 0;
  const std::int64_t retention_bytes = config().retention_bytes;
  const auto size = static_cast<std::int64_t>(size_bytes());
  if (retention_bytes < 0 || size < retention_bytes) {
    return count;
  }
  std::int64_t excess = size - retention_bytes;
  while (count < state_->segments.size() && may_delete(count, high_watermark)) {
    excess -= static_cast<std::int64_t>(state_->segments[count]->size_bytes());
    if (excess < 0) {
      break;
    }
    ++count;
  }
  return count;
}

Result<std::size_t> Log::count_expired(std::int64_t now_ms, Offset high_watermark) {
  std::size_t count = 0;
  while (config().retention_ms >= 0 && count < state_->segments.size() && may_delete(count, high_watermark)) {
    Segment& segment = *state_->segments[count];
    const auto expired = [&](std::int64_t youngest) {
      return youngest <= now_ms && now_ms - youngest > config().retention_ms;
    };
    MOLDAU_TRY(indexed, segment.age_timestamp());
    if (!expired(indexed)) {
      break;
    }
    MOLDAU_TRY(youngest, segment.confirmed_age_timestamp());
    if (!expired(youngest)) {
      break;
    }
    ++count;
  }
  return count;
}

Result<> Log::remove_oldest(std::size_t count, std::int64_t now_ms) {
  if (count == 0) {
    return {};
  }
  MOLDAU_PROBE("log.segment_expired");
  if (count == state_->segments.size()) {
    MOLDAU_CHECK(roll_to(log_end_, now_ms));
  }
  move_log_start(state_->segments[count]->base());
  for (std::size_t i = 0; i < count; ++i) {
    MOLDAU_CHECK(remove_segment(0, now_ms));
  }
  return {};
}

Result<std::uint32_t> Log::enforce_retention(std::int64_t now_ms, Offset high_watermark) {
  MOLDAU_CHECK(usable());
  std::uint32_t removed = 0;
  const auto enforce = [&](Result<std::size_t> count) -> Result<> {
    if (!count) {
      return std::unexpected(judge_read_error(count.error(), state_->segments.front()->base()));
    }
    if (auto outcome = remove_oldest(*count, now_ms); !outcome) {
      return std::unexpected(go_offline(outcome.error()));
    }
    removed += static_cast<std::uint32_t>(*count);
    return {};
  };
  MOLDAU_CHECK(enforce(count_below_start(high_watermark)));
  if (config().cleanup_delete) {
    MOLDAU_CHECK(enforce(count_oversized(high_watermark)));
    MOLDAU_CHECK(enforce(count_expired(now_ms, high_watermark)));
  }
  if (removed > 0) {
    log(environment_.logger, LogLevel::kInfo, "storage",
        "{}-{}: retention removed {} segment{}, offset {} is the first", name_.topic, name_.partition.value(), removed,
        removed == 1 ? "" : "s", log_start_.value());
  }
  return removed;
}

std::vector<std::string> Log::take_due_deletions(std::int64_t now_ms) {
  std::vector<std::string> due;
  std::erase_if(state_->deletions, [&](State::Deletion& deletion) {
    if (deletion.due_ms > now_ms) {
      return false;
    }
    due.push_back(std::move(deletion.path));
    return true;
  });
  return due;
}

}  // namespace moldau::storage
