// Owns the multi-step operations of one shard (waiting appends, parked fetches, requests whose parts are on other
// shards), so that each has an owner until it ends and all are gone before what they stand on: partitions, connections.
#pragma once

#include <cstddef>
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
  // For an operation that hears from other shards: messages carry the weak reference and are taken where it locks, on
  // this shard. So what it owns (a request with its bytes) never travels and never outlives this set.
  template <class T>
  std::weak_ptr<T> hold(const std::shared_ptr<T>& operation) {
    if (!cleared_) {
      operations_.emplace(operation.get(), operation);
    }
    return operation;
  }
  // A held operation is done; the caller has a reference of its own.
  void release(const Operation& operation) { operations_.erase(&operation); }
  // The operation is done; it is destroyed in a later turn, since it is usually the caller.
  void finish(Operation& operation) {
    const auto found = operations_.find(&operation);
    if (found == operations_.end()) {
      MOLDAU_ASSERT(cleared_);  // another shard's handler told it to go while this shard was giving everything up
      return;
    }
    std::shared_ptr<Operation> finished = std::move(found->second);
    operations_.erase(found);
    shard_.post([finished = std::move(finished)] {});
  }
  [[nodiscard]] std::size_t size() const noexcept { return operations_.size(); }
  // From now on nothing starts here for another shard's request, whose bytes may soon be gone.
  void refuse() { refuses_ = true; }
  [[nodiscard]] bool refuses() const noexcept { return refuses_; }
  // Gives everything up, for good.
  void clear() {
    refuses_ = cleared_ = true;
    operations_.clear();
  }

 private:
  runtime::Shard& shard_;
  std::unordered_map<const Operation*, std::shared_ptr<Operation>> operations_;
  bool refuses_ = false;
  bool cleared_ = false;
};

}  // namespace moldau::broker
