// How long each shard has slept, waiting for work: what is left of its core for more of it.
//
// Shard: any thread.
#pragma once

#include <chrono>
#include <cstddef>

namespace moldau::runtime {

class IdleTime {
 public:
  virtual ~IdleTime() = default;
  // Since its thread began; what it sleeps right now is not in it yet. Never decreases.
  [[nodiscard]] virtual std::chrono::nanoseconds of_shard(std::size_t index) const noexcept = 0;
};

}  // namespace moldau::runtime
