// World: the seams that a node is given. The same struct comes from runtime/asio (production) and from sim/world, and
// nothing in a node can tell which of the two it got.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/assert.h"
#include "base/log.h"
#include "runtime/disk_space.h"
#include "runtime/fs.h"
#include "runtime/idle_time.h"
#include "runtime/net.h"
#include "runtime/random.h"
#include "runtime/shard.h"
#include "runtime/stopwatch.h"
#include "runtime/workers.h"

namespace moldau::runtime {

// A view: copied freely, owns nothing. What it points to outlives the node.
//
// Invariants: W1 shards is not empty, shards[i]->index() == i; W2 networks[i] is used on shards[i] only.
struct World {
  std::span<Shard* const> shards;
  std::span<Network* const> networks;  // one per shard
  FileSystem& fs;                      // any thread
  Workers& workers;                    // any shard
  Logger& logger;                      // any thread
  DiskSpace& disks;                    // any thread
  Random& random;              // for whoever builds the node, before the shards run; later each shard has its own
  const Stopwatch& stopwatch;  // any shard
  const IdleTime* idle_time = nullptr;  // any shard; null where shards have no threads

  [[nodiscard]] std::size_t shard_count() const noexcept { return shards.size(); }
  [[nodiscard]] Shard& shard(std::size_t index) const noexcept {
    MOLDAU_ASSERT(index < shards.size(), static_cast<std::int64_t>(index));
    return *shards[index];
  }
  [[nodiscard]] Network& network(std::size_t index) const noexcept {
    MOLDAU_ASSERT(index < networks.size(), static_cast<std::int64_t>(index));
    return *networks[index];
  }
};

}  // namespace moldau::runtime
