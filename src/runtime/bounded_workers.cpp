#include "runtime/bounded_workers.h"

#include <utility>

#include "base/assert.h"

namespace moldau::runtime {

BoundedWorkers::BoundedWorkers(Workers& workers, Shard& shard, std::size_t in_flight_max)
    : workers_(workers), shard_(shard), in_flight_max_(in_flight_max), alive_(std::make_shared<BoundedWorkers*>(this)) {
  MOLDAU_ASSERT(in_flight_max > 0);
}

BoundedWorkers::~BoundedWorkers() {
  *alive_ = nullptr;
}

void BoundedWorkers::run(Callback work, Shard& reply_to, Callback done) {
  MOLDAU_ASSERT(&reply_to == &shard_ && shard_.is_current());
  if (stopping_) {
    return;
  }
  waiting_.push_back({std::move(work), std::move(done)});
  begin_next();
}

void BoundedWorkers::stop(Callback idle) {
  MOLDAU_ASSERT(!stopping_);
  stopping_ = true;
  waiting_.clear();
  if (in_flight_ == 0) {
    return idle();
  }
  idle_ = std::move(idle);
}

void BoundedWorkers::begin_next() {
  while (!waiting_.empty() && in_flight_ < in_flight_max_) {
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    ++in_flight_;
    workers_.run(std::move(job.work), shard_, [alive = alive_, done = std::move(job.done)]() mutable {
      if (BoundedWorkers* workers = *alive) {
        workers->on_done(std::move(done));
      }
    });
  }
}

void BoundedWorkers::on_done(Callback done) {
  --in_flight_;
  const std::shared_ptr<BoundedWorkers*> alive = alive_;
  done();
  if (*alive == nullptr) {
    return;  // what was done has taken the owner away
  }
  begin_next();
  if (stopping_ && in_flight_ == 0) {
    std::exchange(idle_, {})();
  }
}

}  // namespace moldau::runtime
