#include "protocol/record/compression.h"

#include <algorithm>

#include "protocol/record/compressor.h"
#include "protocol/record/decompressor.h"

namespace moldau::record {

void compress(Codec codec, int level, Bytes plain, ByteVector& out) {
  Compressor compressor;
  compressor.start(codec, level, plain.size(), out);
  compressor.write(plain);
  compressor.finish();
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
