// Decides when the metadata log deserves a new snapshot, and which old ones may go.
// Pure. Source: SnapshotGenerator (when), KafkaRaftLog.maybeClean (which).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "raft/driver/recovery.h"

namespace moldau::raft {

class SnapshotPolicy {
 public:
  SnapshotPolicy(const MetadataLogConfig& config, std::int64_t now_ms) : config_(config), last_snapshot_ms_(now_ms) {}

  void on_committed(std::size_t bytes) noexcept { bytes_since_ += static_cast<std::int64_t>(bytes); }
  void on_snapshot_begun(std::int64_t now_ms) noexcept {
    bytes_since_ = 0;
    last_snapshot_ms_ = now_ms;
  }
  // Something was committed since the last snapshot, and enough of it or long enough ago.
  [[nodiscard]] bool due(std::int64_t now_ms) const noexcept;

  // The oldest snapshot to keep: log and snapshots below it may go. Nothing: all stay. The newest always stays.
  [[nodiscard]] std::optional<OffsetAndEpoch> keep_from(const std::vector<SnapshotInfo>& oldest_first,
                                                        std::uint64_t log_bytes, std::int64_t now_ms) const;

 private:
  MetadataLogConfig config_;
  std::int64_t bytes_since_ = 0;
  std::int64_t last_snapshot_ms_;
};

}  // namespace moldau::raft
