// Keeps the newest log lines of all nodes with their virtual time, for the report of a failed run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "base/log.h"
#include "sim/world/event_queue.h"
#include "sim/world/trace.h"

namespace moldau::sim {

class LogRecord {
 public:
  static constexpr std::size_t kLinesMax = 20'000;  // older ones go first

  LogRecord(const EventQueue& events, Trace& trace) noexcept : events_(events), trace_(trace) {}
  void add(std::uint32_t node, LogLevel level, std::string_view area, std::string_view text);
  [[nodiscard]] const std::deque<std::string>& lines() const noexcept { return lines_; }
  // All lines, one below the other.
  [[nodiscard]] std::string dump() const;

 private:
  const EventQueue& events_;
  Trace& trace_;
  std::deque<std::string> lines_;
};

class RecordingLogger final : public Logger {
 public:
  RecordingLogger(LogRecord& record, std::uint32_t node) noexcept : record_(record), node_(node) {}
  [[nodiscard]] bool enabled(LogLevel) const noexcept override { return true; }
  void write(LogLevel level, std::string_view area, std::string_view text) override {
    record_.add(node_, level, area, text);
  }

 private:
  LogRecord& record_;
  std::uint32_t node_;
};

}  // namespace moldau::sim
