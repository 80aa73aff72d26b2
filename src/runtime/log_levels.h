// From which level on the lines of each area are written: the root's level for all, and levels of single areas, which
// may change while the process runs.
//
// Thread: any. Source: KIP-412 (the broker loggers of IncrementalAlterConfigs), with Kafka's names of levels.
// Difference:
//         nothing of ours is logged at TRACE or FATAL: the first is DEBUG, the second silences.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"

namespace moldau::runtime {

enum class LogThreshold : std::uint8_t { kTrace, kDebug, kInfo, kWarn, kError, kFatal };

[[nodiscard]] std::string_view name_of(LogThreshold threshold) noexcept;  // "INFO"
// Of exactly such a name.
[[nodiscard]] std::optional<LogThreshold> log_threshold_of(std::string_view name) noexcept;

class LogLevels {
 public:
  static constexpr std::string_view kRoot = "root";
  // Every area that something is logged in; dev/check-docs finds one that is missing. Another is at the root's level.
  static constexpr auto kAreas =
      std::to_array<std::string_view>({"broker", "cleaner", "config", "controller", "http", "metadata", "net", "node",
                                       "raft", "replication", "storage", "topics"});

  explicit LogLevels(LogThreshold root) noexcept;

  [[nodiscard]] bool enabled(LogLevel level, std::string_view area) const noexcept;
  // Of any area: what is not need not be formatted.
  [[nodiscard]] bool enabled_somewhere(LogLevel level) const noexcept;

  [[nodiscard]] static bool exists(std::string_view name) noexcept;  // an area or the root
  // Each area and the root with the level in force, by name.
  [[nodiscard]] std::vector<std::pair<std::string_view, LogThreshold>> all() const;
  // `name` must exist.
  void set(std::string_view name, LogThreshold threshold) noexcept;
  // Back to the root's level; `name` must be an area.
  void unset(std::string_view name) noexcept;

 private:
  static constexpr std::uint8_t kAsRoot = 0xFF;
  [[nodiscard]] LogThreshold of_area(std::size_t index) const noexcept;
  void find_least() noexcept;

  std::atomic<std::uint8_t> root_;
  std::atomic<std::uint8_t> least_;
  std::array<std::atomic<std::uint8_t>, kAreas.size()> areas_;
};

}  // namespace moldau::runtime
