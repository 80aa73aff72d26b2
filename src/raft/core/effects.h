// What the core wants done. The shell carries effects out in the order given, and none before its `after` is on disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "raft/core/messages.h"

namespace moldau::raft {

// The number of a Persist; they count up. Of several waiting ones only the newest must be written.
using PersistTicket = std::uint64_t;

// Make the election record durable (quorum-state).
struct Persist {
  PersistTicket ticket = 0;
  ElectionRecord record;
};
struct Send {
  NodeId to = kNoNode;
  RequestId id = 0;
  Request request;
};
struct Reply {
  ReplyToken token = 0;
  Response response;
};
// Append the control batch that opens an epoch: LeaderChange, and on its heels KRaftVersion and KRaftVoters if given.
struct AppendEpochStart {
  LeaderEpoch epoch{0};
  Offset base{0};
  NodeId leader = kNoNode;
  std::vector<NodeId> voters;
  std::vector<NodeId> granting;
  std::optional<VoterChange> voter_change;
};
// Append what was proposed: one batch of `record_count` records.
struct AppendProposed {
  LeaderEpoch epoch{0};
  Offset base{0};
  std::int64_t record_count = 0;
};
// Append the first `batch_count` batches of the answer to request `id`, and sync.
struct AppendFetched {
  RequestId id = 0;
  std::size_t batch_count = 0;
};
struct Truncate {
  Offset end{0};
};
// Load this snapshot from the leader, then say SnapshotInstalled.
struct FetchSnapshot {
  NodeId leader = kNoNode;
  OffsetAndEpoch id;
};
// All below `offset` is committed; never goes back.
struct HighWatermarkMoved {
  Offset offset{0};
};
// A new epoch, or its leader became known. Whoever leads may tell its state machine only when that has replayed the
// record at `epoch_start`.
struct LeaderChanged {
  LeaderEpoch epoch{0};
  NodeId leader = kNoNode;
  Offset epoch_start = kNoOffset;  // only if this replica leads
};
// A peer contradicts what we know; its message was dropped.
struct Complaint {
  NodeId peer = kNoNode;
  const char* what = "";
};

struct Effect {
  PersistTicket after = 0;
  std::variant<Persist, Send, Reply, AppendEpochStart, AppendProposed, AppendFetched, Truncate, FetchSnapshot,
               HighWatermarkMoved, LeaderChanged, Complaint>
      what;
};
using Effects = std::vector<Effect>;

// The core's only source of chance: election timeouts.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  [[nodiscard]] virtual std::uint64_t next() = 0;
};

}  // namespace moldau::raft
