// The log directory of a node before the node runs: formatted if that is allowed, locked, judged, and the metadata log
// in it recovered.
//
// Shard:  start-up; blocks.
// Errors: one line for the operator, and nothing on the disk was changed: another cluster's or node's directory, one
// that
//         another process holds, one that was never formatted, feature levels of a later release.
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

struct NodeDirectory {
  std::string cluster_id;
  std::unique_ptr<storage::LogDirectory> log_directory;
  BrokerEpoch previous_epoch = kNoBrokerEpoch;  // under which the last process stopped cleanly; -1: it did not
  metadata::RecordBatch bootstrap;

  [[nodiscard]] std::expected<std::unique_ptr<raft::RaftClient>, std::string> open_raft(
      const runtime::World& world, storage::SyncGroup& sync, const NodeConfig& config,
      std::vector<raft::ListenerEndpoint> controller_endpoints) const;
};

[[nodiscard]] std::expected<NodeDirectory, std::string> open_node_directory(const runtime::World& world,
                                                                            const NodeConfig& config,
                                                                            bool format_if_empty);

}  // namespace moldau::broker
