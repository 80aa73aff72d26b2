// The logging face: product code writes lines to a Logger it was given; a shell decides where they go.
// Pure cores have none: they emit effects.
#pragma once

#include <cstdint>
#include <string_view>

#include <fmt/core.h>

namespace moldau {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };

class Logger {
 public:
  virtual ~Logger() = default;
  [[nodiscard]] virtual bool enabled(LogLevel level) const noexcept = 0;
  // One line without a newline; `area` is the module ("storage", "raft"). Any thread.
  virtual void write(LogLevel level, std::string_view area, std::string_view text) = 0;
};

void log_formatted(Logger& logger, LogLevel level, std::string_view area, fmt::string_view format,
                   fmt::format_args args);

// log(logger, LogLevel::kInfo, "storage", "opened {} partitions in {} ms", n, ms);
template <class... Args>
void log(Logger& logger, LogLevel level, std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
  if (logger.enabled(level)) {
    log_formatted(logger, level, area, format, fmt::make_format_args(args...));
  }
}

}  // namespace moldau
