#include "broker/node/node_cleaner.h"

#include <utility>

#include "replication/partition/partition_types.h"

namespace moldau::broker {

NodeCleaner::NodeCleaner(const runtime::World& world, const NodeConfig& config, const TopicConfigs& configs,
                         PartitionHome& home, const std::vector<PartitionRouter*>& routers,
                         HostedDirectories& directories)
    : configs_(configs),
      directories_(directories),
      logs_(world.shard(0), home, routers),
      cleaner_({world.fs, world.shard(0), world.workers, world.logger, logs_}, config.cleaner,
               [this](const std::string& directory, const Error& error) {
                 if (HostedDirectory* failed = directories_.by_path(directory)) {
                   failed->directory().fail(error);
                 }
               }) {}

void NodeCleaner::adopt_checkpoints() {
  for (const auto& directory : directories_.all()) {
    cleaner_.adopt(directory->directory().path(), directory->directory().contents().cleaned);
  }
}

void NodeCleaner::start(const metadata::Image& image) {
  on_image(image);
  cleaner_.start();
}

void NodeCleaner::carry(const TopicPartition& name, const HostedDirectory& to, Callback done) {
  cleaner_.carry(name, to.directory().path(), [done = std::move(done)](const Result<>&) mutable { done(); });
}

void NodeCleaner::forget(const TopicPartition& name, Callback done) {
  cleaner_.forget(name, [done = std::move(done)](const Result<>&) mutable { done(); });
}

}  // namespace moldau::broker
