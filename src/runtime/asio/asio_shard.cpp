#include "runtime/asio/asio_shard.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include <boost/asio/post.hpp>

namespace moldau::runtime {
namespace {

// The shard whose thread this is. Mechanism only: it finds the outbox of a post and answers is_current().
thread_local AsioShard* current_shard = nullptr;

constexpr int kDrainTurnsMax = 1000;  // at stop, for posts that post again

}  // namespace

AsioShard::AsioShard(std::uint32_t index) : index_(index) {}
AsioShard::~AsioShard() = default;

void AsioShard::set_peers(std::span<const std::unique_ptr<AsioShard>> peers) {
  peers_.clear();
  for (const auto& peer : peers) {
    peers_.push_back(peer.get());
  }
  outboxes_.resize(peers_.size());
}

bool AsioShard::is_current() const noexcept {
  // Before the thread runs and after it ended, the thread that builds or takes down the node owns everything.
  return current_shard == this || !has_thread_.load(std::memory_order_relaxed);
}

void AsioShard::post(Callback work) {
  AsioShard* const from = current_shard;
  if (from == this) {
    own_posts_.push_back(std::move(work));
    return;
  }
  if (from != nullptr && index_ < from->peers_.size() && from->peers_[index_] == this) {
    from->outboxes_[index_].push_back(std::move(work));
    return;
  }
  std::vector<Callback> batch;
  batch.push_back(std::move(work));
  receive(batch);
}

void AsioShard::receive(std::vector<Callback>& batch) {
  bool must_wake = false;
  std::vector<Callback> dropped;  // dies outside the lock: destructors may post
  {
    const std::scoped_lock guard(inbox_mutex_);
    if (stopped_) {
      dropped.swap(batch);
    } else {
      std::ranges::move(batch, std::back_inserter(inbox_));
      must_wake = std::exchange(sleeping_, false);
      batch.clear();
    }
  }
  if (must_wake) {
    wake();
  }
}

void AsioShard::wake() {
  wakes_.fetch_add(1, std::memory_order_relaxed);
  boost::asio::post(context_, [] {});
}

void AsioShard::request_stop() noexcept {
  bool must_wake = false;
  {
    const std::scoped_lock guard(inbox_mutex_);
    stop_requested_ = true;
    must_wake = std::exchange(sleeping_, false);
  }
  if (must_wake) {
    wake();
  }
}

void AsioShard::run() {
  current_shard = this;
  for (bool stopping = false; !stopping;) {
    wait_for_work();
    turn();
    const std::scoped_lock guard(inbox_mutex_);
    stopping = stop_requested_;
  }
  for (int i = 0; i < kDrainTurnsMax; ++i) {
    turn();
    const std::scoped_lock guard(inbox_mutex_);
    if (own_posts_.empty() && inbox_.empty()) {
      break;
    }
  }
  std::vector<Callback> dropped;
  {
    const std::scoped_lock guard(inbox_mutex_);
    stopped_ = true;
    dropped.swap(inbox_);
  }
  dropped.clear();
  while (!own_posts_.empty()) {
    std::exchange(own_posts_, {}).clear();
  }
  flush_outboxes();
  current_shard = nullptr;
  has_thread_.store(false, std::memory_order_relaxed);
}

void AsioShard::wait_for_work() {
  if (own_posts_.empty() && ready_.empty()) {
    bool idle = false;
    {
      const std::scoped_lock guard(inbox_mutex_);
      idle = inbox_.empty() && !stop_requested_;
      sleeping_ = idle;
    }
    if (idle) {
      block_until_work();
    }
  }
  context_.poll();  // collects what else is ready; runs nothing of ours
}

void AsioShard::block_until_work() {
  const auto fell_asleep = std::chrono::steady_clock::now();
  const MonoTime deadline = timers_.next_deadline();
  if (deadline == kNever) {
    context_.run_one();
  } else {
    context_.run_one_until(std::chrono::steady_clock::time_point(deadline.time_since_epoch()));
  }
  const std::chrono::nanoseconds slept = std::chrono::steady_clock::now() - fell_asleep;
  slept_ns_.store(slept_ns_.load(std::memory_order_relaxed) + slept.count(), std::memory_order_relaxed);
}

void AsioShard::turn() {
  clock_.refresh();
  timers_.fire(clock_.now());
  run_posted();
  run_ready();
  turn_end_.run();
  flush_outboxes();
}

void AsioShard::run_posted() {
  running_.swap(own_posts_);
  {
    const std::scoped_lock guard(inbox_mutex_);
    sleeping_ = false;
    std::ranges::move(inbox_, std::back_inserter(running_));
    inbox_.clear();
  }
  for (Callback& work : running_) {
    work();
    work.reset();  // what it captured dies before the next one runs
  }
  running_.clear();
}

void AsioShard::run_ready() {
  running_ready_.swap(ready_);
  for (Ready& ready : running_ready_) {
    ready.target->on_ready(ready.readiness);
    ready.target.reset();
  }
  running_ready_.clear();
}

void AsioShard::flush_outboxes() {
  for (std::size_t i = 0; i < outboxes_.size(); ++i) {
    if (!outboxes_[i].empty()) {
      peers_[i]->receive(outboxes_[i]);
    }
  }
}

}  // namespace moldau::runtime
