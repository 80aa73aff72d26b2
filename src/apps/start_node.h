// moldau start: a node in the production world, from the configuration to the last byte of a clean stop.
#pragma once

#include <chrono>

#include "apps/command_line.h"

namespace moldau::apps {

// `started` is when the process began. Returns the exit code; a stop that takes too long ends the process here.
[[nodiscard]] int start_node(const StartCommand& command, std::chrono::steady_clock::time_point started);

}  // namespace moldau::apps
