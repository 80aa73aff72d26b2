#include "storage/recovery/producer_replay.h"

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/record/control_record.h"
#include "protocol/record/record_walker.h"
#include "protocol/record/scratch.h"
#include "storage/segment/batch_scanner.h"

namespace moldau::storage {
namespace {

constexpr std::size_t kControlBatchBytesMax = std::size_t{1} << 20;

Result<> replay_segment(Segment& segment, std::uint64_t position, Offset to, ProducerState& state, ReplayHooks& hooks,
                        ByteVector& buffer) {
  MOLDAU_TRY(file, segment.file());
  BatchScanner scanner(*file, position, segment.size_bytes(), buffer, BatchScanner::kRecoveryChunk);
  Offset next = segment.base();
  for (;;) {
    MOLDAU_TRY(batch, scanner.next());
    if (!batch || batch->header.base_offset >= to) {
      return {};
    }
    if (!segment.continues(batch->header, next)) {
      return fail(ErrorKind::kCorrupt, "batch with an offset out of order", 0,
                  static_cast<std::int64_t>(batch->position));
    }
    next = batch->header.next_offset();
    std::optional<EndMarker> marker;
    if (batch->header.is_control() && batch->header.has_producer_id()) {
      MOLDAU_TRY(bytes, scanner.bytes());
      MOLDAU_TRY(decoded, decode_end_marker(bytes));
      marker = decoded;
    }
    if (const auto completed = state.apply(batch->header, marker ? &*marker : nullptr)) {
      MOLDAU_CHECK(hooks.on_completed(segment, *completed));
    }
    state.set_map_end(batch->header.next_offset());
  }
}

struct Window {
  ProducerEpoch epoch = kNoProducerEpoch;
  std::vector<StoredBatch> batches;
};
using Windows = std::unordered_map<ProducerId, Window>;

// The batches of one segment from `position` on that end below `upto`.
Result<> collect_windows(Segment& segment, std::uint64_t position, Offset upto, Windows& windows, ByteVector& buffer) {
  MOLDAU_TRY(file, segment.file());
  BatchScanner scanner(*file, position, segment.size_bytes(), buffer, BatchScanner::kRecoveryChunk);
  for (;;) {
    MOLDAU_TRY(batch, scanner.next());
    if (!batch || batch->header.next_offset() > upto) {
      return {};
    }
    const record::BatchHeader& header = batch->header;
    if (!header.has_producer_id()) {
      continue;
    }
    Window& window = windows[header.producer_id];
    if (window.epoch != header.producer_epoch) {
      window = {header.producer_epoch, {}};
    }
    if (!header.is_control()) {
      if (window.batches.size() == ProducerEntry::kBatchesMax) {
        window.batches.erase(window.batches.begin());
      }
      window.batches.push_back(
          {header.last_sequence(), header.last_offset_delta, header.last_offset(), header.max_timestamp});
    }
  }
}

}  // namespace

Result<> restore_windows(Segments& segments, Offset upto, ProducerState& state) {
  if (state.size() == 0) {
    return {};
  }
  std::size_t first = segments.size();
  std::uint64_t missing = kWindowBytesRead;
  std::uint64_t position = 0;
  while (first > 0 && missing > 0) {
    Segment& segment = *segments[--first];
    if (segment.base() >= upto) {
      continue;
    }
    MOLDAU_CHECK(segment.load_indexes());
    const auto end = segment.offset_index().lookup(upto).position;
    const bool ends_below = first + 1 < segments.size() && segments[first + 1]->base() <= upto;
    const std::uint64_t size = ends_below || end == 0 ? segment.size_bytes() : end;
    if (size > missing) {
      const auto entry = segment.offset_index().first_from_position(size - missing);
      position = entry ? entry->position : 0;
    }
    missing -= std::min(size, missing);
  }
  Windows windows;
  ByteVector buffer;
  for (; first < segments.size() && segments[first]->base() < upto; ++first) {
    MOLDAU_CHECK(collect_windows(*segments[first], std::exchange(position, 0), upto, windows, buffer));
  }
  for (const auto& [id, window] : windows) {
    state.restore_window(id, window.batches);
  }
  return {};
}

Result<std::optional<EndMarker>> decode_end_marker(Bytes control_batch) {
  MOLDAU_TRY(batch, record::BatchView::parse(control_batch));
  record::Scratch scratch;
  record::RecordWalker walker(batch, scratch, kControlBatchBytesMax);
  const record::RecordView* first = walker.next();
  if (first == nullptr) {
    if (!walker.ok()) {
      return std::unexpected(walker.error());
    }
    return std::nullopt;
  }
  if (!first->key) {
    return fail(ErrorKind::kCorrupt, "control record without a key");
  }
  MOLDAU_TRY(type, record::parse_control_record_key(*first->key));
  if (type != record::ControlRecordType::kAbort && type != record::ControlRecordType::kCommit) {
    return std::nullopt;
  }
  MOLDAU_TRY(value, record::EndTxnMarker::parse(first->value.value_or(Bytes{})));
  return EndMarker{type == record::ControlRecordType::kAbort, value.coordinator_epoch};
}

Result<> replay_producers(Segments& segments, Offset from, Offset to, ProducerState& state, ReplayHooks& hooks) {
  ByteVector buffer;
  for (std::size_t i = 0; i < segments.size() && from < to; ++i) {
    Segment& segment = *segments[i];
    const bool behind = i + 1 < segments.size() && segments[i + 1]->base() <= from;
    if (behind || segment.base() >= to) {
      continue;
    }
    std::uint64_t position = 0;
    if (segment.base() >= from) {
      state.set_map_end(segment.base());
      MOLDAU_CHECK(hooks.on_segment(segment));
    } else {
      MOLDAU_TRY(first, segment.find(from));
      position = first ? first->position : segment.size_bytes();
    }
    MOLDAU_CHECK(replay_segment(segment, position, to, state, hooks, buffer));
  }
  state.set_map_end(to);
  return {};
}

}  // namespace moldau::storage
