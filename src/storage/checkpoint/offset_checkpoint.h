// The offset checkpoints of a log directory: partition -> offset, in the shared text form, version 0.
//
//   recovery-point-offset-checkpoint   up to where each log is known to be synced; recovery starts there
//   replication-offset-checkpoint      high watermarks
//   log-start-offset-checkpoint        log starts that lie after the first segment's base offset
//   cleaner-offset-checkpoint          first offset that was not compacted yet
//
// Errors:     kCorrupt, kTruncated (with the line), kTooLarge, kIo. A missing file reads as empty.
// Durability: a write replaces the whole file atomically and is durable when it returns. Blocks.
// Source:     OffsetCheckpointFile. Difference: negative partitions and offsets are refused when read.
#pragma once

#include <map>
#include <string>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "runtime/fs.h"

namespace moldau::storage {

inline constexpr const char* kRecoveryPointCheckpoint = "recovery-point-offset-checkpoint";
inline constexpr const char* kHighWatermarkCheckpoint = "replication-offset-checkpoint";
inline constexpr const char* kLogStartCheckpoint = "log-start-offset-checkpoint";
inline constexpr const char* kCleanerCheckpoint = "cleaner-offset-checkpoint";

using PartitionOffsets = std::map<TopicPartition, Offset>;

// When a partition is named twice, the later line counts, as in Kafka.
[[nodiscard]] Result<PartitionOffsets> parse_offset_checkpoint(Bytes content);
[[nodiscard]] std::string format_offset_checkpoint(const PartitionOffsets& offsets);

[[nodiscard]] Result<PartitionOffsets> read_offset_checkpoint(runtime::FileSystem& fs, const std::string& path);
[[nodiscard]] Result<> write_offset_checkpoint(runtime::FileSystem& fs, const std::string& path,
                                               const PartitionOffsets& offsets);

}  // namespace moldau::storage
