#include "raft/driver/snapshot_policy.h"

namespace moldau::raft {

bool SnapshotPolicy::due(std::int64_t now_ms) const noexcept {
  if (bytes_since_ == 0) {
    return false;
  }
  return bytes_since_ >= config_.snapshot_record_bytes ||
         (config_.snapshot_interval_ms > 0 && now_ms - last_snapshot_ms_ >= config_.snapshot_interval_ms);
}

std::optional<OffsetAndEpoch> SnapshotPolicy::keep_from(const std::vector<SnapshotInfo>& oldest_first,
                                                        std::uint64_t log_bytes, std::int64_t now_ms) const {
  std::uint64_t total = log_bytes;
  for (const SnapshotInfo& info : oldest_first) {
    total += info.size_bytes;
  }
  std::optional<OffsetAndEpoch> keep;
  for (std::size_t i = 0; i + 1 < oldest_first.size(); ++i) {
    const SnapshotInfo& oldest = oldest_first[i];
    const bool too_much = config_.retention_bytes >= 0 && total > static_cast<std::uint64_t>(config_.retention_bytes);
    const bool too_old =
        config_.retention_ms >= 0 && now_ms - oldest.last_contained_log_timestamp > config_.retention_ms;
    if (!too_much && !too_old) {
      break;
    }
    // How many log bytes go with it is known only when whole segments were deleted; the next look goes on.
    total -= oldest.size_bytes;
    keep = oldest_first[i + 1].id;
  }
  return keep;
}

}  // namespace moldau::raft
