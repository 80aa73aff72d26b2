// CleanedOffsets: up to where each compacted log was cleaned, in each log directory's cleaner-offset-checkpoint.
//
// Shard:      the cleaner's; files are written on Workers, one write a directory at a time.
// Invariants: O1 an entry is set after the compaction that it speaks of has reached the disk.
//             O2 a name that is forgotten is in no file when `done` runs, so that its next holder begins with nothing.
// Errors:     a failed write is told to `on_failure`, with the directory; its file is not written again.
// Source:     LogCleanerManager's checkpoints; OffsetCheckpointFile.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "base/result.h"
#include "runtime/fs.h"
#include "runtime/shard.h"
#include "runtime/workers.h"
#include "storage/checkpoint/offset_checkpoint.h"

namespace moldau::storage {

class CleanedOffsets {
 public:
  using ByDirectory = std::map<std::string, PartitionOffsets>;

  CleanedOffsets(runtime::FileSystem& fs, runtime::Shard& shard, runtime::Workers& workers,
                 Function<void(const std::string& directory, const Error&)> on_failure);
  ~CleanedOffsets();
  CleanedOffsets(const CleanedOffsets&) = delete;
  CleanedOffsets& operator=(const CleanedOffsets&) = delete;

  // As found in the directory's file.
  void adopt(const std::string& directory, PartitionOffsets found);
  // Soon in the file.
  void set(const std::string& directory, const TopicPartition& name, Offset offset);
  // Every file speaks of the same log, what the largest says is true of it: this directory's file says it too when
  // `done` runs.
  void carry(const TopicPartition& name, const std::string& directory, Function<void(Result<>)> done);
  // Soon no other directory's file has the name.
  void forget_elsewhere(const TopicPartition& name, const std::string& directory);
  // `done` once no file holds the name: at once if none does.
  void forget(const TopicPartition& name, Function<void(Result<>)> done);
  // Nothing is written any more; `idle` once no write is in flight and what was set is in the files.
  void stop(Callback idle);

  // A snapshot that any shard may read.
  [[nodiscard]] const std::shared_ptr<const ByDirectory>& all() const noexcept { return offsets_; }
  [[nodiscard]] static std::optional<Offset> find(const ByDirectory& offsets, const std::string& directory,
                                                  const TopicPartition& name);

 private:
  struct File {
    bool writing = false;
    bool changed = false;
    bool failed = false;
    std::vector<Function<void(Result<>)>> waiters;  // for a write that begins after they asked
  };

  void change(const std::string& directory, const TopicPartition& name, std::optional<Offset> offset);
  void write(const std::string& directory);
  void on_written(const std::string& directory, std::vector<Function<void(Result<>)>> waiters, const Result<>& outcome);
  void tell_if_idle();

  runtime::FileSystem& fs_;
  runtime::Shard& shard_;
  runtime::Workers& workers_;
  Function<void(const std::string&, const Error&)> on_failure_;
  std::shared_ptr<const ByDirectory> offsets_ = std::make_shared<const ByDirectory>();
  std::map<std::string, File> files_;
  Callback idle_;
  std::shared_ptr<CleanedOffsets*> alive_;
};

}  // namespace moldau::storage
