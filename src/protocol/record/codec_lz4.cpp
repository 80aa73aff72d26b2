// lz4: the subset of the LZ4 frame format (v1.5.1) that Kafka reads and writes, over the library's block functions.
//
// Decided as Kafka's Lz4BlockInputStream does: version 1, independent blocks, no dictionary, reserved bits 0; the
// descriptor's checksum and, where announced, the blocks' are checked; content size and content checksum are passed
// over; the stream ends with its end mark, and what follows that is ignored.

#include <lz4.h>
#include <lz4hc.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "base/assert.h"
#include "protocol/record/codec_streams.h"
#include "protocol/record/little_endian.h"
#include "protocol/record/xxhash32.h"

namespace moldau::record {
namespace {

constexpr std::uint32_t kFrameMagic = 0x184D'2204;
constexpr std::uint32_t kStoredBit = 0x8000'0000;  // in a block's size: not compressed
constexpr std::size_t kBlockBytes = std::size_t{64} << 10;
constexpr std::byte kFlagsWritten{0x60};       // version 1, independent blocks
constexpr std::byte kDescriptorWritten{0x40};  // blocks of at most 64 KiB

std::byte header_checksum(Bytes descriptor) noexcept {
  return static_cast<std::byte>(xxhash32(descriptor) >> 8);
}

const char* as_chars(const std::byte* bytes) noexcept {
  return reinterpret_cast<const char*>(bytes);
}
char* as_chars(std::byte* bytes) noexcept {
  return reinterpret_cast<char*>(bytes);
}

class Lz4Stream final : public CodecStream {
 public:
  void start(Bytes compressed, std::size_t /*bytes_max*/) override {
    rest_ = compressed;
    pending_ = {};
    phase_ = read_header() ? Phase::kBlocks : Phase::kBroken;
  }

  Result<std::size_t> read(MutableBytes out) override {
    while (pending_.empty() && phase_ == Phase::kBlocks) {
      const std::size_t direct = open_block(out);
      if (direct > 0) {
        return direct;
      }
    }
    if (phase_ == Phase::kBroken) {
      return fail(ErrorKind::kCorrupt, "lz4 frame");
    }
    const std::size_t size = std::min(out.size(), pending_.size());
    if (size > 0) {
      std::memcpy(out.data(), pending_.data(), size);
      pending_ = pending_.subspan(size);
    }
    return size;
  }

  void finish() noexcept override {
    rest_ = {};
    pending_ = {};
  }

 private:
  enum class Phase : std::uint8_t { kBlocks, kEnded, kBroken };

  bool read_header() {
    if (rest_.size() < 7 || load_le32(rest_.data()) != kFrameMagic) {
      return false;
    }
    const auto flags = static_cast<std::uint8_t>(rest_[4]);
    const auto descriptor = static_cast<std::uint8_t>(rest_[5]);
    const bool has_content_size = (flags & 0x08) != 0;
    const int block_id = descriptor >> 4;
    if ((flags & 0xe3) != 0x60 || (descriptor & 0x8f) != 0 || block_id < 4) {
      return false;
    }
    has_block_checksums_ = (flags & 0x10) != 0;
    has_content_checksum_ = (flags & 0x04) != 0;
    block_bytes_max_ = std::size_t{1} << (2 * block_id + 8);
    const std::size_t checksum_at = has_content_size ? 14 : 6;
    if (rest_.size() <= checksum_at || rest_[checksum_at] != header_checksum(rest_.subspan(4, checksum_at - 4))) {
      return false;
    }
    rest_ = rest_.subspan(checksum_at + 1);
    return true;
  }

  // Reads one block: straight into `out` if it surely fits (the size is given), else to be copied from pending_.
  std::size_t open_block(MutableBytes out) {
    if (rest_.size() < 4) {
      phase_ = Phase::kBroken;
      return 0;
    }
    const std::uint32_t word = load_le32(rest_.data());
    const std::size_t size = word & ~kStoredBit;
    rest_ = rest_.subspan(4);
    if (size == 0) {
      phase_ = has_content_checksum_ && rest_.size() < 4 ? Phase::kBroken : Phase::kEnded;
      return 0;
    }
    const std::size_t checksum_bytes = has_block_checksums_ ? 4 : 0;
    if (size > block_bytes_max_ || rest_.size() < size + checksum_bytes) {
      phase_ = Phase::kBroken;
      return 0;
    }
    const Bytes block = rest_.first(size);
    if (has_block_checksums_ && xxhash32(block) != load_le32(rest_.data() + size)) {
      phase_ = Phase::kBroken;
      return 0;
    }
    rest_ = rest_.subspan(size + checksum_bytes);
    if ((word & kStoredBit) != 0) {
      pending_ = block;
      return 0;
    }
    return decompress_block(block, out);
  }

  std::size_t decompress_block(Bytes block, MutableBytes out) {
    // No sequence makes more than 255 bytes of one, so a small block needs little room whatever the frame allows.
    const std::size_t bound = std::min(block_bytes_max_, block.size() * 255);
    const bool fits = bound <= out.size();
    if (!fits && block_.size() < bound) {
      block_.resize(bound);
    }
    std::byte* const to = fits ? out.data() : block_.data();
    const int size = LZ4_decompress_safe(as_chars(block.data()), as_chars(to), static_cast<int>(block.size()),
                                         static_cast<int>(bound));
    if (size < 0) {
      phase_ = Phase::kBroken;
      return 0;
    }
    if (fits) {
      return static_cast<std::size_t>(size);
    }
    pending_ = Bytes(block_).first(static_cast<std::size_t>(size));
    return 0;
  }

  Bytes rest_;
  Bytes pending_;  // of a stored block or of block_, not yet given
  ByteVector block_;
  std::size_t block_bytes_max_ = 0;
  bool has_block_checksums_ = false;
  bool has_content_checksum_ = false;
  Phase phase_ = Phase::kEnded;
};

class Lz4Writer final : public CodecWriter {
 public:
  void start(int level, std::size_t /*plain_hint*/, ByteVector& out) override {
    // Kafka's standard level, 9, means the fast compressor; the others are levels of the thorough one.
    is_fast_ = level == level_range(Codec::kLz4).standard;
    level_ = std::min(level, LZ4HC_CLEVEL_MAX);
    std::vector<std::uint64_t>& state = is_fast_ ? fast_state_ : thorough_state_;
    const int bytes = is_fast_ ? LZ4_sizeofState() : LZ4_sizeofStateHC();
    state.resize(static_cast<std::size_t>(bytes) / sizeof(std::uint64_t) + 1);
    append_le32(out, kFrameMagic);
    const std::byte descriptor[] = {kFlagsWritten, kDescriptorWritten};
    out.insert(out.end(), std::begin(descriptor), std::end(descriptor));
    out.push_back(header_checksum(descriptor));
  }

  void write(Bytes piece, ByteVector& out) override {
    static_assert(kPieceBytes == kBlockBytes);
    const auto bound = static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(piece.size())));
    const std::size_t at = out.size();
    out.resize(at + 4 + bound);
    std::byte* const to = out.data() + at + 4;
    const int size = compress_block(piece, to, bound);
    MOLDAU_ASSERT(size > 0);
    auto word = static_cast<std::uint32_t>(size);
    if (word >= piece.size()) {
      std::memcpy(to, piece.data(), piece.size());
      word = static_cast<std::uint32_t>(piece.size());
      out.resize(at + 4 + word);
      word |= kStoredBit;
    } else {
      out.resize(at + 4 + word);
    }
    std::memcpy(out.data() + at, &word, sizeof word);
  }

  void finish(ByteVector& out) override { append_le32(out, 0); }

 private:
  int compress_block(Bytes block, std::byte* to, std::size_t bound) {
    const auto size = static_cast<int>(block.size());
    const auto room = static_cast<int>(bound);
    return is_fast_
               ? LZ4_compress_fast_extState(fast_state_.data(), as_chars(block.data()), as_chars(to), size, room, 1)
               : LZ4_compress_HC_extStateHC(thorough_state_.data(), as_chars(block.data()), as_chars(to), size, room,
                                            level_);
  }

  std::vector<std::uint64_t> fast_state_;
  std::vector<std::uint64_t> thorough_state_;
  int level_ = 0;
  bool is_fast_ = true;
};

}  // namespace

std::unique_ptr<CodecStream> make_lz4_stream() {
  return std::make_unique<Lz4Stream>();
}

std::unique_ptr<CodecWriter> make_lz4_writer() {
  return std::make_unique<Lz4Writer>();
}

}  // namespace moldau::record
