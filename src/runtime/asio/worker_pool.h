// Workers of production: a fixed number of threads over one queue.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>

#include "runtime/workers.h"

namespace moldau::runtime {

// The threads belong to the world: each runs serve().
class WorkerPool final : public Workers {
 public:
  void run(Callback work, Shard& reply_to, Callback done) override;

  // Runs jobs until close() was called and the queue is empty.
  void serve();
  // Jobs given later are dropped.
  void close();

 private:
  struct Job {
    Callback work;
    Shard* reply_to = nullptr;
    Callback done;
  };

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;  // guarded by mutex_; bounded by the callers, see workers.h
  bool closed_ = false;   // guarded by mutex_
};

}  // namespace moldau::runtime
