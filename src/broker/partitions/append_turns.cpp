#include "broker/partitions/append_turns.h"

#include <memory>
#include <utility>

#include "base/assert.h"

namespace moldau::broker {

void AppendTurns::add(const AppendSource& source, Work& work) {
  std::deque<Work*>& line = lines_[source];
  line.push_back(&work);
  if (line.size() == 1) {
    next_.push_back(source);
    if (next_.size() == 1) {
      run_soon();
    }
  }
}

void AppendTurns::charge(std::uint64_t work) noexcept {
  const runtime::MonoTime now = shard_.clock().now();
  charged_ = std::exchange(charged_turn_, now) == now ? charged_ + work : work;
}

bool AppendTurns::is_spent() const noexcept {
  return charged_turn_ == shard_.clock().now() && charged_ >= kTurnWorkMax;
}

// What became ready while a piece was done is handled behind what was posted: a turn of nothing else lets it go first.
void AppendTurns::run_soon() {
  shard_.post([weak = std::weak_ptr<AppendTurns*>(alive_)] {
    if (const auto alive = weak.lock()) {
      (*alive)->shard_.post([weak] {
        if (const auto still_alive = weak.lock()) {
          (*still_alive)->turn();
        }
      });
    }
  });
}

void AppendTurns::turn() {
  if (operations_.refuses()) {
    lines_.clear();
    next_.clear();
    return;
  }
  if (next_.empty()) {
    return;  // all were held, and one went on, while this turn was on its way
  }
  const AppendSource source = next_.front();
  std::deque<Work*>& line = lines_.at(source);
  // A step may add to this line and to others; a source that has one is not taken up again by add().
  const Step step = line.front()->step();
  if (step == Step::kDone) {
    line.pop_front();
  }
  next_.pop_front();
  if (line.empty()) {
    lines_.erase(source);
  } else if (step != Step::kHeld) {
    next_.push_back(source);
  }
  if (!next_.empty()) {
    run_soon();
  }
}

Callback AppendTurns::resume(const AppendSource& source) {
  return [weak = std::weak_ptr<AppendTurns*>(alive_), source] {
    if (const auto alive = weak.lock()) {
      (*alive)->go_on(source);
    }
  };
}

void AppendTurns::go_on(const AppendSource& source) {
  if (lines_.contains(source)) {
    next_.push_back(source);
    if (next_.size() == 1) {
      run_soon();
    }
  }
}

}  // namespace moldau::broker
