// FutureLog: the copy of a partition that grows in another log directory, as <topic>-<n>.<unique>-future, until it
// takes the place of the original.
//
// Shard:      one worker job at a time; all calls but the questions block.
// Errors:     as Log's. After an error nothing more is written to it.
// Durability: begin() has made the directory and its topic id durable; seal() everything in it.
// Bound:      kChunkBytesMax in memory for an append.
// Source:     kafka.log.LogManager (future logs), kafka.server.ReplicaAlterLogDirsThread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/ids.h"
#include "base/result.h"
#include "storage/log/log.h"

namespace moldau::storage {

class FutureLog {
 public:
  static constexpr std::size_t kChunkBytesMax = std::size_t{1} << 20;  // but a larger batch goes whole

  // `directory`: the log directory. `unique` distinguishes this copy from those that were given up.
  FutureLog(LogEnvironment environment, std::string directory, TopicPartition name, const Uuid& topic_id,
            const LogConfig& config, const Uuid& unique);

  [[nodiscard]] Result<> begin(std::int64_t now_ms);
  // Empties it; the copy goes on at `start`.
  [[nodiscard]] Result<> restart_at(Offset start, std::int64_t now_ms);
  // Appends the whole batches of a slice of the original.
  [[nodiscard]] Result<> append(const Slice& slice, std::int64_t now_ms);
  // What the original is, once it stands still. Between log_end() and `end` it has no batches: they were compacted
  // away.
  struct Equal {
    Offset start{0};
    Offset end{0};
    LeaderEpoch epoch{0};
  };
  // The copy is made the original's equal, and durable.
  [[nodiscard]] Result<> seal(const Equal& original, std::int64_t now_ms);

  // Of the copy as the last job left it.
  [[nodiscard]] Offset log_end() const noexcept { return log_ ? log_->log_end() : Offset(0); }
  [[nodiscard]] std::uint64_t size_bytes() const noexcept { return log_ ? log_->size_bytes() : 0; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::unique_ptr<Log> take() noexcept { return std::move(log_); }

 private:
  LogEnvironment environment_;
  std::string directory_;
  std::string path_;
  TopicPartition name_;
  Uuid topic_id_;
  LogConfig config_;
  std::unique_ptr<Log> log_;
};

}  // namespace moldau::storage
