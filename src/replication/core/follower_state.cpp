#include "replication/core/follower_state.h"

#include <algorithm>

namespace moldau::replication {

void FollowerState::on_fetch(const FollowerFetch& fetch, Offset leader_end, MonoMs now) noexcept {
  if (fetch.fetch_offset >= leader_end) {
    last_caught_up_ = std::max(last_caught_up_, now);
  } else if (fetch.fetch_offset >= leader_end_at_last_fetch_) {
    last_caught_up_ = std::max(last_caught_up_, last_fetch_);
  }
  log_start_ = fetch.log_start;
  log_end_ = fetch.fetch_offset;
  leader_end_at_last_fetch_ = std::max(leader_end_at_last_fetch_, leader_end);
  last_fetch_ = now;
  broker_epoch_ = fetch.broker_epoch;
}

void FollowerState::on_leader_epoch(MonoMs now, Offset leader_end, bool was_leader, bool in_isr) noexcept {
  last_caught_up_ = in_isr ? now : kNeverCaughtUp;
  if (was_leader) {
    leader_end_at_last_fetch_ = leader_end;
    last_fetch_ = in_isr ? now : kNeverCaughtUp;
    return;
  }
  log_end_ = kNoOffset;
  log_start_ = kNoOffset;
  leader_end_at_last_fetch_ = kNoOffset;
  last_fetch_ = kNeverCaughtUp;
  broker_epoch_.reset();
}

}  // namespace moldau::replication
