#include "storage/recovery/damage.h"

#include <fmt/format.h>

#include "base/probe.h"

namespace moldau::storage {

bool is_damage(const Error& error) noexcept {
  return error.kind() == ErrorKind::kCorrupt || error.kind() == ErrorKind::kTruncated;
}

Result<> fence_if_damage(const Segments& segments, std::size_t segment, const Error& error, Offset bound,
                         OpenReport& report) {
  if (!is_damage(error)) {
    return std::unexpected(error);
  }
  fence(segments, {segment, static_cast<std::uint64_t>(error.detail()), segments[segment]->base(), error}, bound,
        report);
  return {};
}

void fence(const Segments& segments, const Damage& damage, Offset bound, OpenReport& report) {
  MOLDAU_PROBE("recovery.fenced");
  const Segment& segment = *segments[damage.segment];
  report.fence = FenceReason{segment.base(), damage.position, damage.next, damage.error};
  report.add(
      Severity::kError,
      fmt::format("{} is damaged at position {} (offset {}): {}. All below offset {} was on the disk once, so this is "
                  "not the end of an interrupted write: the log stays closed and unchanged. Restore the file from a "
                  "replica or a backup, or delete the topic to give it up",
                  name_of(segment), damage.position, damage.next.value(), damage.error.message(), bound.value()));
}

}  // namespace moldau::storage
