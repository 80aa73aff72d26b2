// A broker as a program of a simulated node: the same broker::Node that production runs, opened on the node's disk,
// started, and stopped cleanly when asked.
//
// Shard:  made by the world's factory; the node itself lives on shard 0 of its process.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/callback.h"
#include "broker/config/node_config.h"
#include "broker/node/node.h"
#include "sim/world/simulation.h"

namespace moldau::sim {

inline constexpr std::uint16_t kBrokerPort = 9092;

struct BrokerSettings {
  std::string host = "node-0";
  std::string log_dirs = "/data";
  std::string metadata_log_dir;  // "": the first of log_dirs
  bool cleaner = true;
  std::chrono::milliseconds cleaner_backoff{15'000};
  std::int32_t metadata_segment_bytes = 8 << 10;
  std::int64_t snapshot_bytes_interval = 8 << 10;
  std::chrono::milliseconds checkpoint_interval{100};
};

// Short intervals, so that a few virtual seconds see checkpoints, snapshots and rolls.
[[nodiscard]] broker::NodeConfig make_broker_config(const BrokerSettings& settings);

class BrokerProgram final : public NodeProgram {
 public:
  struct Events {
    Function<void()> on_ready;
    Function<void(const std::string&)> on_failed;  // did not open, or cannot go on
  };

  BrokerProgram(runtime::World world, broker::NodeConfig config, Events events);
  ~BrokerProgram() override;

  // Begins a clean stop; `stopped(clean)` once, on shard 0. False: it was never opened, or is stopping already.
  bool stop(Function<void(bool)> stopped);
  [[nodiscard]] bool ready() const noexcept { return node_ && node_->ready(); }

 private:
  runtime::World world_;
  Events events_;
  std::unique_ptr<broker::Node> node_;
  bool stopping_ = false;
};

}  // namespace moldau::sim
