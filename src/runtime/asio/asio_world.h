// The production world: shards on threads of their own, the kernel's sockets and files, worker threads.
//
//   AsioWorld world({.shards = 2}, logger);
//   Node node(config, world.view());          // built on this thread; nothing runs yet
//   world.on_stop_signal([&] { … });          // SIGTERM, SIGINT, SIGHUP: on shard 0
//   world.start();                            // first shard.post(…) then runs
//   world.wait_for_stop_request();            // until request_stop()
//   if (!world.stop(5s)) std::_Exit(1);       // a disk that hangs cannot be waited for
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/callback.h"
#include "base/log.h"
#include "runtime/world.h"

namespace moldau::runtime {

struct AsioOptions {
  std::uint32_t shards = 0;    // 0: one per core
  std::uint32_t workers = 16;  // threads for blocking work: this many fdatasyncs run in parallel
};

// Thread:     built, started, stopped and destroyed by one thread, outside the shards. SIGPIPE is ignored from then on.
// Invariants: A1 no shard runs before start() or after stop() returned true; then the caller owns all that lived there.
class AsioWorld {
 public:
  AsioWorld(const AsioOptions& options, Logger& logger);  // `logger` outlives the world
  ~AsioWorld();                                           // stops without a time limit
  AsioWorld(const AsioWorld&) = delete;
  AsioWorld& operator=(const AsioWorld&) = delete;

  [[nodiscard]] World view() noexcept;

  // `on_signal` runs on shard 0 each time SIGTERM, SIGINT or SIGHUP (unless it was ignored) arrives. Before start(),
  // once.
  void on_stop_signal(Callback on_signal);
  void start();

  // Any thread: lets wait_for_stop_request() return.
  void request_stop() noexcept;
  void wait_for_stop_request();

  // Runs the blocking jobs in the queue and all posted work, then joins the threads. False: some thread still runs
  // after `limit` (a system call that does not return); the process should end. Repeated calls wait again.
  [[nodiscard]] bool stop(std::chrono::milliseconds limit);

  // How often other threads woke a shard.
  [[nodiscard]] std::uint64_t wakes(std::size_t shard) const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace moldau::runtime
