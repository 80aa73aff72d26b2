// The simulator's only source of randomness: xoshiro256** from the run's seed.
#pragma once

#include <cstdint>

#include "runtime/random.h"

namespace moldau::sim {

class SimRandom final : public runtime::Random {
 public:
  explicit SimRandom(std::uint64_t seed) noexcept;
  [[nodiscard]] std::uint64_t next() override;

  // Uniform in [low, high], both included.
  [[nodiscard]] std::uint64_t between(std::uint64_t low, std::uint64_t high);
  // True with a probability of `per_million` / 1,000,000. Draws nothing when it is 0, so that a fault that is off does
  // not shift the rest of the run.
  [[nodiscard]] bool chance(std::uint32_t per_million);
  // A stream of its own, so that one part's draws do not depend on how often another part draws.
  [[nodiscard]] SimRandom fork() { return SimRandom(next()); }

 private:
  std::uint64_t state_[4];
};

}  // namespace moldau::sim
