// The names of snapshot files: `<end offset, 20 digits>-<epoch, 10 digits>.checkpoint`.
// Source: org.apache.kafka.snapshot.Snapshots. `.part`: being written; `.deleted`: doomed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace moldau::raft {

inline constexpr OffsetAndEpoch kBootstrapSnapshotId{};  // the one that formatting writes

enum class SnapshotFileState : std::uint8_t { kComplete, kPartial, kDeleted };

struct SnapshotFileName {
  OffsetAndEpoch id;
  SnapshotFileState state = SnapshotFileState::kComplete;
  friend bool operator==(const SnapshotFileName&, const SnapshotFileName&) = default;
};

[[nodiscard]] std::string snapshot_file_name(OffsetAndEpoch id);
// Nothing if the name is not that of a snapshot.
[[nodiscard]] std::optional<SnapshotFileName> parse_snapshot_file_name(std::string_view name);

}  // namespace moldau::raft
