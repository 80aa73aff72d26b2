// ManualShard: a shard under the test's hand: time stands still until the test moves it, a turn runs when the test says
// so.
//
// Shard: itself; whoever asks is on it.
// Order: a turn: due timers, what was posted before it, what is ready, the turn-end hooks. What these post is for the
//        next turn.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "runtime/clock.h"
#include "runtime/random.h"
#include "runtime/shard.h"
#include "runtime/testing/seeded_random.h"
#include "runtime/timer.h"
#include "runtime/turn_end_queue.h"

namespace moldau::testing {

class ManualShard final : public runtime::Shard {
 public:
  explicit ManualShard(std::uint32_t index = 0) : index_(index) {}

  [[nodiscard]] std::uint32_t index() const noexcept override { return index_; }
  [[nodiscard]] const runtime::Clock& clock() const noexcept override { return clock_; }
  [[nodiscard]] runtime::Random& random() noexcept override { return random_; }
  [[nodiscard]] runtime::TimerQueue& timers() noexcept override { return timers_; }
  [[nodiscard]] bool is_current() const noexcept override { return true; }
  void post(Callback work) override { posted_.push_back(std::move(work)); }
  void at_turn_end(runtime::TurnEndHook& hook) override { turn_end_.schedule(hook); }
  void cancel_turn_end(runtime::TurnEndHook& hook) noexcept override { turn_end_.cancel(hook); }

  // Readiness of a socket: handled in the next turn, or in this one if what was posted brings it about.
  void add_ready(Callback handle) { ready_.push_back(std::move(handle)); }

  void turn();
  // Nothing is left for another turn at the present time; timers apart.
  [[nodiscard]] bool idle() const noexcept { return posted_.empty() && ready_.empty() && turn_end_.empty(); }

  // Moves time only.
  void advance(std::chrono::nanoseconds by) noexcept { clock_.advance(by); }
  // Time passes, and a turn sees it.
  void pass(std::chrono::nanoseconds by) {
    advance(by);
    turn();
  }

 private:
  class ManualClock final : public runtime::Clock {
   public:
    [[nodiscard]] runtime::MonoTime now() const noexcept override { return now_; }
    [[nodiscard]] std::int64_t wall_ms() const noexcept override;
    void advance(std::chrono::nanoseconds by) noexcept { now_ += by; }

   private:
    static constexpr runtime::MonoTime kStart{std::chrono::seconds(1000)};
    runtime::MonoTime now_ = kStart;
  };

  std::uint32_t index_;
  ManualClock clock_;
  SeededRandom random_;
  runtime::TimerQueue timers_;
  runtime::TurnEndQueue turn_end_;
  std::vector<Callback> posted_;
  std::vector<Callback> ready_;
};

}  // namespace moldau::testing
