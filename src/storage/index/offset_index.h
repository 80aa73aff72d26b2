// OffsetIndex: where in a segment file the batch that ends with a given offset begins. Sparse: about one entry for
// every index.interval.bytes of log.
//
// Shapes:     an entry is int32 offset relative to the segment's base, int32 position, big-endian; the bytes in memory
// are
//             the file's. Offsets and positions strictly increase.
// Invariants: an entry's offset is the last one of a batch, its position where that batch begins.
// Errors:     parse: kCorrupt (detail: the entry's number) if the bytes cannot be the index of this segment: a broken
//             entry, disorder (a zeroed tail is disorder), a position beyond the log. The index is then rebuilt.
// Bound:      lookup O(log entries); append amortised O(1); memory 8 bytes an entry.
// Source:     org.apache.kafka.storage.internals.log.OffsetIndex. Differences: neither mapped nor preallocated; checked
//             whole when loaded, where 4.3 trusts the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"

namespace moldau::storage {

class OffsetIndex {
 public:
  static constexpr std::size_t kEntryBytes = 8;

  struct Entry {
    Offset offset{0};
    std::uint32_t position = 0;
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  explicit OffsetIndex(Offset base) noexcept : base_(base) {}

  // `content` is a whole .index file, `log_bytes` the size of its segment's .log.
  [[nodiscard]] static Result<OffsetIndex> parse(ByteVector content, Offset base, std::uint64_t log_bytes);

  // True if an entry can name `offset`: it lies within 2^31-1 of the base.
  [[nodiscard]] bool can_append(Offset offset) const noexcept {
    const std::int64_t relative = offset - base_;
    return relative >= 0 && relative <= INT32_MAX;
  }
  // `offset` > last_offset() unless empty, and can_append(offset).
  void append(Offset offset, std::uint32_t position);

  // The last entry at or below `target`; {base, 0} if there is none.
  [[nodiscard]] Entry lookup(Offset target) const noexcept;
  // The first entry at or behind `position`.
  [[nodiscard]] std::optional<Entry> first_from_position(std::uint64_t position) const noexcept;
  // Removes all entries at and above `offset`.
  void truncate_to(Offset offset);

  [[nodiscard]] std::size_t count() const noexcept { return bytes_.size() / kEntryBytes; }
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
  [[nodiscard]] Entry entry(std::size_t n) const noexcept;
  [[nodiscard]] Offset last_offset() const noexcept { return empty() ? base_ : entry(count() - 1).offset; }
  [[nodiscard]] bool full(std::int32_t index_bytes_max) const noexcept {
    return count() >= static_cast<std::size_t>(index_bytes_max) / kEntryBytes;
  }
  [[nodiscard]] Bytes bytes() const noexcept { return bytes_; }  // the file's content

 private:
  // The number of entries at or below `target`.
  [[nodiscard]] std::size_t count_up_to(Offset target) const noexcept;

  Offset base_;
  ByteVector bytes_;
};

}  // namespace moldau::storage
