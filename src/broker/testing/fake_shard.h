// A shard under the test's hand: time stands still until the test moves it, a turn happens when the test says so.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "runtime/random.h"
#include "runtime/shard.h"
#include "runtime/turn_end_queue.h"

namespace moldau::testing {

class FakeShard final : public runtime::Shard {
 public:
  explicit FakeShard(std::uint32_t index = 0) : index_(index) {}

  [[nodiscard]] std::uint32_t index() const noexcept override { return index_; }
  [[nodiscard]] const runtime::Clock& clock() const noexcept override { return clock_; }
  [[nodiscard]] runtime::Random& random() noexcept override { return random_; }
  [[nodiscard]] runtime::TimerQueue& timers() noexcept override { return timers_; }
  [[nodiscard]] bool is_current() const noexcept override { return true; }
  void post(Callback work) override { posted_.push_back(std::move(work)); }
  void at_turn_end(runtime::TurnEndHook& hook) override { turn_end_.schedule(hook); }
  void cancel_turn_end(runtime::TurnEndHook& hook) noexcept override { turn_end_.cancel(hook); }

  // Readiness of a socket: runs in the next turn.
  void add_ready(Callback handle) { ready_.push_back(std::move(handle)); }

  // One turn: due timers, what was posted, what is ready, the hooks.
  void turn();
  [[nodiscard]] bool has_work() const noexcept { return !posted_.empty() || !ready_.empty() || !turn_end_.empty(); }
  // Moves time only.
  void advance(std::chrono::nanoseconds by) noexcept { clock_.now_ += by; }

 private:
  class FakeClock final : public runtime::Clock {
   public:
    [[nodiscard]] runtime::MonoTime now() const noexcept override { return now_; }
    [[nodiscard]] std::int64_t wall_ms() const noexcept override;

    runtime::MonoTime now_{std::chrono::hours(1)};
  };
  class CountingRandom final : public runtime::Random {
   public:
    [[nodiscard]] std::uint64_t next() override;

   private:
    std::uint64_t state_ = 0;
  };

  std::uint32_t index_;
  FakeClock clock_;
  CountingRandom random_;
  runtime::TimerQueue timers_;
  runtime::TurnEndQueue turn_end_;
  std::vector<Callback> posted_;
  std::vector<Callback> ready_;
};

}  // namespace moldau::testing
