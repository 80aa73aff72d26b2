// The log directories of a node before the node runs: formatted if that is allowed, locked, judged, and the metadata
// log in one of them recovered.
//
// Shard:  start-up; blocks.
// Errors: one line for the operator, and nothing on the disk was changed but for a directory id where there was none: a
// directory of another cluster or node, one
//         that another process holds, one that was never formatted, feature levels of a later release, a metadata
//         directory that does not work. Another directory that does not work is left out (`lost`).
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "broker/config/node_config.h"
#include "metadata/controller/controller_result.h"
#include "raft/driver/raft_client.h"
#include "runtime/world.h"
#include "storage/directory/log_directory.h"

namespace moldau::broker {

struct NodeDirectories {
  std::string cluster_id;
  std::vector<std::unique_ptr<storage::LogDirectory>> logs;  // of log.dirs, in their order; at least one
  std::vector<std::string> lost;                             // paths of log.dirs that do not work
  std::unique_ptr<storage::LogDirectory> metadata_only;      // metadata.log.dir, if it is none of log.dirs
  storage::LogDirectory* metadata = nullptr;                 // one of those above
  // Under which the last process stopped cleanly; -1: it did not, in one of the directories at least.
  BrokerEpoch previous_epoch = kNoBrokerEpoch;
  metadata::RecordBatch bootstrap;

  [[nodiscard]] std::expected<std::unique_ptr<raft::RaftClient>, std::string> open_raft(
      const runtime::World& world, storage::SyncGroup& sync, const NodeConfig& config,
      std::vector<raft::ListenerEndpoint> controller_endpoints) const;
  // LogDirectory::claim of each. The error is one line. Blocks.
  [[nodiscard]] std::expected<void, std::string> claim() const;
  // Every directory that works; those of log.dirs among them.
  [[nodiscard]] std::vector<storage::LogDirectory*> all() const;
  [[nodiscard]] std::vector<storage::LogDirectory*> of_logs() const;
  [[nodiscard]] std::vector<Uuid> ids_of_logs() const;
};

// log.dirs, and metadata.log.dir where it is none of them: all that a format makes.
[[nodiscard]] std::vector<std::string> directories_of(const NodeConfig& config);

[[nodiscard]] std::expected<NodeDirectories, std::string> open_node_directories(const runtime::World& world,
                                                                                const NodeConfig& config,
                                                                                bool format_if_empty);

}  // namespace moldau::broker
