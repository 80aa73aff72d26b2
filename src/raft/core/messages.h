// What voters and observers say to each other, without transport: the shell adds topic, cluster id and endpoints, and
// carries record bytes beside these values.
//
// Source: KIP-595 (Vote, BeginQuorumEpoch, EndQuorumEpoch, Fetch), KIP-853 (directory ids), KIP-996 (pre-vote).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "raft/core/voter_set.h"

namespace moldau::raft {

// Monotonic, since an arbitrary start.
using Millis = std::chrono::milliseconds;
using Instant = std::chrono::milliseconds;
inline constexpr Instant kNeverInstant = Instant::max();

enum class RaftError : std::uint8_t {
  kNone,
  kFencedLeaderEpoch,
  kUnknownLeaderEpoch,
  kNotLeaderOrFollower,
  kInvalidRequest,
  kInvalidVoterKey,
  kBrokerNotAvailable,
};

struct VoteRequest {
  LeaderEpoch epoch{0};  // the candidate's; a prospective one has not raised it yet
  ReplicaKey candidate;
  ReplicaKey voter;  // who is meant; id kNoNode from a peer that does not say
  OffsetAndEpoch log_end;
  bool pre_vote = false;
};
struct BeginQuorumEpochRequest {
  LeaderEpoch epoch{0};
  NodeId leader = kNoNode;
  ReplicaKey voter;
};
struct EndQuorumEpochRequest {
  LeaderEpoch epoch{0};
  NodeId leader = kNoNode;
  std::vector<ReplicaKey> preferred_successors;
};
// Also says: all below fetch_offset is durable here.
struct FetchRequest {
  LeaderEpoch epoch{0};
  ReplicaKey replica;
  Offset fetch_offset{0};
  LeaderEpoch last_fetched_epoch{0};
  Offset high_watermark = kNoOffset;  // what the replica knows, so that a newer one is worth an answer
  Millis max_wait{0};
};
using Request = std::variant<VoteRequest, BeginQuorumEpochRequest, EndQuorumEpochRequest, FetchRequest>;

// What all answers begin with: the answering replica's view.
struct ResponseHead {
  RaftError error = RaftError::kNone;
  LeaderEpoch epoch{0};
  NodeId leader = kNoNode;
};
struct VoteResponse : ResponseHead {
  bool granted = false;
};
struct BeginQuorumEpochResponse : ResponseHead {};
struct EndQuorumEpochResponse : ResponseHead {};

// One fetched batch, as its header says it and as the shell checked it (CRC, size, last >= base).
struct BatchSummary {
  Offset base{0};
  Offset last{0};
  LeaderEpoch epoch{0};
  std::vector<std::pair<Offset, VoterChange>> voter_changes;  // of a control batch
};
struct FetchResponse : ResponseHead {
  Offset log_start = kNoOffset;
  Offset high_watermark = kNoOffset;        // kNoOffset: the leader has none yet
  std::optional<OffsetAndEpoch> diverging;  // cut your log
  std::optional<OffsetAndEpoch> snapshot;   // load this snapshot
  // From the leader's core: the shell attaches batches of [records_from, records_upto), as many as fit.
  Offset records_from = kNoOffset;
  Offset records_upto = kNoOffset;
  std::vector<BatchSummary> batches;  // at the receiver
};
using Response = std::variant<VoteResponse, BeginQuorumEpochResponse, EndQuorumEpochResponse, FetchResponse>;

using RequestId = std::uint64_t;   // of a request sent; its answer carries it back
using ReplyToken = std::uint64_t;  // of a request received; named by the shell

}  // namespace moldau::raft
