// TransactionIndexRecovery: which segments' indexes of aborted transactions are written again, and with what.
//
// Shard:      blocks; as recover_log, on whose segments it works.
// Order:      find_broken(); empty_broken() and keep_scanned_below(from), then write() for what a replay of the batches
//             from `from` on completes.
// Invariants: I1  written again are those of scanned segments, and of the others that are damaged or reach beyond their
//                 segment; any other stays as it is.
//             I2  each damaged one is a line in the report.
// Errors:     kIo, kNoSpace; write(): kCorrupt if markers in the log contradict what is kept of the index.
// Source:     TransactionIndex.sanityCheck, LogSegment.recover. Differences: as Log's.
#pragma once

#include <cstddef>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "storage/producer_state/producer_state.h"
#include "storage/recovery/open_report.h"
#include "storage/recovery/segments.h"

namespace moldau::storage {

class TransactionIndexRecovery {
 public:
  // All are the recovery's and outlive it. Segments from index `first_scanned` on were scanned.
  TransactionIndexRecovery(Segments& segments, std::size_t first_scanned, OpenReport& report)
      : segments_(segments), first_scanned_(first_scanned), report_(report) {}

  // Of the segments that were not scanned: the others' are written again in any case.
  [[nodiscard]] Result<> find_broken(Offset log_end);
  // True if one of those begins below `offset`.
  [[nodiscard]] bool broken_below(Offset offset) const;
  [[nodiscard]] Result<> empty_broken();
  // Scanned segments forget what a replay from `from` on will tell again.
  [[nodiscard]] Result<> keep_scanned_below(Offset from);

  // True if this segment's index is written again.
  [[nodiscard]] bool rewrites(const Segment& segment) const;
  // A replay met the end of a transaction in this segment.
  [[nodiscard]] Result<> write(Segment& segment, const CompletedTxn& txn) const;

 private:
  Segments& segments_;
  std::size_t first_scanned_;
  OpenReport& report_;
  std::vector<Segment*> broken_;
};

}  // namespace moldau::storage
