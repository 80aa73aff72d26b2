// Reads the batches of the metadata log one after the other.
// Bound: one read of kReadBytes, or one batch, in memory.
#pragma once

#include <cstddef>
#include <optional>

#include "base/result.h"
#include "raft/driver/metadata_batch.h"
#include "storage/log/log.h"

namespace moldau::raft {

class LogBatches {
 public:
  static constexpr std::size_t kReadBytes = std::size_t{1} << 20;

  // Batches of [from, upto); `from` lies at the beginning of a batch. The log outlives this.
  LogBatches(storage::Log& log, Offset from, Offset upto) : log_(log), next_(from), upto_(upto) {}

  // The next batch, its CRC not checked; nothing at the end. The view ends at the next call. kCorrupt: a gap, or a
  // batch that reaches beyond `upto`.
  [[nodiscard]] Result<std::optional<record::BatchView>> next();

 private:
  [[nodiscard]] Result<> fill();

  storage::Log& log_;
  Offset next_;
  Offset upto_;
  ByteVector buffer_;
  std::size_t at_ = 0;
};

}  // namespace moldau::raft
