#include "broker/partitions/append_turns.h"

#include <memory>

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
  MOLDAU_ASSERT(!next_.empty());
  const AppendSource source = next_.front();
  std::deque<Work*>& line = lines_.at(source);
  // A step may add to this line and to others; a source that has one is not taken up again by add().
  if (line.front()->step()) {
    line.pop_front();
  }
  next_.pop_front();
  if (line.empty()) {
    lines_.erase(source);
  } else {
    next_.push_back(source);
  }
  if (!next_.empty()) {
    run_soon();
  }
}

}  // namespace moldau::broker
