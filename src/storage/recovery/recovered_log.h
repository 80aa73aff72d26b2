// RecoveredLog: what the steps of a recovery make of a directory, and Log takes over.
#pragma once

#include <string>
#include <vector>

#include "base/ids.h"
#include "storage/epoch/leader_epoch_cache.h"
#include "storage/producer_state/producer_state.h"
#include "storage/recovery/producer_snapshot_file.h"
#include "storage/recovery/segments.h"

namespace moldau::storage {

struct RecoveredLog {
  Segments segments;  // at least one, unless the log is fenced
  LeaderEpochCache epochs;
  bool epochs_unsynced = false;  // they differ from their file
  ProducerState producers;
  SnapshotOffsets snapshots;
  Offset log_start{0};
  Offset log_end{0};
  Offset durable_end{0};
  Offset recovery_point{0};  // below durable_end where segments were scanned: their other files are written anew
  std::vector<std::string> deleted_paths;  // renamed to .deleted, to be removed later
};

}  // namespace moldau::storage
