// The two clocks. Sessions and timeouts use the monotonic one; timestamps, retention and expiry the wall one.
#pragma once

#include <chrono>
#include <cstdint>

namespace moldau::runtime {

// Names the monotonic time line; only a Clock makes its points.
struct MonoTimeline {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonoTimeline>;
  static constexpr bool is_steady = true;
};
using MonoTime = MonoTimeline::time_point;
inline constexpr MonoTime kNever = MonoTime::max();

class Clock {
 public:
  virtual ~Clock() = default;
  // Constant within one turn of a shard, so that one turn has one now. O(1), no system call.
  [[nodiscard]] virtual MonoTime now() const noexcept = 0;
  // Milliseconds since the epoch, as Kafka's timestamps.
  [[nodiscard]] virtual std::int64_t wall_ms() const noexcept = 0;
};

}  // namespace moldau::runtime
