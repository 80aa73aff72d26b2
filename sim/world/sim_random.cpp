#include "sim/world/sim_random.h"

#include <bit>

#include "base/assert.h"

namespace moldau::sim {
namespace {

// splitmix64 spreads the seed over the whole state; near seeds give unrelated streams.
std::uint64_t spread(std::uint64_t& seed) noexcept {
  seed += 0x9E37'79B9'7F4A'7C15;
  std::uint64_t value = seed;
  value = (value ^ (value >> 30)) * 0xBF58'476D'1CE4'E5B9;
  value = (value ^ (value >> 27)) * 0x94D0'49BB'1331'11EB;
  return value ^ (value >> 31);
}

}  // namespace

SimRandom::SimRandom(std::uint64_t seed) noexcept {
  for (std::uint64_t& word : state_) {
    word = spread(seed);
  }
}

std::uint64_t SimRandom::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t SimRandom::between(std::uint64_t low, std::uint64_t high) {
  MOLDAU_ASSERT(low <= high);
  return high - low == UINT64_MAX ? next() : low + below(high - low + 1);
}

bool SimRandom::chance(std::uint32_t per_million) {
  return per_million != 0 && below(1'000'000) < per_million;
}

}  // namespace moldau::sim
