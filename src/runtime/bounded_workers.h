// BoundedWorkers: one owner's share of the workers. What it asks for beyond a number of jobs waits here, so that a
// burst of it does not stand before everyone else's syncs.
//
// Shard:      used on one shard, to which all its jobs reply.
// Invariants: B1 jobs begin in the order in which they were asked for.
//             B2 after stop() or destruction no waiting job begins, and neither its work nor its `done` runs.
//             B3 after destruction no `done` runs; jobs in work run to their end.
// Bound:      in_flight_max jobs at the workers; those that wait are bounded by their owner.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>

#include "base/callback.h"
#include "runtime/shard.h"
#include "runtime/workers.h"

namespace moldau::runtime {

class BoundedWorkers final : public Workers {
 public:
  BoundedWorkers(Workers& workers, Shard& shard, std::size_t in_flight_max);
  ~BoundedWorkers() override;
  BoundedWorkers(const BoundedWorkers&) = delete;
  BoundedWorkers& operator=(const BoundedWorkers&) = delete;

  void run(Callback work, Shard& reply_to, Callback done) override;

  // Drops what waits; `idle` runs when the jobs in work have replied, at once if there are none. Once.
  void stop(Callback idle);

 private:
  struct Job {
    Callback work;
    Callback done;
  };

  void begin_next();
  void on_done(Callback done);

  Workers& workers_;
  Shard& shard_;
  const std::size_t in_flight_max_;
  std::size_t in_flight_ = 0;
  std::deque<Job> waiting_;
  bool stopping_ = false;
  Callback idle_;
  std::shared_ptr<BoundedWorkers*> alive_;  // replies find out whether this is still there
};

}  // namespace moldau::runtime
