// The home of all partitions of this node: knows which shard owns each, and keeps the ones that nobody has used.
//
// Shard:      the home shard (index 0); other shards reach it through PartitionRouter.
// Invariants: H1 a partition is hosted exactly once: as a seed here, or as a Partition on one shard.
//             H2 a placement never changes while the partition lives; so routers may remember it.
//             H3 a seed's move is posted to its shard before anyone is told where it lives.
// Source:     architecture D3 (one thread from socket to log).
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "broker/partitions/partition_seed.h"
#include "broker/partitions/placement_rule.h"
#include "runtime/shard.h"

namespace moldau::broker {

class PartitionRouter;

class PartitionHome {
 public:
  PartitionHome(runtime::Shard& shard, std::vector<PartitionRouter*> routers);

  // Hosts a partition: its log is open, nobody has used it.
  void add(PartitionSeed seed);
  [[nodiscard]] bool hosts(const TopicIdPartition& id) const { return hosted_.contains(id); }
  [[nodiscard]] std::size_t size() const noexcept { return hosted_.size(); }

  // Where each lives, placing unused ones by the rule for the asking shard. nullopt: not hosted here.
  [[nodiscard]] std::vector<std::optional<std::uint32_t>> resolve(const std::vector<TopicIdPartition>& ids,
                                                                  std::uint32_t asking_shard);

  // Stops hosting. A seed is given back at once; a placed partition's log comes back from its shard.
  void remove(const TopicIdPartition& id, Function<void(PartitionSeed)> removed);

  // Takes every partition back, those of other shards included: for a stop. `done` gets all of them.
  void take_all(Function<void(std::vector<PartitionSeed>)> done);

  // The unused ones, for housekeeping.
  template <class Visit>
  void for_each_seed(Visit visit) {
    for (auto& [id, entry] : hosted_) {
      if (entry.seed) {
        visit(*entry.seed);
      }
    }
  }

 private:
  struct Entry {
    std::optional<PartitionSeed> seed;  // until placed
    std::uint32_t shard = 0;            // once placed
  };

  runtime::Shard& shard_;
  std::vector<PartitionRouter*> routers_;
  PlacementRule rule_;
  std::unordered_map<TopicIdPartition, Entry> hosted_;
};

}  // namespace moldau::broker
