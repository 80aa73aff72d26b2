// ProducerState: who produced what to a partition last: sequences against duplicates and gaps (KIP-98), epochs against
// zombies, open transactions for the last stable offset.
//
// Shard:      owned by its Log; deterministic, no I/O; times come in as arguments.
// Invariants: S1  each producer with an open transaction has exactly one entry in ongoing(), at its first offset.
//             S2  at most ProducerEntry::kBatchesMax batches per producer, all of its present epoch.
//             S3  it is the state of the records below map_end() (older producers within their expiry).
// Bound:      ~180 bytes per producer id used within producer.id.expiration.ms, as in Kafka; check O(1), apply O(1) for
//             data, O(log transactions) for markers.
// Source:     ProducerStateManager, ProducerAppendInfo. Differences: a batch is checked first and applied after it was
//             written; applying never refuses, so that a log which another program wrote can always be loaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "protocol/record/batch.h"
#include "storage/producer_state/producer_entry.h"
#include "storage/producer_state/producer_origin.h"

namespace moldau::storage {

// What the control record of an end-of-transaction marker says.
struct EndMarker {
  bool aborted = false;
  std::int32_t coordinator_epoch = 0;
};

// A transaction that a marker ended.
struct CompletedTxn {
  ProducerId producer_id = kNoProducerId;
  Offset first_offset{0};
  Offset last_offset{0};  // of the marker
  bool aborted = false;
  Offset last_stable_offset{0};  // with this transaction out of the way
  friend bool operator==(const CompletedTxn&, const CompletedTxn&) = default;
};

enum class ProducerRefusal : std::uint8_t {
  kOutOfOrderSequence,  // a gap, or a first sequence other than 0 under a new epoch
  kInvalidEpoch,        // older than the producer's newest (transaction version 2: a marker must be newer)
  kInvalidTxnState,     // a plain batch inside the producer's open transaction
  kCoordinatorFenced,   // a marker of an older coordinator epoch
};

class ProducerState {
 public:
  // May this batch be appended? A value is the batch it duplicates (kClient alone). `marker` is null for data, and for
  // a control batch whose records compaction removed. Batches without a producer id are always fine. Changes nothing.
  [[nodiscard]] std::expected<std::optional<StoredBatch>, ProducerRefusal> check(
      const record::BatchHeader& batch, const EndMarker* marker, ProducerOrigin origin,
      std::int16_t transaction_version) const;

  // The batch is in the log. For a marker that ends a transaction: what it ended.
  std::optional<CompletedTxn> apply(const record::BatchHeader& batch, const EndMarker* marker);

  // --- last stable offset ---

  // The first offset of the oldest transaction that is open, or whose marker does not lie below the high watermark yet.
  [[nodiscard]] std::optional<Offset> first_unstable_offset() const noexcept;
  void on_high_watermark(Offset high_watermark);

  // --- where it stands ---

  [[nodiscard]] Offset map_end() const noexcept { return map_end_; }
  void set_map_end(Offset end) noexcept { map_end_ = end; }

  // Empty, as of a log that begins at `start`.
  void reset(Offset start);
  // From a snapshot at `end`.
  void load(std::vector<std::pair<ProducerId, ProducerEntry>> entries, Offset end);
  // The batches of a producer that a snapshot knows by its last one only; taken if that one is the last of them.
  void restore_window(ProducerId id, std::span<const StoredBatch> batches);
  // All producers in the order of their ids, for a snapshot.
  [[nodiscard]] std::vector<std::pair<ProducerId, ProducerEntry>> sorted_entries() const;

  // Forgets producers outside of transactions whose last write is `expiration_ms` old.
  void expire(std::int64_t now_ms, std::int64_t expiration_ms);

  [[nodiscard]] const ProducerEntry* find(ProducerId id) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return producers_.size(); }
  [[nodiscard]] const std::map<Offset, ProducerId>& ongoing() const noexcept { return ongoing_; }
  [[nodiscard]] bool empty() const noexcept { return producers_.empty() && unreplicated_.empty(); }

  void check_invariants() const;

 private:
  CompletedTxn complete(ProducerId id, const record::BatchHeader& batch, const EndMarker& marker, Offset first);

  std::unordered_map<ProducerId, ProducerEntry> producers_;
  std::map<Offset, ProducerId> ongoing_;   // by first offset
  std::map<Offset, Offset> unreplicated_;  // ended, marker not below the high watermark: first offset -> marker's
  Offset map_end_{0};
};

}  // namespace moldau::storage
