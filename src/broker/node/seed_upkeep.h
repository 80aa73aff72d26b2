// Retention and expiry of producers for the partitions that nobody has used in this process: neither waits for a user.
//
// Shard:      the home shard.
// Source:     LogManager.cleanupLogs.
#pragma once

#include "base/callback.h"
#include "base/ids.h"
#include "base/result.h"
#include "broker/config/node_config.h"
#include "broker/partitions/partition_home.h"
#include "runtime/shard.h"
#include "runtime/timer.h"
#include "runtime/world.h"

namespace moldau::broker {

class SeedUpkeep {
 public:
  // `failed` is told what a log answers that cannot be kept in bounds; it may take the partition away in a later turn.
  SeedUpkeep(const runtime::World& world, const NodeConfig& config, PartitionHome& home,
             Function<void(const PartitionSeed&, const Error&)> failed);

  void start();
  void stop();

 private:
  void enforce_retention();
  void expire_producers();

  const runtime::World& world_;
  runtime::Shard& shard_;
  const NodeConfig& config_;
  PartitionHome& home_;
  Function<void(const PartitionSeed&, const Error&)> failed_;
  runtime::Timer retention_timer_;
  runtime::Timer expiry_timer_;
};

}  // namespace moldau::broker
