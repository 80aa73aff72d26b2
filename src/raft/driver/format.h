// Formats log directories, so that a node may start on them: what `kafka-storage format` does, file for file.
//
// What it writes into each directory that has no meta.properties yet: bootstrap.checkpoint; into the metadata log
// directory of a standalone controller also the snapshot 0-0 of __cluster_metadata-0 with kraft.version and the voter;
// last, when that is done in all of them, meta.properties, which makes a directory count as formatted: of several, one
// that a crash left out has its bootstrap.checkpoint already.
// Shard:      none: start-up and tools. Blocks.
// Errors:     one line for the operator; a crash or an error leaves the directory unformatted and may be repeated.
// Durability: all files and names are durable when it returns.
// Source:     KIP-853; org.apache.kafka.metadata.storage.Formatter, kafka.tools.StorageTool. Differences: SCRAM records
//             come as records, not as arguments.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/uuid.h"
#include "raft/core/voter_set.h"
#include "raft/driver/metadata_batch.h"
#include "runtime/fs.h"
#include "runtime/random.h"

namespace moldau::raft {

inline constexpr const char* kMetadataPartitionName = "__cluster_metadata-0";

enum class InitialVoters : std::uint8_t {
  kStandalone,  // --standalone: this node is the only voter
  kNone,        // --no-initial-controllers: joins a dynamic quorum later
  kStatic,      // controller.quorum.voters names them: kraft.version 0
};

struct FormatOptions {
  std::string cluster_id;
  NodeId node_id = kNoNode;
  std::vector<std::string> log_directories;
  std::string metadata_log_directory;  // one of them
  InitialVoters initial_voters = InitialVoters::kStandalone;
  std::optional<ListenerEndpoint> controller;  // this node's controller endpoint; needed by kStandalone
  // Overrides, metadata.version and kraft.version among them; what is not named gets the default of metadata.version.
  std::vector<std::pair<std::string, std::int16_t>> feature_levels;
  std::vector<MetadataRecordAndVersion> more_bootstrap_records;
  bool ignore_formatted = false;
};

struct FormattedDirectory {
  std::string path;
  Uuid directory_id;
};

// The directories that were formatted now.
[[nodiscard]] std::expected<std::vector<FormattedDirectory>, std::string> format_directories(
    runtime::FileSystem& fs, const FormatOptions& options, runtime::Random& random, std::int64_t now_ms);

// The records of bootstrap.checkpoint for these feature levels (metadata.version first, then by name, 0 left out).
[[nodiscard]] std::expected<std::vector<MetadataRecordAndVersion>, std::string> bootstrap_records(
    const std::vector<std::pair<std::string, std::int16_t>>& feature_levels);

}  // namespace moldau::raft
