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
//             3 damage: below the bound (the larger of the trusted durable end and the recovery point; everything, if
//               there is neither after a clean stop) the log is fenced and nothing is changed; above it, later segments
//               are removed first, then the damaged one is cut (damage.h, tail_cut.h). A log that ends below the bound,
//               or after a clean stop begins above its log start, lacks records without a trace: fenced as well. One
//               that ends at or above the bound but below its log start begins anew there, and its files are set aside,
//               not deleted;
//             4 leader epochs: from their file, from the batches if it is missing or contradicts itself
//               (epoch_recovery.h);
//             5 producer state: newest snapshot that can be trusted, then the batches behind it; the aborted
//               transactions of scanned segments are written again (producer_recovery.h).
//             6 what lies above the durable end is written once more, so that the next sync speaks of it (without a
//               durable end: unless it is more than 16 MiB).
// Invariants: R1  nothing below the bound is ever cut.   R2  what remains is a prefix of what was appended.
//             R3  nothing is removed or repaired without a line in the report.
//             R4  the marks of a fenced log are the hints it was opened with: however often it is opened, the damage
//                 lies below its bound.
// Errors:     kNotFound: no directory; kInvalid: a link or directory in a file's place; kTooLarge: a segment above
//             2 GiB; kUnsupported: message formats before Kafka 0.11; kIo, kNoSpace.
// Bound:      reads what lies above the recovery point, and the headers of the segment that holds it; writes, a chunk
// at
//             a time, what lies above the durable end.
// Not found:  a closed segment that lacks its tail after a clean stop, or is missing between others: nothing is read
//             for it here, the first reader that comes to the gap fences the log (Log::read). After an unclean stop,
//             missing segments before the first: retention may have removed them.
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
