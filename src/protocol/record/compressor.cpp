#include "protocol/record/compressor.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "protocol/record/codec_streams.h"

namespace moldau::record {
namespace {

std::unique_ptr<CodecWriter> make_writer(Codec codec) {
  switch (codec) {
    case Codec::kGzip: return make_gzip_writer();
    case Codec::kSnappy: return make_snappy_writer();
    case Codec::kLz4: return make_lz4_writer();
    case Codec::kZstd: return make_zstd_writer();
    case Codec::kNone: break;
  }
  MOLDAU_ASSERT(false, static_cast<std::int64_t>(codec));
}

}  // namespace

Compressor::Compressor() noexcept = default;
Compressor::~Compressor() = default;

void Compressor::start(Codec codec, int level, std::size_t plain_hint, ByteVector& out) {
  MOLDAU_ASSERT(is_valid_level(codec, level) || level_range(codec).min == level_range(codec).max,
                static_cast<std::int64_t>(codec), level);
  out_ = &out;
  piece_size_ = 0;
  active_ = nullptr;
  if (codec == Codec::kNone) {
    return;
  }
  std::unique_ptr<CodecWriter>& writer = writers_[static_cast<std::size_t>(codec) - 1];
  if (!writer) {
    writer = make_writer(codec);
  }
  active_ = writer.get();
  active_->start(level, plain_hint, out);
}

void Compressor::put(Bytes piece) {
  if (active_ == nullptr) {
    out_->insert(out_->end(), piece.begin(), piece.end());
  } else {
    active_->write(piece, *out_);
  }
}

void Compressor::write(Bytes plain) {
  while (!plain.empty()) {
    if (piece_size_ == 0 && plain.size() >= kPieceBytes) {
      put(plain.first(kPieceBytes));  // a whole piece needs no copy
      plain = plain.subspan(kPieceBytes);
      continue;
    }
    if (!piece_) {
      piece_ = std::make_unique_for_overwrite<std::byte[]>(kPieceBytes);  // NOLINT(modernize-avoid-c-arrays)
    }
    const std::size_t size = std::min(plain.size(), kPieceBytes - piece_size_);
    std::memcpy(piece_.get() + piece_size_, plain.data(), size);
    piece_size_ += size;
    plain = plain.subspan(size);
    if (piece_size_ == kPieceBytes) {
      piece_size_ = 0;
      put(Bytes(piece_.get(), kPieceBytes));
    }
  }
}

void Compressor::finish() {
  if (piece_size_ > 0) {
    put(Bytes(piece_.get(), piece_size_));
    piece_size_ = 0;
  }
  if (active_ != nullptr) {
    active_->finish(*out_);
    active_ = nullptr;
  }
  out_ = nullptr;
}

}  // namespace moldau::record
