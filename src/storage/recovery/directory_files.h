// First pass over a partition's directory: which segments and snapshots there are, leftovers of interrupted work
// cleared.
#pragma once

#include <map>

#include "base/result.h"
#include "storage/recovery/open_report.h"
#include "storage/recovery/producer_snapshot_file.h"
#include "storage/segment/segment.h"

namespace moldau::storage {

struct SegmentFiles {
  bool has_log = false;
  bool has_offset_index = false;
  bool has_time_index = false;
  bool has_transaction_index = false;
};

struct DirectoryFiles {
  std::map<Offset, SegmentFiles> segments;  // with a .log file
  SnapshotOffsets snapshots;
};

// Removes .deleted, .cleaned and orphaned index files, puts finished .swap files in place, and says so in the report.
// kNotFound, kInvalid, kIo as recover_log.
[[nodiscard]] Result<DirectoryFiles> settle_directory(SegmentContext& context, OpenReport& report);

}  // namespace moldau::storage
