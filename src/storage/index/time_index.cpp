#include "storage/index/time_index.h"

#include <utility>

#include "base/assert.h"

namespace moldau::storage {

Result<TimeIndex> TimeIndex::parse(ByteVector content, Offset base) {
  if (content.size() % kEntryBytes != 0) {
    return fail(ErrorKind::kCorrupt, "time index ends inside an entry", 0,
                static_cast<std::int64_t>(content.size() / kEntryBytes));
  }
  std::int64_t previous_timestamp = kNoTimestamp;
  std::int32_t previous_offset = 0;
  for (std::size_t at = 0; at < content.size(); at += kEntryBytes) {
    const auto timestamp = load_be<std::int64_t>(content.data() + at);
    const auto offset = load_be<std::int32_t>(content.data() + at + 8);
    if (timestamp <= previous_timestamp || offset < previous_offset || offset > INT64_MAX - base.value()) {
      return fail(ErrorKind::kCorrupt, "time index entry out of order", 0, static_cast<std::int64_t>(at / kEntryBytes));
    }
    previous_timestamp = timestamp;
    previous_offset = offset;
  }
  TimeIndex index(base);
  index.bytes_ = std::move(content);
  return index;
}

bool TimeIndex::maybe_append(std::int64_t timestamp, Offset offset) {
  const Entry before = last();
  // A last entry read from a file may name an offset that the log does not reach yet: then nothing can follow it.
  if (timestamp <= before.timestamp || offset < before.offset || offset - base_ > INT32_MAX) {
    return false;
  }
  const std::size_t at = bytes_.size();
  bytes_.resize(at + kEntryBytes);
  store_be(bytes_.data() + at, timestamp);
  store_be(bytes_.data() + at + 8, static_cast<std::int32_t>(offset - base_));
  return true;
}

TimeIndex::Entry TimeIndex::entry(std::size_t n) const noexcept {
  MOLDAU_ASSERT(n < count(), static_cast<std::int64_t>(n));
  const std::byte* at = bytes_.data() + n * kEntryBytes;
  return {load_be<std::int64_t>(at), base_ + load_be<std::int32_t>(at + 8)};
}

TimeIndex::Entry TimeIndex::lookup(std::int64_t timestamp) const noexcept {
  std::size_t low = 0;
  std::size_t high = count();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (entry(middle).timestamp <= timestamp) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low == 0 ? Entry{kNoTimestamp, base_} : entry(low - 1);
}

void TimeIndex::truncate_to(Offset offset) {
  std::size_t kept = count();
  while (kept > 0 && entry(kept - 1).offset >= offset) {
    --kept;
  }
  bytes_.resize(kept * kEntryBytes);
}

}  // namespace moldau::storage
