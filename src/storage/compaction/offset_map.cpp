#include "storage/compaction/offset_map.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/assert.h"

namespace moldau::storage {

void OffsetMap::Free::operator()(Slot* slots) const noexcept {
  std::free(slots);
}

OffsetMap::OffsetMap(std::unique_ptr<Slot[], Free> table, std::size_t slots, std::size_t entries_max,
                     const KeyHashSecret& secret) noexcept
    : table_(std::move(table)), slots_(slots), entries_max_(entries_max), secret_(secret) {}

Result<OffsetMap> OffsetMap::make(std::size_t bytes, double load_factor, const KeyHashSecret& secret) {
  const std::size_t slots = bytes / kSlotBytes;
  // One slot stays empty in any case, or a search for what is not there would not end.
  const std::size_t entries_max =
      slots < 2
          ? 0
          : std::min(slots - 1, static_cast<std::size_t>(static_cast<double>(slots) * std::max(0.0, load_factor)));
  if (entries_max == 0) {
    return fail(ErrorKind::kInvalid, "log.cleaner.dedupe.buffer.size has no room for a single key", 0,
                static_cast<std::int64_t>(bytes));
  }
  // calloc and not new: the kernel's zero pages are only had when they are written to.
  std::unique_ptr<Slot[], Free> table(static_cast<Slot*>(std::calloc(slots, sizeof(Slot))));
  if (!table) {
    return fail(ErrorKind::kOutOfMemory, "no memory for the cleaner's table of keys", 0,
                static_cast<std::int64_t>(bytes));
  }
  return OffsetMap(std::move(table), slots, entries_max, secret);
}

KeyHash OffsetMap::hash_of(Bytes key) const noexcept {
  KeyHash hash = hash_key(secret_, key);
  if (hash == KeyHash{}) {
    hash.second = 1;
  }
  return hash;
}

OffsetMap::Slot& OffsetMap::slot_of(const KeyHash& hash) const noexcept {
  // The high half of the product spreads a 64-bit hash over any number of slots.
  auto at = static_cast<std::size_t>((static_cast<unsigned __int128>(hash.first) * slots_) >> 64);
  while (table_[at].hash != KeyHash{} && table_[at].hash != hash) {
    at = at + 1 == slots_ ? 0 : at + 1;
  }
  return table_[at];
}

bool OffsetMap::put(Bytes key, Offset offset) {
  const KeyHash hash = hash_of(key);
  Slot& slot = slot_of(hash);
  if (slot.hash == KeyHash{}) {
    if (size_ >= entries_max_) {
      return false;
    }
    slot.hash = hash;
    ++size_;
  }
  slot.offset = offset.value();
  MOLDAU_ASSERT(offset > latest_, offset.value(), latest_.value());
  latest_ = offset;
  return true;
}

Offset OffsetMap::get(Bytes key) const {
  const Slot& slot = slot_of(hash_of(key));
  return slot.hash == KeyHash{} ? kNoOffset : Offset(slot.offset);
}

}  // namespace moldau::storage
