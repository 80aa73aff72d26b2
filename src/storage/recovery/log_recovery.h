// recover_log: from the files of a partition's directory to a log that can be used, or to the reason why it must not
// be.
//
// Shard:      blocks; runs on Workers, or at start-up.
// Order:      (a crash at any point leaves a directory from which the same result is reached again)
//             1 names: .deleted and .cleaned go, finished .swap files take their places, orphaned indexes go
//               (directory_files.h);
//             2 segments: after an unclean stop those above the recovery point are scanned, the CRC of each batch above
//               it is checked, and their indexes are made anew; after a clean stop the files are trusted
//               (segment_scan.h);
//             3 damage: below the bound (the trusted durable end, else the recovery point) the log is fenced and
//               nothing is changed; above it, later segments are removed first, then the damaged one is cut
//               (damage.h, tail_cut.h);
//             4 leader epochs: from their file, from the batches if it is missing or contradicts itself
//               (epoch_recovery.h);
//             5 producer state: newest snapshot that can be trusted, then the batches behind it; the aborted
//               transactions of scanned segments are written again (producer_recovery.h).
// Invariants: R1  nothing below the bound is ever cut.   R2  what remains is a prefix of what was appended.
//             R3  nothing is removed or repaired without a line in the report.
// Errors:     kNotFound: no directory; kInvalid: a link or directory in a file's place; kTooLarge: a segment above
//             2 GiB; kUnsupported: message formats before Kafka 0.11; kIo, kNoSpace.
// Bound:      reads what lies above the recovery point, and the headers of the segment that holds it.
// Source:     LogLoader, guarantees G13. Differences: as Log's.
#pragma once

#include "base/result.h"
#include "runtime/random.h"
#include "storage/recovery/open_report.h"
#include "storage/recovery/recovered_log.h"
#include "storage/segment/segment.h"

namespace moldau::storage {

// The report is filled also when an error is returned.
[[nodiscard]] Result<RecoveredLog> recover_log(SegmentContext& context, const OpenHints& hints, runtime::Random& random,
                                               OpenReport& report);

}  // namespace moldau::storage
