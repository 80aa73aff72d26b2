// When something was seen: which life of the broker, and how many power cuts lay behind it.
#pragma once

#include <cstdint>

namespace moldau::sim {

struct Era {
  std::uint64_t life = 0;
  std::uint64_t power_cuts = 0;
};

}  // namespace moldau::sim
