// Log lines to a descriptor (stderr): plain or JSON, one write call a line.
//
//   2026-11-21T13:00:00.123Z INFO storage opened 6 partitions in 12 ms
//   {"time":"2026-11-21T13:00:00.123Z","level":"INFO","area":"storage","text":"opened 6 partitions in 12 ms"}
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/log.h"

namespace moldau::runtime {

enum class LogFormat : std::uint8_t { kPlain, kJson };

// One line. Control characters of `text` are escaped, so that bytes from a peer cannot forge a line.
[[nodiscard]] std::string format_log_line(LogFormat format, std::int64_t wall_ms, LogLevel level, std::string_view area,
                                          std::string_view text);

// Any thread. A descriptor that does not take the line loses it: logging never fails the caller.
class StreamLogger final : public Logger {
 public:
  StreamLogger(int descriptor, LogFormat format, LogLevel least) noexcept
      : descriptor_(descriptor), format_(format), least_(least) {}

  [[nodiscard]] bool enabled(LogLevel level) const noexcept override { return level >= least_; }
  void write(LogLevel level, std::string_view area, std::string_view text) override;

 private:
  int descriptor_;
  LogFormat format_;
  LogLevel least_;
};

}  // namespace moldau::runtime
