// SegmentScan: reads the segments that a crash may have left unfinished, and says how far their batches are whole.
//
// Shard:      blocks; as recover_log, on whose log it works.
// Order:      segments by base offset, of each its batches from the first on; the first damage ends it.
// Invariants: C1  nothing is changed on the disk.
//             C2  indexes and leader epochs of what was read are those of the whole batches before the damage.
//             C3  a batch counts as whole by its header alone if it ends below the recovery point, else by its CRC too.
//             C4  the base offset is not under the CRC: a batch that begins above the end of the one before it must be
//                 followed by one that begins where it ends. What a flipped bit moved up has no such successor.
// Gaps:       compaction leaves some, and so does the copy of a log that was compacted, whatever cleanup.policy is now.
// It
//             never touches the active segment, and leaves more than one. Hence C4 does not hold where cleanup.policy
//             is compact, nor behind a gap that was confirmed; and there alone the next segment may begin above the
//             end.
// Errors:     kUnsupported, kIo; damage is an outcome, and the caller's to judge.
// Bound:      reads the headers of all batches from the first segment's on, the bodies above the recovery point.
// Source:     LogLoader.recoverSegment, LogSegment.recover. Differences: as Log's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "protocol/record/batch.h"
#include "storage/recovery/damage.h"
#include "storage/recovery/epoch_recovery.h"
#include "storage/recovery/open_report.h"
#include "storage/recovery/segments.h"
#include "storage/segment/batch_scanner.h"
#include "storage/segment/log_config.h"

namespace moldau::storage {

struct ScanOutcome {
  Offset end{0};                 // behind the last whole batch
  std::optional<Damage> damage;  // what is there instead of the next one
};

class SegmentScan {
 public:
  // All are the recovery's and outlive it.
  SegmentScan(Segments& segments, EpochRecovery& epochs, const LogConfig& config, const OpenHints& hints,
              OpenReport& report);

  // Of the segments from index `first` on; there is one.
  [[nodiscard]] Result<ScanOutcome> run(std::size_t first);

 private:
  // A batch behind a gap that nothing confirms yet.
  struct Doubtful {
    record::BatchHeader header;
    std::uint64_t position = 0;
    Offset expected{0};
  };
  // Offsets from `at` on may be missing.
  [[nodiscard]] bool gap_is_fine(Offset at) const;
  [[nodiscard]] bool follows(const Segment& segment, Offset expected) const;
  [[nodiscard]] Result<ScanOutcome> end_of(std::size_t i, Offset next);
  void confirm(Segment& segment);
  void accept(Segment& segment, const record::BatchHeader& header, std::uint64_t position);
  [[nodiscard]] Result<ScanOutcome> scan(std::size_t i);
  [[nodiscard]] Result<> check_batch(const Segment& segment, const record::BatchHeader& header, Offset next,
                                     BatchScanner& scanner) const;

  Segments& segments_;
  EpochRecovery& epochs_;
  const LogConfig& config_;
  Offset recovery_point_;
  Offset compacted_below_;
  OpenReport& report_;
  ByteVector buffer_;
  std::optional<Doubtful> doubtful_;  // in the segment that is read
  bool saw_gaps_ = false;
};

}  // namespace moldau::storage
