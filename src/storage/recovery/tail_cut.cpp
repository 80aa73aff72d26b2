#include "storage/recovery/tail_cut.h"

#include <fmt/format.h>

#include "base/assert.h"
#include "base/probe.h"

namespace moldau::storage {

Result<> cut_tail(SegmentContext& context, const Damage& damage, RecoveredLog& log, OpenReport& report) {
  MOLDAU_PROBE("recovery.cut_tail");
  while (log.segments.size() > damage.segment + 1) {
    MOLDAU_CHECK(remove_last_segment(log, "behind a damaged batch", report));
  }
  if (context.names_unsynced) {
    MOLDAU_CHECK(context.fs.sync_dir(context.directory));
  }
  Segment& segment = *log.segments.back();
  const std::uint64_t bytes = segment.size_bytes() - damage.position;
  report.add(Severity::kWarn, fmt::format("{}: cut {} bytes from position {} (offset {}): {}", name_of(segment), bytes,
                                          damage.position, damage.next.value(), damage.error.message()));
  report.bytes_cut += bytes;
  if (bytes > 0) {
    MOLDAU_CHECK(segment.cut(damage.position));
  }
  segment.close_time_index();
  log.log_end = damage.next;
  return {};
}

Result<> remove_last_segment(RecoveredLog& log, std::string_view why, OpenReport& report) {
  MOLDAU_ASSERT(!log.segments.empty());
  Segment& segment = *log.segments.back();
  report.add(Severity::kWarn,
             fmt::format("{}: removed with {} bytes, {}", name_of(segment), segment.size_bytes(), why));
  report.bytes_cut += segment.size_bytes();
  ++report.segments_removed;
  MOLDAU_TRY(paths, segment.rename_files(kDeletedSuffix));
  log.deleted_paths.insert(log.deleted_paths.end(), paths.begin(), paths.end());
  log.segments.pop_back();
  return {};
}

}  // namespace moldau::storage
