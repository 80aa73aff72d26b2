// leader-epoch-checkpoint: the epochs of a log, one "epoch start-offset" a line, in the text form of Kafka's
// checkpoints (version 0).
//
// Errors:  kCorrupt, kTruncated (detail: the line): not such a file. Kafka then refuses the directory; here the log
// reads
//          the epochs from its batches again. An empty file means no entries.
// Source:  LeaderEpochCheckpointFile. Entries that contradict each other are resolved as Kafka does: the later line
// counts.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "storage/epoch/leader_epoch_cache.h"

namespace moldau::storage {

inline constexpr const char* kLeaderEpochFile = "leader-epoch-checkpoint";
inline constexpr std::uint64_t kLeaderEpochFileBytesMax = 64ULL << 20;  // two million leader changes

struct LeaderEpochFile {
  LeaderEpochCache cache;
  bool contradictory = false;  // a line was not above the line before: the cache keeps what later lines allow
};

[[nodiscard]] Result<LeaderEpochFile> parse_leader_epochs(Bytes content);
[[nodiscard]] std::string format_leader_epochs(const LeaderEpochCache& cache);

}  // namespace moldau::storage
