// Who a replica of the metadata log is: a node id and the id of its metadata directory (KIP-853).
#pragma once

#include "base/ids.h"
#include "base/uuid.h"

namespace moldau::raft {

struct ReplicaKey {
  NodeId id = kNoNode;
  Uuid directory_id = kZeroUuid;  // zero: unknown (kraft.version 0, or an old peer)

  // True if `other` may be this replica: the same node and, where this key names a directory, the same directory.
  [[nodiscard]] constexpr bool matches(const ReplicaKey& other) const noexcept {
    return id == other.id && (directory_id.is_zero() || directory_id == other.directory_id);
  }
  friend constexpr auto operator<=>(const ReplicaKey&, const ReplicaKey&) noexcept = default;
};

// What a voter must never forget: the content of the quorum-state file.
struct ElectionRecord {
  LeaderEpoch epoch{0};
  NodeId leader = kNoNode;  // kNoNode: not known
  ReplicaKey voted;         // id kNoNode: no vote in this epoch

  [[nodiscard]] constexpr bool has_leader() const noexcept { return leader != kNoNode; }
  [[nodiscard]] constexpr bool has_voted() const noexcept { return voted.id != kNoNode; }
  friend constexpr bool operator==(const ElectionRecord&, const ElectionRecord&) noexcept = default;
};

}  // namespace moldau::raft
