// The snapshots of one metadata partition directory: which there are, which are whole, writing and dropping them.
//
// Shard:      start-up and Workers; every call blocks. Owns no state but the directory's path.
// Invariants: S1 a complete name appears only when the file's bytes are durable; S2 what is dropped is renamed to
//             `.deleted` first, so that a crash cannot leave half of a deletion.
// Durability: a written snapshot is durable (file and name) when write returns.
// Source:     KIP-630; org.apache.kafka.raft.internals.KafkaRaftLog, FileRawSnapshotWriter.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/callback.h"
#include "base/log.h"
#include "raft/driver/batch_file.h"
#include "raft/driver/snapshot_path.h"

namespace moldau::raft {

// A snapshot that was read whole once.
struct SnapshotInfo {
  OffsetAndEpoch id;
  std::uint64_t size_bytes = 0;
  std::int64_t last_contained_log_timestamp = 0;
  VoterChange voters;
};

class SnapshotStore {
 public:
  SnapshotStore(runtime::FileSystem& fs, std::string partition_directory, Logger& logger);

  // Removes `.part` and `.deleted` leftovers and snapshots that end below `log_start`, reads the others whole, and
  // gives the good ones, oldest first. A damaged one is reported and left where it is.
  [[nodiscard]] Result<std::vector<SnapshotInfo>> recover(Offset log_start);

  [[nodiscard]] Result<std::unique_ptr<BatchFileReader>> open(OffsetAndEpoch id) const;

  using Fill = Function<void(BatchFileWriter&)>;
  [[nodiscard]] Result<SnapshotInfo> write(OffsetAndEpoch id, const BatchFileWriter::Header& header, Fill fill);
  // Missing ones are fine.
  [[nodiscard]] Result<> remove(const std::vector<OffsetAndEpoch>& ids);

  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }

 private:
  [[nodiscard]] std::string path_of(OffsetAndEpoch id) const;

  runtime::FileSystem& fs_;
  std::string directory_;
  Logger& logger_;
};

}  // namespace moldau::raft
