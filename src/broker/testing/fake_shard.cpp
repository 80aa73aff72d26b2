#include "broker/testing/fake_shard.h"

#include <utility>

namespace moldau::testing {

std::int64_t FakeShard::FakeClock::wall_ms() const noexcept {
  constexpr std::int64_t kStart = 1'790'000'000'000;
  return kStart + std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch()).count();
}

std::uint64_t FakeShard::CountingRandom::next() {
  constexpr std::uint64_t kGolden = 0x9E37'79B9'7F4A'7C15;  // spreads a counter over 64 bits
  return ++state_ * kGolden;
}

void FakeShard::turn() {
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
