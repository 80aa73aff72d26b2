// SilentLogger: every line is formatted, as in production, and only the last one kept, for the test to look at.
#pragma once

#include <string>
#include <string_view>

#include "base/log.h"

namespace moldau::testing {

class SilentLogger final : public Logger {
 public:
  [[nodiscard]] bool enabled(LogLevel /*level*/) const noexcept override { return true; }
  void write(LogLevel /*level*/, std::string_view /*area*/, std::string_view text) override { last = text; }

  std::string last;
};

}  // namespace moldau::testing
