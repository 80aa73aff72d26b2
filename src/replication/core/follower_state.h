// FollowerState: how far one follower has read, as its leader sees it. Pure.
//
// Invariants: F1 last_caught_up() never decreases between two resets.
// Source:     org.apache.kafka.server.replica.Replica.
#pragma once

#include <optional>

#include "base/ids.h"
#include "replication/core/types.h"

namespace moldau::replication {

class FollowerState {
 public:
  explicit FollowerState(NodeId id) noexcept : id_(id) {}

  // A fetch that passed the epoch checks, while the leader's log ended at `leader_end`. A follower counts as caught up
  // at the time of this fetch if it asks for the leader's end, and at the time of the fetch before if it asks for what
  // was the end then: so small steady appends do not make it look late for ever.
  void on_fetch(const FollowerFetch& fetch, Offset leader_end, MonoMs now) noexcept;

  // A leader epoch begins. What an earlier leadership of this node knew counts only if it is led without a break.
  void on_leader_epoch(MonoMs now, Offset leader_end, bool was_leader, bool in_isr) noexcept;

  [[nodiscard]] bool caught_up(Offset leader_end, MonoMs now, MonoMs lag_max) const noexcept {
    return log_end_ == leader_end || (last_caught_up_ != kNeverCaughtUp && now - last_caught_up_ <= lag_max);
  }

  [[nodiscard]] NodeId id() const noexcept { return id_; }
  [[nodiscard]] Offset log_end() const noexcept { return log_end_; }      // -1 unknown
  [[nodiscard]] Offset log_start() const noexcept { return log_start_; }  // -1 unknown
  [[nodiscard]] MonoMs last_caught_up() const noexcept { return last_caught_up_; }
  // Of its last fetch; nothing before the first.
  [[nodiscard]] std::optional<BrokerEpoch> broker_epoch() const noexcept { return broker_epoch_; }

 private:
  static constexpr MonoMs kNeverCaughtUp = INT64_MIN;

  NodeId id_;
  Offset log_end_ = kNoOffset;
  Offset log_start_ = kNoOffset;
  Offset leader_end_at_last_fetch_ = kNoOffset;
  MonoMs last_fetch_ = kNeverCaughtUp;
  MonoMs last_caught_up_ = kNeverCaughtUp;
  std::optional<BrokerEpoch> broker_epoch_;
};

}  // namespace moldau::replication
