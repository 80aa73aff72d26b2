// What must reach the disk before a log's durable end may move: taken on the log's shard, run on Workers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "runtime/fs.h"

namespace moldau::storage {

// Every file written and every directory changed since the ticket before. All of it must have succeeded before
// Log::on_synced; the order among the parts is free, so the files may be synced in parallel.
struct SyncTicket {
  struct Replacement {
    std::string path;
    ByteVector content;
  };

  Offset end{0};                                      // all records below are covered
  std::uint64_t truncations = 0;                      // of the log when the ticket was taken
  std::vector<std::shared_ptr<runtime::File>> files;  // to be synced
  std::vector<Replacement> replacements;              // small files to be replaced whole: leader-epoch-checkpoint
  std::vector<std::string> directories;               // whose names are to be synced

  [[nodiscard]] bool empty() const noexcept { return files.empty() && replacements.empty() && directories.empty(); }

  // Everything but `files`. Blocks. An error is final, as File::sync's.
  [[nodiscard]] Result<> run_names(runtime::FileSystem& fs) const;
  // All of it, one after the other. Blocks.
  [[nodiscard]] Result<> run(runtime::FileSystem& fs) const;
};

}  // namespace moldau::storage
