// Undoes a codec piece by piece into the caller's buffers.
//
// Shard:   not thread-safe. The state of each codec is made at its first use and kept.
// Errors:  kCorrupt: the stream contradicts its format or its own checksums, or ends too early; kTooLarge. What follows
// the end of
//          a stream is judged as Kafka's reader of that codec judges it (each codec's file says how).
// Bound:   memory as scratch.h says. Each read() costs O(bytes produced + bytes consumed).
#pragma once

#include <cstddef>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/record/codec.h"

namespace moldau::record {

// One codec's stream. `start` may be called again at any time.
class CodecStream {
 public:
  CodecStream() noexcept = default;
  CodecStream(const CodecStream&) = delete;
  CodecStream& operator=(const CodecStream&) = delete;
  virtual ~CodecStream() = default;

  // More than `bytes_max` plain bytes may be refused with kTooLarge before they are made; the reader counts anyway.
  virtual void start(Bytes compressed, std::size_t bytes_max) = 0;
  // Writes at least one byte to the front of `out` (which is not empty) and says how many; 0 at the stream's end.
  [[nodiscard]] virtual Result<std::size_t> read(MutableBytes out) = 0;
  // The input may go away; memory beyond what scratch.h allows is freed.
  virtual void finish() noexcept = 0;
};

class Decompressor {
 public:
  Decompressor() noexcept = default;

  // `compressed` must outlive the reading; `codec` is not kNone.
  void start(Codec codec, Bytes compressed, std::size_t bytes_max);
  [[nodiscard]] Result<std::size_t> read(MutableBytes out) { return active_->read(out); }
  void finish() noexcept;

 private:
  std::unique_ptr<CodecStream> streams_[kCodecIdMax];  // by id - 1
  CodecStream* active_ = nullptr;
};

}  // namespace moldau::record
