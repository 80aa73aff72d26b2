// The cleaner of a node: all logs of all its directories, under the keys that are in effect.
//
// Shard: the home shard.
#pragma once

#include <utility>
#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "broker/config/topic_configs.h"
#include "broker/node/cleaner_logs.h"
#include "broker/node/hosted_directories.h"
#include "broker/partitions/partition_home.h"
#include "broker/partitions/partition_router.h"
#include "metadata/image/image.h"
#include "runtime/world.h"
#include "storage/cleaner/log_cleaner.h"

namespace moldau::broker {

class NodeCleaner {
 public:
  NodeCleaner(const runtime::World& world, const NodeConfig& config, const TopicConfigs& configs, PartitionHome& home,
              const std::vector<PartitionRouter*>& routers, HostedDirectories& directories);

  // Once the logs are open, and before what the directories' files said is forgotten.
  void adopt_checkpoints();
  void start(const metadata::Image& image);
  void on_image(const metadata::Image& image) { cleaner_.on_config(configs_.cleaner_of(image)); }
  void stop(Callback stopped) { cleaner_.stop(std::move(stopped)); }

  // The log is not hosted any more: `left` once nothing is done to its files.
  void leave(const TopicIdPartition& id, Callback left) { cleaner_.leave(id, std::move(left)); }
  // The log stays as it is until resume(): `paused` once nothing is done to its files.
  void pause(const TopicIdPartition& id, Callback paused) {
    logs_.pause(id);
    cleaner_.leave(id, std::move(paused));
  }
  void resume(const TopicIdPartition& id) { logs_.resume(id); }
  // As of LogCleaner, of a paused log; `done` also if the directory failed, which is told by then.
  void carry(const TopicPartition& name, const HostedDirectory& to, Callback done);
  void settle(const TopicPartition& name, const HostedDirectory& at) { cleaner_.settle(name, at.directory().path()); }
  // `done` once no file has the name, also if a directory failed meanwhile.
  void forget(const TopicPartition& name, Callback done);

  [[nodiscard]] storage::CleanerMetrics metrics() const { return cleaner_.metrics(); }

 private:
  const TopicConfigs& configs_;
  HostedDirectories& directories_;
  CleanerLogs logs_;
  storage::LogCleaner cleaner_;
};

}  // namespace moldau::broker
