#include "runtime/asio/worker_pool.h"

#include <utility>

namespace moldau::runtime {

void WorkerPool::run(Callback work, Shard& reply_to, Callback done) {
  {
    const std::scoped_lock guard(mutex_);
    if (closed_) {
      return;
    }
    jobs_.push_back({std::move(work), &reply_to, std::move(done)});
  }
  changed_.notify_one();
}

void WorkerPool::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
    if (jobs_.empty()) {
      return;
    }
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job.work();
    job.work.reset();  // before `done` may take down what it captured
    job.reply_to->post(std::move(job.done));
    lock.lock();
  }
}

void WorkerPool::close() {
  {
    const std::scoped_lock guard(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

}  // namespace moldau::runtime
