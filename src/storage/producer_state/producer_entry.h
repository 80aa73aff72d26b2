// What one partition knows of one producer id.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/ids.h"
#include "protocol/record/batch.h"

namespace moldau::storage {

// One of the last batches, by which a retry is recognised.
struct StoredBatch {
  std::int32_t last_sequence = kNoSequence;
  std::int32_t offset_delta = 0;  // last offset - first offset
  Offset last_offset{0};
  std::int64_t timestamp = kNoTimestamp;  // the batch's largest

  [[nodiscard]] Offset first_offset() const noexcept { return last_offset - offset_delta; }
  [[nodiscard]] std::int32_t first_sequence() const noexcept {
    return record::decrement_sequence(last_sequence, offset_delta);
  }
  friend bool operator==(const StoredBatch&, const StoredBatch&) = default;
};

// Source: ProducerStateEntry. The batches are those of `epoch`, oldest first.
class ProducerEntry {
 public:
  static constexpr std::size_t kBatchesMax = 5;  // max.in.flight.requests.per.connection of an idempotent producer

  ProducerEpoch epoch = kNoProducerEpoch;
  std::int32_t coordinator_epoch = -1;         // of the last marker
  std::int64_t last_timestamp = kNoTimestamp;  // of the last batch or marker; it expires by this
  Offset txn_first = kNoOffset;                // of the open transaction; -1: none

  [[nodiscard]] std::span<const StoredBatch> batches() const noexcept { return {batches_.data(), count_}; }
  [[nodiscard]] std::int32_t last_sequence() const noexcept {
    return count_ == 0 ? kNoSequence : batches_[count_ - 1U].last_sequence;
  }
  [[nodiscard]] bool in_transaction() const noexcept { return txn_first != kNoOffset; }
  // The stored batch with exactly these sequences under this epoch.
  [[nodiscard]] std::optional<StoredBatch> find_duplicate(const record::BatchHeader& batch) const noexcept;

  void set_epoch(ProducerEpoch next) noexcept;  // another epoch forgets the batches
  void add(const StoredBatch& batch) noexcept;  // the oldest gives way
  void forget_batches() noexcept { count_ = 0; }

  friend bool operator==(const ProducerEntry& a, const ProducerEntry& b) noexcept;

 private:
  std::array<StoredBatch, kBatchesMax> batches_{};
  std::uint8_t count_ = 0;
};

}  // namespace moldau::storage
