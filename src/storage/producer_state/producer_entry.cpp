#include "storage/producer_state/producer_entry.h"

#include <algorithm>

namespace moldau::storage {

std::optional<StoredBatch> ProducerEntry::find_duplicate(const record::BatchHeader& batch) const noexcept {
  if (batch.producer_epoch != epoch) {
    return std::nullopt;
  }
  for (const StoredBatch& stored : batches()) {
    if (stored.first_sequence() == batch.base_sequence && stored.last_sequence == batch.last_sequence()) {
      return stored;
    }
  }
  return std::nullopt;
}

void ProducerEntry::set_epoch(ProducerEpoch next) noexcept {
  if (epoch != next) {
    epoch = next;
    count_ = 0;
  }
}

void ProducerEntry::add(const StoredBatch& batch) noexcept {
  if (count_ == kBatchesMax) {
    std::shift_left(batches_.begin(), batches_.end(), 1);
    --count_;
  }
  batches_[count_++] = batch;
}

bool operator==(const ProducerEntry& a, const ProducerEntry& b) noexcept {
  return a.epoch == b.epoch && a.coordinator_epoch == b.coordinator_epoch && a.last_timestamp == b.last_timestamp &&
         a.txn_first == b.txn_first && std::ranges::equal(a.batches(), b.batches());
}

}  // namespace moldau::storage
