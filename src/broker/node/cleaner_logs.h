// The logs of this node as the cleaner finds them: seeds on the home shard, partitions on every shard.
//
// Shard: the home shard; a partition's log is looked at on its own.
#pragma once

#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "broker/partitions/partition_home.h"
#include "broker/partitions/partition_router.h"
#include "runtime/shard.h"
#include "storage/cleaner/log_register.h"

namespace moldau::broker {

class CleanerLogs final : public storage::LogRegister {
 public:
  CleanerLogs(runtime::Shard& shard, PartitionHome& home, std::vector<PartitionRouter*> routers)
      : shard_(shard), home_(home), routers_(std::move(routers)) {}

  // No survey names a paused log. Jobs that have it are ended by LogCleaner::leave(), with a swap that was begun.
  void pause(const TopicIdPartition& id) { paused_->insert(id); }
  void resume(const TopicIdPartition& id) { paused_->erase(id); }

  void survey(const storage::LogSurvey& survey, Function<void(std::vector<storage::SurveyedLog>)> done) override;
  void with_log(const TopicIdPartition& id, Function<void(storage::Log&, Offset last_stable)> use,
                Function<void(bool)> done) override;

 private:
  runtime::Shard& shard_;
  PartitionHome& home_;
  std::vector<PartitionRouter*> routers_;
  std::shared_ptr<std::set<TopicIdPartition>> paused_ = std::make_shared<std::set<TopicIdPartition>>();
};

}  // namespace moldau::broker
