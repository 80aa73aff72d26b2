#include "protocol/record/compression.h"

#include <algorithm>

#include "base/assert.h"
#include "protocol/record/codec_streams.h"

namespace moldau::record {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{64} << 10;

}  // namespace

void compress(Codec codec, int level, Bytes plain, ByteVector& out) {
  MOLDAU_ASSERT(is_valid_level(codec, level) || level_range(codec).min == level_range(codec).max,
                static_cast<std::int64_t>(codec), level);
  switch (codec) {
    case Codec::kNone: out.insert(out.end(), plain.begin(), plain.end()); return;
    case Codec::kGzip: compress_gzip(level, plain, out); return;
    case Codec::kSnappy: compress_snappy(plain, out); return;
    case Codec::kLz4: compress_lz4(level, plain, out); return;
    case Codec::kZstd: compress_zstd(level, plain, out); return;
  }
}

void compress(Codec codec, Bytes plain, ByteVector& out) {
  compress(codec, level_range(codec).standard, plain, out);
}

Result<void> decompress(Codec codec, Bytes compressed, ByteVector& out, std::size_t bytes_max) {
  out.clear();
  if (codec == Codec::kNone) {
    if (compressed.size() > bytes_max) {
      return fail(ErrorKind::kTooLarge, "plain bytes", 0, static_cast<std::int64_t>(bytes_max));
    }
    out.assign(compressed.begin(), compressed.end());
    return {};
  }
  Decompressor decompressor;
  decompressor.start(codec, compressed, bytes_max);
  std::size_t size = 0;
  for (;;) {
    if (out.size() - size < kPieceBytes) {
      out.resize(std::max(out.size() * 2, kPieceBytes * 2));  // doubles over bytes that arrived
    }
    MOLDAU_TRY(read, decompressor.read(MutableBytes(out).subspan(size)));
    if (read == 0) {
      out.resize(size);
      return {};
    }
    size += read;
    if (size > bytes_max) {
      return fail(ErrorKind::kTooLarge, "decompressed bytes", 0, static_cast<std::int64_t>(bytes_max));
    }
  }
}

}  // namespace moldau::record
