#include "storage/recovery/segments.h"

#include <algorithm>

namespace moldau::storage {

std::size_t holder_of(const Segments& segments, Offset offset) {
  const auto above = std::ranges::find_if(segments, [&](const auto& segment) { return segment->base() > offset; });
  return above == segments.begin() ? 0 : static_cast<std::size_t>(above - segments.begin()) - 1;
}

std::string name_of(const Segment& segment) {
  return log_file_name(segment.base(), FileRole::kLog);
}

}  // namespace moldau::storage
