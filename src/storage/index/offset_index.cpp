#include "storage/index/offset_index.h"

#include <utility>

#include "base/assert.h"

namespace moldau::storage {

Result<OffsetIndex> OffsetIndex::parse(ByteVector content, Offset base, std::uint64_t log_bytes) {
  if (content.size() % kEntryBytes != 0) {
    return fail(ErrorKind::kCorrupt, "offset index ends inside an entry", 0,
                static_cast<std::int64_t>(content.size() / kEntryBytes));
  }
  std::int64_t previous_offset = -1;
  std::int64_t previous_position = -1;
  for (std::size_t at = 0; at < content.size(); at += kEntryBytes) {
    const auto offset = load_be<std::int32_t>(content.data() + at);
    const auto position = load_be<std::int32_t>(content.data() + at + 4);
    if (offset <= previous_offset || position <= previous_position || offset > INT64_MAX - base.value() ||
        static_cast<std::uint64_t>(position) >= log_bytes) {
      return fail(ErrorKind::kCorrupt, "offset index entry out of order or beyond the log", 0,
                  static_cast<std::int64_t>(at / kEntryBytes));
    }
    previous_offset = offset;
    previous_position = position;
  }
  OffsetIndex index(base);
  index.bytes_ = std::move(content);
  return index;
}

void OffsetIndex::append(Offset offset, std::uint32_t position) {
  MOLDAU_ASSERT(can_append(offset), offset.value(), base_.value());
  MOLDAU_ASSERT(empty() || offset > last_offset(), offset.value(), last_offset().value());
  const std::size_t at = bytes_.size();
  bytes_.resize(at + kEntryBytes);
  store_be(bytes_.data() + at, static_cast<std::int32_t>(offset - base_));
  store_be(bytes_.data() + at + 4, position);
}

OffsetIndex::Entry OffsetIndex::entry(std::size_t n) const noexcept {
  MOLDAU_ASSERT(n < count(), static_cast<std::int64_t>(n));
  const std::byte* at = bytes_.data() + n * kEntryBytes;
  return {base_ + load_be<std::int32_t>(at), load_be<std::uint32_t>(at + 4)};
}

std::size_t OffsetIndex::count_up_to(Offset target) const noexcept {
  std::size_t low = 0;
  std::size_t high = count();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (entry(middle).offset <= target) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

OffsetIndex::Entry OffsetIndex::lookup(Offset target) const noexcept {
  const std::size_t n = count_up_to(target);
  return n == 0 ? Entry{base_, 0} : entry(n - 1);
}

std::optional<OffsetIndex::Entry> OffsetIndex::first_from_position(std::uint64_t position) const noexcept {
  std::size_t low = 0;
  std::size_t high = count();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (entry(middle).position < position) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low == count() ? std::nullopt : std::optional(entry(low));
}

void OffsetIndex::truncate_to(Offset offset) {
  bytes_.resize(count_up_to(offset - 1) * kEntryBytes);
}

}  // namespace moldau::storage
