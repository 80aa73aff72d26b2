// Blocking work off the loop: fsync, checkpoint files, recovery scans.
#pragma once

#include "base/callback.h"
#include "runtime/shard.h"

namespace moldau::runtime {

class Workers {
 public:
  virtual ~Workers() = default;

  // Runs `work` on some worker thread, then `done` on `reply_to`. `work` may block, touches only what it captured and
  // the fs seam, and cannot be cancelled. Jobs run in parallel, in no promised order; the queue is bounded by what the
  // callers bound (each owner has a fixed number of jobs in flight).
  virtual void run(Callback work, Shard& reply_to, Callback done) = 0;
};

}  // namespace moldau::runtime
