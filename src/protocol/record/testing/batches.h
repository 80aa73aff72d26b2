// For tests: batches from plain values and back, and bytes made valid again after they were bent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/crc32c.h"
#include "protocol/record/batch_builder.h"
#include "protocol/record/compression.h"
#include "protocol/record/record_walker.h"
#include "protocol/record/varint.h"

namespace moldau::record::testing {

inline constexpr std::size_t kBytesMax = std::size_t{64} << 20;

struct PlainRecord {
  std::int64_t timestamp = 1'000;
  std::optional<std::string> key = std::nullopt;
  std::optional<std::string> value = std::nullopt;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers = {};
  friend bool operator==(const PlainRecord&, const PlainRecord&) = default;
};

inline std::optional<Bytes> to_bytes(const std::optional<std::string>& text) {
  return text ? std::optional(as_bytes(*text)) : std::nullopt;
}
inline std::optional<std::string> to_string(const std::optional<Bytes>& bytes) {
  return bytes ? std::optional(std::string(as_text(*bytes))) : std::nullopt;
}

inline ByteVector build(const std::vector<PlainRecord>& records, const BatchOptions& options = {}) {
  BatchBuilder builder(options);
  for (const PlainRecord& record : records) {
    std::vector<HeaderView> headers;
    for (const auto& [key, value] : record.headers) {
      headers.push_back({key, to_bytes(value)});
    }
    builder.append({record.timestamp, to_bytes(record.key), to_bytes(record.value), headers});
  }
  return builder.build().value();
}

inline Result<std::vector<PlainRecord>> walk(const BatchView& batch, Scratch& scratch,
                                             std::size_t bytes_max = kBytesMax) {
  std::vector<PlainRecord> records;
  RecordWalker walker(batch, scratch, bytes_max);
  while (const RecordView* record = walker.next()) {
    PlainRecord& plain = records.emplace_back(batch.header.timestamp_at(record->timestamp_delta),
                                              to_string(record->key), to_string(record->value));
    HeaderIterator headers = record->headers();
    while (const auto header = headers.next()) {
      plain.headers.emplace_back(std::string(header->key), to_string(header->value));
    }
  }
  if (!walker.ok()) {
    return std::unexpected(walker.error());
  }
  return records;
}

// Sets length and CRC to what the bytes are.
inline void seal(ByteVector& batch) {
  store_be(batch.data() + kLengthAt, static_cast<std::int32_t>(batch.size() - kLogOverheadBytes));
  store_be(batch.data() + kCrcAt, crc32c(Bytes(batch).subspan(kAttributesAt)));
}

// Overwrites a field of the header and seals.
template <class T>
ByteVector with(ByteVector batch, std::size_t at, T value) {
  store_be(batch.data() + at, value);
  seal(batch);
  return batch;
}

// Replaces the records by `body` as it stands, under the header of `like`.
inline ByteVector with_body(const ByteVector& like, Bytes body) {
  ByteVector batch(like.begin(), like.begin() + kBatchHeaderBytes);
  batch.insert(batch.end(), body.begin(), body.end());
  seal(batch);
  return batch;
}

inline ByteVector bytes_of(std::initializer_list<int> values) {
  ByteVector bytes;
  for (const int value : values) {
    bytes.push_back(static_cast<std::byte>(value));
  }
  return bytes;
}

inline void append_varint(ByteVector& bytes, std::int64_t value) {
  std::byte encoded[kVarlongBytesMax];
  bytes.insert(bytes.end(), encoded, write_varlong(encoded, value));
}

class RandomRecords {
 public:
  explicit RandomRecords(std::uint64_t seed) : engine_(seed) {}

  std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(engine_); }
  bool chance(int percent) { return below(100) < static_cast<std::size_t>(percent); }

  // Compressible and incompressible text; now and then longer than a window.
  std::string text() {
    const std::size_t size = chance(90) ? below(60) : chance(95) ? below(5'000) : below(400'000);
    std::string text(size, static_cast<char>('a' + below(26)));
    if (chance(50)) {
      for (char& c : text) {
        c = static_cast<char>(engine_());
      }
    }
    return text;
  }
  std::optional<std::string> nullable_text() { return chance(20) ? std::nullopt : std::optional(text()); }

  PlainRecord record() {
    PlainRecord record{
        .timestamp = static_cast<std::int64_t>(below(1'000'000)), .key = nullable_text(), .value = nullable_text()};
    while (chance(20)) {
      record.headers.emplace_back(text(), nullable_text());
    }
    return record;
  }
  std::vector<PlainRecord> records(std::size_t count) {
    std::vector<PlainRecord> records;
    while (records.size() < count) {
      records.push_back(record());
    }
    return records;
  }

  std::mt19937_64& engine() noexcept { return engine_; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace moldau::record::testing
