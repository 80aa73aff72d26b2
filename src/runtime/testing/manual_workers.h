// ManualWorkers: jobs wait until the test runs them, on its own thread.
#pragma once

#include <cstddef>
#include <deque>

#include "base/callback.h"
#include "runtime/shard.h"
#include "runtime/testing/manual_shard.h"
#include "runtime/workers.h"

namespace moldau::testing {

class ManualWorkers final : public runtime::Workers {
 public:
  void run(Callback work, runtime::Shard& reply_to, Callback done) override;

  // Runs the oldest job; its `done` is posted.
  void run_one();
  void run_all();
  [[nodiscard]] std::size_t waiting() const noexcept { return jobs_.size(); }

 private:
  struct Job {
    Callback work;
    runtime::Shard* reply_to;
    Callback done;
  };
  std::deque<Job> jobs_;
};

// Runs turns and jobs until nothing is left to do at the present time.
void settle(ManualShard& shard, ManualWorkers& workers);

}  // namespace moldau::testing
