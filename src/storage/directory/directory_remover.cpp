#include "storage/directory/directory_remover.h"

#include <utility>

#include "base/assert.h"

namespace moldau::storage {

DirectoryRemover::DirectoryRemover(LogDirectory& directory, runtime::Shard& shard, runtime::Workers& workers,
                                   std::chrono::milliseconds delay)
    : directory_(directory),
      shard_(shard),
      workers_(workers),
      timer_(shard.timers(), [this] { remove_due(); }),
      alive_(std::make_shared<DirectoryRemover*>(this)) {
  for (const std::string& path : directory.contents().deleting) {
    schedule(path, delay);
  }
}

DirectoryRemover::~DirectoryRemover() {
  *alive_ = nullptr;
}

void DirectoryRemover::remove(const TopicPartition& partition, std::chrono::milliseconds delay,
                              Function<void(Result<>)> done) {
  rename(partition, DirectoryKind::kDelete, [this, delay, done = std::move(done)](Result<std::string> renamed) mutable {
    if (!renamed) {
      return done(std::unexpected(renamed.error()));
    }
    schedule(*std::move(renamed), delay);
    done({});
  });
}

void DirectoryRemover::set_aside(const TopicPartition& partition, Function<void(Result<>)> done) {
  rename(partition, DirectoryKind::kStray,
         [this, partition, done = std::move(done)](Result<std::string> renamed) mutable {
           if (renamed) {
             log(directory_.logger(), LogLevel::kWarn, "storage",
                 "{} is not a partition of this node and is set aside as {}",
                 runtime::join_path(directory_.path(), partition_directory_name(partition)), *renamed);
           }
           done(renamed ? Result<>{} : Result<>(std::unexpected(renamed.error())));
         });
}

void DirectoryRemover::rename(const TopicPartition& partition, DirectoryKind kind,
                              Function<void(Result<std::string>)> done) {
  MOLDAU_ASSERT(shard_.is_current());
  if (directory_.offline()) {
    done(fail(ErrorKind::kOffline, "log directory is offline"));
    return;
  }
  struct Job {
    std::string from;
    std::string to;
    Result<> outcome;
    Function<void(Result<std::string>)> done;
  };
  auto job = std::make_shared<Job>();
  job->from = runtime::join_path(directory_.path(), partition_directory_name(partition));
  job->to = runtime::join_path(directory_.path(), set_aside_directory_name(partition, kind, shard_.random().uuid()));
  job->done = std::move(done);
  runtime::FileSystem& fs = directory_.fs();
  workers_.run(
      [job, &fs] {
        job->outcome = fs.rename(job->from, job->to);
        if (job->outcome) {
          job->outcome = fs.sync_dir(runtime::parent_path(job->to));
        }
      },
      shard_,
      [alive = alive_, job] {
        if (DirectoryRemover* remover = *alive) {
          if (!job->outcome) {
            remover->directory_.fail(job->outcome.error());
            job->done(std::unexpected(job->outcome.error()));
            return;
          }
          job->done(job->to);
        }
      });
}

void DirectoryRemover::schedule(std::string path, std::chrono::milliseconds delay) {
  due_.emplace(shard_.clock().now() + delay, std::move(path));
  arm();
}

void DirectoryRemover::arm() {
  if (!removing_ && !due_.empty()) {
    timer_.arm(due_.begin()->first);
  }
}

void DirectoryRemover::remove_due() {
  if (due_.empty() || directory_.offline()) {
    return;
  }
  removing_ = true;
  struct Job {
    std::string path;
    Result<> outcome;
  };
  auto job = std::make_shared<Job>(std::move(due_.begin()->second));
  due_.erase(due_.begin());
  runtime::FileSystem& fs = directory_.fs();
  workers_.run([job, &fs] { job->outcome = fs.remove_tree(job->path); }, shard_,
               [alive = alive_, job] {
                 DirectoryRemover* remover = *alive;
                 if (remover == nullptr) {
                   return;
                 }
                 remover->removing_ = false;
                 Logger& logger = remover->directory_.logger();
                 if (job->outcome) {
                   log(logger, LogLevel::kInfo, "storage", "removed {}", job->path);
                 } else {
                   log(logger, LogLevel::kError, "storage", "{} is not removed: {}", job->path,
                       job->outcome.error().message());
                   remover->directory_.fail(job->outcome.error());
                 }
                 remover->arm();
               });
}

}  // namespace moldau::storage
