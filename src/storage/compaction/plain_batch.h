// A batch without its compression, in memory that is kept from batch to batch.
//
// Lifetime: the view ends at the next open(), and, for a batch that was not compressed, with the batch's own bytes.
// Errors:   kCorrupt: a broken codec stream; kTooLarge: more than `bytes_max`; kUnsupported: codec ids 5 to 7.
// Bound:    what the largest batch needed, of which kKeptBytes stay; grows over bytes that arrived, not over claims.
#pragma once

#include <cstddef>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/record/batch.h"
#include "protocol/record/decompressor.h"

namespace moldau::storage {

class PlainBatch {
 public:
  static constexpr std::size_t kKeptBytes = std::size_t{4} << 20;

  // The same batch, its body plain. The header's codec is none; its length and CRC are those of before.
  [[nodiscard]] Result<record::BatchView> open(const record::BatchView& batch, std::size_t bytes_max);

 private:
  record::Decompressor decompressor_;
  ByteVector bytes_;
};

}  // namespace moldau::storage
