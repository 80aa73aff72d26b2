// BatchFilter: what compaction leaves of a batch: all of it, a batch of the records that stay, an empty one, nothing.
//
//   a record stays if          it lies above what the offset map speaks for, or
//                              it has a key, is its last one, and is no tombstone whose delete horizon has passed;
//                              not, in any case, if its transaction was aborted
//   a marker stays             until its transaction has no records and its delete horizon has passed
//   a batch stays empty        if a live producer's state hangs on it, or it is the last one below the round's bound
//   a delete horizon is set    when a tombstone, or a marker without records, is first met: now + delete.retention.ms
//
// Shard:      belongs to one pass over one log; no I/O.
// Invariants: F1 what stays keeps its offset, time, key, value and headers; the batch keeps its base and last offset,
//                its sequences, epochs and times' type.
//             F2 a batch of which all stays is not touched: its bytes are given back.
// Errors:     kCorrupt, kTruncated: the batch's records cannot be read, or it fails its checksum and would be changed;
//             kTooLarge: more than `decompressed_bytes_max`; kUnsupported: an unknown codec.
// Bound:      memory of the largest batch, plain; no allocation per record. A batch is walked twice if it changes.
// Source:     Cleaner.cleanInto, MemoryRecords.filterTo; KIP-534 (delete horizon), KIP-98. Differences: changed batches
//             are checked against their CRC first; active_producers.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "protocol/record/batch.h"
#include "protocol/record/record.h"
#include "protocol/record/scratch.h"
#include "storage/compaction/active_producers.h"
#include "storage/compaction/cleaned_transactions.h"
#include "storage/compaction/offset_map.h"
#include "storage/compaction/plain_batch.h"

namespace moldau::storage {

struct FilterRules {
  std::int64_t now_ms = 0;
  std::int64_t delete_retention_ms = 0;
  Offset upper_bound{0};  // of the round: the batch that ends here stays, so that no offset is lost
  std::size_t decompressed_bytes_max = std::size_t{100} << 20;
};

struct FilterCounts {
  std::uint64_t records_read = 0;
  std::uint64_t records_kept = 0;
  std::uint64_t records_without_key = 0;
};

class BatchFilter {
 public:
  // All outlive the filter. Batches are to be given in the order of the log.
  BatchFilter(const FilterRules& rules, const OffsetMap& map, const ActiveProducers& producers,
              CleanedTransactions& transactions)
      : rules_(rules), map_(map), producers_(producers), transactions_(transactions) {}

  // The bytes that take the batch's place: its own, others (until the next call), or none.
  [[nodiscard]] Result<Bytes> filter(const record::BatchView& batch);

  [[nodiscard]] const FilterCounts& counts() const noexcept { return counts_; }

 private:
  struct Survey;
  [[nodiscard]] bool keeps(const record::BatchHeader& batch, const record::RecordView& record);
  [[nodiscard]] Result<Survey> survey(const record::BatchView& plain, bool discard_records);
  [[nodiscard]] Result<Bytes> rebuild(const record::BatchView& batch, const record::BatchView& plain,
                                      const Survey& survey, std::optional<std::int64_t> delete_horizon);
  [[nodiscard]] Result<Bytes> empty(const record::BatchView& batch);

  FilterRules rules_;
  const OffsetMap& map_;
  const ActiveProducers& producers_;
  CleanedTransactions& transactions_;
  record::Scratch scratch_;  // for markers; other batches are made plain first
  PlainBatch plain_;
  std::vector<bool> stays_;  // of the batch at hand, record by record
  ByteVector records_;
  ByteVector result_;
  FilterCounts counts_;
};

}  // namespace moldau::storage
