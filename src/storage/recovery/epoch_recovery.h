// EpochRecovery: the leader epochs of a log that is opened, from their file, from the batches where it is not to be
// trusted.
//
// Shard:      blocks; as recover_log, on whose log it works.
// Order:      read(); what a scan of segments says (forget_from(), note()); settle(), once the log's ends are known.
// Invariants: P1  the file is missing, contradicts itself or begins above the log start: the batches of the whole log
//                 are read again.
//             P2  after settle() no epoch begins below the log start or above its end.
//             P3  nothing is written: epochs_unsynced tells the log to do it.
// Errors:     read(): kIo. settle(): kCorrupt, kTruncated (detail: the position) in the segment reading(); kIo.
// Bound:      settle() reads the headers of the whole log when the file is of no use, else one batch.
// Source:     LeaderEpochFileCache (KIP-101), LogLoader. Differences: as the epochs' file's.
#pragma once

#include <cstddef>
#include <string>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "protocol/record/batch.h"
#include "storage/epoch/leader_epoch_cache.h"
#include "storage/recovery/open_report.h"
#include "storage/recovery/recovered_log.h"
#include "storage/segment/segment.h"

namespace moldau::storage {

class EpochRecovery {
 public:
  // All are the recovery's and outlive it. Fills log.epochs and log.epochs_unsynced.
  EpochRecovery(SegmentContext& context, RecoveredLog& log, OpenReport& report)
      : context_(context), log_(log), report_(report) {}

  // Takes what the file says; a file that is of no use is remembered for settle().
  [[nodiscard]] Result<> read();

  // What the file says of the offsets from `offset` on is no longer believed.
  void forget_from(Offset offset) { log_.epochs.truncate_from_end(offset); }
  // A batch that is in the log, in the order of the offsets.
  void note(const record::BatchHeader& header);

  // Needs the log's segments, start and end.
  [[nodiscard]] Result<> settle();
  // The index of the segment that settle() read last.
  [[nodiscard]] std::size_t reading() const noexcept { return reading_; }

 private:
  void distrust(std::string problem);
  [[nodiscard]] Result<> look_below_the_first();
  [[nodiscard]] Result<> read_batches();

  SegmentContext& context_;
  RecoveredLog& log_;
  OpenReport& report_;
  LeaderEpochCache on_disk_;
  std::string problem_;  // with the file, if from_batches_
  bool from_batches_ = false;
  std::size_t reading_ = 0;
};

}  // namespace moldau::storage
