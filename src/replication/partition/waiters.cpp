#include "replication/partition/waiters.h"

#include "replication/partition/partition.h"

namespace moldau::replication {

AckWaiter::AckWaiter(runtime::TimerQueue& timers, Done done)
    : timer_(timers, [this] { on_timer(); }), done_(std::move(done)) {}

void AckWaiter::on_timer() {
  const bool by_request = at_deadline_ == protocol::ErrorCode::kRequestTimedOut && timer_.when() < sync_deadline_;
  if (by_request && partition_->waits_for_disk_only(*this)) {
    timer_.arm(sync_deadline_);
    return;
  }
  finish(at_deadline_);
}

void AckWaiter::finish(protocol::ErrorCode code) {
  unlink();
  timer_.cancel();
  at_deadline_ = protocol::ErrorCode::kRequestTimedOut;
  done_(code);
}

}  // namespace moldau::replication
