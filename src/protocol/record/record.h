// One record of a batch, seen in place.
//
// Shapes:  varint size of the rest; attributes (unused); varlong timestamp delta; varint offset delta; key, value
//          (varint size, any negative one means null); varint header count; headers (key never null, value maybe).
// Source:  org.apache.kafka.common.record DefaultRecord, KIP-82 (headers).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "protocol/record/varint.h"

namespace moldau::record {

struct HeaderView {
  std::string_view key;
  std::optional<Bytes> value;
};

// Walks the headers of a record whose structure was checked when it was read.
class HeaderIterator {
 public:
  HeaderIterator(Bytes headers, std::int32_t count) noexcept : rest_(headers), left_(count) {}

  // nullopt at the end, or where the bytes turn out not to be headers.
  [[nodiscard]] std::optional<HeaderView> next() noexcept;

 private:
  Bytes rest_;
  std::int32_t left_;
};

// The views end when the walker moves on.
struct RecordView {
  std::int64_t timestamp_delta = 0;
  std::int32_t offset_delta = 0;
  std::int32_t header_count = 0;
  std::optional<Bytes> key;
  std::optional<Bytes> value;
  Bytes header_bytes;
  std::int32_t size_bytes = 0;  // with the size itself

  [[nodiscard]] HeaderIterator headers() const noexcept { return {header_bytes, header_count}; }
};

// Reads the record that fills [at, end) exactly, `at` being after the size. False: it does not, or its structure is
// impossible. `size_bytes` is left alone.
[[nodiscard]] bool read_record_body(const std::byte* at, const std::byte* end, RecordView& record) noexcept;

// What a validator needs of a record.
struct RecordShape {
  std::int64_t timestamp_delta = 0;
  std::int32_t offset_delta = 0;
  bool has_key = false;
};

// Whether `count` headers fill [at, end) exactly. O(count), and no more than the bytes.
[[nodiscard]] bool headers_fill(const std::byte* at, const std::byte* end, std::int32_t count) noexcept;

// The same checks as read_record_body, nothing kept that is not asked for. Part of the loop over a batch's records, the
// hottest there is: it stays in registers.
[[nodiscard, gnu::always_inline]] inline bool check_record_body(const std::byte* at, const std::byte* end,
                                                                RecordShape& shape) noexcept {
  if (at == end) [[unlikely]] {
    return false;
  }
  ++at;  // attributes: no bit has a meaning
  std::int32_t key_size = 0;
  std::int32_t value_size = 0;
  std::int32_t header_count = 0;
  if ((at = read_varlong(at, end, shape.timestamp_delta)) == nullptr ||
      (at = read_varint(at, end, shape.offset_delta)) == nullptr || (at = read_size(at, end, key_size)) == nullptr)
      [[unlikely]] {
    return false;
  }
  if (key_size > 0) {
    if (end - at < key_size) [[unlikely]] {
      return false;
    }
    at += key_size;
  }
  if ((at = read_size(at, end, value_size)) == nullptr) [[unlikely]] {
    return false;
  }
  if (value_size > 0) {
    if (end - at < value_size) [[unlikely]] {
      return false;
    }
    at += value_size;
  }
  if ((at = read_varint(at, end, header_count)) == nullptr) [[unlikely]] {
    return false;
  }
  shape.has_key = key_size >= 0;
  return header_count == 0 ? at == end : headers_fill(at, end, header_count);
}

}  // namespace moldau::record
