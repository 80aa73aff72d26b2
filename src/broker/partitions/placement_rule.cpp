#include "broker/partitions/placement_rule.h"

#include <algorithm>

#include "base/assert.h"

namespace moldau::broker {

std::uint32_t PlacementRule::place(std::uint32_t user) {
  MOLDAU_ASSERT(user < open_.size(), user);
  const std::size_t shards = open_.size();
  const std::size_t bound = std::max(kFreePartitions, (total_ + 1) / shards + (total_ + 1) / 4);
  std::uint32_t chosen = user;
  if (open_[user] >= bound) {
    chosen = static_cast<std::uint32_t>(std::min_element(open_.begin(), open_.end()) - open_.begin());
  }
  ++open_[chosen];
  ++total_;
  return chosen;
}

void PlacementRule::remove(std::uint32_t shard) {
  MOLDAU_ASSERT(shard < open_.size() && open_[shard] > 0, shard);
  --open_[shard];
  --total_;
}

}  // namespace moldau::broker
