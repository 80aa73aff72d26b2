// Sends the pieces of one request to the shards that own their partitions.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "broker/partitions/partition_router.h"

namespace moldau::broker {

// One owner per id, in order; nullopt: this node does not host it.
using Owners = std::vector<std::optional<std::uint32_t>>;

// The owners if all are known on this shard.
inline std::optional<Owners> known_owners(PartitionRouter& router, const std::vector<TopicIdPartition>& ids) {
  Owners owners;
  owners.reserve(ids.size());
  for (const TopicIdPartition& id : ids) {
    const PartitionRouter::Lookup found = router.lookup(id);
    if (!found.known) {
      return std::nullopt;
    }
    owners.push_back(found.shard);
  }
  return owners;
}

// Finds the owners: at once if all are known on this shard, else after one question to the home. `found(owners)` runs
// on this shard. Of two calls the second may be answered first: the answer to another question may make its partitions
// known in between.
template <class Found>
void find_owners(PartitionRouter& router, std::vector<TopicIdPartition> ids, Found found) {
  if (const std::optional<Owners> owners = known_owners(router, ids)) {
    found(*owners);
    return;
  }
  std::vector<TopicIdPartition> unknown;
  for (const TopicIdPartition& id : ids) {
    if (!router.lookup(id).known) {
      unknown.push_back(id);
    }
  }
  router.learn(std::move(unknown), [&router, ids = std::move(ids), found = std::move(found)]() mutable {
    Owners owners;
    owners.reserve(ids.size());
    for (const TopicIdPartition& id : ids) {
      owners.push_back(router.lookup(id).shard);
    }
    found(owners);
  });
}

}  // namespace moldau::broker
