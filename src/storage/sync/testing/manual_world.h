// One shard and its workers under the hand of a unit test: turns run when the test says so, worker jobs too.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "base/callback.h"
#include "base/log.h"
#include "runtime/shard.h"
#include "runtime/turn_end_queue.h"
#include "runtime/workers.h"

namespace moldau::testing {

class ManualClock final : public runtime::Clock {
 public:
  runtime::MonoTime now() const noexcept override { return now_; }
  std::int64_t wall_ms() const noexcept override { return wall_ms_; }
  void advance(std::chrono::milliseconds by) {
    now_ += by;
    wall_ms_ += by.count();
  }

 private:
  runtime::MonoTime now_{std::chrono::seconds(1000)};
  std::int64_t wall_ms_ = 1'700'000'000'000;
};

class ManualRandom final : public runtime::Random {
 public:
  std::uint64_t next() override { return engine_(); }

 private:
  std::mt19937_64 engine_{42};
};

class ManualShard final : public runtime::Shard {
 public:
  explicit ManualShard(std::uint32_t index = 0) : index_(index) {}
  std::uint32_t index() const noexcept override { return index_; }
  const runtime::Clock& clock() const noexcept override { return clock_; }
  runtime::Random& random() noexcept override { return random_; }
  runtime::TimerQueue& timers() noexcept override { return timers_; }
  bool is_current() const noexcept override { return true; }
  void post(Callback work) override { posted_.push_back(std::move(work)); }
  void at_turn_end(runtime::TurnEndHook& hook) override { hooks_.schedule(hook); }
  void cancel_turn_end(runtime::TurnEndHook& hook) noexcept override { hooks_.cancel(hook); }

  // Fires due timers, runs what was posted before, then the turn-end hooks.
  void run_turn() {
    timers_.fire(clock_.now());
    for (std::size_t n = posted_.size(); n > 0; --n) {
      Callback work = std::move(posted_.front());
      posted_.pop_front();
      work();
    }
    hooks_.run();
  }
  void advance(std::chrono::milliseconds by) {
    clock_.advance(by);
    run_turn();
  }
  [[nodiscard]] bool idle() const { return posted_.empty() && hooks_.empty(); }

 private:
  std::uint32_t index_;
  ManualClock clock_;
  ManualRandom random_;
  runtime::TimerQueue timers_;
  runtime::TurnEndQueue hooks_;
  std::deque<Callback> posted_;
};

class ManualWorkers final : public runtime::Workers {
 public:
  void run(Callback work, runtime::Shard& reply_to, Callback done) override {
    jobs_.push_back({std::move(work), &reply_to, std::move(done)});
  }

  // Runs the oldest job; its `done` is posted.
  void run_one() {
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    job.work();
    job.reply_to->post(std::move(job.done));
  }
  void run_all() {
    while (!jobs_.empty()) {
      run_one();
    }
  }
  [[nodiscard]] std::size_t waiting() const { return jobs_.size(); }

 private:
  struct Job {
    Callback work;
    runtime::Shard* reply_to;
    Callback done;
  };
  std::deque<Job> jobs_;
};

// Runs turns and jobs until nothing is left to do at the present time.
inline void settle(ManualShard& shard, ManualWorkers& workers) {
  do {
    workers.run_all();
    shard.run_turn();
  } while (workers.waiting() > 0 || !shard.idle());
}

class SilentLogger final : public Logger {
 public:
  bool enabled(LogLevel) const noexcept override { return true; }
  void write(LogLevel, std::string_view, std::string_view text) override { last = text; }
  std::string last;
};

}  // namespace moldau::testing
