// Effects as one line of text each, for scenario files.
#pragma once

#include <string>

#include "raft/core/effects.h"

namespace moldau::raft::testing {

[[nodiscard]] std::string describe(const Persist& persist);
[[nodiscard]] std::string describe(const Request& request);
[[nodiscard]] std::string describe(const Response& response);
[[nodiscard]] std::string describe(const Effect& effect);

}  // namespace moldau::raft::testing
