#include "sim/world/event_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.h"

namespace moldau::sim {

using runtime::MonoTime;

MonoTime EventQueue::next_time() const noexcept {
  return heap_.empty() ? runtime::kNever : heap_.front().when;
}

void EventQueue::schedule(MonoTime when, Owner owner, Callback event) {
  heap_.push_back({std::max(when, now_), next_order_++, owner, std::move(event)});
  std::ranges::push_heap(heap_, later);
}

Callback EventQueue::take_next() {
  MOLDAU_ASSERT(!heap_.empty());
  std::ranges::pop_heap(heap_, later);
  Entry entry = std::move(heap_.back());
  heap_.pop_back();
  now_ = entry.when;
  return std::move(entry.event);
}

void EventQueue::advance_to(MonoTime when) noexcept {
  MOLDAU_ASSERT(when >= now_ && when <= next_time());
  now_ = when;
}

void EventQueue::drop(Owner owner) {
  const auto kept = std::partition(heap_.begin(), heap_.end(), [owner](const Entry& e) { return e.owner != owner; });
  std::vector<Entry> dropped(std::move_iterator(kept), std::move_iterator(heap_.end()));
  heap_.erase(kept, heap_.end());
  std::ranges::make_heap(heap_, later);
  std::ranges::sort(dropped, {}, &Entry::order);
  // `dropped` dies last, in a fixed order: destructors may schedule again.
  for (Entry& entry : dropped) {
    entry.event.reset();
  }
}

}  // namespace moldau::sim
