#include "runtime/testing/manual_shard.h"

namespace moldau::testing {

std::int64_t ManualShard::ManualClock::wall_ms() const noexcept {
  constexpr std::int64_t kAtStart = 1'700'000'000'000;
  return kAtStart + std::chrono::duration_cast<std::chrono::milliseconds>(now_ - kStart).count();
}

void ManualShard::turn() {
  timers_.fire(clock_.now());
  for (Callback& work : std::exchange(posted_, {})) {
    work();
  }
  for (Callback& handle : std::exchange(ready_, {})) {
    handle();
  }
  turn_end_.run();
}

}  // namespace moldau::testing
