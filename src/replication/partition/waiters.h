// What waits on a Partition: acknowledgements, long polls. Intrusive, so that parking allocates nothing.
//
// Shard:    owned by the request, on the partition's shard; destroying a waiter withdraws it.
// Promise:  a callback runs at most once per parking, in the turn of the event that caused it, never from inside
//           park() or await_ack(); the waiter is not parked any more when it runs, and may park again. It is not
//           destroyed from inside its own callback.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/assert.h"
#include "base/callback.h"
#include "base/ids.h"
#include "protocol/errors/error_code.h"
#include "runtime/clock.h"
#include "runtime/timer.h"

namespace moldau::replication {

enum class FetchIsolation : std::uint8_t;

// How long an answer waits for the disk where the request's own deadline is shorter: that one is for the other
// replicas, as in Kafka, which has no such wait.
inline constexpr std::chrono::seconds kSyncWaitMax{30};

// A circular list of nodes that unlink themselves.
class WaitNode {
 public:
  WaitNode() noexcept = default;
  WaitNode(const WaitNode&) = delete;
  WaitNode& operator=(const WaitNode&) = delete;
  ~WaitNode() { unlink(); }

  [[nodiscard]] bool linked() const noexcept { return next_ != this; }
  void unlink() noexcept {
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = previous_ = this;
  }
  // As the last before `head`, or before any other node.
  void link_before(WaitNode& other) noexcept {
    MOLDAU_ASSERT(!linked());
    previous_ = other.previous_;
    next_ = &other;
    previous_->next_ = this;
    other.previous_ = this;
  }
  // Moves all of `other`'s nodes behind this head, which must be empty.
  void take_all(WaitNode& other) noexcept {
    MOLDAU_ASSERT(!linked());
    if (other.linked()) {
      next_ = other.next_;
      previous_ = other.previous_;
      next_->previous_ = this;
      previous_->next_ = this;
      other.next_ = other.previous_ = &other;
    }
  }
  [[nodiscard]] WaitNode* next() const noexcept { return next_; }
  [[nodiscard]] WaitNode* previous() const noexcept { return previous_; }

 private:
  WaitNode* next_ = this;
  WaitNode* previous_ = this;
};

class Partition;

// One append that waits for replication and, by the topic's policy, for the disk.
class AckWaiter : private WaitNode {
 public:
  using Done = Function<void(protocol::ErrorCode)>;

  // kNone: as asked for. kRequestTimedOut: the deadline passed before the other replicas had it, or the disk took
  // longer than that and than kSyncWaitMax; the data is kept. kNotEnoughReplicasAfterAppend. kNotLeaderOrFollower:
  // leadership ended first. kKafkaStorageError: the log directory failed first. kUnknownTopicOrPartition: deleted
  // first.
  AckWaiter(runtime::TimerQueue& timers, Done done);

  [[nodiscard]] bool waiting() const noexcept { return linked(); }

 private:
  friend class Partition;
  void finish(protocol::ErrorCode code);

  void on_timer();

  Partition* partition_ = nullptr;  // while parked
  Offset end_{0};                   // exclusive
  runtime::MonoTime sync_deadline_{};
  protocol::ErrorCode at_deadline_ = protocol::ErrorCode::kRequestTimedOut;
  runtime::Timer timer_;
  Done done_;
};

enum class WakeReason : std::uint8_t {
  kProgress,  // more may be readable: read again
  kChanged,   // leader, epoch, directory or existence changed: reading will say
};

// One partition of a long poll.
class FetchWaiter : private WaitNode {
 public:
  using Wake = Function<void(WakeReason)>;
  explicit FetchWaiter(Wake wake) : wake_(std::move(wake)) {}

  [[nodiscard]] bool parked() const noexcept { return linked(); }
  void withdraw() noexcept { unlink(); }

 private:
  friend class Partition;
  Offset from_{0};
  FetchIsolation isolation_{};
  Wake wake_;
};

}  // namespace moldau::replication
