// What a log hands out to be compacted, and what comes back: values only, so that the work can be done elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "storage/compaction/active_producers.h"
#include "storage/compaction/segment_groups.h"
#include "storage/index/transaction_index.h"
#include "storage/segment/log_config.h"

namespace moldau::storage {

// How much of a log is dirty, and whether it is time. Source: LogCleanerManager.cleanableOffsets, LogToClean.
struct CleanableRange {
  Offset first_dirty{0};        // what lies below was compacted
  Offset first_uncleanable{0};  // a segment's base: the active one, or one that is too young or not yet stable
  std::uint64_t clean_bytes = 0;
  std::uint64_t dirty_bytes = 0;
  std::int64_t overdue_ms = 0;  // since max.compaction.lag.ms has passed for the oldest dirty record; 0: it has not
  bool resets_checkpoint = false;

  [[nodiscard]] double dirty_ratio() const noexcept {
    const std::uint64_t bytes = clean_bytes + dirty_bytes;
    return bytes == 0 ? 0.0 : static_cast<double>(dirty_bytes) / static_cast<double>(bytes);
  }
  [[nodiscard]] bool is_due(double ratio_min) const noexcept {
    return dirty_bytes > 0 && (overdue_ms > 0 || dirty_ratio() > ratio_min);
  }
};

struct CompactionTask {
  std::string directory;
  LogConfig config;
  std::vector<SegmentFacts> segments;  // all below first_uncleanable
  Offset first_dirty{0};
  Offset first_uncleanable{0};
  std::vector<AbortedTxn> aborted;  // that touch those segments
  ActiveProducers producers;
  std::int64_t now_ms = 0;
  std::uint64_t truncations = 0;  // of the log when the task was taken
};

// A new segment, complete and synced in its .cleaned files.
struct CompactedGroup {
  Offset base{0};
  Offset end{0};                       // the next segment's base
  std::vector<SegmentFacts> replaced;  // the first has the same base
  std::uint64_t size_bytes = 0;
  bool has_transactions = false;
  std::uint64_t truncations = 0;  // as the task's
};

}  // namespace moldau::storage
