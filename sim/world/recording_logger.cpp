#include "sim/world/recording_logger.h"

#include <fmt/format.h>

namespace moldau::sim {
namespace {
constexpr char kLevelLetters[] = {'D', 'I', 'W', 'E'};
}

void LogRecord::add(std::uint32_t node, LogLevel level, std::string_view area, std::string_view text) {
  const auto now = events_.now();
  trace_.add(now, node, TraceKind::kLog, static_cast<std::uint64_t>(level), 0, as_bytes(text));
  if (lines_.size() == kLinesMax) {
    lines_.pop_front();
  }
  const auto microseconds = now.time_since_epoch().count() / 1000;
  lines_.push_back(fmt::format("{:>5}.{:06} node {} {} {} {}", microseconds / 1'000'000, microseconds % 1'000'000, node,
                               kLevelLetters[static_cast<std::size_t>(level)], area, text));
}

std::string LogRecord::dump() const {
  std::string all;
  for (const std::string& line : lines_) {
    all += line;
    all += '\n';
  }
  return all;
}

}  // namespace moldau::sim
