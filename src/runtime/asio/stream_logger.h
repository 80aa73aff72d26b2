// Log lines to a descriptor (stderr): plain or JSON, one write call a line.
//
//   2026-11-21T13:00:00.123Z INFO storage opened 6 partitions in 12 ms
//   {"time":"2026-11-21T13:00:00.123Z","level":"INFO","area":"storage","text":"opened 6 partitions in 12 ms"}
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/log.h"
#include "runtime/log_levels.h"

namespace moldau::runtime {

enum class LogFormat : std::uint8_t { kPlain, kJson };

// One line. Control characters of `text` are escaped, so that bytes from a peer cannot forge a line.
[[nodiscard]] std::string format_log_line(LogFormat format, std::int64_t wall_ms, LogLevel level, std::string_view area,
                                          std::string_view text);

// Any thread. A descriptor that does not take the line loses it: logging never fails the caller.
class StreamLogger final : public Logger {
 public:
  StreamLogger(int descriptor, LogFormat format, LogLevel least) noexcept;

  [[nodiscard]] bool enabled(LogLevel level) const noexcept override { return levels_.enabled_somewhere(level); }
  // Nothing if the area's level is above the line's.
  void write(LogLevel level, std::string_view area, std::string_view text) override;
  // From which level on each area is written; may be changed at any time.
  [[nodiscard]] LogLevels& levels() noexcept { return levels_; }

 private:
  int descriptor_;
  LogFormat format_;
  LogLevels levels_;
};

}  // namespace moldau::runtime
