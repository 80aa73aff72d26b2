#include "broker/node/log_closer.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>

namespace moldau::broker {
namespace {

constexpr std::size_t kClosingMax = 16;  // at a time

struct Part {
  std::vector<ClosingLog> logs;
  bool clean = true;

  // On a worker.
  void run(Logger& logger) {
    for (ClosingLog& closing : logs) {
      storage::Log& log = *closing.seed.log;
      clean = clean && !log.fenced() && !log.offline();
      if (const Result<> closed = log.close(!log.offline()); !closed) {
        clean = false;
        moldau::log(logger, LogLevel::kError, "storage", "{} did not close cleanly: {}", log.directory(),
                    closed.error().message());
      }
      closing.marks.recovery_point = log.recovery_point();
      closing.marks.log_start = log.log_start();
      closing.marks.durable_end = log.durable_end();
    }
  }
};

struct All {
  std::vector<storage::PartitionMarks> marks;
  bool clean = true;
  std::size_t left = 0;
  Function<void(std::vector<storage::PartitionMarks>, bool)> done;
};

}  // namespace

void close_logs(runtime::Workers& workers, runtime::Shard& shard, Logger& logger, std::vector<ClosingLog> logs,
                Function<void(std::vector<storage::PartitionMarks>, bool)> done) {
  const std::size_t width = std::clamp<std::size_t>(logs.size(), 1, kClosingMax);
  auto all = std::make_shared<All>();
  all->left = width;
  all->done = std::move(done);
  std::vector<std::shared_ptr<Part>> parts;
  for (std::size_t i = 0; i < width; ++i) {
    parts.push_back(std::make_shared<Part>());
  }
  for (std::size_t i = 0; i < logs.size(); ++i) {
    parts[i % width]->logs.push_back(std::move(logs[i]));
  }
  for (const std::shared_ptr<Part>& part : parts) {
    workers.run([part, &logger] { part->run(logger); }, shard,
                [part, all] {
                  for (ClosingLog& closed : part->logs) {
                    all->marks.push_back(std::move(closed.marks));
                  }
                  all->clean = all->clean && part->clean;
                  if (--all->left == 0) {
                    all->done(std::move(all->marks), all->clean);
                  }
                });
  }
}

}  // namespace moldau::broker
