// The queue of turn-end hooks that both worlds' shards use.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/shard.h"

namespace moldau::runtime {

class TurnEndQueue {
 public:
  void schedule(TurnEndHook& hook);
  void cancel(TurnEndHook& hook) noexcept;
  // Runs all, those scheduled meanwhile included.
  void run();
  [[nodiscard]] bool empty() const noexcept { return hooks_.empty(); }

 private:
  std::vector<TurnEndHook*> hooks_;  // a cancelled entry is null
};

}  // namespace moldau::runtime
