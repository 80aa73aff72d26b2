// SeededRandom: the same numbers in each run, spread over all 64 bits.
#pragma once

#include <cstdint>

#include "runtime/random.h"

namespace moldau::testing {

class SeededRandom final : public runtime::Random {
 public:
  explicit SeededRandom(std::uint64_t seed = 1) noexcept : state_(seed) {}
  [[nodiscard]] std::uint64_t next() override;

 private:
  std::uint64_t state_;
};

}  // namespace moldau::testing
