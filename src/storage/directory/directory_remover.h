// Removes partition directories: renamed at once, so that nothing finds them again, removed file.delete.delay.ms later,
// so that readers in flight can end. What a crash leaves as *-delete is removed after the next start.
//
// Shard:      home shard; the renames and removals run on Workers, one at a time.
// Durability: when set_aside's `done` runs, the new name is durable: the partition will not come back after a crash.
// Bound:      one entry per deleted partition whose delay has not passed.
// Source:     LogManager.asyncDelete, deleteLogs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/callback.h"
#include "base/ids.h"
#include "base/result.h"
#include "runtime/shard.h"
#include "runtime/workers.h"
#include "storage/directory/log_directory.h"

namespace moldau::storage {

class DirectoryRemover {
 public:
  // Outlived by the directory. Takes over what earlier processes left as *-delete, with `delay`.
  DirectoryRemover(LogDirectory& directory, runtime::Shard& shard, runtime::Workers& workers,
                   std::chrono::milliseconds delay);
  ~DirectoryRemover();
  DirectoryRemover(const DirectoryRemover&) = delete;
  DirectoryRemover& operator=(const DirectoryRemover&) = delete;

  // Renames the partition's directory to *-delete and removes it after `delay`. Its log has been closed. A failure
  // takes the directory offline.
  void remove(const TopicPartition& partition, std::chrono::milliseconds delay, Function<void(Result<>)> done);
  // A directory, or what it is called now, that an earlier process was to remove.
  void remove_leftover(std::string path) { schedule(std::move(path), std::chrono::milliseconds(0)); }
  // Renames the partition's directory to *-stray, for the operator.
  void set_aside(const TopicPartition& partition, Function<void(Result<>)> done);

  [[nodiscard]] std::size_t pending() const noexcept { return due_.size(); }

 private:
  void rename(const TopicPartition& partition, DirectoryKind kind, Function<void(Result<std::string>)> done);
  void schedule(std::string path, std::chrono::milliseconds delay);
  void remove_due();
  void arm();

  LogDirectory& directory_;
  runtime::Shard& shard_;
  runtime::Workers& workers_;
  std::multimap<runtime::MonoTime, std::string> due_;
  bool removing_ = false;
  runtime::Timer timer_;
  std::shared_ptr<DirectoryRemover*> alive_;
};

}  // namespace moldau::storage
