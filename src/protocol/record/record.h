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

// The same checks, nothing kept that is not asked for.
[[nodiscard]] bool check_record_body(const std::byte* at, const std::byte* end, RecordShape& shape) noexcept;

}  // namespace moldau::record
