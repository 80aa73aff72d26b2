// What a start finds in the metadata partition's directory: opens the log, removes leftovers, picks the snapshots that
// are whole, reads the vote file and the voters. After it everything the quorum needs is in memory.
//
// Shard:      start-up. Blocks.
// Errors:     one line for the operator. A vote file that cannot be read, a log that begins above the newest whole
//             snapshot, a fenced log, parts that contradict each other: refused, and nothing was changed but leftovers
//             removed and a torn tail cut.
// Source:     KafkaRaftLog.createLog, KRaftControlRecordStateMachine. Differences: snapshots are read whole before they
//             are trusted; a damaged one is passed over if an older one and the log still hold everything.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "raft/core/quorum.h"
#include "raft/driver/snapshot_store.h"
#include "storage/log/log.h"

namespace moldau::raft {

// metadata.log.* and metadata.max.* of the configuration.
struct MetadataLogConfig {
  std::int32_t segment_bytes = 1 << 30;           // metadata.log.segment.bytes
  std::int64_t segment_ms = 604'800'000;          // metadata.log.segment.ms
  std::int64_t retention_bytes = 100 << 20;       // metadata.max.retention.bytes; -1: no limit
  std::int64_t retention_ms = 604'800'000;        // metadata.max.retention.ms; -1: no limit
  std::int64_t snapshot_record_bytes = 20 << 20;  // metadata.log.max.record.bytes.between.snapshots
  std::int64_t snapshot_interval_ms = 3'600'000;  // metadata.log.max.snapshot.interval.ms; 0: by bytes alone
};

struct RecoveredMetadata {
  std::unique_ptr<storage::Log> log;
  std::vector<SnapshotInfo> snapshots;  // oldest first
  Quorum::Restored restored;
};

// `fixed_voters`: controller.quorum.voters, empty in a dynamic quorum.
[[nodiscard]] std::expected<RecoveredMetadata, std::string> recover_metadata(storage::LogEnvironment environment,
                                                                             const std::string& partition_directory,
                                                                             const MetadataLogConfig& config,
                                                                             NodeId self, VoterSet fixed_voters,
                                                                             std::int64_t now_ms);

}  // namespace moldau::raft
