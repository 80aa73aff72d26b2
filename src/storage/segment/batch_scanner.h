// BatchScanner: walks the batches of a segment file by their headers, reading little: a chunk at a time, large bodies
// are stepped over.
//
// Errors:  next(): kTruncated: the file (up to `end`) ends inside the batch; kCorrupt: impossible length or magic;
//          kUnsupported: a message set of magic 0 or 1 that is intact by its own checksum, so no damage; kIo.
//          position() then stands at the offending bytes, and the scanner is used no further.
// Bound:   memory is `chunk` bytes of the caller's buffer; bytes() grows it to the batch, never beyond what the file
// holds. Source:  FileLogInputStream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/record/batch.h"
#include "runtime/fs.h"

namespace moldau::storage {

struct FoundBatch {
  std::uint64_t position = 0;
  record::BatchHeader header;
  [[nodiscard]] std::uint64_t end() const noexcept { return position + header.size_bytes(); }
};

class BatchScanner {
 public:
  static constexpr std::size_t kLookupChunk = 8 << 10;  // a few index intervals
  static constexpr std::size_t kRecoveryChunk = 256 << 10;

  // Of the batches in [position, end) of `file`. `buffer` is lent, its content lost.
  BatchScanner(const runtime::File& file, std::uint64_t position, std::uint64_t end, ByteVector& buffer,
               std::size_t chunk);

  // The next batch, whole within `end`; nullopt at the end.
  [[nodiscard]] Result<std::optional<FoundBatch>> next();
  // The bytes of the batch next() gave last; until the next call.
  [[nodiscard]] Result<Bytes> bytes();
  // Where the next batch begins.
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }

 private:
  // At least min(size, end - at) bytes from `at`, as a view into the buffer.
  [[nodiscard]] Result<Bytes> load(std::uint64_t at, std::size_t size);
  [[nodiscard]] Error judge_old_format(Error error);

  const runtime::File& file_;
  std::uint64_t position_;
  std::uint64_t end_;
  ByteVector& buffer_;
  std::size_t chunk_;
  std::uint64_t loaded_from_ = 0;
  std::size_t loaded_ = 0;
  FoundBatch last_;
};

}  // namespace moldau::storage
