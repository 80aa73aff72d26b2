// ProducerRecovery: the state of the producers of a log that is opened: the newest snapshot that can be trusted, then
// the batches behind it; with them the transaction indexes that are written again.
//
// Shard:      blocks; as recover_log, on whose log it works.
// Order:      transaction indexes are judged; snapshots that cannot be right go; the newest is loaded, a broken one
//             goes and the next is tried; producers long silent are forgotten; indexes are emptied; the batches from
//             there on are applied, and at each segment that writes its index again a snapshot is made. A crash in
//             between leaves what the next opening judges in the same way.
// Invariants: P1  log.producers is the state of all below log.log_end.
//             P2  log.snapshots are the files that are left: those at a segment's base, and the newest.
//             P3  a removed snapshot is a line in the report.
// Errors:     kCorrupt, kTruncated (detail: the position): damage in the segment reading(); kIo, kNoSpace.
// Bound:      reads the batch headers behind the snapshot, and those that restore_windows() asks for.
// Source:     LogLoader, UnifiedLog.rebuildProducerState, ProducerStateManager. Differences: restore_windows().
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/ids.h"
#include "base/result.h"
#include "storage/recovery/open_report.h"
#include "storage/recovery/producer_snapshot_file.h"
#include "storage/recovery/recovered_log.h"
#include "storage/recovery/transaction_index_recovery.h"
#include "storage/segment/segment.h"

namespace moldau::storage {

class ProducerRecovery {
 public:
  // All are the recovery's and outlive it. Segments from index `first_scanned` on were scanned. Fills log.producers and
  // log.snapshots; needs its segments, start and end.
  ProducerRecovery(SegmentContext& context, std::size_t first_scanned, RecoveredLog& log, OpenReport& report)
      : context_(context), log_(log), report_(report), transactions_(log.segments, first_scanned, report) {}

  // `found`: the snapshots that are there; those above `trusted_end` may say other than the files beside them.
  [[nodiscard]] Result<> run(SnapshotOffsets found, Offset trusted_end, std::int64_t now_ms);
  // The index of the segment whose batches were read last.
  [[nodiscard]] std::size_t reading() const noexcept { return reading_; }

 private:
  [[nodiscard]] Result<> drop_snapshots(Offset trusted_end);
  [[nodiscard]] const char* reason_to_drop(Offset snapshot, Offset trusted_end, Offset kept) const;
  [[nodiscard]] bool is_segment_base(Offset offset) const;
  [[nodiscard]] Result<> remove_snapshot(Offset offset);
  [[nodiscard]] Result<Offset> load_snapshot();
  [[nodiscard]] Result<> prepare_transaction_indexes(Offset& from);
  [[nodiscard]] Result<> replay(Offset from);
  [[nodiscard]] Result<> snapshot_at(const Segment& segment);

  SegmentContext& context_;
  RecoveredLog& log_;
  OpenReport& report_;
  TransactionIndexRecovery transactions_;
  std::size_t reading_ = 0;
};

}  // namespace moldau::storage
