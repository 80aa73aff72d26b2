// TransactionIndex: the aborted transactions whose markers lie in a segment, in the order of their markers.
//
// Shapes:  an entry is int16 version (0), int64 producer id, int64 first offset, int64 last offset (the marker's),
// int64
//          last stable offset when the marker was written; big-endian. The file exists only if there is an entry.
// Errors:  parse: kCorrupt (detail: the entry's number): a broken entry, another version, markers out of order or below
//          the segment's base. The index is then rebuilt from the log.
// Bound:   34 bytes an entry; a search is O(entries), as in Kafka.
// Source:  org.apache.kafka.storage.internals.log.TransactionIndex, AbortedTxn (KIP-98).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"

namespace moldau::storage {

struct AbortedTxn {
  static constexpr std::size_t kBytes = 34;

  ProducerId producer_id = kNoProducerId;
  Offset first_offset{0};
  Offset last_offset{0};
  Offset last_stable_offset{0};

  void store(std::byte* to) const noexcept;  // kBytes
  friend bool operator==(const AbortedTxn&, const AbortedTxn&) = default;
};

class TransactionIndex {
 public:
  // `content` is a whole .txnindex file.
  [[nodiscard]] static Result<TransactionIndex> parse(Bytes content, Offset base);

  // Markers come in the order of their offsets.
  void append(const AbortedTxn& txn);
  // Adds to `found` what touches [from, upto); true if no later segment can hold more.
  [[nodiscard]] bool collect(Offset from, Offset upto, std::vector<AbortedTxn>& found) const;
  // Removes the transactions whose markers lie at or above `offset`.
  void truncate_to(Offset offset);

  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] const std::vector<AbortedTxn>& entries() const noexcept { return entries_; }
  [[nodiscard]] ByteVector bytes() const;  // the file's content

 private:
  std::vector<AbortedTxn> entries_;
};

}  // namespace moldau::storage
