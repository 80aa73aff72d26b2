#include "sim/world/sim_shard.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace moldau::sim {

using runtime::MonoTime;
using std::chrono::nanoseconds;

namespace {
constexpr std::uint64_t kWakeDelayMax = 60'000;  // nanoseconds; a sleeping core takes this long at most
constexpr nanoseconds kBetweenTurns{1'000};      // a turn that posts to itself lets time pass
constexpr std::int64_t kNanosecondsPerMillisecond = 1'000'000;
}  // namespace

std::int64_t SimShard::ProcessClock::wall_ms() const noexcept {
  return process_.events.now().time_since_epoch().count() / kNanosecondsPerMillisecond + process_.wall_offset_ms;
}

SimShard::SimShard(Process& process, std::uint32_t index)
    : process_(process), index_(index), clock_(process), random_(process.random.fork()) {}

SimShard::~SimShard() {
  drop_queues();
}

bool SimShard::is_current() const noexcept {
  const Execution& execution = process_.execution;
  return execution.shard == this || (execution.shard == nullptr && !execution.in_job);
}

void SimShard::post(Callback work) {
  if (process_.alive) {
    posted_.push_back(std::move(work));
    wake();
  }
}

void SimShard::add_ready(Callback handle) {
  if (process_.alive) {
    ready_.push_back(std::move(handle));
    wake();
  }
}

void SimShard::wake() {
  if (process_.execution.shard != this) {  // its own turn looks again when it ends
    request_turn(process_.events.now() + nanoseconds(process_.random.below(kWakeDelayMax)));
  }
}

void SimShard::request_turn(MonoTime when) {
  when = std::max(when, process_.paused_until);
  if (!process_.alive || when >= next_turn_) {
    return;
  }
  next_turn_ = when;
  process_.events.schedule(when, process_.owner, [this, ticket = ++turn_ticket_] {
    if (ticket == turn_ticket_) {
      turn();
    }
  });
}

void SimShard::turn() {
  if (process_.paused_until > process_.events.now()) {  // paused after this turn was scheduled
    next_turn_ = runtime::kNever;
    request_turn(process_.paused_until);
    return;
  }
  process_.execution.shard = this;
  process_.trace.add(process_.events.now(), process_.node, TraceKind::kTurn, index_, posted_.size());
  timers_.fire(clock_.now());
  for (Callback& work : std::exchange(posted_, {})) {
    work();
    work.reset();
  }
  for (Callback& handle : std::exchange(ready_, {})) {
    handle();
    handle.reset();
  }
  turn_end_.run();
  const nanoseconds blocked = std::exchange(process_.execution.blocked, {});
  process_.execution.shard = nullptr;

  next_turn_ = runtime::kNever;
  const MonoTime soonest = process_.events.now() + kBetweenTurns + blocked;
  if (!posted_.empty() || !ready_.empty()) {
    request_turn(soonest);
  } else if (const MonoTime deadline = timers_.next_deadline(); deadline != runtime::kNever) {
    request_turn(std::max(deadline, soonest));
  }
}

void SimShard::drop_queues() {
  for (int rounds = 0; rounds < 100 && (!posted_.empty() || !ready_.empty()); ++rounds) {
    std::exchange(posted_, {}).clear();
    std::exchange(ready_, {}).clear();
  }
}

}  // namespace moldau::sim
