// One log line for each request that took longer than `moldau.slow.request.ms`: who asked for what, how much came and
// went, and where the time was spent.
//
// Time:   counts from the turn in which the request had arrived whole to its answer; not what the client let the broker
//         wait for (a fetch's max.wait.ms), nor how long it is held off by a quota.
// Bound:  kLinesPerSecondMax lines a second and shard; how many were left out stands in the next one.
// Shard:  one per shard.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/log.h"
#include "broker/net/connection.h"
#include "runtime/clock.h"

namespace moldau::broker {

class SlowRequests {
 public:
  static constexpr int kLinesPerSecondMax = 10;

  struct Config {
    std::chrono::milliseconds after{-1};  // negative: never
  };
  struct Taken {
    std::string_view api;
    std::int16_t version = 0;
    std::int32_t correlation_id = 0;
    std::string_view client_id;
    std::string_view waited_for;  // "" if it was answered in the turn in which it came
    std::chrono::nanoseconds waited{0};
    std::chrono::nanoseconds worked{0};
    std::chrono::milliseconds may_wait{0};
    std::chrono::milliseconds throttle{0};
    std::size_t bytes_in = 0;
    std::size_t bytes_out = 0;
  };

  SlowRequests(Logger& logger, const Config& config) : logger_(logger), config_(config) {}

  [[nodiscard]] bool watches() const noexcept { return config_.after.count() >= 0; }
  // `peer` may be null: the client has gone.
  void on_answer(const Taken& taken, const ConnectionInfo* peer, runtime::MonoTime now);

  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }

 private:
  [[nodiscard]] bool may_write(runtime::MonoTime now);

  Logger& logger_;
  Config config_;
  std::uint64_t total_ = 0;
  std::uint64_t left_out_ = 0;
  runtime::MonoTime second_{};
  int lines_ = 0;  // in that second
};

}  // namespace moldau::broker
