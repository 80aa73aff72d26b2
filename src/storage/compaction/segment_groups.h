// Which neighbouring segments become one when they are compacted, so that segments do not get ever smaller.
//
// Source: Cleaner.groupSegmentsBySize.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"

namespace moldau::storage {

// A closed segment, as compaction sees it.
struct SegmentFacts {
  Offset base{0};
  std::uint64_t size_bytes = 0;
  std::uint64_t offset_index_bytes = 0;
  std::uint64_t time_index_bytes = 0;
  std::int64_t written_ms = 0;  // when it was last written to: by this its records without a time are kept
  friend bool operator==(const SegmentFacts&, const SegmentFacts&) = default;
};

struct SegmentGroup {
  std::size_t first = 0;
  std::size_t count = 0;
};

// Runs of segments, each below the two sizes and spanning offsets that one segment can hold. `end`: the offset behind
// the last of them. O(segments).
[[nodiscard]] std::vector<SegmentGroup> group_segments(std::span<const SegmentFacts> segments,
                                                       std::uint64_t segment_bytes, std::uint64_t index_bytes,
                                                       Offset end);

}  // namespace moldau::storage
