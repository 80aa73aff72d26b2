// HostedMarks: where the partitions of a log directory stand, for its checkpoints, whatever shards they are on.
//
// Shard:      the home shard.
// Bound:      O(partitions of the node) for each question.
#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "broker/config/topic_configs.h"
#include "broker/partitions/partition_home.h"
#include "broker/partitions/partition_router.h"
#include "metadata/image/image.h"
#include "runtime/shard.h"
#include "storage/directory/checkpointer.h"
#include "storage/directory/log_directory.h"

namespace moldau::broker {

// Of an opened log that nobody uses.
[[nodiscard]] storage::PartitionMarks marks_of(const PartitionSeed& seed, bool keep_durable_end);
// Whether the log of a partition of this shard is in the directory.
[[nodiscard]] bool lies_in(const storage::LogDirectory& directory, replication::Partition& partition);

class HostedMarks final : public storage::MarkSource {
 public:
  HostedMarks(runtime::Shard& shard, const TopicConfigs& configs, PartitionHome& home,
              std::vector<PartitionRouter*> routers);
  ~HostedMarks() override;

  void on_image(std::shared_ptr<const metadata::Image> image) { image_ = std::move(image); }
  [[nodiscard]] bool keeps_durable_end(std::string_view topic) const;

  void collect_marks(const storage::LogDirectory& directory,
                     Function<void(std::vector<storage::PartitionMarks>)> done) override;
  void on_recovery_points(const storage::LogDirectory& directory, const storage::PartitionOffsets& points) override;

 private:
  runtime::Shard& shard_;
  const TopicConfigs& configs_;
  PartitionHome& home_;
  const std::vector<PartitionRouter*> routers_;
  std::shared_ptr<const metadata::Image> image_ = std::make_shared<const metadata::Image>();
  std::shared_ptr<HostedMarks*> alive_;
};

}  // namespace moldau::broker
