// The partitions of one shard, and the way to those of others.
//
// Shard:      one per shard.
// Invariants: R1 a remembered placement is right for as long as the partition lives (PartitionHome H2); topic ids are
//                never reused, so a stale entry can only name a partition that is gone.
// Bound:      known placements: one entry per partition of this node, dropped when the image drops the topic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "broker/partitions/partition_seed.h"
#include "broker/partitions/topic_traffic.h"
#include "metadata/image/delta.h"
#include "metadata/image/image.h"
#include "protocol/errors/error_code.h"
#include "replication/partition/partition_environment.h"
#include "runtime/shard.h"

namespace moldau::replication {
class Partition;
struct PartitionConfig;
}  // namespace moldau::replication

namespace moldau::broker {

class PartitionHome;

// A topic's effective configuration under an image.
class PartitionConfigSource {
 public:
  virtual ~PartitionConfigSource() = default;
  [[nodiscard]] virtual replication::PartitionConfig config_of(const metadata::Image& image,
                                                               std::string_view topic) const = 0;
};

class PartitionRouter {
 public:
  PartitionRouter(replication::PartitionEnvironment environment, const PartitionConfigSource& configs);
  ~PartitionRouter();

  void wire(PartitionHome& home, runtime::Shard& home_shard);

  // The newest image this shard has; never null after the first publication.
  [[nodiscard]] const std::shared_ptr<const metadata::Image>& image() const noexcept { return image_; }
  // Publishes an image: leadership, configuration and broker events reach this shard's partitions first.
  void on_image(std::shared_ptr<const metadata::Image> image, const metadata::ImageChanges& changes);

  // Null if it lives elsewhere or nowhere.
  [[nodiscard]] replication::Partition* local(const TopicIdPartition& id);

  struct Lookup {
    bool known = false;                  // false: learn() first
    std::optional<std::uint32_t> shard;  // nullopt: not hosted by this node
  };
  [[nodiscard]] Lookup lookup(const TopicIdPartition& id);
  // Asks the home where these live (placing unused ones here if the rule lets it); `done` in a later turn, on this
  // shard.
  void learn(std::vector<TopicIdPartition> ids, Callback done);

  // From the home.
  void adopt(PartitionSeed seed);
  // It was on no shard, and now can be found.
  void on_hosted(const TopicIdPartition& id) { nowhere_.erase(id); }
  // This node has the partition and cannot read it.
  void on_not_served(const TopicIdPartition& id) { not_served_.insert(id); }
  // What to answer for a partition that lookup() found on no shard.
  [[nodiscard]] protocol::ErrorCode why_nowhere(const TopicIdPartition& id) const;
  // The topic was deleted: its waiters hear so, its log is handed out for removal.
  [[nodiscard]] PartitionSeed release_deleted(const TopicIdPartition& id);
  // The node stops; the shard's SyncGroup was closed before.
  [[nodiscard]] std::vector<PartitionSeed> release_all();

  // Every partition of this shard, for housekeeping and metrics.
  template <class Visit>
  void for_each(Visit visit) {
    for (auto& [id, partition] : partitions_) {
      visit(*partition);
    }
  }
  [[nodiscard]] std::size_t size() const noexcept { return partitions_.size(); }
  [[nodiscard]] TopicTraffic& traffic() noexcept { return traffic_; }
  [[nodiscard]] runtime::Shard& shard() noexcept { return environment_.shard; }

 private:
  void apply_registration(replication::Partition& partition);
  void remember(const std::vector<TopicIdPartition>& ids, const std::vector<std::optional<std::uint32_t>>& shards);

  replication::PartitionEnvironment environment_;
  const PartitionConfigSource& configs_;
  PartitionHome* home_ = nullptr;
  runtime::Shard* home_shard_ = nullptr;
  std::shared_ptr<const metadata::Image> image_;
  std::unordered_map<TopicIdPartition, std::unique_ptr<replication::Partition>> partitions_;
  std::unordered_map<TopicIdPartition, std::uint32_t> elsewhere_;
  // Asked and not hosted, under the image of that time: asked again once an image brings the topic.
  std::unordered_set<TopicIdPartition> nowhere_;
  std::unordered_set<TopicIdPartition> not_served_;
  TopicTraffic traffic_;
};

}  // namespace moldau::broker
