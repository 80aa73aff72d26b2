// Whole buffers through a codec: what builders and tools use. Reading batches goes through RecordWalker instead.
#pragma once

#include <cstddef>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/record/codec.h"

namespace moldau::record {

// Appends `plain`, compressed, to `out`. `level` must be valid for the codec (is_valid_level; ignored where there are
// none). The framing is that of Kafka's client: gzip members, snappy in xerial blocks of 32 KiB, lz4 frames of
// independent 64 KiB blocks, zstd frames. O(size); snappy and lz4 expand by less than 1 %.
void compress(Codec codec, int level, Bytes plain, ByteVector& out);
void compress(Codec codec, Bytes plain, ByteVector& out);  // at the standard level

// Replaces `out` by the plain bytes. kCorrupt: not what the codec writes; kTooLarge: more than `bytes_max` of them,
// of which never more than a few pieces beyond the limit were made.
[[nodiscard]] Result<void> decompress(Codec codec, Bytes compressed, ByteVector& out, std::size_t bytes_max);

}  // namespace moldau::record
