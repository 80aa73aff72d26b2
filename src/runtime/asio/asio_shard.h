// A shard of production: one thread, one io_context that only that thread runs.
//
// Readiness handlers of Asio run no code of ours; they fill a list, and the turn works it off. So a turn has the order
// that shard.h promises, one now(), and an end, however fast the peers are.
//
// Posting: to itself, a plain queue; from another shard, an outbox that is handed over at the end of the poster's turn;
// from any other thread, at once. All land in the inbox under a short lock, and a sleeping shard is woken once.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "runtime/asio/kernel_random.h"
#include "runtime/asio/shard_clock.h"
#include "runtime/shard.h"
#include "runtime/turn_end_queue.h"

namespace moldau::runtime {

enum class Readiness : std::uint8_t { kReadable, kWritable };

// What waits for readiness of a descriptor.
class ReadyTarget {
 public:
  virtual ~ReadyTarget() = default;
  virtual void on_ready(Readiness readiness) = 0;
};

class AsioShard final : public Shard {
 public:
  explicit AsioShard(std::uint32_t index);
  ~AsioShard() override;
  AsioShard(const AsioShard&) = delete;
  AsioShard& operator=(const AsioShard&) = delete;

  // All shards of the world, itself included. Before run().
  void set_peers(std::span<const std::unique_ptr<AsioShard>> peers);

  // Says that a thread is about to run(): from now on is_current() is true on that thread only.
  void give_to_thread() noexcept { has_thread_.store(true, std::memory_order_relaxed); }
  // Turns until request_stop(), then until nothing posted is left. The thread that calls it is the shard's thread.
  void run();
  void request_stop() noexcept;  // any thread

  [[nodiscard]] std::uint32_t index() const noexcept override { return index_; }
  [[nodiscard]] const Clock& clock() const noexcept override { return clock_; }
  [[nodiscard]] Random& random() noexcept override { return random_; }
  [[nodiscard]] TimerQueue& timers() noexcept override { return timers_; }
  [[nodiscard]] bool is_current() const noexcept override;
  void post(Callback work) override;
  void at_turn_end(TurnEndHook& hook) override { turn_end_.schedule(hook); }
  void cancel_turn_end(TurnEndHook& hook) noexcept override { turn_end_.cancel(hook); }

  [[nodiscard]] boost::asio::io_context& context() noexcept { return context_; }
  // Shard's thread: the target hears of it in the next turn.
  void add_ready(std::shared_ptr<ReadyTarget> target, Readiness readiness) {
    ready_.push_back({std::move(target), readiness});
  }

  // How often this shard was woken by other threads. Any thread.
  [[nodiscard]] std::uint64_t wakes() const noexcept { return wakes_.load(std::memory_order_relaxed); }
  // How long it has slept in all. Any thread.
  [[nodiscard]] std::chrono::nanoseconds slept() const noexcept {
    return std::chrono::nanoseconds(slept_ns_.load(std::memory_order_relaxed));
  }

 private:
  struct Ready {
    std::shared_ptr<ReadyTarget> target;
    Readiness readiness;
  };

  void wait_for_work();
  void block_until_work();
  void turn();
  void run_posted();
  void run_ready();
  void flush_outboxes();
  // Takes everything out of `batch`.
  void receive(std::vector<Callback>& batch);
  void wake();

  const std::uint32_t index_;
  ShardClock clock_;
  KernelRandom random_;
  TimerQueue timers_;
  TurnEndQueue turn_end_;

  std::vector<AsioShard*> peers_;
  std::vector<std::vector<Callback>> outboxes_;  // by index of the peer
  std::vector<Callback> own_posts_;
  std::vector<Callback> running_;
  std::vector<Ready> ready_;
  std::vector<Ready> running_ready_;

  std::mutex inbox_mutex_;
  std::vector<Callback> inbox_;  // guarded by inbox_mutex_
  bool sleeping_ = false;        // guarded by inbox_mutex_: whoever posts next must wake the shard
  bool stopped_ = false;         // guarded by inbox_mutex_: posts are dropped
  bool stop_requested_ = false;  // guarded by inbox_mutex_
  std::atomic<bool> has_thread_{false};
  std::atomic<std::uint64_t> wakes_{0};
  std::atomic<std::int64_t> slept_ns_{0};

  // Last, so that it goes first: pending waits die with it and may own sockets and timers.
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_guard_{context_.get_executor()};
};

}  // namespace moldau::runtime
