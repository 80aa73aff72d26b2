// Applies a codec piece by piece: what is written is appended, compressed, to a buffer of the caller's.
//
//   compressor.start(Codec::kLz4, level, plain_hint, out);
//   compressor.write(bytes); …
//   compressor.finish();
//
// Shard:  not thread-safe. The state of each codec is made at its first use and kept.
// Bound:  one piece of kPieceBytes, and the state of each codec used: gzip 256 KiB, lz4 16 KiB (256 KiB for levels),
// zstd
//         up to kZstdStateKeptBytes; during a use zstd's state may be larger at levels above 8, as `plain_hint` calls
//         for. Each write() costs O(bytes written + bytes produced).
// Source: the framing is that of Kafka's client: one gzip member, snappy in xerial blocks of 32 KiB, an lz4 frame of
//         independent 64 KiB blocks, one zstd frame that does not tell its size.
#pragma once

#include <cstddef>
#include <memory>

#include "base/bytes.h"
#include "protocol/record/codec.h"

namespace moldau::record {

inline constexpr std::size_t kPieceBytes = std::size_t{64} << 10;
inline constexpr std::size_t kZstdStateKeptBytes = std::size_t{16} << 20;

// One codec's way to write. Nothing of a stream that was begun and not finished is left at the next start().
class CodecWriter {
 public:
  CodecWriter() noexcept = default;
  CodecWriter(const CodecWriter&) = delete;
  CodecWriter& operator=(const CodecWriter&) = delete;
  virtual ~CodecWriter() = default;

  // `level` is valid for the codec. `plain_hint`: about so many bytes will come at most; more may.
  virtual void start(int level, std::size_t plain_hint, ByteVector& out) = 0;
  // Every piece but the last is kPieceBytes long; none is empty.
  virtual void write(Bytes piece, ByteVector& out) = 0;
  virtual void finish(ByteVector& out) = 0;
};

class Compressor {
 public:
  Compressor() noexcept;
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  // `out` must outlive the use. kNone: the bytes as they are.
  void start(Codec codec, int level, std::size_t plain_hint, ByteVector& out);
  void write(Bytes plain);
  void finish();

 private:
  void put(Bytes piece);

  std::unique_ptr<CodecWriter> writers_[kCodecIdMax];  // by id - 1
  CodecWriter* active_ = nullptr;                      // null: kNone
  ByteVector* out_ = nullptr;
  std::unique_ptr<std::byte[]> piece_;  // NOLINT(modernize-avoid-c-arrays): kPieceBytes
  std::size_t piece_size_ = 0;
};

}  // namespace moldau::record
