// gzip by zlib, whose levels Kafka's are and whose judgement of a stream is Java's; the CRC by ISA-L.
//
// Not inflated by ISA-L, three times as fast: it takes incomplete Huffman codes that zlib refuses, so a broker would
// store batches that no Java client can read.
//
// The framing is read here, to decide as java.util.zip.GZIPInputStream does: members may follow each other; what
// follows a member and is no gzip header is ignored; reserved flags are ignored; CRC and size of the trailer are
// checked.

#include <isa-l/crc.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <span>

#include "base/assert.h"
#include "protocol/record/codec_streams.h"
#include "protocol/record/little_endian.h"

namespace moldau::record {
namespace {

constexpr std::size_t kTrailerBytes = 8;
constexpr std::size_t kFixedHeaderBytes = 10;
constexpr std::size_t kMemberBytesMin = kFixedHeaderBytes + kTrailerBytes;

enum HeaderFlag : std::uint8_t { kHeaderCrc = 2, kExtra = 4, kName = 8, kComment = 16 };

std::uint32_t crc32_of(std::uint32_t crc, Bytes bytes) noexcept {
  return crc32_gzip_refl(crc, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

// The size of the gzip header at the front of `bytes`; nullopt if there is none.
std::optional<std::size_t> gzip_header_size(Bytes bytes) noexcept {
  if (bytes.size() < kFixedHeaderBytes || bytes[0] != std::byte{0x1f} || bytes[1] != std::byte{0x8b} ||
      bytes[2] != std::byte{8}) {
    return std::nullopt;
  }
  const auto flags = static_cast<std::uint8_t>(bytes[3]);
  std::size_t at = kFixedHeaderBytes;
  if ((flags & kExtra) != 0) {
    if (bytes.size() - at < 2) {
      return std::nullopt;
    }
    const auto size = static_cast<std::size_t>(bytes[at]) | static_cast<std::size_t>(bytes[at + 1]) << 8;
    at += 2;
    if (bytes.size() - at < size) {
      return std::nullopt;
    }
    at += size;
  }
  for (const auto flag : {kName, kComment}) {
    if ((flags & flag) == 0) {
      continue;
    }
    const auto end = std::find(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end(), std::byte{0});
    if (end == bytes.end()) {
      return std::nullopt;
    }
    at = static_cast<std::size_t>(end - bytes.begin()) + 1;
  }
  if ((flags & kHeaderCrc) != 0) {
    if (bytes.size() - at < 2) {
      return std::nullopt;
    }
    const auto stored = static_cast<std::uint32_t>(bytes[at]) | static_cast<std::uint32_t>(bytes[at + 1]) << 8;
    if (stored != (crc32_of(0, bytes.first(at)) & 0xffff)) {
      return std::nullopt;
    }
    at += 2;
  }
  return at;
}

class GzipStream final : public CodecStream {
 public:
  GzipStream() { MOLDAU_ASSERT(inflateInit2(&stream_, -MAX_WBITS) == Z_OK); }  // only memory can run out
  ~GzipStream() override { inflateEnd(&stream_); }

  void start(Bytes compressed, std::size_t /*bytes_max*/) override {
    rest_ = compressed;
    phase_ = start_member() ? Phase::kBody : Phase::kBroken;
  }

  Result<std::size_t> read(MutableBytes out) override {
    while (phase_ == Phase::kBody) {
      const std::size_t size = inflate_some(out);
      if (size > 0) {
        return size;
      }
    }
    if (phase_ == Phase::kBroken) {
      return fail(ErrorKind::kCorrupt, "gzip stream");
    }
    return std::size_t{0};
  }

  void finish() noexcept override { rest_ = {}; }

 private:
  enum class Phase : std::uint8_t { kBody, kEnded, kBroken };

  // Passes over the header in front.
  bool start_member() {
    const std::optional<std::size_t> header = gzip_header_size(rest_);
    if (!header) {
      return false;
    }
    rest_ = rest_.subspan(*header);
    MOLDAU_ASSERT(inflateReset(&stream_) == Z_OK);
    crc_ = 0;
    size_ = 0;
    return true;
  }

  // How many bytes were made; phase_ says whether to go on.
  std::size_t inflate_some(MutableBytes out) {
    const std::size_t room = std::min<std::size_t>(out.size(), std::numeric_limits<uInt>::max());
    const std::size_t input = std::min<std::size_t>(rest_.size(), std::numeric_limits<uInt>::max());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(room);
    stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(rest_.data()));  // it only reads
    stream_.avail_in = static_cast<uInt>(input);
    const int result = inflate(&stream_, Z_NO_FLUSH);
    const std::size_t size = room - stream_.avail_out;
    rest_ = rest_.subspan(input - stream_.avail_in);
    crc_ = crc32_of(crc_, out.first(size));
    size_ += static_cast<std::uint32_t>(size);
    if (result == Z_STREAM_END) {
      end_member();
    } else if (result != Z_OK) {  // Z_BUF_ERROR among them: the input ended inside the member
      phase_ = Phase::kBroken;
      return 0;
    }
    return size;  // even before a wrong trailer, which the next read reports
  }

  void end_member() {
    if (rest_.size() < kTrailerBytes || load_le32(rest_.data()) != crc_ || load_le32(rest_.data() + 4) != size_) {
      phase_ = Phase::kBroken;
      return;
    }
    rest_ = rest_.subspan(kTrailerBytes);
    phase_ = rest_.size() > kMemberBytesMin && start_member() ? Phase::kBody : Phase::kEnded;
  }

  z_stream stream_{};
  Bytes rest_;
  std::uint32_t crc_ = 0;
  std::uint32_t size_ = 0;
  Phase phase_ = Phase::kEnded;
};

// The member that Java's GZIPOutputStream writes: no name, no time, operating system unknown.
constexpr std::array<std::uint8_t, kFixedHeaderBytes> kMemberHeader{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff};

class GzipWriter final : public CodecWriter {
 public:
  ~GzipWriter() override {
    if (level_) {
      deflateEnd(&stream_);
    }
  }

  void start(int level, std::size_t /*plain_hint*/, ByteVector& out) override {
    if (level_ == level) {
      MOLDAU_ASSERT(deflateReset(&stream_) == Z_OK);
    } else {
      open(level);
    }
    crc_ = size_ = 0;
    const auto header = std::as_bytes(std::span(kMemberHeader));
    out.insert(out.end(), header.begin(), header.end());
  }

  void write(Bytes piece, ByteVector& out) override {
    crc_ = crc32_of(crc_, piece);
    size_ += static_cast<std::uint32_t>(piece.size());
    stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(piece.data()));
    stream_.avail_in = static_cast<uInt>(piece.size());
    deflate_to(out, Z_NO_FLUSH);
  }

  void finish(ByteVector& out) override {
    stream_.next_in = nullptr;
    stream_.avail_in = 0;
    deflate_to(out, Z_FINISH);
    append_le32(out, crc_);
    append_le32(out, size_);
  }

 private:
  void open(int level) {
    constexpr int kMemoryLevel = 8;
    if (level_) {
      deflateEnd(&stream_);
      level_.reset();
    }
    stream_ = {};
    MOLDAU_ASSERT(deflateInit2(&stream_, level, Z_DEFLATED, -MAX_WBITS, kMemoryLevel, Z_DEFAULT_STRATEGY) == Z_OK,
                  level);
    level_ = level;
  }

  void deflate_to(ByteVector& out, int flush) {
    do {
      const std::size_t at = out.size();
      out.resize(at + kRoomBytes);
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + at);
      stream_.avail_out = static_cast<uInt>(kRoomBytes);
      MOLDAU_ASSERT(deflate(&stream_, flush) != Z_STREAM_ERROR);
      out.resize(at + kRoomBytes - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

  static constexpr std::size_t kRoomBytes = std::size_t{16} << 10;

  z_stream stream_{};
  std::optional<int> level_;  // the stream is open, at this level
  std::uint32_t crc_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace

std::unique_ptr<CodecStream> make_gzip_stream() {
  return std::make_unique<GzipStream>();
}

std::unique_ptr<CodecWriter> make_gzip_writer() {
  return std::make_unique<GzipWriter>();
}

}  // namespace moldau::record
