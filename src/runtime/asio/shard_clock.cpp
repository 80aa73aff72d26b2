#include "runtime/asio/shard_clock.h"

#include <ctime>

namespace moldau::runtime {
namespace {

std::int64_t nanoseconds(clockid_t clock) noexcept {
  timespec time{};
  ::clock_gettime(clock, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

MonoTime monotonic_now() noexcept {
  return MonoTime(std::chrono::nanoseconds(nanoseconds(CLOCK_MONOTONIC)));
}
std::int64_t wall_clock_ms() noexcept {
  return nanoseconds(CLOCK_REALTIME) / 1'000'000;
}

}  // namespace moldau::runtime
