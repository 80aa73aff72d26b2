#include "storage/compaction/segment_groups.h"

namespace moldau::storage {

std::vector<SegmentGroup> group_segments(std::span<const SegmentFacts> segments, std::uint64_t segment_bytes,
                                         std::uint64_t index_bytes, Offset end) {
  std::vector<SegmentGroup> groups;
  for (std::size_t first = 0; first < segments.size();) {
    SegmentFacts sum = segments[first];
    std::size_t next = first + 1;
    for (; next < segments.size(); ++next) {
      const SegmentFacts& segment = segments[next];
      // The next segment's base bounds the offsets of this one from above, without a look into it.
      const Offset last = (next + 1 < segments.size() ? segments[next + 1].base : end) - 1;
      const bool in_reach = segment.size_bytes == 0 || last - segments[first].base <= INT32_MAX;
      if (!in_reach || sum.size_bytes + segment.size_bytes > segment_bytes ||
          sum.offset_index_bytes + segment.offset_index_bytes > index_bytes ||
          sum.time_index_bytes + segment.time_index_bytes > index_bytes) {
        break;
      }
      sum.size_bytes += segment.size_bytes;
      sum.offset_index_bytes += segment.offset_index_bytes;
      sum.time_index_bytes += segment.time_index_bytes;
    }
    groups.push_back({first, next - first});
    first = next;
  }
  return groups;
}

}  // namespace moldau::storage
