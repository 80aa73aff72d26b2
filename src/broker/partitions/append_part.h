// The part of one Produce request that concerns the partitions of one shard: validates, appends, waits for the acks. A
// part that is much work is done over several turns.
//
// Shard:      the owner of all its partitions; the bytes belong to the request, which outlives the part.
// Invariants: A1 every item gets exactly one outcome; `done` runs once, when all have theirs.
//             A2 parts of one source append in the order in which they were run.
// Errors:     outcomes carry wire codes; none of them leaves bytes of a refused batch in a log.
// Source:     kafka.server.ReplicaManager.appendRecords.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "broker/partitions/append_turns.h"
#include "broker/partitions/operation_set.h"
#include "protocol/errors/error_code.h"
#include "protocol/record/scratch.h"
#include "protocol/record/validate.h"
#include "replication/partition/partition_types.h"
#include "runtime/clock.h"

namespace moldau::broker {

class PartitionRouter;

struct AppendItem {
  std::size_t index = 0;  // in the request
  TopicIdPartition id;
  MutableBytes records;
};

struct AppendOutcome {
  std::size_t index = 0;
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  const char* message = nullptr;  // a literal, or null
  std::int64_t base_offset = -1;
  std::int64_t append_time_ms = -1;
  std::int64_t log_start = -1;
  NodeId leader = kNoNode;  // with NOT_LEADER_OR_FOLLOWER: who leads (KIP-951)
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  std::vector<record::RecordError> record_errors;
};

// What a shard's appends share.
struct AppendEnvironment {
  PartitionRouter& router;
  OperationSet& operations;
  AppendTurns& turns;
  record::Scratch& scratch;
  std::size_t decompressed_bytes_max;  // moldau.decompressed.batch.bytes.max
};

struct AppendTerms {
  AppendSource source;
  replication::Acks acks = replication::Acks::kLeader;
  runtime::MonoTime deadline{};  // of an acks=all answer
  bool zstd_allowed = true;
};

using AppendDone = Function<void(std::vector<AppendOutcome>)>;

// A turn takes up items until they come to kTurnWorkMax: bytes as sent, decompressed and built anew, and kItemWork each
// for the rest.
inline constexpr std::uint64_t kItemWork = std::uint64_t{4} << 10;

// Runs the part; `done` is called before this returns if nothing has to be waited for and one turn is enough, and never
// if `operations` refuses.
void run_append_part(const AppendEnvironment& environment, std::vector<AppendItem> items, const AppendTerms& terms,
                     AppendDone done);

}  // namespace moldau::broker
