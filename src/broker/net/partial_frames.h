// Which partly received frames are given up while request memory is short. Pure.
// Rule: those that arrived slower than ReceiveRate::kSlowBytesPerSecond, the largest first, until there is room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace moldau::broker {

struct PartialFrame {
  std::uint64_t connection = 0;
  std::size_t capacity_bytes = 0;  // of request memory
};

// `slow` in any order; `bytes_missing` is what the frames that wait need beyond what is free. The answer is in the
// order of closing; of equal ones the older connection goes first. O(n log n).
[[nodiscard]] std::vector<std::uint64_t> frames_to_close(std::vector<PartialFrame> slow, std::size_t bytes_missing);

}  // namespace moldau::broker
