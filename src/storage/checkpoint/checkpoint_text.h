// The text form that Kafka's checkpoint files share: a version, a count, then one entry a line.
//
//   0            version
//   2            number of entries
//   topic 0 17   fields, separated by spaces
//   topic 1 4
//
// Users: the four offset checkpoints of a log directory, leader-epoch-checkpoint, our own durable-end file.
// Errors:  kCorrupt with the 1-based line as detail(): another version, a malformed line, a count that does not fit;
//          kTruncated: the file ends before the count. An empty file means no entries: Kafka creates one so.
// Bound:   O(size of the content); the count never sizes an allocation. Files are read up to kCheckpointBytesMax.
// Source:  org.apache.kafka.server.common.CheckpointFile. Difference: a file that ends after the version is refused,
//          where Kafka reads no entries; no writer leaves such a file.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace moldau::storage {

inline constexpr std::uint64_t kCheckpointBytesMax = 512ULL << 20;  // two million partitions with the longest names

struct CheckpointEntry {
  std::string_view text;  // a view into the content
  std::int64_t line = 0;  // 1-based, for errors
};

// The entries of a file's content, which must outlive them.
[[nodiscard]] Result<std::vector<CheckpointEntry>> parse_checkpoint(Bytes content, std::int32_t version);

// Splits a line at runs of white space into `fields`: how many there are, which may be more than fit. A line that
// begins with white space has an empty first field, as in Java.
[[nodiscard]] std::size_t split_fields(std::string_view line, std::span<std::string_view> fields) noexcept;

// A whole decimal number within T, or nothing.
template <class T>
[[nodiscard]] std::optional<T> parse_decimal(std::string_view text) noexcept {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stop != end) {
    return std::nullopt;
  }
  return value;
}

// Collects entries and yields the file's content.
class CheckpointText {
 public:
  explicit CheckpointText(std::int32_t version) : version_(version) {}

  // `line` has no line break. O(size).
  void add(std::string_view line);
  [[nodiscard]] std::string content() const;

 private:
  std::int32_t version_;
  std::int64_t count_ = 0;
  std::string lines_;
};

}  // namespace moldau::storage
