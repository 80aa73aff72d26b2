// The bytes of a batch's records as one window: the body itself, or what a decompressor fills.
// Internal to protocol/record.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/record/codec.h"
#include "protocol/record/scratch.h"

namespace moldau::record {

// Invariants: 1. [at, end) are the next bytes, in order; 2. nothing is given beyond `bytes_max` decompressed bytes;
//             3. after fill() returned false and ok() is true, [at, end) are the last bytes there are.
class RecordSource {
 public:
  explicit RecordSource(Bytes body) noexcept : at(body.data()), end(body.data() + body.size()) {}
  // `codec` is not kNone. The scratch is this source's until it is destroyed.
  RecordSource(Codec codec, Bytes compressed, Scratch& scratch, std::size_t bytes_max);
  ~RecordSource();
  RecordSource(const RecordSource&) = delete;
  RecordSource& operator=(const RecordSource&) = delete;

  const std::byte* at;
  const std::byte* end;

  [[nodiscard]] std::size_t available() const noexcept { return static_cast<std::size_t>(end - at); }

  // True if `count` bytes lie in [at, end); decompresses, moves and grows the window as needed.
  [[nodiscard]] bool fill(std::size_t count) { return available() >= count || refill(count); }

  // Passes over `count` bytes without keeping them. False if there are not so many.
  [[nodiscard]] bool skip(std::size_t count);

  [[nodiscard]] bool at_end() { return !fill(1) && ok(); }
  [[nodiscard]] std::size_t consumed() const noexcept { return produced_ - available(); }  // of a stream
  [[nodiscard]] bool is_stream() const noexcept { return scratch_ != nullptr; }
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] Error error() const noexcept { return error_; }

 private:
  [[nodiscard]] bool refill(std::size_t count);

  Scratch* scratch_ = nullptr;
  std::size_t produced_ = 0;
  std::size_t bytes_max_ = 0;
  bool ended_ = true;
  bool ok_ = true;
  Error error_{ErrorKind::kInvalid, "no error"};
};

}  // namespace moldau::record
