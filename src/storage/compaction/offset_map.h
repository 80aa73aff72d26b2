// OffsetMap: for each key of the dirty part of a log the offset of its last record, in a bounded table of key hashes.
//
// Shard:      belongs to one pass over one log.
// Invariants: M1 offsets are put in ascending order, so an entry holds its key's greatest.
//             M2 size() <= entries_max(): the load factor's share of the slots.
// Errors:     kOutOfMemory: the table could not be had.
// Bound:      24 bytes a slot, all had at once; untouched pages cost nothing. put and get O(1) at a load below 1.
// Source:     org.apache.kafka.storage.internals.log.SkimpyOffsetMap. Differences: another hash (key_hash.h); a full
//             table still takes newer offsets of keys it has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "storage/compaction/key_hash.h"

namespace moldau::storage {

class OffsetMap {
 public:
  static constexpr std::size_t kSlotBytes = 24;

  // A table of at most `bytes`, filled up to `load_factor` of its slots. kInvalid: that is less than one entry.
  [[nodiscard]] static Result<OffsetMap> make(std::size_t bytes, double load_factor, const KeyHashSecret& secret);

  // False: the key is new and the table is full; nothing was changed.
  [[nodiscard]] bool put(Bytes key, Offset offset);
  // kNoOffset if the key is not there.
  [[nodiscard]] Offset get(Bytes key) const;

  // The last offset that the table speaks for: records above it are not judged by it.
  [[nodiscard]] Offset latest() const noexcept { return latest_; }
  void set_latest(Offset offset) noexcept { latest_ = offset; }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t slots() const noexcept { return slots_; }
  [[nodiscard]] std::size_t entries_max() const noexcept { return entries_max_; }

 private:
  struct Slot {
    KeyHash hash;  // all zero: empty
    std::int64_t offset;
  };
  static_assert(sizeof(Slot) == kSlotBytes);
  struct Free {
    void operator()(Slot* slots) const noexcept;
  };

  OffsetMap(std::unique_ptr<Slot[], Free> table, std::size_t slots, std::size_t entries_max,
            const KeyHashSecret& secret) noexcept;
  // Where the key is, or the empty slot where it would be.
  [[nodiscard]] Slot& slot_of(const KeyHash& hash) const noexcept;
  [[nodiscard]] KeyHash hash_of(Bytes key) const noexcept;

  std::unique_ptr<Slot[], Free> table_;
  std::size_t slots_;
  std::size_t entries_max_;
  KeyHashSecret secret_;
  std::size_t size_ = 0;
  Offset latest_ = kNoOffset;
};

}  // namespace moldau::storage
