// The clock of one shard: both clocks are read once a turn.
#pragma once

#include <cstdint>

#include "runtime/clock.h"
#include "runtime/stopwatch.h"

namespace moldau::runtime {

// CLOCK_MONOTONIC and CLOCK_REALTIME.
[[nodiscard]] MonoTime monotonic_now() noexcept;
[[nodiscard]] std::int64_t wall_clock_ms() noexcept;

// Shard: the shard's thread only; before start() whoever builds the node.
class ShardClock final : public Clock {
 public:
  ShardClock() noexcept { refresh(); }
  void refresh() noexcept {
    now_ = monotonic_now();
    wall_ms_ = wall_clock_ms();
  }
  [[nodiscard]] MonoTime now() const noexcept override { return now_; }
  [[nodiscard]] std::int64_t wall_ms() const noexcept override { return wall_ms_; }

 private:
  MonoTime now_{};
  std::int64_t wall_ms_ = 0;
};

class MonotonicStopwatch final : public Stopwatch {
 public:
  [[nodiscard]] MonoTime read() const noexcept override { return monotonic_now(); }
};

}  // namespace moldau::runtime
