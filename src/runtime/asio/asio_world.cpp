#include "runtime/asio/asio_world.h"

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/signal_set.hpp>

#include <pthread.h>

#include "base/assert.h"
#include "runtime/asio/asio_network.h"
#include "runtime/asio/asio_shard.h"
#include "runtime/asio/kernel_random.h"
#include "runtime/asio/posix_disk_space.h"
#include "runtime/asio/posix_fs.h"
#include "runtime/asio/shard_clock.h"
#include "runtime/asio/worker_pool.h"

namespace moldau::runtime {

using SignalSet = boost::asio::basic_signal_set<boost::asio::io_context::executor_type>;

struct AsioWorld::Impl final : IdleTime {
  PosixFileSystem fs;
  PosixDiskSpace disks;
  KernelRandom random;
  MonotonicStopwatch stopwatch;
  WorkerPool workers;
  Logger& logger;
  std::vector<std::unique_ptr<AsioShard>> shards;
  std::vector<std::unique_ptr<AsioNetwork>> networks;
  std::vector<Shard*> shard_faces;
  std::vector<Network*> network_faces;
  std::unique_ptr<SignalSet> signals;
  Callback on_signal;
  std::uint32_t worker_count;

  std::vector<std::thread> shard_threads;
  std::vector<std::thread> worker_threads;
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t running_workers = 0;  // guarded by mutex
  std::size_t running_shards = 0;   // guarded by mutex
  bool stop_requested = false;      // guarded by mutex
  bool started = false;

  explicit Impl(Logger& log) noexcept : logger(log) {}

  [[nodiscard]] std::chrono::nanoseconds of_shard(std::size_t index) const noexcept override {
    return shards[index]->slept();
  }

  template <class Body>
  std::thread start_thread(const std::string& name, std::size_t& running, Body body) {
    {
      const std::scoped_lock guard(mutex);
      ++running;
    }
    return std::thread([this, name, &running, body] {
      ::pthread_setname_np(::pthread_self(), name.c_str());
      body();
      const std::scoped_lock guard(mutex);
      --running;
      changed.notify_all();
    });
  }

  bool join(std::vector<std::thread>& threads, const std::size_t& running,
            std::chrono::steady_clock::time_point limit) {
    {
      std::unique_lock lock(mutex);
      if (!changed.wait_until(lock, limit, [&] { return running == 0; })) {
        return false;
      }
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    threads.clear();
    return true;
  }

  void wait_for_signal() {
    signals->async_wait([this](const boost::system::error_code& error, int) {
      if (!error) {
        shards.front()->post([this] { on_signal(); });
        wait_for_signal();
      }
    });
  }
};

AsioWorld::AsioWorld(const AsioOptions& options, Logger& logger) : impl_(std::make_unique<Impl>(logger)) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a write beyond the file size limit fails with EFBIG instead
  const std::uint32_t count = options.shards != 0 ? options.shards : std::max(1U, std::thread::hardware_concurrency());
  impl_->worker_count = std::max(1U, options.workers);
  for (std::uint32_t i = 0; i < count; ++i) {
    impl_->shards.push_back(std::make_unique<AsioShard>(i));
    impl_->networks.push_back(std::make_unique<AsioNetwork>(*impl_->shards.back(), logger));
    impl_->shard_faces.push_back(impl_->shards.back().get());
    impl_->network_faces.push_back(impl_->networks.back().get());
  }
  for (const auto& shard : impl_->shards) {
    shard->set_peers(impl_->shards);
  }
}

AsioWorld::~AsioWorld() {
  while (!stop(std::chrono::hours(1))) {
  }
}

World AsioWorld::view() noexcept {
  return {impl_->shard_faces, impl_->network_faces, impl_->fs,        impl_->workers, impl_->logger,
          impl_->disks,       impl_->random,        impl_->stopwatch, impl_.get()};
}

void AsioWorld::on_stop_signal(Callback on_signal) {
  MOLDAU_ASSERT(!impl_->started && !impl_->signals);
  impl_->on_signal = std::move(on_signal);
  impl_->signals = std::make_unique<SignalSet>(impl_->shards.front()->context(), SIGTERM, SIGINT);
  struct sigaction hang_up{};
  if (::sigaction(SIGHUP, nullptr, &hang_up) == 0 && hang_up.sa_handler != SIG_IGN) {  // nohup is respected
    impl_->signals->add(SIGHUP);
  }
  impl_->wait_for_signal();
}

void AsioWorld::start() {
  MOLDAU_ASSERT(!impl_->started);
  impl_->started = true;
  for (const auto& shard : impl_->shards) {
    shard->give_to_thread();
  }
  for (std::uint32_t i = 0; i < impl_->worker_count; ++i) {
    impl_->worker_threads.push_back(impl_->start_thread("worker-" + std::to_string(i), impl_->running_workers,
                                                        [impl = impl_.get()] { impl->workers.serve(); }));
  }
  for (const auto& shard : impl_->shards) {
    impl_->shard_threads.push_back(impl_->start_thread("shard-" + std::to_string(shard->index()), impl_->running_shards,
                                                       [shard = shard.get()] { shard->run(); }));
  }
}

void AsioWorld::request_stop() noexcept {
  const std::scoped_lock guard(impl_->mutex);
  impl_->stop_requested = true;
  impl_->changed.notify_all();
}

void AsioWorld::wait_for_stop_request() {
  std::unique_lock lock(impl_->mutex);
  impl_->changed.wait(lock, [this] { return impl_->stop_requested; });
}

bool AsioWorld::stop(std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  impl_->workers.close();
  if (!impl_->join(impl_->worker_threads, impl_->running_workers, until)) {
    return false;
  }
  for (const auto& shard : impl_->shards) {
    shard->request_stop();
  }
  return impl_->join(impl_->shard_threads, impl_->running_shards, until);
}

std::uint64_t AsioWorld::wakes(std::size_t shard) const noexcept {
  return impl_->shards[shard]->wakes();
}

}  // namespace moldau::runtime
