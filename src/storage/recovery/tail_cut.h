// What opening takes away from the end of a log, in an order that a crash cannot turn against it.
//
// Order:      later segments go first, and their names durably, then the damaged one is cut: were they still there
// after
//             the cut, a second recovery would take them for its continuation.
// Invariants: U1  each removal is a line in the report; its bytes and segments are counted there.
// Errors:     kIo, kNoSpace.
// Durability: removed segments are renamed to .deleted and listed in deleted_paths; the cut is synced by the log's next
//             ticket.
#pragma once

#include <string_view>

#include "base/result.h"
#include "storage/recovery/damage.h"
#include "storage/recovery/open_report.h"
#include "storage/recovery/recovered_log.h"
#include "storage/segment/segment.h"

namespace moldau::storage {

// The log ends where the damage begins. That nothing below the bound is lost by it is for the caller to know.
[[nodiscard]] Result<> cut_tail(SegmentContext& context, const Damage& damage, RecoveredLog& log, OpenReport& report);

// There is one. `why` ends the line in the report. The log's end is left to the caller.
[[nodiscard]] Result<> remove_last_segment(RecoveredLog& log, std::string_view why, OpenReport& report);

}  // namespace moldau::storage
