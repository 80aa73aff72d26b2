// TimeIndex: the largest record time up to a given batch of a segment. Sparse, as the offset index.
//
// Shapes:     an entry is int64 milliseconds, int32 offset relative to the segment's base, big-endian: "no record up to
//             this offset is younger". Times strictly increase, offsets do not decrease.
// Invariants: an entry's offset is the last one of the batch that has the time. A closed segment's last entry holds its
//             largest time; a segment whose records have no time has no entries.
// Errors:     parse: kCorrupt (detail: the entry's number), as OffsetIndex.
// Bound:      lookup O(log entries); append amortised O(1); memory 12 bytes an entry.
// Source:     org.apache.kafka.storage.internals.log.TimeIndex; differences as OffsetIndex.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"

namespace moldau::storage {

class TimeIndex {
 public:
  static constexpr std::size_t kEntryBytes = 12;

  struct Entry {
    std::int64_t timestamp = kNoTimestamp;
    Offset offset{0};
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  explicit TimeIndex(Offset base) noexcept : base_(base) {}

  // `content` is a whole .timeindex file.
  [[nodiscard]] static Result<TimeIndex> parse(ByteVector content, Offset base);

  // Adds an entry if it is younger than the last one; true if so. An offset below the last entry's adds nothing either.
  bool maybe_append(std::int64_t timestamp, Offset offset);

  // The last entry at or before `timestamp`; {-1, base} if there is none.
  [[nodiscard]] Entry lookup(std::int64_t timestamp) const noexcept;
  // Removes all entries at and above `offset`.
  void truncate_to(Offset offset);

  [[nodiscard]] std::size_t count() const noexcept { return bytes_.size() / kEntryBytes; }
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
  [[nodiscard]] Entry entry(std::size_t n) const noexcept;
  [[nodiscard]] Entry last() const noexcept { return empty() ? Entry{kNoTimestamp, base_} : entry(count() - 1); }
  // One slot is kept for the entry that is added when the segment is closed.
  [[nodiscard]] bool full(std::int32_t index_bytes_max) const noexcept {
    return count() + 1 >= static_cast<std::size_t>(index_bytes_max) / kEntryBytes;
  }
  [[nodiscard]] Bytes bytes() const noexcept { return bytes_; }

 private:
  Offset base_;
  ByteVector bytes_;
};

}  // namespace moldau::storage
