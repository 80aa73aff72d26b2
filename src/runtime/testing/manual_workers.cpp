#include "runtime/testing/manual_workers.h"

#include <utility>

#include "base/assert.h"

namespace moldau::testing {

void ManualWorkers::run(Callback work, runtime::Shard& reply_to, Callback done) {
  jobs_.push_back({std::move(work), &reply_to, std::move(done)});
}

void ManualWorkers::run_one() {
  MOLDAU_ASSERT(!jobs_.empty());
  Job job = std::move(jobs_.front());
  jobs_.pop_front();
  job.work();
  job.reply_to->post(std::move(job.done));
}

void ManualWorkers::run_all() {
  while (!jobs_.empty()) {
    run_one();
  }
}

void settle(ManualShard& shard, ManualWorkers& workers) {
  do {
    workers.run_all();
    shard.turn();
  } while (workers.waiting() > 0 || !shard.idle());
}

}  // namespace moldau::testing
