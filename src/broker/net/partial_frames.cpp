#include "broker/net/partial_frames.h"

#include <algorithm>

namespace moldau::broker {

std::vector<std::uint64_t> frames_to_close(std::vector<PartialFrame> slow, std::size_t bytes_missing) {
  std::sort(slow.begin(), slow.end(), [](const PartialFrame& a, const PartialFrame& b) {
    return a.capacity_bytes != b.capacity_bytes ? a.capacity_bytes > b.capacity_bytes : a.connection < b.connection;
  });
  std::vector<std::uint64_t> closed;
  std::size_t freed = 0;
  for (const PartialFrame& frame : slow) {
    if (freed >= bytes_missing) {
      break;
    }
    freed += frame.capacity_bytes;
    closed.push_back(frame.connection);
  }
  return closed;
}

}  // namespace moldau::broker
