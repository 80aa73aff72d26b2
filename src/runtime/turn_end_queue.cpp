#include "runtime/turn_end_queue.h"

#include <algorithm>
#include <utility>

namespace moldau::runtime {

void TurnEndQueue::schedule(TurnEndHook& hook) {
  if (!std::exchange(hook.scheduled_, true)) {
    hooks_.push_back(&hook);
  }
}

void TurnEndQueue::cancel(TurnEndHook& hook) noexcept {
  if (std::exchange(hook.scheduled_, false)) {
    *std::find(hooks_.begin(), hooks_.end(), &hook) = nullptr;
  }
}

void TurnEndQueue::run() {
  for (std::size_t i = 0; i < hooks_.size(); ++i) {  // grows while it runs
    if (TurnEndHook* hook = hooks_[i]; hook != nullptr) {
      hook->scheduled_ = false;
      hooks_[i] = nullptr;
      hook->on_turn_end();
    }
  }
  hooks_.clear();
}

}  // namespace moldau::runtime
