// The segments of one log, and which of them holds an offset.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "storage/segment/segment.h"

namespace moldau::storage {

using Segments = std::vector<std::unique_ptr<Segment>>;  // by base offset

// The index of the segment that holds `offset`, or would; 0 below all of them. O(segments).
[[nodiscard]] std::size_t holder_of(const Segments& segments, Offset offset);

// The name of its .log file, for the report.
[[nodiscard]] std::string name_of(const Segment& segment);

}  // namespace moldau::storage
