#include "replication/partition/waiters.h"

namespace moldau::replication {

AckWaiter::AckWaiter(runtime::TimerQueue& timers, Done done)
    : timer_(timers, [this] { finish(at_deadline_); }), done_(std::move(done)) {}

void AckWaiter::finish(protocol::ErrorCode code) {
  unlink();
  timer_.cancel();
  at_deadline_ = protocol::ErrorCode::kRequestTimedOut;
  done_(code);
}

}  // namespace moldau::replication
