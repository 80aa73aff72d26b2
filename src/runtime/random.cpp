#include "runtime/random.h"

#include "base/assert.h"

namespace moldau::runtime {

std::uint64_t Random::below(std::uint64_t bound) {
  MOLDAU_ASSERT(bound > 0);
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  std::uint64_t value = next();
  while (value >= limit) {
    value = next();
  }
  return value % bound;
}

Uuid Random::uuid() {
  constexpr std::uint64_t kDash = 62;  // the alphabet's '-', a nuisance at the start of a command argument
  for (;;) {
    const std::uint64_t high = next();
    const Uuid id = Uuid::from_random_bits(high, next());
    if (id.high >> 58 != kDash && !(id.high == 0 && id.low < 100)) {
      return id;
    }
  }
}

}  // namespace moldau::runtime
