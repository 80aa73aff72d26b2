// Virtual time: events in the order of their time, equal times in the order in which they were scheduled.
#pragma once

#include <cstdint>
#include <vector>

#include "base/callback.h"
#include "runtime/clock.h"

namespace moldau::sim {

// Who an event belongs to: a process of a node (dropped when it dies) or the world itself.
using Owner = std::uint64_t;
inline constexpr Owner kWorldOwner = 0;

class EventQueue {
 public:
  [[nodiscard]] runtime::MonoTime now() const noexcept { return now_; }
  [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
  // kNever when empty.
  [[nodiscard]] runtime::MonoTime next_time() const noexcept;

  // `when` in the past means now.
  void schedule(runtime::MonoTime when, Owner owner, Callback event);
  // Moves the clock to the next event and takes it out. Not empty.
  [[nodiscard]] Callback take_next();
  // Moves the clock forward; no event may lie before `when`.
  void advance_to(runtime::MonoTime when) noexcept;
  // Destroys the owner's events unrun.
  void drop(Owner owner);

 private:
  struct Entry {
    runtime::MonoTime when;
    std::uint64_t order;
    Owner owner;
    Callback event;
  };
  static bool later(const Entry& a, const Entry& b) noexcept {
    return a.when != b.when ? a.when > b.when : a.order > b.order;
  }

  runtime::MonoTime now_{};
  std::uint64_t next_order_ = 0;
  std::vector<Entry> heap_;
};

}  // namespace moldau::sim
