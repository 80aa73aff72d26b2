#include "storage/compaction/plain_batch.h"

#include <algorithm>

namespace moldau::storage {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{64} << 10;

}  // namespace

Result<record::BatchView> PlainBatch::open(const record::BatchView& batch, std::size_t bytes_max) {
  if (!batch.header.is_compressed() || batch.header.record_count == 0) {
    return batch;
  }
  const auto codec = batch.header.codec();
  if (!codec) {
    return fail(ErrorKind::kUnsupported, "batch with an unknown codec", 0, batch.header.codec_id());
  }
  if (bytes_.size() > kKeptBytes) {
    bytes_ = {};
  }
  std::size_t size = record::kBatchHeaderBytes;
  bytes_.resize(std::max(bytes_.size(), size + kPieceBytes));
  decompressor_.start(*codec, batch.body(), bytes_max);
  for (;;) {
    if (bytes_.size() - size < kPieceBytes) {
      bytes_.resize(bytes_.size() * 2);
    }
    auto read = decompressor_.read(MutableBytes(bytes_).subspan(size));
    if (!read || *read == 0) {
      decompressor_.finish();
      if (!read) {
        return std::unexpected(read.error());
      }
      break;
    }
    size += *read;
    if (size - record::kBatchHeaderBytes > bytes_max) {
      decompressor_.finish();
      return fail(ErrorKind::kTooLarge, "decompressed bytes", 0, static_cast<std::int64_t>(bytes_max));
    }
  }
  record::BatchView plain{batch.header, Bytes(bytes_).first(size)};
  plain.header.attributes = static_cast<std::uint16_t>(plain.header.attributes & ~record::kCodecMask);
  return plain;
}

}  // namespace moldau::storage
