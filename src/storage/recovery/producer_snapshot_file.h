// The .snapshot files of a log's directory.
#pragma once

#include <set>

#include "base/ids.h"
#include "base/result.h"
#include "storage/producer_state/producer_snapshot.h"
#include "storage/segment/segment.h"

namespace moldau::storage {

using SnapshotOffsets = std::set<Offset>;

// Writes <map_end>.snapshot to the page cache; it joins the context's unsynced files.
[[nodiscard]] Result<> write_producer_snapshot(SegmentContext& context, const ProducerState& state);
[[nodiscard]] Result<ProducerEntries> read_producer_snapshot(SegmentContext& context, Offset offset);
// Removes the file; a missing one is fine.
[[nodiscard]] Result<> remove_producer_snapshot(SegmentContext& context, Offset offset);

}  // namespace moldau::storage
