#include "sim/world/sim_workers.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

namespace moldau::sim {
namespace {

using std::chrono::nanoseconds;

constexpr std::uint64_t kQueueDelayMax = 200'000;  // nanoseconds until a worker takes the job
constexpr std::uint64_t kReplyDelayMax = 100'000;

struct Job {
  Callback work;
  runtime::Shard* reply_to;
  Callback done;
};

}  // namespace

void SimWorkers::run(Callback work, runtime::Shard& reply_to, Callback done) {
  if (!process_.alive) {
    return;
  }
  auto job = std::make_shared<Job>(std::move(work), &reply_to, std::move(done));
  const auto start = process_.events.now() + nanoseconds(process_.random.below(kQueueDelayMax));
  process_.events.schedule(std::max(start, process_.paused_until), process_.owner, [this, job] {
    process_.trace.add(process_.events.now(), process_.node, TraceKind::kJob);
    process_.execution.in_job = true;
    job->work();
    job->work.reset();
    process_.execution.in_job = false;
    const nanoseconds took = std::exchange(process_.execution.blocked, {});
    const auto end = process_.events.now() + took + nanoseconds(process_.random.below(kReplyDelayMax));
    process_.events.schedule(end, process_.owner, [job] { job->reply_to->post(std::move(job->done)); });
  });
}

}  // namespace moldau::sim
