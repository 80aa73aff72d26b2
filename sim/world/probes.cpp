#include "sim/world/probes.h"

#include "base/probe.h"

namespace {

std::map<std::string, std::uint64_t>& hits() {
  static std::map<std::string, std::uint64_t> counts;
  return counts;
}

}  // namespace

extern "C" void moldau_probe_hit(const char* name) noexcept {
  ++hits()[name];
}

namespace moldau::sim {

const std::map<std::string, std::uint64_t>& probe_hits() {
  return hits();
}

}  // namespace moldau::sim
