// What Partition is asked and what it answers: values only.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "protocol/errors/error_code.h"
#include "protocol/record/batch.h"
#include "protocol/record/batch_rebuilder.h"
#include "runtime/clock.h"
#include "storage/log/log_types.h"
#include "storage/segment/log_config.h"

namespace moldau::replication {

enum class AppendOrigin : std::uint8_t {
  kClient,       // a Produce request: offsets are assigned here, sequences checked
  kCoordinator,  // a group, transaction or share coordinator's own records, end-transaction markers
  kReplica,      // what a follower fetched: offsets and epochs are the leader's
  kRaft,         // the metadata log's leader: offsets and epochs are raft's
};

enum class Acks : std::int8_t { kNone = 0, kLeader = 1, kAll = -1 };

// An error with what a client needs to find the leader (KIP-951). `message` is a literal or null.
struct Refusal {
  protocol::ErrorCode code = protocol::ErrorCode::kUnknownServerError;
  const char* message = nullptr;
  NodeId leader = kNoNode;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
};

struct Appended {
  Offset first_offset{0};
  Offset last_offset{0};
  std::int64_t append_time_ms = kNoTimestamp;  // of a LogAppendTime topic or of the batch this one duplicates
  Offset log_start{0};
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  bool duplicate = false;  // stored before: the offsets are the first ones
};

enum class FetchIsolation : std::uint8_t {
  kHighWatermark,  // consumers, read_uncommitted
  kLastStable,     // consumers, read_committed
  kLogEnd,         // replicas; ListOffsets of the debugging consumer
};

struct ReadRequest {
  Offset from{0};
  FetchIsolation isolation = FetchIsolation::kHighWatermark;
  std::uint32_t bytes_max = 0;
  bool at_least_one_batch = false;  // the first batch whole, even beyond bytes_max
  bool leader_only = true;
  LeaderEpoch current_leader_epoch = kNoLeaderEpoch;  // -1: do not check
  LeaderEpoch last_fetched_epoch = kNoLeaderEpoch;    // -1: do not check (KIP-595)
};

struct DivergingEpoch {
  LeaderEpoch epoch = kNoLeaderEpoch;
  Offset end{0};
};

struct ReadResult {
  storage::Slice slice;                              // empty: nothing to read below the bound
  std::vector<storage::AbortedTransaction> aborted;  // kLastStable only; transactions that touch the range read
  std::optional<DivergingEpoch> diverging;           // then the slice is empty and the reader truncates
  Offset high_watermark{0};
  Offset last_stable{0};
  Offset log_start{0};
  Offset log_end{0};
};

// ListOffsets' timestamps with a meaning of their own.
namespace timestamp {
inline constexpr std::int64_t kLatest = -1;
inline constexpr std::int64_t kEarliest = -2;
inline constexpr std::int64_t kMax = -3;
inline constexpr std::int64_t kEarliestLocal = -4;
inline constexpr std::int64_t kLatestTiered = -5;
inline constexpr std::int64_t kEarliestPendingUpload = -6;
}  // namespace timestamp

struct ListOffsetRequest {
  std::int64_t timestamp = timestamp::kLatest;
  FetchIsolation isolation = FetchIsolation::kHighWatermark;  // kLogEnd for replica ids other than -1
  bool leader_only = true;                                    // false for the debugging consumer
  LeaderEpoch current_leader_epoch = kNoLeaderEpoch;
};

struct ListedOffset {  // the default is "no match", which is not an error
  std::int64_t timestamp = kNoTimestamp;
  Offset offset = kNoOffset;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
};

struct EpochEnd {  // the default is "unknown epoch"
  LeaderEpoch epoch = kNoLeaderEpoch;
  Offset end = kNoOffset;
};

// What a produced batch must be, by the topic's configuration.
struct ProduceRules {
  std::int64_t max_message_bytes = 1'048'588;
  record::TimestampType timestamp_type = record::TimestampType::kCreateTime;  // message.timestamp.type
  std::int64_t timestamp_before_max_ms = INT64_MAX;                           // message.timestamp.before.max.ms
  std::int64_t timestamp_after_max_ms = 3'600'000;                            // message.timestamp.after.max.ms
  std::optional<record::TargetCompression> compression = std::nullopt;        // compression.type; absent: `producer`
};

// A topic's effective configuration, as far as its partitions are concerned.
struct PartitionConfig {
  storage::LogConfig log;
  ProduceRules produce;
  std::int32_t min_isr = 1;                 // min.insync.replicas
  bool acks_all_sync = true;                // moldau.acks.all.sync
  std::int64_t flush_messages = INT64_MAX;  // flush.messages: a sync is asked for when so many records are unsynced
  std::int64_t flush_ms = INT64_MAX;        // flush.ms: … or when one has waited so long
};

}  // namespace moldau::replication
