#include "runtime/asio/stream_logger.h"

#include <cerrno>
#include <ctime>
#include <iterator>

#include <fmt/format.h>

#include <unistd.h>

#include "runtime/asio/shard_clock.h"

namespace moldau::runtime {
namespace {

std::string_view name_of(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::kDebug: return "DEBUG";
    case LogLevel::kInfo: return "INFO";
    case LogLevel::kWarn: return "WARN";
    case LogLevel::kError: return "ERROR";
  }
  return "?";
}

void append_time(std::string& line, std::int64_t wall_ms) {
  const std::time_t seconds = wall_ms / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  fmt::format_to(std::back_inserter(line), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                 parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, wall_ms % 1000);
}

// As in a JSON string; quotes and backslashes are left alone in plain lines.
void append_escaped(std::string& line, std::string_view text, LogFormat format) {
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '\n') {
      line += "\\n";
    } else if (code < 0x20 || code == 0x7F) {
      fmt::format_to(std::back_inserter(line), "\\u{:04x}", code);
    } else {
      if (format == LogFormat::kJson && (c == '"' || c == '\\')) {
        line += '\\';
      }
      line += c;
    }
  }
}

}  // namespace

std::string format_log_line(LogFormat format, std::int64_t wall_ms, LogLevel level, std::string_view area,
                            std::string_view text) {
  const bool json = format == LogFormat::kJson;
  std::string line;
  line.reserve(text.size() + 80);
  line += json ? "{\"time\":\"" : "";
  append_time(line, wall_ms);
  line += json ? "\",\"level\":\"" : " ";
  line += name_of(level);
  line += json ? "\",\"area\":\"" : " ";
  line += area;
  line += json ? "\",\"text\":\"" : " ";
  append_escaped(line, text, format);
  line += json ? "\"}\n" : "\n";
  return line;
}

StreamLogger::StreamLogger(int descriptor, LogFormat format, LogLevel least) noexcept
    : descriptor_(descriptor),
      format_(format),
      levels_(log_threshold_of(name_of(least)).value_or(LogThreshold::kInfo)) {}

void StreamLogger::write(LogLevel level, std::string_view area, std::string_view text) {
  if (!levels_.enabled(level, area)) {
    return;
  }
  const std::string line = format_log_line(format_, wall_clock_ms(), level, area, text);
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t count = ::write(descriptor_, rest.data(), rest.size());
    if (count > 0) {
      rest.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      return;
    }
  }
}

}  // namespace moldau::runtime
