#include <algorithm>

#include "base/assert.h"
#include "base/probe.h"
#include "protocol/record/record_walker.h"
#include "protocol/record/scratch.h"
#include "storage/log/log_state.h"

namespace moldau::storage {
namespace {

bool is_damage(const Error& error) noexcept {
  return error.kind() == ErrorKind::kCorrupt || error.kind() == ErrorKind::kTruncated;
}

// The first record of a batch that `matches`, as a found time.
template <class Matches>
Result<std::optional<TimestampedOffset>> find_record(const record::BatchHeader& header, Bytes bytes,
                                                     record::Scratch& scratch, std::size_t bytes_max, Matches matches) {
  record::RecordWalker walker({header, bytes}, scratch, bytes_max);
  while (const record::RecordView* record = walker.next()) {
    const TimestampedOffset found{header.timestamp_at(record->timestamp_delta), header.offset_at(record->offset_delta),
                                  header.leader_epoch};
    if (matches(found)) {
      return found;
    }
  }
  if (!walker.ok()) {
    return std::unexpected(walker.error());
  }
  return std::nullopt;
}

}  // namespace

Result<> Log::usable() const {
  if (fenced()) {
    return fail(ErrorKind::kFenced, "the log is damaged below its durable end", 0, report_.fence->offset.value());
  }
  if (offline_) {
    return fail(ErrorKind::kOffline, "the log directory failed earlier");
  }
  return {};
}

// Damage that turns up in use fences the log: it is neither served nor cut. A failed read takes the directory offline.
Error Log::judge_read_error(const Error& error, Offset near) {
  if (is_damage(error)) {
    MOLDAU_PROBE("log.fenced_in_use");
    const Offset base = state_->segments[segment_of(near)]->base();
    report_.fence = FenceReason{base, static_cast<std::uint64_t>(error.detail()), near, error};
    log(environment_.logger, LogLevel::kError, "storage",
        "{}-{}: segment {} is damaged near offset {}: {}; the log is closed", name_.topic, name_.partition.value(),
        base.value(), near.value(), error.message());
    return error;
  }
  return error.kind() == ErrorKind::kIo ? go_offline(error) : error;
}

// The last segment that begins at or below `offset`.
std::size_t Log::segment_of(Offset offset) const {
  const auto above =
      std::ranges::upper_bound(state_->segments, offset, {}, [](const auto& segment) { return segment->base(); });
  return above == state_->segments.begin() ? 0 : static_cast<std::size_t>(above - state_->segments.begin()) - 1;
}

Result<std::optional<Log::Place>> Log::locate(std::size_t n, Offset offset) {
  Segment& segment = *state_->segments[n];
  if (n + 1 == state_->segments.size()) {
    if (auto place = state_->recall(offset)) {
      return place;
    }
  }
  MOLDAU_TRY(found, segment.find(offset));
  MOLDAU_CHECK(judge_gap(n, offset, found ? std::optional(found->header.base_offset) : std::nullopt));
  if (!found) {
    return std::nullopt;
  }
  const FoundBatch& batch = *found;
  return Place{batch.header.base_offset, batch.header.last_offset(), batch.position, batch.header.size_bytes()};
}

// Segment `n` has no batch with `offset`; the next one in it, if any, begins at `found`. Where nothing was compacted,
// it was lost. The checkpoint of the cleaner says where something was; but cleanup.policy may have been another once,
// or the log a copy of such a one: then there are gaps between the batches here and in the next segment too. A tail cut
// off, or a segment gone, leaves none.
Result<> Log::judge_gap(std::size_t n, Offset offset, std::optional<Offset> found) {
  const auto end_of = [&](std::size_t i) {
    return i + 1 == state_->segments.size() ? log_end_ : state_->segments[i + 1]->base();
  };
  const Offset wanted = std::max(offset, state_->segments[n]->base());
  if (config().cleanup_compact || wanted < state_->compacted_below || wanted >= end_of(n) ||
      (found && *found <= wanted)) {
    return {};
  }
  for (std::size_t i = n; i < std::min(n + 2, state_->segments.size()); ++i) {
    MOLDAU_TRY(gaps, state_->segments[i]->has_gaps(end_of(i)));
    if (gaps) {
      return {};
    }
  }
  MOLDAU_PROBE("log.gap");
  return fail(ErrorKind::kTruncated, "batches before the next segment are missing", 0,
              static_cast<std::int64_t>(state_->segments[n]->size_bytes()));
}

// Up to where in segment `n` batches lie wholly below the bound.
Result<std::uint64_t> Log::position_of_bound(std::size_t n, Offset upper_bound) {
  const Segment& segment = *state_->segments[n];
  const bool ends_below = n + 1 < state_->segments.size() && state_->segments[n + 1]->base() <= upper_bound;
  if (ends_below || upper_bound >= log_end_) {
    return segment.size_bytes();
  }
  if (state_->bound_offset != upper_bound || state_->bound_segment != segment.base()) {
    MOLDAU_TRY(place, locate(n, upper_bound));
    state_->bound_offset = upper_bound;
    state_->bound_segment = segment.base();
    state_->bound_position = place ? place->position : segment.size_bytes();
  }
  return state_->bound_position;
}

void Log::forget_positions() {
  state_->recent_count = 0;
  state_->bound_offset = kNoOffset;
}

Result<Slice> Log::read(Offset from, Offset upper_bound, std::size_t bytes_max, bool at_least_one_batch) {
  MOLDAU_CHECK(usable());
  if (from < log_start_ || from > log_end_) {
    return fail(ErrorKind::kOutOfRange, "offset outside of the log", 0, from.value());
  }
  if (from >= std::min(upper_bound, log_end_)) {
    return Slice{};
  }
  for (std::size_t n = segment_of(from); n < state_->segments.size(); ++n) {
    auto place = locate(n, from);
    if (!place) {
      return std::unexpected(judge_read_error(place.error(), from));
    }
    if (!*place) {
      continue;  // compaction emptied the rest of this segment
    }
    const auto bound = position_of_bound(n, upper_bound);
    if (!bound) {
      return std::unexpected(judge_read_error(bound.error(), upper_bound));
    }
    const Place& first = **place;
    if (first.position >= *bound) {
      return Slice{};
    }
    const std::size_t wanted = at_least_one_batch ? std::max(bytes_max, first.size_bytes) : bytes_max;
    const auto file = state_->segments[n]->file();
    if (!file) {
      return std::unexpected(judge_read_error(file.error(), from));
    }
    return Slice{.file = *file,
                 .position = first.position,
                 .size = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, *bound - first.position)),
                 .base_offset = first.base,
                 .first_batch_size = first.size_bytes,
                 .segment_base = state_->segments[n]->base(),
                 .bound_is_later = n + 1 < state_->segments.size() && state_->segments[n + 1]->base() <= upper_bound};
  }
  return Slice{};
}

Result<Offset> Log::upto_of(const Slice& slice) {
  MOLDAU_CHECK(usable());
  const std::size_t n = segment_of(slice.segment_base);
  Segment& segment = *state_->segments[n];
  if (auto loaded = segment.load_indexes(); !loaded) {
    return std::unexpected(judge_read_error(loaded.error(), segment.base()));
  }
  if (const auto entry = segment.offset_index().first_from_position(slice.position + slice.size)) {
    return entry->offset;
  }
  return n + 1 < state_->segments.size() ? state_->segments[n + 1]->base() : log_end_;
}

Result<std::vector<AbortedTransaction>> Log::aborted_transactions(Offset from, Offset upto) {
  MOLDAU_CHECK(usable());
  std::vector<AbortedTxn> found;
  for (std::size_t n = segment_of(from); n < state_->segments.size(); ++n) {
    const auto index = state_->segments[n]->transactions();
    if (!index) {
      return std::unexpected(judge_read_error(index.error(), state_->segments[n]->base()));
    }
    if ((*index)->collect(from, upto, found)) {
      break;
    }
  }
  std::vector<AbortedTransaction> aborted;
  aborted.reserve(found.size());
  for (const AbortedTxn& txn : found) {
    aborted.push_back({txn.producer_id, txn.first_offset});
  }
  return aborted;
}

Result<std::optional<TimestampedOffset>> Log::offset_for_timestamp(std::int64_t timestamp, record::Scratch& scratch) {
  MOLDAU_CHECK(usable());
  const auto search = [&](Segment& segment) -> Result<std::optional<TimestampedOffset>> {
    MOLDAU_CHECK(segment.load_indexes());
    MOLDAU_TRY(file, segment.file());
    const Offset not_before = std::max(segment.time_index().lookup(timestamp).offset, log_start_);
    MOLDAU_TRY(first, segment.find(not_before));
    if (!first) {
      return std::nullopt;
    }
    BatchScanner scanner(*file, first->position, segment.size_bytes(), state_->context.scan_buffer,
                         BatchScanner::kLookupChunk);
    for (;;) {
      MOLDAU_TRY(batch, scanner.next());
      if (!batch) {
        return std::nullopt;
      }
      if (batch->header.max_timestamp < timestamp) {
        continue;
      }
      MOLDAU_TRY(bytes, scanner.bytes());
      MOLDAU_TRY(found, find_record(batch->header, bytes, scratch, config().decompressed_bytes_max,
                                    [&](const TimestampedOffset& r) {
                                      return r.timestamp >= timestamp && r.offset >= log_start_;
                                    }));
      if (found) {
        return found;
      }
    }
  };
  for (const auto& segment : state_->segments) {
    const auto largest = segment->age_timestamp();
    if (!largest) {
      return std::unexpected(judge_read_error(largest.error(), segment->base()));
    }
    if (*largest >= timestamp) {
      auto found = search(*segment);
      if (!found) {
        return std::unexpected(judge_read_error(found.error(), segment->base()));
      }
      if (*found) {
        return found;
      }
      // Its younger records lie below the log start.
    }
  }
  return std::nullopt;
}

Result<std::optional<TimestampedOffset>> Log::max_timestamp(record::Scratch& scratch) {
  MOLDAU_CHECK(usable());
  Segment* youngest = nullptr;
  std::int64_t largest = kNoTimestamp;
  for (const auto& segment : state_->segments) {
    const auto of_segment = segment->max_timestamp();
    if (!of_segment) {
      return std::unexpected(judge_read_error(of_segment.error(), segment->base()));
    }
    if (youngest == nullptr || *of_segment > largest) {
      youngest = segment.get();
      largest = *of_segment;
    }
  }
  if (largest == kNoTimestamp) {
    return std::nullopt;
  }
  const auto search = [&]() -> Result<std::optional<TimestampedOffset>> {
    MOLDAU_CHECK(youngest->load_indexes());
    MOLDAU_TRY(file, youngest->file());
    BatchScanner scanner(*file, youngest->offset_index().lookup(youngest->offset_of_max_timestamp()).position,
                         youngest->size_bytes(), state_->context.scan_buffer, BatchScanner::kLookupChunk);
    for (;;) {
      MOLDAU_TRY(batch, scanner.next());
      if (!batch) {
        return std::nullopt;
      }
      if (batch->header.max_timestamp == largest) {
        MOLDAU_TRY(bytes, scanner.bytes());
        return find_record(batch->header, bytes, scratch, config().decompressed_bytes_max,
                           [&](const TimestampedOffset& r) { return r.timestamp == largest; });
      }
    }
  };
  auto found = search();
  return found ? std::move(found) : std::unexpected(judge_read_error(found.error(), youngest->base()));
}

std::optional<OffsetAndEpoch> Log::end_offset_for_epoch(LeaderEpoch epoch) const {
  return state_->epochs.end_offset_for(epoch, log_end_);
}

std::optional<LeaderEpoch> Log::latest_epoch() const {
  const auto latest = state_->epochs.latest();
  return latest ? std::optional(latest->epoch) : std::nullopt;
}

std::optional<LeaderEpoch> Log::epoch_for_offset(Offset offset) const {
  return state_->epochs.epoch_for(offset);
}

std::optional<LeaderEpoch> Log::earliest_epoch() const {
  const auto earliest = state_->epochs.earliest();
  return earliest && earliest->start <= log_start_ ? std::optional(earliest->epoch) : std::nullopt;
}

}  // namespace moldau::storage
