// Owns the multi-step operations of one shard (waiting appends, parked fetches), so that each has an owner until it
// ends and all are gone before the partitions they wait on.
#pragma once

#include <memory>
#include <unordered_map>
#include <utility>

#include "base/assert.h"
#include "runtime/shard.h"

namespace moldau::broker {

class Operation {
 public:
  virtual ~Operation() = default;
};

// Bound: what the connections' unanswered requests bound (Connection::kUnansweredMax each).
class OperationSet {
 public:
  explicit OperationSet(runtime::Shard& shard) : shard_(shard) {}

  template <class T>
  T& add(std::unique_ptr<T> operation) {
    T& added = *operation;
    operations_.emplace(&added, std::move(operation));
    return added;
  }
  // The operation is done; it is destroyed in a later turn, since it is usually the caller.
  void finish(Operation& operation) {
    const auto found = operations_.find(&operation);
    if (found == operations_.end()) {
      MOLDAU_ASSERT(cleared_);  // another shard's handler told it to go while this shard was giving everything up
      return;
    }
    std::unique_ptr<Operation> finished = std::move(found->second);
    operations_.erase(found);
    shard_.post([finished = std::move(finished)] {});
  }
  [[nodiscard]] std::size_t size() const noexcept { return operations_.size(); }
  // Gives everything up, for good.
  void clear() {
    cleared_ = true;
    operations_.clear();
  }

 private:
  runtime::Shard& shard_;
  std::unordered_map<Operation*, std::unique_ptr<Operation>> operations_;
  bool cleared_ = false;
};

}  // namespace moldau::broker
