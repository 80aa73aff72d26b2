#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "base/probe.h"
#include "storage/compaction/segment_swap.h"
#include "storage/log/log_state.h"

namespace moldau::storage {
namespace {

std::vector<Offset> last_offsets_of(const ProducerEntry& entry) {
  std::vector<Offset> offsets;
  for (const StoredBatch& batch : entry.batches()) {
    offsets.push_back(batch.last_offset);
  }
  return offsets;
}

}  // namespace

Result<> Log::not_swapping() const {
  if (state_->swapping) {
    return fail(ErrorKind::kLocked, "compacted segments are being put in place");
  }
  return {};
}

// The first segment that holds or may hold `offset`, if it is a closed one; else how many those are.
std::size_t Log::first_closed_from(Offset offset) const {
  return offset > state_->active().base() ? state_->segments.size() - 1 : segment_of(offset);
}

Result<CleanableRange> Log::cleanable_range(std::optional<Offset> cleaned, Offset last_stable, std::int64_t now_ms) {
  MOLDAU_CHECK(usable());
  CleanableRange range{.first_dirty = cleaned.value_or(log_start_)};
  if (range.first_dirty < log_start_ || range.first_dirty > log_end_) {
    if (!config().cleanup_delete || range.first_dirty > log_end_) {
      log(environment_.logger, LogLevel::kWarn, "storage",
          "{}-{}: cleaner-offset-checkpoint says {}, outside of the log [{}, {}]: all of it is compacted again",
          name_.topic, name_.partition.value(), range.first_dirty.value(), log_start_.value(), log_end_.value());
    }
    range.first_dirty = log_start_;
    range.resets_checkpoint = true;
  }
  const Segments& segments = state_->segments;
  const std::size_t closed = segments.size() - 1;
  Offset bound = std::min({last_stable, durable_end_, segments.back()->base()});
  std::int64_t oldest_dirty_ms = INT64_MAX;
  for (std::size_t n = first_closed_from(range.first_dirty); n < closed; ++n) {
    Segment& segment = *segments[n];
    if (config().min_compaction_lag_ms > 0) {
      auto youngest = segment.age_timestamp();
      if (!youngest) {
        return std::unexpected(judge_read_error(youngest.error(), segment.base()));
      }
      if (*youngest > now_ms - config().min_compaction_lag_ms) {
        bound = std::min(bound, segment.base());
      }
    }
    if (config().max_compaction_lag_ms < now_ms) {
      auto first = segment.first_timestamp();
      if (!first) {
        return std::unexpected(judge_read_error(first.error(), segment.base()));
      }
      oldest_dirty_ms = *first > 0 ? std::min(oldest_dirty_ms, *first) : oldest_dirty_ms;
    }
  }
  const std::int64_t due_before = now_ms - std::min(std::max<std::int64_t>(config().max_compaction_lag_ms, 0), now_ms);
  range.overdue_ms = oldest_dirty_ms < due_before ? due_before - oldest_dirty_ms : 0;
  range.first_uncleanable = segments[first_closed_from(std::max(range.first_dirty, bound))]->base();
  for (std::size_t n = 0; n < closed; ++n) {
    const std::uint64_t size = segments[n]->size_bytes();
    range.clean_bytes += segments[n]->base() < range.first_dirty ? size : 0;
    const bool dirty = segments[n + 1]->base() > range.first_dirty && segments[n]->base() < range.first_uncleanable;
    range.dirty_bytes += dirty ? size : 0;
  }
  return range;
}

Result<CompactionTask> Log::compaction_task(const CleanableRange& range, std::int64_t now_ms) {
  MOLDAU_CHECK(usable());
  MOLDAU_CHECK(not_swapping());
  CompactionTask task{.directory = directory(),
                      .config = config(),
                      .first_dirty = range.first_dirty,
                      .first_uncleanable = range.first_uncleanable,
                      .now_ms = now_ms,
                      .truncations = state_->truncations};
  bool complete = false;
  for (const auto& segment : state_->segments) {
    if (segment->base() < range.first_uncleanable) {
      task.segments.push_back(
          {.base = segment->base(), .size_bytes = segment->size_bytes(), .written_ms = segment->written_ms()});
    }
    if (!complete) {
      auto index = segment->transactions();
      if (!index) {
        return std::unexpected(judge_read_error(index.error(), segment->base()));
      }
      complete = (*index)->collect(state_->segments.front()->base(), range.first_uncleanable, task.aborted);
    }
  }
  MOLDAU_ASSERT(!task.segments.empty(), range.first_uncleanable.value());
  for (const auto& [id, entry] : state_->producers.sorted_entries()) {
    task.producers.emplace(id, ActiveProducer{entry.epoch, last_offsets_of(entry)});
  }
  return task;
}

Result<bool> Log::begin_swap(const CompactedGroup& group) {
  MOLDAU_CHECK(usable());
  MOLDAU_CHECK(not_swapping());
  if (group.truncations != state_->truncations) {
    MOLDAU_PROBE("compaction.overtaken");
    return false;
  }
  const Segments& segments = state_->segments;
  const std::size_t first = segment_of(group.base);
  const std::size_t count = group.replaced.size();
  bool same = first + count < segments.size() && segments[first + count]->base() == group.end;
  for (std::size_t i = 0; same && i < count; ++i) {
    same = segments[first + i]->base() == group.replaced[i].base &&
           segments[first + i]->size_bytes() == group.replaced[i].size_bytes;
  }
  if (!same) {
    MOLDAU_PROBE("compaction.overtaken");
    return false;
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (auto pinned = segments[first + i]->pin(); !pinned) {
      return std::unexpected(judge_read_error(pinned.error(), group.base));
    }
  }
  state_->swapping = true;
  return true;
}

Result<> Log::finish_swap(const CompactedGroup& group, std::int64_t now_ms) {
  MOLDAU_ASSERT(state_->swapping);
  state_->swapping = false;
  MOLDAU_CHECK(usable());
  Segments& segments = state_->segments;
  const auto first = segments.begin() + static_cast<std::ptrdiff_t>(segment_of(group.base));
  MOLDAU_ASSERT((*first)->base() == group.base, group.base.value());
  // By their last write, not by this one, the records without a time are kept.
  *first = std::make_unique<Segment>(state_->context, group.base, group.size_bytes, group.has_transactions,
                                     draw_roll_jitter(config(), environment_.random), group.replaced.back().written_ms);
  segments.erase(first + 1, first + static_cast<std::ptrdiff_t>(group.replaced.size()));
  for (std::string& path : deleted_paths(directory(), group)) {
    state_->deletions.push_back({now_ms + config().file_delete_delay_ms, std::move(path)});
  }
  state_->compacted_below = std::max(state_->compacted_below, group.end);
  forget_positions();
  for (std::size_t i = 1; i < group.replaced.size(); ++i) {
    if (auto dropped = drop_producer_snapshot(group.replaced[i].base); !dropped) {
      return std::unexpected(go_offline(dropped.error()));
    }
  }
  return {};
}

}  // namespace moldau::storage
