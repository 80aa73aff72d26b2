#include "broker/node/seed_upkeep.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "broker/node/remove_files.h"

namespace moldau::broker {

SeedUpkeep::SeedUpkeep(const runtime::World& world, const NodeConfig& config, PartitionHome& home,
                       Function<void(const PartitionSeed&, const Error&)> failed)
    : world_(world),
      shard_(world.shard(0)),
      config_(config),
      home_(home),
      failed_(std::move(failed)),
      retention_timer_(shard_.timers(), [this] { enforce_retention(); }),
      expiry_timer_(shard_.timers(), [this] { expire_producers(); }) {}

void SeedUpkeep::start() {
  retention_timer_.arm(shard_.clock().now() + config_.retention_check_interval);
  expiry_timer_.arm(shard_.clock().now() + config_.producer_expiry_check_interval);
}

void SeedUpkeep::stop() {
  retention_timer_.cancel();
  expiry_timer_.cancel();
}

void SeedUpkeep::enforce_retention() {
  const std::int64_t now_ms = shard_.clock().wall_ms();
  home_.for_each_seed([&](PartitionSeed& seed) {
    if (seed.log->fenced()) {
      return;
    }
    if (const auto removed = seed.log->enforce_retention(now_ms, seed.high_watermark); !removed) {
      failed_(seed, removed.error());
    }
    remove_files(world_, shard_, seed.log->take_due_deletions(now_ms));
    seed.log->release_idle_resources();  // what the check itself may have opened
  });
  retention_timer_.arm(shard_.clock().now() + config_.retention_check_interval);
}

void SeedUpkeep::expire_producers() {
  const std::int64_t now_ms = shard_.clock().wall_ms();
  home_.for_each_seed([now_ms](PartitionSeed& seed) { seed.log->expire_producers(now_ms); });
  expiry_timer_.arm(shard_.clock().now() + config_.producer_expiry_check_interval);
}

}  // namespace moldau::broker
