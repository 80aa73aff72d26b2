#include "runtime/testing/seeded_random.h"

namespace moldau::testing {

// SplitMix64.
std::uint64_t SeededRandom::next() {
  std::uint64_t z = (state_ += 0x9E37'79B9'7F4A'7C15);
  z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9;
  z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EB;
  return z ^ (z >> 31);
}

}  // namespace moldau::testing
