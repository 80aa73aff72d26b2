// What a node's log directories hold: sizes of all replicas, asked of the shards that own them, and the room on the
// disks.
//
// Shard:      the home shard; the disks are asked on a worker.
// Bound:      O(partitions of the node) for each question.
// Source:     kafka.server.ReplicaManager.describeLogDirs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "broker/handlers/log_dir_channel.h"
#include "broker/node/hosted_directories.h"
#include "broker/partitions/partition_home.h"
#include "broker/partitions/partition_router.h"
#include "runtime/world.h"

namespace moldau::broker {

class LogDirReport {
 public:
  struct Environment {
    const runtime::World& world;
    const NodeConfig& config;
    const HostedDirectories& directories;
    PartitionHome& home;
    std::vector<PartitionRouter*> routers;
  };
  explicit LogDirReport(Environment environment) : environment_(std::move(environment)) {}

  // A copy that is on its way.
  struct Future {
    TopicPartition partition;
    std::string path;  // of its directory
    std::uint64_t size_bytes = 0;
    Offset log_end{0};
  };
  // As LogDirChannel::describe.
  void describe(std::optional<std::vector<TopicPartition>> only, std::vector<Future> futures,
                Function<void(std::vector<LogDirView>)> done);

 private:
  struct Gathering;

  void ask_shards(const std::shared_ptr<Gathering>& gathering);
  void ask_disks(const std::shared_ptr<Gathering>& gathering);

  Environment environment_;
};

}  // namespace moldau::broker
