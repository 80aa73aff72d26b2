#include "runtime/timer.h"

#include "base/assert.h"

namespace moldau::runtime {

Timer::Timer(TimerQueue& queue, Callback on_fire) : queue_(queue), on_fire_(std::move(on_fire)) {}

Timer::~Timer() {
  cancel();
}

void Timer::arm(MonoTime when) {
  cancel();
  when_ = when;
  queue_.insert(*this);
}

void Timer::cancel() noexcept {
  if (armed()) {
    queue_.remove(*this);
  }
}

TimerQueue::~TimerQueue() {
  MOLDAU_ASSERT(heap_.empty(), static_cast<std::int64_t>(heap_.size()));
}

MonoTime TimerQueue::next_deadline() const noexcept {
  return heap_.empty() ? kNever : heap_.front()->when_;
}

std::size_t TimerQueue::fire(MonoTime now) {
  const std::uint64_t armed_before = next_order_;
  std::size_t fired = 0;
  while (!heap_.empty() && heap_.front()->when_ <= now) {
    Timer& timer = *heap_.front();
    if (timer.order_ >= armed_before) {
      break;  // armed by a callback of this call: the next turn's work, or a timer that re-arms itself starves I/O
    }
    remove(timer);
    ++fired;
    timer.on_fire_();  // may destroy the timer: nothing of it is touched afterwards
  }
  return fired;
}

bool TimerQueue::before(const Timer& a, const Timer& b) noexcept {
  return a.when_ != b.when_ ? a.when_ < b.when_ : a.order_ < b.order_;
}

void TimerQueue::insert(Timer& timer) {
  timer.order_ = next_order_++;
  heap_.push_back(&timer);
  timer.slot_ = heap_.size() - 1;
  sift_up(timer.slot_);
}

void TimerQueue::remove(Timer& timer) noexcept {
  const std::size_t slot = timer.slot_;
  MOLDAU_ASSERT(slot < heap_.size() && heap_[slot] == &timer);
  Timer* last = heap_.back();
  heap_.pop_back();
  timer.slot_ = Timer::kIdle;
  if (last != &timer) {
    place(slot, last);
    sift_up(slot);
    sift_down(last->slot_);
  }
}

void TimerQueue::place(std::size_t slot, Timer* timer) noexcept {
  heap_[slot] = timer;
  timer->slot_ = slot;
}

void TimerQueue::sift_up(std::size_t slot) noexcept {
  Timer* timer = heap_[slot];
  while (slot > 0) {
    const std::size_t parent = (slot - 1) / 2;
    if (!before(*timer, *heap_[parent])) {
      break;
    }
    place(slot, heap_[parent]);
    slot = parent;
  }
  place(slot, timer);
}

void TimerQueue::sift_down(std::size_t slot) noexcept {
  Timer* timer = heap_[slot];
  for (;;) {
    std::size_t child = slot * 2 + 1;
    if (child >= heap_.size()) {
      break;
    }
    if (child + 1 < heap_.size() && before(*heap_[child + 1], *heap_[child])) {
      ++child;
    }
    if (!before(*heap_[child], *timer)) {
      break;
    }
    place(slot, heap_[child]);
    slot = child;
  }
  place(slot, timer);
}

}  // namespace moldau::runtime
