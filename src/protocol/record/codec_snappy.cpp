// snappy: raw (librdkafka) and in the xerial framing of snappy-java (Java client); both are read, xerial is written.
//
// xerial: the magic, two version numbers, then chunks of a big-endian size and raw snappy. Decided as SnappyInputStream
// does: input that does not begin with the magic and 16 bytes is one raw block; after a chunk another xerial header may
// come; fewer than 4 bytes at the end, or what only looks like a header, end the stream.

#include <snappy-c.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "base/assert.h"
#include "protocol/record/codec_streams.h"

namespace moldau::record {
namespace {

constexpr std::array<std::uint8_t, 8> kXerialMagic{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};
constexpr std::size_t kHeaderBytes = 16;
constexpr std::int32_t kXerialVersion = 1;
constexpr std::size_t kChunkBytes = std::size_t{32} << 10;
constexpr std::size_t kChunkSizeMax = std::size_t{512} << 20;  // compressed; snappy-java's bound
constexpr std::size_t kBlockKeptBytes = std::size_t{1} << 20;

bool begins_with_magic(Bytes bytes) noexcept {
  return bytes.size() >= kXerialMagic.size() &&
         std::memcmp(bytes.data(), kXerialMagic.data(), kXerialMagic.size()) == 0;
}

const char* as_chars(Bytes bytes) noexcept {
  return reinterpret_cast<const char*>(bytes.data());
}

// No element of the format makes more than 64 bytes of 3: a block that claims more is broken, whatever follows.
bool is_possible_size(std::size_t plain, std::size_t compressed) noexcept {
  return plain / 22 <= compressed;
}

class SnappyStream final : public CodecStream {
 public:
  void start(Bytes compressed, std::size_t bytes_max) override {
    bytes_max_ = bytes_max;
    rest_ = compressed;
    block_size_ = block_at_ = 0;
    phase_ = compressed.size() >= kHeaderBytes && begins_with_magic(compressed) ? Phase::kChunks : Phase::kRaw;
    if (phase_ == Phase::kChunks) {
      rest_ = rest_.subspan(kHeaderBytes);
    }
  }

  Result<std::size_t> read(MutableBytes out) override {
    while (block_at_ == block_size_) {
      MOLDAU_TRY(block, next_block());
      if (block.empty()) {
        return std::size_t{0};
      }
      MOLDAU_TRY(direct, open_block(block, out));
      if (direct > 0) {
        return direct;
      }
    }
    const std::size_t size = std::min(out.size(), block_size_ - block_at_);
    std::memcpy(out.data(), block_.data() + block_at_, size);
    block_at_ += size;
    return size;
  }

  void finish() noexcept override {
    rest_ = {};
    block_size_ = block_at_ = 0;
    if (block_.size() > kBlockKeptBytes) {
      block_ = ByteVector();
    }
  }

 private:
  enum class Phase : std::uint8_t { kRaw, kChunks, kEnded };

  // The next block of raw snappy; empty at the end.
  Result<Bytes> next_block() {
    if (phase_ == Phase::kRaw) {
      phase_ = Phase::kEnded;
      if (rest_.empty()) {
        return fail(ErrorKind::kCorrupt, "empty snappy stream");
      }
      return rest_;
    }
    while (phase_ == Phase::kChunks && rest_.size() >= 4) {
      const auto size = load_be<std::int32_t>(rest_.data());
      if (std::memcmp(rest_.data(), kXerialMagic.data(), 4) == 0) {
        if (rest_.size() < kHeaderBytes) {
          return fail(ErrorKind::kCorrupt, "snappy header cut off");
        }
        if (!begins_with_magic(rest_)) {
          break;
        }
        if (load_be<std::int32_t>(rest_.data() + 8) < kXerialVersion) {
          return fail(ErrorKind::kCorrupt, "snappy version");
        }
        rest_ = rest_.subspan(kHeaderBytes);
        continue;
      }
      if (size <= 0 || static_cast<std::size_t>(size) > kChunkSizeMax ||
          static_cast<std::size_t>(size) > rest_.size() - 4) {
        return fail(ErrorKind::kCorrupt, "snappy chunk size");
      }
      const Bytes chunk = rest_.subspan(4, static_cast<std::size_t>(size));
      rest_ = rest_.subspan(4 + chunk.size());
      return chunk;
    }
    phase_ = Phase::kEnded;
    return Bytes{};
  }

  // Decompresses a block: straight into `out` if it fits (the size is given), else into block_ (0 is given).
  Result<std::size_t> open_block(Bytes block, MutableBytes out) {
    std::size_t size = 0;
    if (snappy_uncompressed_length(as_chars(block), block.size(), &size) != SNAPPY_OK ||
        !is_possible_size(size, block.size())) {
      return fail(ErrorKind::kCorrupt, "snappy block size");
    }
    if (size > bytes_max_) {
      return fail(ErrorKind::kTooLarge, "snappy block", 0, static_cast<std::int64_t>(size));
    }
    const bool fits = size <= out.size();
    if (!fits && block_.size() < size) {
      block_.resize(size);
    }
    auto* const to = reinterpret_cast<char*>(fits ? out.data() : block_.data());
    std::size_t written = size;
    if (snappy_uncompress(as_chars(block), block.size(), to, &written) != SNAPPY_OK || written != size) {
      return fail(ErrorKind::kCorrupt, "snappy block");
    }
    block_size_ = fits ? 0 : size;
    block_at_ = 0;
    return fits ? size : 0;
  }

  Bytes rest_;
  ByteVector block_;
  std::size_t bytes_max_ = 0;
  std::size_t block_size_ = 0;
  std::size_t block_at_ = 0;
  Phase phase_ = Phase::kEnded;
};

class SnappyWriter final : public CodecWriter {
 public:
  void start(int /*level*/, std::size_t /*plain_hint*/, ByteVector& out) override {
    const std::size_t at = out.size();
    out.resize(at + kHeaderBytes);
    std::memcpy(out.data() + at, kXerialMagic.data(), kXerialMagic.size());
    store_be(out.data() + at + 8, kXerialVersion);
    store_be(out.data() + at + 12, kXerialVersion);
  }

  void write(Bytes piece, ByteVector& out) override {
    static_assert(kPieceBytes % kChunkBytes == 0);
    while (!piece.empty()) {
      const Bytes chunk = piece.first(std::min(piece.size(), kChunkBytes));
      piece = piece.subspan(chunk.size());
      const std::size_t at = out.size();
      std::size_t size = snappy_max_compressed_length(chunk.size());
      out.resize(at + 4 + size);
      MOLDAU_ASSERT(snappy_compress(as_chars(chunk), chunk.size(), reinterpret_cast<char*>(out.data() + at + 4),
                                    &size) == SNAPPY_OK);
      store_be(out.data() + at, static_cast<std::int32_t>(size));
      out.resize(at + 4 + size);
    }
  }

  void finish(ByteVector& /*out*/) override {}
};

}  // namespace

std::unique_ptr<CodecStream> make_snappy_stream() {
  return std::make_unique<SnappyStream>();
}

std::unique_ptr<CodecWriter> make_snappy_writer() {
  return std::make_unique<SnappyWriter>();
}

}  // namespace moldau::record
