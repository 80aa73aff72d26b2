// zstd: frames one after the other, as zstd-jni's stream reads them: anything behind a frame that is none breaks the
// stream, and so does input that ends inside a frame, unless another frame ended within the same input buffer of
// zstd-jni; then it is the end.
//
// The library sizes a frame's window by what its header claims. Up to kWindowLogStreamed that is a bounded chunk, and
// the frame is streamed. Frames that claim more (levels above 19 do, for however little data) are decompressed
// whole into a buffer that doubles until they fit, so memory follows the bytes that are really there.

#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <optional>

#include "base/assert.h"
#include "protocol/record/codec_streams.h"

namespace moldau::record {
namespace {

constexpr std::size_t kJniBufferBytes = 131'075;  // ZSTD_DStreamInSize()
constexpr int kWindowLogStreamed = 23;            // 8 MiB
constexpr std::size_t kWholeBytesFirst = std::size_t{256} << 10;

struct ContextFree {
  void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

class ZstdStream final : public CodecStream {
 public:
  ZstdStream() : context_(ZSTD_createDCtx()) {
    MOLDAU_ASSERT(context_ != nullptr);
    MOLDAU_ASSERT(ZSTD_isError(ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kWindowLogStreamed)) == 0);
  }

  void start(Bytes compressed, std::size_t bytes_max) override {
    bytes_max_ = bytes_max;
    ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only);
    rest_ = compressed;
    size_ = compressed.size();
    frame_end_ = 0;
    in_frame_ = true;  // an empty input is a cut-off one
    error_.reset();
    whole_at_ = whole_size_ = 0;
  }

  Result<std::size_t> read(MutableBytes out) override {
    while (!error_) {
      if (whole_at_ < whole_size_) {
        return copy_whole(out);
      }
      if (rest_.empty() && !in_frame_) {
        return std::size_t{0};
      }
      const std::size_t size = decompress_some(out);
      if (size > 0) {
        return size;
      }
    }
    return std::unexpected(*error_);
  }

  void finish() noexcept override {
    rest_ = {};
    whole_ = ByteVector();
    whole_at_ = whole_size_ = 0;
  }

 private:
  std::size_t decompress_some(MutableBytes out) {
    ZSTD_inBuffer input{rest_.data(), rest_.size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    const std::size_t result = ZSTD_decompressStream(context_.get(), &output, &input);
    if (ZSTD_isError(result) != 0) {
      if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge) {
        decompress_whole_frame();
      } else {
        stop();
      }
      return 0;
    }
    if (input.pos == 0 && output.pos == 0) {
      end_inside_frame();
      return 0;
    }
    rest_ = rest_.subspan(input.pos);
    in_frame_ = result != 0;
    if (!in_frame_) {
      frame_end_ = size_ - rest_.size();
    }
    return output.pos;
  }

  // The frame at the front of rest_, which the stream refused at its header.
  void decompress_whole_frame() {
    ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only);
    const std::size_t frame = ZSTD_findFrameCompressedSize(rest_.data(), rest_.size());
    if (ZSTD_isError(frame) != 0) {
      if (ZSTD_getErrorCode(frame) == ZSTD_error_srcSize_wrong) {
        end_inside_frame();
      } else {
        stop();
      }
      return;
    }
    for (std::size_t room = std::min(kWholeBytesFirst, bytes_max_);; room = std::min(room * 2, bytes_max_)) {
      whole_.resize(room);
      const std::size_t size = ZSTD_decompressDCtx(context_.get(), whole_.data(), room, rest_.data(), frame);
      if (ZSTD_isError(size) == 0) {
        whole_size_ = size;
        break;
      }
      if (ZSTD_getErrorCode(size) != ZSTD_error_dstSize_tooSmall) {
        stop();
        return;
      }
      if (room == bytes_max_) {
        error_ = Error(ErrorKind::kTooLarge, "zstd frame", 0, static_cast<std::int64_t>(bytes_max_));
        return;
      }
    }
    whole_at_ = 0;
    rest_ = rest_.subspan(frame);
    frame_end_ = size_ - rest_.size();
    in_frame_ = false;
  }

  void end_inside_frame() noexcept {
    const std::size_t last_buffer = size_ == 0 ? 0 : (size_ - 1) / kJniBufferBytes * kJniBufferBytes;
    if (frame_end_ > last_buffer) {
      rest_ = {};
      in_frame_ = false;
    } else {
      stop();
    }
  }

  void stop() noexcept { error_ = Error(ErrorKind::kCorrupt, "zstd stream"); }

  std::size_t copy_whole(MutableBytes out) noexcept {
    const std::size_t size = std::min(out.size(), whole_size_ - whole_at_);
    std::memcpy(out.data(), whole_.data() + whole_at_, size);
    whole_at_ += size;
    return size;
  }

  std::unique_ptr<ZSTD_DCtx, ContextFree> context_;
  Bytes rest_;
  ByteVector whole_;
  std::size_t size_ = 0;       // of the whole input
  std::size_t frame_end_ = 0;  // where in it the last whole frame ended
  std::size_t bytes_max_ = 0;
  std::size_t whole_at_ = 0;
  std::size_t whole_size_ = 0;
  bool in_frame_ = false;
  std::optional<Error> error_;
};

struct CompressionContextFree {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
};

// Up to here the library's windows for data of unknown size, which Kafka's frames have, are 2 MiB at most. The levels
// above take 4 to 128 MiB, and state several times as large.
constexpr int kLevelStandardMax = 8;
constexpr int kWindowLogMin = 10;
constexpr int kWindowLogMax = 27;

class ZstdWriter final : public CodecWriter {
 public:
  void start(int level, std::size_t plain_hint, ByteVector& /*out*/) override {
    if (!context_) {
      context_.reset(ZSTD_createCCtx());
      MOLDAU_ASSERT(context_ != nullptr);
    }
    ZSTD_CCtx_reset(context_.get(), ZSTD_reset_session_and_parameters);
    set(ZSTD_c_compressionLevel, level);
    if (level > kLevelStandardMax) {
      // No larger than the data: a reader has to make room for it, and so has this context.
      const int standard = level < 17 ? 22 : level < 20 ? 23 : level + 5;
      const auto needed = static_cast<int>(std::bit_width(std::max<std::size_t>(plain_hint, 1) - 1));
      set(ZSTD_c_windowLog, std::clamp(needed, kWindowLogMin, std::min(standard, kWindowLogMax)));
    }
  }

  void write(Bytes piece, ByteVector& out) override {
    ZSTD_inBuffer input{piece.data(), piece.size(), 0};
    while (input.pos < input.size) {
      (void)compress_to(out, input, ZSTD_e_continue);
    }
  }

  void finish(ByteVector& out) override {
    // Kafka's stream is flushed before it is closed: an empty block ends its frames.
    ZSTD_inBuffer input{nullptr, 0, 0};
    for (const ZSTD_EndDirective step : {ZSTD_e_flush, ZSTD_e_end}) {
      while (compress_to(out, input, step) != 0) {
      }
    }
    if (ZSTD_sizeof_CCtx(context_.get()) > kZstdStateKeptBytes) {
      context_.reset();
    }
  }

 private:
  void set(ZSTD_cParameter parameter, int value) {
    MOLDAU_ASSERT(ZSTD_isError(ZSTD_CCtx_setParameter(context_.get(), parameter, value)) == 0, value);
  }

  std::size_t compress_to(ByteVector& out, ZSTD_inBuffer& input, ZSTD_EndDirective end) {
    const std::size_t at = out.size();
    out.resize(at + kRoomBytes);
    ZSTD_outBuffer output{out.data() + at, kRoomBytes, 0};
    const std::size_t left = ZSTD_compressStream2(context_.get(), &output, &input, end);
    MOLDAU_ASSERT(ZSTD_isError(left) == 0);
    out.resize(at + output.pos);
    return left;
  }

  static constexpr std::size_t kRoomBytes = std::size_t{16} << 10;

  std::unique_ptr<ZSTD_CCtx, CompressionContextFree> context_;
};

}  // namespace

std::unique_ptr<CodecStream> make_zstd_stream() {
  return std::make_unique<ZstdStream>();
}

std::unique_ptr<CodecWriter> make_zstd_writer() {
  return std::make_unique<ZstdWriter>();
}

}  // namespace moldau::record
