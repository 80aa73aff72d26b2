// A shard whose turns are events of virtual time.
//
// A turn takes no virtual time. It is scheduled when something was posted, became ready or falls due, after a random
// wake-up delay, so that seeds interleave shards differently.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/shard.h"
#include "runtime/turn_end_queue.h"
#include "sim/world/process.h"

namespace moldau::sim {

class SimShard final : public runtime::Shard {
 public:
  SimShard(Process& process, std::uint32_t index);
  ~SimShard() override;
  SimShard(const SimShard&) = delete;
  SimShard& operator=(const SimShard&) = delete;

  [[nodiscard]] std::uint32_t index() const noexcept override { return index_; }
  [[nodiscard]] const runtime::Clock& clock() const noexcept override { return clock_; }
  [[nodiscard]] runtime::Random& random() noexcept override { return random_; }
  [[nodiscard]] runtime::TimerQueue& timers() noexcept override { return timers_; }
  // Outside of turns and jobs the world itself runs: then everything is current, as before AsioWorld::start().
  [[nodiscard]] bool is_current() const noexcept override;
  void post(Callback work) override;
  void at_turn_end(runtime::TurnEndHook& hook) override { turn_end_.schedule(hook); }
  void cancel_turn_end(runtime::TurnEndHook& hook) noexcept override { turn_end_.cancel(hook); }

  // Runs `handle` in the readiness part of a later turn.
  void add_ready(Callback handle);
  // Schedules a turn for what was armed or hooked outside of turns.
  void wake();
  // Destroys unrun what is queued: the process died.
  void drop_queues();
  [[nodiscard]] Process& process() noexcept { return process_; }

 private:
  class ProcessClock final : public runtime::Clock {
   public:
    explicit ProcessClock(const Process& process) noexcept : process_(process) {}
    [[nodiscard]] runtime::MonoTime now() const noexcept override { return process_.events.now(); }
    [[nodiscard]] std::int64_t wall_ms() const noexcept override;

   private:
    const Process& process_;
  };

  void request_turn(runtime::MonoTime when);
  void turn();

  Process& process_;
  std::uint32_t index_;
  ProcessClock clock_;
  SimRandom random_;
  runtime::TimerQueue timers_;
  runtime::TurnEndQueue turn_end_;
  std::vector<Callback> posted_;
  std::vector<Callback> ready_;
  runtime::MonoTime next_turn_ = runtime::kNever;
  std::uint64_t turn_ticket_ = 0;  // only the newest scheduled turn counts
};

}  // namespace moldau::sim
