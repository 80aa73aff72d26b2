// The memory and codec state that reading compressed batches and rebuilding batches need, lent by its owner from call
// to call.
//
// Shard:      one per shard (or per tool); not thread-safe; one reader at a time, which MOLDAU_ASSERT checks.
// Bound:      what is kept between uses: kWindowKeptBytes of window and each codec's own fixed state, made at first use
//             (gzip ~40 KiB, lz4 <= 4 MiB of block, zstd <= 8 MiB of window, snappy one block). During a use the window
//             may grow to the largest record, never beyond the caller's decompressed-bytes limit, and only as
//             bytes arrive: no size that a peer claims is allocated. For rebuilding: the state of each codec written
//             (compressor.h), and the rebuilt batch, little more than the caller's batch_bytes_max while it is used, of
//             which trim() keeps kRebuiltKeptBytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"

namespace moldau::record {

class BatchRebuilder;
class Compressor;
class Decompressor;
class RecordSource;

inline constexpr std::size_t kWindowBytes = std::size_t{128} << 10;
inline constexpr std::size_t kWindowKeptBytes = std::size_t{1} << 20;
inline constexpr std::size_t kRebuiltKeptBytes = std::size_t{2} << 20;

class Scratch {
 public:
  Scratch() noexcept;
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  // Frees everything, for a shard that fell idle. Not during a use.
  void release() noexcept;

  // Ends the life of a rebuilt batch, and frees what is not kept of it.
  void trim() noexcept;

  // What was decompressed and what was written into rebuilt batches, in all uses that have ended: a measure of the work
  // done.
  [[nodiscard]] std::uint64_t work_total() const noexcept { return work_total_; }

 private:
  friend class BatchRebuilder;
  friend class RecordSource;

  ByteVector window_;
  std::unique_ptr<Decompressor> decompressor_;
  ByteVector rebuilt_;
  std::unique_ptr<Compressor> compressor_;
  std::uint64_t work_total_ = 0;
  bool in_use_ = false;
};

}  // namespace moldau::record
