// A shard: one core, one thread, one event loop, and everything that lives on it.
//
// A turn: fire due timers, run what was posted, handle readiness, run the turn-end hooks, wait. Work coalesces per
// turn: hooks flush each connection once, and another shard is woken at most once however much was posted to it.
#pragma once

#include <cstdint>

#include "base/callback.h"
#include "runtime/clock.h"
#include "runtime/random.h"
#include "runtime/timer.h"

namespace moldau::runtime {

// Runs once at the end of the current turn; intrusive and idempotent: scheduling twice in a turn runs once.
class TurnEndHook {
 public:
  virtual ~TurnEndHook() = default;
  virtual void on_turn_end() = 0;

 private:
  friend class TurnEndQueue;
  bool scheduled_ = false;
};

class Shard {
 public:
  virtual ~Shard() = default;

  [[nodiscard]] virtual std::uint32_t index() const noexcept = 0;
  [[nodiscard]] virtual const Clock& clock() const noexcept = 0;
  [[nodiscard]] virtual Random& random() noexcept = 0;
  [[nodiscard]] virtual TimerQueue& timers() noexcept = 0;
  // True on the shard's own thread; asserts of ownership use it.
  [[nodiscard]] virtual bool is_current() const noexcept = 0;

  // Runs `work` on this shard in a later turn. Any thread; FIFO per posting thread. Dropped (destroyed unrun) once the
  // shard has stopped.
  virtual void post(Callback work) = 0;

  // This shard's thread only. A hook scheduled by a hook runs in the same turn. The hook must not be destroyed while
  // scheduled, except through cancel_turn_end.
  virtual void at_turn_end(TurnEndHook& hook) = 0;
  virtual void cancel_turn_end(TurnEndHook& hook) noexcept = 0;
};

}  // namespace moldau::runtime
