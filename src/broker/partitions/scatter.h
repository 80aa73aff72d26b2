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

// Finds the owners: at once if all are known on this shard, else after one question to the home. `found(owners)` runs
// on this shard.
template <class Found>
void find_owners(PartitionRouter& router, std::vector<TopicIdPartition> ids, Found found) {
  const auto collect = [](PartitionRouter& from, const std::vector<TopicIdPartition>& wanted) {
    Owners owners;
    owners.reserve(wanted.size());
    for (const TopicIdPartition& id : wanted) {
      owners.push_back(from.lookup(id).shard);
    }
    return owners;
  };
  std::vector<TopicIdPartition> unknown;
  for (const TopicIdPartition& id : ids) {
    if (!router.lookup(id).known) {
      unknown.push_back(id);
    }
  }
  if (unknown.empty()) {
    found(collect(router, ids));
    return;
  }
  router.learn(std::move(unknown), [&router, collect, ids = std::move(ids), found = std::move(found)]() mutable {
    found(collect(router, ids));
  });
}

}  // namespace moldau::broker
