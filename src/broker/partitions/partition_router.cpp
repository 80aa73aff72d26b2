#include "broker/partitions/partition_router.h"

#include <utility>

#include "base/assert.h"
#include "broker/partitions/partition_home.h"
#include "replication/partition/partition.h"

namespace moldau::broker {
namespace {

replication::PartitionRegistration to_replication(const metadata::PartitionRegistration& registration) {
  return {.replicas = registration.replicas,
          .isr = registration.isr,
          .elr = registration.elr,
          .leader = registration.leader,
          .leader_epoch = registration.leader_epoch,
          .partition_epoch = registration.partition_epoch,
          .recovery_state = registration.recovery == metadata::LeaderRecoveryState::kRecovered
                                ? replication::LeaderRecoveryState::kRecovered
                                : replication::LeaderRecoveryState::kRecovering};
}

// Without its log.
PartitionSeed seed_of(const replication::Partition& partition) {
  return {.name = partition.name(),
          .topic_id = partition.topic_id(),
          .log = nullptr,
          .high_watermark = partition.high_watermark()};
}

}  // namespace

PartitionRouter::PartitionRouter(replication::PartitionEnvironment environment, const PartitionConfigSource& configs)
    : environment_(environment), configs_(configs), image_(std::make_shared<const metadata::Image>()) {}

PartitionRouter::~PartitionRouter() = default;

void PartitionRouter::wire(PartitionHome& home, runtime::Shard& home_shard) {
  home_ = &home;
  home_shard_ = &home_shard;
}

void PartitionRouter::on_image(std::shared_ptr<const metadata::Image> image, const metadata::ImageChanges& changes) {
  image_ = std::move(image);
  for (const auto& [topic_id, name] : changes.deleted_topics) {
    std::erase_if(elsewhere_, [&](const auto& entry) { return entry.first.topic_id == topic_id; });
    std::erase_if(not_served_, [&](const TopicIdPartition& id) { return id.topic_id == topic_id; });
    traffic_.on_topic_deleted(topic_id);
  }
  nowhere_.clear();
  for (const auto& [topic_id, indexes] : changes.topics) {
    for (const PartitionIndex index : indexes) {
      if (replication::Partition* partition = local({topic_id, index})) {
        apply_registration(*partition);
      }
    }
  }
  bool all_configs = false;
  for (const metadata::ConfigResource& resource : changes.configs) {
    all_configs = all_configs || resource.type == metadata::ConfigResourceType::kBroker;
  }
  if (all_configs || !changes.configs.empty()) {
    for (auto& [id, partition] : partitions_) {
      if (all_configs || changes.configs.contains({metadata::ConfigResourceType::kTopic, partition->name().topic})) {
        partition->on_config(configs_.config_of(*image_, partition->name().topic));
      }
    }
  }
  if (!changes.brokers.empty()) {
    for (auto& [id, partition] : partitions_) {
      partition->on_brokers_changed();
    }
  }
}

replication::Partition* PartitionRouter::local(const TopicIdPartition& id) {
  const auto found = partitions_.find(id);
  return found == partitions_.end() ? nullptr : found->second.get();
}

PartitionRouter::Lookup PartitionRouter::lookup(const TopicIdPartition& id) {
  if (partitions_.contains(id)) {
    return {.known = true, .shard = environment_.shard.index()};
  }
  if (const auto found = elsewhere_.find(id); found != elsewhere_.end()) {
    return {.known = true, .shard = found->second};
  }
  if (nowhere_.contains(id)) {
    return {.known = true, .shard = std::nullopt};
  }
  return {};
}

protocol::ErrorCode PartitionRouter::why_nowhere(const TopicIdPartition& id) const {
  return not_served_.contains(id) ? protocol::ErrorCode::kKafkaStorageError : protocol::ErrorCode::kNotLeaderOrFollower;
}

void PartitionRouter::learn(std::vector<TopicIdPartition> ids, Callback done) {
  const std::uint32_t here = environment_.shard.index();
  home_shard_->post([this, here, ids = std::move(ids), done = std::move(done)]() mutable {
    std::vector<TopicIdPartition> asked = ids;
    home_->resolve(std::move(asked), here,
                   [this, ids = std::move(ids), done = std::move(done)](PartitionHome::Shards shards) mutable {
                     environment_.shard.post(
                         [this, ids = std::move(ids), shards = std::move(shards), done = std::move(done)]() mutable {
                           remember(ids, shards);
                           done();
                         });
                   });
  });
}

void PartitionRouter::remember(const std::vector<TopicIdPartition>& ids,
                               const std::vector<std::optional<std::uint32_t>>& shards) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!shards[i]) {
      nowhere_.insert(ids[i]);
    } else if (*shards[i] != environment_.shard.index()) {
      elsewhere_[ids[i]] = *shards[i];
    }
  }
}

void PartitionRouter::adopt(PartitionSeed seed) {
  const TopicIdPartition id = seed.id();
  replication::PartitionConfig config = configs_.config_of(*image_, seed.name.topic);
  auto partition = std::make_unique<replication::Partition>(environment_, std::move(seed.name), seed.topic_id,
                                                            std::move(seed.log), seed.high_watermark, config);
  replication::Partition& adopted = *partition;
  const bool inserted = partitions_.emplace(id, std::move(partition)).second;
  MOLDAU_ASSERT(inserted, id.partition.value());
  nowhere_.erase(id);
  apply_registration(adopted);
}

void PartitionRouter::apply_registration(replication::Partition& partition) {
  const auto* registration = image_->partition({partition.topic_id(), partition.name().partition});
  if (registration != nullptr) {
    partition.on_registration(to_replication(*registration));
  }
}

PartitionSeed PartitionRouter::release_deleted(const TopicIdPartition& id) {
  const auto found = partitions_.find(id);
  MOLDAU_ASSERT(found != partitions_.end(), id.partition.value());
  const std::unique_ptr<replication::Partition> partition = std::move(found->second);
  partitions_.erase(found);
  PartitionSeed seed = seed_of(*partition);
  seed.log = partition->on_deleted();
  return seed;
}

std::vector<PartitionSeed> PartitionRouter::release_all() {
  std::vector<PartitionSeed> seeds;
  for (auto& [id, partition] : std::exchange(partitions_, {})) {
    seeds.push_back(seed_of(*partition));
    seeds.back().log = partition->release();
  }
  return seeds;
}

}  // namespace moldau::broker
