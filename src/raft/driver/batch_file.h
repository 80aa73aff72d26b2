// A file of record batches one behind the other that begins with a snapshot header and ends with a footer: a metadata
// snapshot or bootstrap.checkpoint. Reading in order, one batch at a time, and writing.
//
// Shapes:     header control batch (SnapshotHeader, then KRaftVersion and KRaftVoters where the writer has them), data
//             batches with offsets counted from the file's start, footer control batch; all of one epoch.
// Errors:     kCorrupt: a wrong checksum or structure, no header first, no footer last, bytes behind the footer;
//             kTruncated: the file ends inside a batch or before the footer; kTooLarge: a batch above
//             kMetadataBatchBytesMax; kIo.
// Bound:      one batch in memory.
// Source:     KIP-630; org.apache.kafka.snapshot.{RecordsSnapshotReader,RecordsSnapshotWriter}, BatchFileWriter.
//             Difference: Kafka takes a file without footer for complete; we do not.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "raft/driver/metadata_batch.h"
#include "runtime/fs.h"

namespace moldau::raft {

class BatchFileReader {
 public:
  // kNotFound, kIo.
  [[nodiscard]] static Result<std::unique_ptr<BatchFileReader>> open(runtime::FileSystem& fs, const std::string& path);

  [[nodiscard]] static Result<std::unique_ptr<BatchFileReader>> over(std::shared_ptr<runtime::File> file);

  // The next batch, control batches included; nothing behind the footer.
  [[nodiscard]] Result<std::optional<MetadataBatch>> next();
  // Reads all that is left and keeps nothing: is the file whole? What it says of voters is added to `voters`.
  [[nodiscard]] Result<> verify(VoterChange& voters);

  [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_; }
  // Of the header, once the first batch was read.
  [[nodiscard]] std::int64_t last_contained_log_timestamp() const noexcept { return last_contained_log_timestamp_; }

 private:
  BatchFileReader(std::shared_ptr<runtime::File> file, std::uint64_t size) : file_(std::move(file)), size_(size) {}
  [[nodiscard]] Result<> note_control(const MetadataBatch& batch, bool first);

  std::shared_ptr<runtime::File> file_;
  std::uint64_t size_;
  std::uint64_t position_ = 0;
  Offset next_offset_{0};
  bool footer_seen_ = false;
  std::int64_t last_contained_log_timestamp_ = 0;
  ByteVector buffer_;
  record::Scratch scratch_;
};

// Writes such a file into `file`, from its start. finish() writes the footer; the caller syncs and renames.
class BatchFileWriter {
 public:
  struct Header {
    LeaderEpoch epoch{0};
    std::int64_t last_contained_log_timestamp = 0;
    VoterChange voters;
    std::int64_t now_ms = 0;
  };
  BatchFileWriter(std::shared_ptr<runtime::File> file, const Header& header);

  // Errors are kept: the first one is what finish() gives. kTooLarge: one record above a whole batch.
  void append(const MetadataRecordAndVersion& record);
  [[nodiscard]] Result<> finish();
  [[nodiscard]] std::uint64_t size_bytes() const noexcept { return position_; }

 private:
  void start_batch(MetadataBatchWriter::Kind kind);
  void write_batch();

  std::shared_ptr<runtime::File> file_;
  LeaderEpoch epoch_;
  std::int64_t now_ms_;
  std::uint64_t position_ = 0;
  Offset next_offset_{0};
  std::optional<MetadataBatchWriter> batch_;
  Result<> result_;
};

}  // namespace moldau::raft
