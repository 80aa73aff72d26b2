#include "runtime/log_levels.h"

#include <algorithm>

#include "base/assert.h"

namespace moldau::runtime {
namespace {

constexpr std::string_view kNames[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"};

constexpr std::uint8_t threshold_of(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::kDebug: return static_cast<std::uint8_t>(LogThreshold::kDebug);
    case LogLevel::kInfo: return static_cast<std::uint8_t>(LogThreshold::kInfo);
    case LogLevel::kWarn: return static_cast<std::uint8_t>(LogThreshold::kWarn);
    case LogLevel::kError: return static_cast<std::uint8_t>(LogThreshold::kError);
  }
  return static_cast<std::uint8_t>(LogThreshold::kError);
}

std::size_t index_of(std::string_view area) noexcept {
  return static_cast<std::size_t>(std::ranges::find(LogLevels::kAreas, area) - LogLevels::kAreas.begin());
}

}  // namespace

std::string_view name_of(LogThreshold threshold) noexcept {
  return kNames[static_cast<std::size_t>(threshold)];
}

std::optional<LogThreshold> log_threshold_of(std::string_view name) noexcept {
  const auto found = std::ranges::find(kNames, name);
  return found == std::end(kNames) ? std::nullopt
                                   : std::optional(static_cast<LogThreshold>(found - std::begin(kNames)));
}

LogLevels::LogLevels(LogThreshold root) noexcept
    : root_(static_cast<std::uint8_t>(root)), least_(static_cast<std::uint8_t>(root)) {
  for (auto& area : areas_) {
    area.store(kAsRoot, std::memory_order_relaxed);
  }
}

LogThreshold LogLevels::of_area(std::size_t index) const noexcept {
  const std::uint8_t own = index < areas_.size() ? areas_[index].load(std::memory_order_relaxed) : kAsRoot;
  return static_cast<LogThreshold>(own == kAsRoot ? root_.load(std::memory_order_relaxed) : own);
}

bool LogLevels::enabled(LogLevel level, std::string_view area) const noexcept {
  return threshold_of(level) >= static_cast<std::uint8_t>(of_area(index_of(area)));
}

bool LogLevels::enabled_somewhere(LogLevel level) const noexcept {
  return threshold_of(level) >= least_.load(std::memory_order_relaxed);
}

bool LogLevels::exists(std::string_view name) noexcept {
  return name == kRoot || index_of(name) < kAreas.size();
}

std::vector<std::pair<std::string_view, LogThreshold>> LogLevels::all() const {
  std::vector<std::pair<std::string_view, LogThreshold>> levels;
  for (std::size_t i = 0; i < kAreas.size(); ++i) {
    levels.emplace_back(kAreas[i], of_area(i));
  }
  levels.emplace_back(kRoot, static_cast<LogThreshold>(root_.load(std::memory_order_relaxed)));
  std::ranges::sort(levels);
  return levels;
}

void LogLevels::set(std::string_view name, LogThreshold threshold) noexcept {
  MOLDAU_ASSERT(exists(name));
  (name == kRoot ? root_ : areas_[index_of(name)])
      .store(static_cast<std::uint8_t>(threshold), std::memory_order_relaxed);
  find_least();
}

void LogLevels::unset(std::string_view name) noexcept {
  const std::size_t index = index_of(name);
  MOLDAU_ASSERT(index < areas_.size());
  areas_[index].store(kAsRoot, std::memory_order_relaxed);
  find_least();
}

// Two that change levels at once may each miss the other's: the next change finds both.
void LogLevels::find_least() noexcept {
  std::uint8_t least = root_.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < areas_.size(); ++i) {
    least = std::min(least, static_cast<std::uint8_t>(of_area(i)));
  }
  least_.store(least, std::memory_order_relaxed);
}

}  // namespace moldau::runtime
