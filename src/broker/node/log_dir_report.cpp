#include "broker/node/log_dir_report.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "replication/partition/partition.h"
#include "storage/directory/open_directories.h"

namespace moldau::broker {
namespace {

struct Found {
  TopicPartition partition;
  std::string path;  // of its directory
  std::uint64_t size_bytes = 0;
  Offset log_end{0};
  bool is_future = false;
};

Found found_in(const TopicPartition& partition, const storage::Log& log) {
  return {.partition = partition, .path = log.directory(), .size_bytes = log.size_bytes(), .log_end = log.log_end()};
}

}  // namespace

struct LogDirReport::Gathering {
  std::optional<std::set<TopicPartition>> only;
  std::vector<Found> found;
  std::vector<LogDirView> views;  // in the order of log.dirs
  std::size_t left = 0;
  Function<void(std::vector<LogDirView>)> done;

  [[nodiscard]] bool wants(const TopicPartition& partition) const { return !only || only->contains(partition); }
  void sort_in();
};

// Each replica into the view of its directory.
void LogDirReport::Gathering::sort_in() {
  std::map<TopicPartition, Offset> ends;
  for (const Found& one : found) {
    if (!one.is_future) {
      ends.emplace(one.partition, one.log_end);
    }
  }
  std::ranges::sort(found, [](const Found& a, const Found& b) {
    return std::tie(a.partition, a.is_future) < std::tie(b.partition, b.is_future);
  });
  for (const Found& one : found) {
    const std::string directory = runtime::parent_path(one.path);
    const auto view = std::ranges::find(views, directory, &LogDirView::path);
    if (view == views.end() || view->error != protocol::ErrorCode::kNone) {
      continue;
    }
    const auto end = ends.find(one.partition);
    const std::int64_t lag = !one.is_future ? 0 : end == ends.end() ? -1 : end->second - one.log_end;
    view->replicas.push_back(
        {.partition = one.partition, .size_bytes = one.size_bytes, .offset_lag = lag, .is_future = one.is_future});
  }
}

void LogDirReport::describe(std::optional<std::vector<TopicPartition>> only, std::vector<Future> futures,
                            Function<void(std::vector<LogDirView>)> done) {
  auto gathering = std::make_shared<Gathering>();
  if (only) {
    gathering->only.emplace(only->begin(), only->end());
  }
  gathering->done = std::move(done);
  for (const std::string& configured : environment_.config.log_dirs) {
    const std::string path = storage::plain_path(configured);
    const HostedDirectory* directory = environment_.directories.by_path(path);
    const bool online = directory != nullptr && directory->online();
    if (std::ranges::find(gathering->views, path, &LogDirView::path) == gathering->views.end()) {
      gathering->views.push_back(
          {.path = path,
           .error = online ? protocol::ErrorCode::kNone : protocol::ErrorCode::kKafkaStorageError,
           .is_cordoned = online && directory->cordoned});
    }
  }
  for (Future& future : futures) {
    if (gathering->wants(future.partition)) {
      gathering->found.push_back({.partition = std::move(future.partition),
                                  .path = std::move(future.path),
                                  .size_bytes = future.size_bytes,
                                  .log_end = future.log_end,
                                  .is_future = true});
    }
  }
  environment_.home.for_each_seed([&](const PartitionSeed& seed) {
    if (gathering->wants(seed.name)) {
      gathering->found.push_back(found_in(seed.name, *seed.log));
    }
  });
  ask_shards(gathering);
}

void LogDirReport::ask_shards(const std::shared_ptr<Gathering>& gathering) {
  gathering->left = environment_.routers.size();
  for (PartitionRouter* router : environment_.routers) {
    router->shard().post([this, router, gathering]() mutable {
      std::vector<Found> found;
      router->for_each([&](replication::Partition& partition) {
        // The set is not changed any more: every shard may look.
        if (partition.log() != nullptr && gathering->wants(partition.name())) {
          found.push_back(found_in(partition.name(), *partition.log()));
        }
      });
      environment_.world.shard(0).post([this, gathering = std::move(gathering), found = std::move(found)]() mutable {
        std::ranges::move(found, std::back_inserter(gathering->found));
        if (--gathering->left == 0) {
          ask_disks(gathering);
        }
      });
    });
  }
}

void LogDirReport::ask_disks(const std::shared_ptr<Gathering>& gathering) {
  environment_.world.workers.run(
      [gathering, &disks = environment_.world.disks] {
        for (LogDirView& view : gathering->views) {
          if (view.error != protocol::ErrorCode::kNone) {
            continue;
          }
          if (const Result<runtime::SpaceOnDisk> space = disks.space_at(view.path)) {
            view.total_bytes = static_cast<std::int64_t>(std::min<std::uint64_t>(space->total_bytes, INT64_MAX));
            view.usable_bytes = static_cast<std::int64_t>(std::min<std::uint64_t>(space->usable_bytes, INT64_MAX));
          } else {
            view.error = protocol::ErrorCode::kUnknownServerError;
          }
        }
      },
      environment_.world.shard(0),
      [gathering] {
        gathering->sort_in();
        gathering->done(std::move(gathering->views));
      });
}

}  // namespace moldau::broker
