// The memory and codec state that reading compressed batches needs, lent by its owner from call to call.
//
// Shard:      one per shard (or per tool); not thread-safe; one reader at a time, which MOLDAU_ASSERT checks.
// Bound:      what is kept between uses: kWindowKeptBytes of window and each codec's own fixed state, made at first use
//             (gzip ~40 KiB, lz4 <= 4 MiB of block, zstd <= 8 MiB of window, snappy one block). During a use the window
//             may grow to the largest record, never beyond the caller's decompressed-bytes limit, and only as
//             bytes arrive: no size that a peer claims is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"

namespace moldau::record {

class Decompressor;
class RecordSource;

inline constexpr std::size_t kWindowBytes = std::size_t{128} << 10;
inline constexpr std::size_t kWindowKeptBytes = std::size_t{1} << 20;

class Scratch {
 public:
  Scratch() noexcept;
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  // Frees everything, for a shard that fell idle. Not during a use.
  void release() noexcept;

  // What was decompressed in all uses that have ended: a measure of the work done.
  [[nodiscard]] std::uint64_t decompressed_total() const noexcept { return decompressed_total_; }

 private:
  friend class RecordSource;

  ByteVector window_;
  std::unique_ptr<Decompressor> decompressor_;
  std::uint64_t decompressed_total_ = 0;
  bool in_use_ = false;
};

}  // namespace moldau::record
