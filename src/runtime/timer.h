// Timers of one shard: an intrusive binary heap, so arming allocates nothing. Both worlds use this queue; the world
// only decides when to call fire().
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/callback.h"
#include "runtime/clock.h"

namespace moldau::runtime {

class TimerQueue;

// One deadline, owned by who waits for it. Destroying it cancels it.
//
// Shard:      lives and dies on the shard of its queue.
// Invariants: T1 the callback runs at most once per arm(), never after cancel() or destruction.
class Timer {
 public:
  Timer(TimerQueue& queue, Callback on_fire);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Arms, or moves an armed timer. A time in the past fires in the next turn. O(log n).
  void arm(MonoTime when);
  void cancel() noexcept;
  [[nodiscard]] bool armed() const noexcept { return slot_ != kIdle; }
  [[nodiscard]] MonoTime when() const noexcept { return when_; }

 private:
  friend class TimerQueue;
  static constexpr std::size_t kIdle = static_cast<std::size_t>(-1);

  TimerQueue& queue_;
  Callback on_fire_;
  MonoTime when_{};
  std::uint64_t order_ = 0;  // equal deadlines fire in the order in which they were armed
  std::size_t slot_ = kIdle;
};

class TimerQueue {
 public:
  TimerQueue() = default;
  ~TimerQueue();
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  // kNever when nothing is armed.
  [[nodiscard]] MonoTime next_deadline() const noexcept;
  // Runs every timer due at `now`, earliest first; timers armed meanwhile for `now` or before wait for the next call.
  // Returns how many ran.
  std::size_t fire(MonoTime now);
  [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }

 private:
  friend class Timer;
  void insert(Timer& timer);
  void remove(Timer& timer) noexcept;
  void sift_up(std::size_t slot) noexcept;
  void sift_down(std::size_t slot) noexcept;
  void place(std::size_t slot, Timer* timer) noexcept;
  static bool before(const Timer& a, const Timer& b) noexcept;

  std::vector<Timer*> heap_;
  std::uint64_t next_order_ = 0;
};

}  // namespace moldau::runtime
