// Randomness as a seam: production seeds it from the kernel, the simulator from the run's seed.
#pragma once

#include <cstdint>

#include "base/uuid.h"

namespace moldau::runtime {

class Random {
 public:
  virtual ~Random() = default;
  [[nodiscard]] virtual std::uint64_t next() = 0;

  // Uniform in [0, bound); bound > 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound);
  // Kafka's Uuid.randomUuid: version 4, not reserved, text not starting with '-'.
  [[nodiscard]] Uuid uuid();
};

}  // namespace moldau::runtime
