// The simulator's side of MOLDAU_PROBE: how often each marked branch was reached in this process.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace moldau::sim {

// Counts since the start of the process, over all runs.
[[nodiscard]] const std::map<std::string, std::uint64_t>& probe_hits();

}  // namespace moldau::sim
