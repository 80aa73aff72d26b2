// Time as it passes within a turn: for measuring what own work costs. Everything else takes a Clock, which stands still
// for a turn.
//
// Shard: any. One system call at most.
#pragma once

#include "runtime/clock.h"

namespace moldau::runtime {

class Stopwatch {
 public:
  virtual ~Stopwatch() = default;
  // On the time line of the shards' clocks, at or after what they show.
  [[nodiscard]] virtual MonoTime read() const noexcept = 0;
};

}  // namespace moldau::runtime
