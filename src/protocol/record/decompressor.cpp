#include "protocol/record/decompressor.h"

#include "base/assert.h"
#include "protocol/record/codec_streams.h"

namespace moldau::record {
namespace {

std::unique_ptr<CodecStream> make_stream(Codec codec) {
  switch (codec) {
    case Codec::kGzip: return make_gzip_stream();
    case Codec::kSnappy: return make_snappy_stream();
    case Codec::kLz4: return make_lz4_stream();
    case Codec::kZstd: return make_zstd_stream();
    case Codec::kNone: break;
  }
  MOLDAU_ASSERT(false, static_cast<std::int64_t>(codec));
}

}  // namespace

void Decompressor::start(Codec codec, Bytes compressed, std::size_t bytes_max) {
  MOLDAU_ASSERT(codec != Codec::kNone);
  std::unique_ptr<CodecStream>& stream = streams_[static_cast<std::size_t>(codec) - 1];
  if (!stream) {
    stream = make_stream(codec);
  }
  stream->start(compressed, bytes_max);
  active_ = stream.get();
}

void Decompressor::finish() noexcept {
  if (active_ != nullptr) {
    active_->finish();
    active_ = nullptr;
  }
}

}  // namespace moldau::record
