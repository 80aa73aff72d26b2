// The parts of a Log. Included by its source files alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/epoch/leader_epoch_cache.h"
#include "storage/log/log.h"
#include "storage/producer_state/producer_state.h"
#include "storage/recovery/producer_snapshot_file.h"
#include "storage/recovery/segments.h"
#include "storage/segment/segment.h"

namespace moldau::storage {

// Where a batch lies in its segment.
struct Log::Place {
  Offset base{0};
  Offset last{0};
  std::uint64_t position = 0;
  std::size_t size_bytes = 0;
};

struct Log::State {
  static constexpr std::size_t kRecentBatches = 8;

  struct Deletion {
    std::int64_t due_ms = 0;
    std::string path;
  };

  SegmentContext context;
  Segments segments;
  LeaderEpochCache epochs;
  ProducerState producers;
  SnapshotOffsets snapshots;
  std::vector<Deletion> deletions;

  // The last batches of the active segment, oldest first from `recent_next`: readers at the tail need no look into the
  // file.
  std::array<Place, kRecentBatches> recent{};
  std::size_t recent_count = 0;
  std::size_t recent_next = 0;

  // The last bound that was looked up: many reads share the high watermark.
  Offset bound_offset = kNoOffset;
  Offset bound_segment = kNoOffset;
  std::uint64_t bound_position = 0;

  std::uint64_t truncations = 0;
  bool swapping = false;      // compacted segments are being put in place
  Offset compacted_below{0};  // offsets below may be missing between batches
  bool epochs_unsynced = false;
  bool parent_unsynced = false;
  bool ticket_out = false;

  [[nodiscard]] Segment& active() const noexcept { return *segments.back(); }

  void remember(const Place& place) noexcept {
    recent[recent_next] = place;
    recent_next = (recent_next + 1) % kRecentBatches;
    recent_count = recent_count < kRecentBatches ? recent_count + 1 : kRecentBatches;
  }
  // The first batch whose last offset is at or above `offset`, if it is surely among the remembered ones.
  [[nodiscard]] std::optional<Place> recall(Offset offset) const noexcept {
    for (std::size_t i = 0; i < recent_count; ++i) {
      const Place& place = recent[(recent_next + kRecentBatches - recent_count + i) % kRecentBatches];
      if (offset <= place.last) {
        return i > 0 || offset >= place.base ? std::optional(place) : std::nullopt;
      }
    }
    return std::nullopt;
  }
};

}  // namespace moldau::storage
