#include "storage/producer_state/producer_state.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/probe.h"

namespace moldau::storage {
namespace {

constexpr ProducerEntry kUnknownProducer{};

bool checks_producers(ProducerOrigin origin) noexcept {
  return origin == ProducerOrigin::kClient || origin == ProducerOrigin::kCoordinator;
}

bool follows(std::int32_t last, std::int32_t next) noexcept {
  return next == static_cast<std::int64_t>(last) + 1 || (next == 0 && last == INT32_MAX);
}

bool sequence_fits(const ProducerEntry& entry, const record::BatchHeader& batch) noexcept {
  if (entry.epoch == kNoProducerEpoch) {
    return true;  // unknown, perhaps because retention removed its records: any sequence may come
  }
  if (batch.producer_epoch != entry.epoch) {
    return batch.base_sequence == 0;
  }
  return follows(entry.last_sequence(), batch.base_sequence);
}

// From transaction version 2 on each transaction has an epoch of its own, so a marker's must be new; but a marker that
// is written again after its transaction ended does no harm and must not fail the coordinator.
bool marker_epoch_fits(const ProducerEntry& entry, ProducerEpoch epoch, std::int16_t transaction_version) noexcept {
  if (transaction_version < 2 || epoch > entry.epoch) {
    return epoch >= entry.epoch;
  }
  return epoch == entry.epoch && (!entry.in_transaction() || epoch == ProducerEpoch(INT16_MAX));
}

}  // namespace

std::expected<std::optional<StoredBatch>, ProducerRefusal> ProducerState::check(
    const record::BatchHeader& batch, const EndMarker* marker, ProducerOrigin origin,
    std::int16_t transaction_version) const {
  if (!batch.has_producer_id() || !checks_producers(origin)) {
    return std::nullopt;
  }
  const ProducerEntry* known = find(batch.producer_id);
  const ProducerEntry& entry = known != nullptr ? *known : kUnknownProducer;
  if (batch.is_control()) {
    if (marker == nullptr) {
      return std::nullopt;
    }
    if (!marker_epoch_fits(entry, batch.producer_epoch, transaction_version)) {
      return std::unexpected(ProducerRefusal::kInvalidEpoch);
    }
    if (entry.coordinator_epoch > marker->coordinator_epoch) {
      return std::unexpected(ProducerRefusal::kCoordinatorFenced);
    }
    return std::nullopt;
  }
  if (origin == ProducerOrigin::kClient) {
    if (auto duplicate = entry.find_duplicate(batch)) {
      MOLDAU_PROBE("producer_state.duplicate");
      return duplicate;
    }
  }
  if (batch.producer_epoch < entry.epoch) {
    return std::unexpected(ProducerRefusal::kInvalidEpoch);
  }
  if (origin == ProducerOrigin::kClient && !sequence_fits(entry, batch)) {
    MOLDAU_PROBE("producer_state.out_of_order");
    return std::unexpected(ProducerRefusal::kOutOfOrderSequence);
  }
  if (entry.in_transaction() && !batch.is_transactional()) {
    return std::unexpected(ProducerRefusal::kInvalidTxnState);
  }
  return std::nullopt;
}

std::optional<CompletedTxn> ProducerState::apply(const record::BatchHeader& batch, const EndMarker* marker) {
  if (!batch.has_producer_id() || (batch.is_control() && marker == nullptr)) {
    return std::nullopt;
  }
  ProducerEntry& entry = producers_[batch.producer_id];
  entry.set_epoch(batch.producer_epoch);
  entry.last_timestamp = batch.max_timestamp;
  if (batch.is_control()) {
    entry.coordinator_epoch = marker->coordinator_epoch;
    const Offset first = std::exchange(entry.txn_first, kNoOffset);
    if (first == kNoOffset) {
      return std::nullopt;  // a marker for nothing: neither the last stable offset nor the index cares
    }
    return complete(batch.producer_id, batch, *marker, first);
  }
  entry.add({batch.last_sequence(), batch.last_offset_delta, batch.last_offset(), batch.max_timestamp});
  if (batch.is_transactional() && !entry.in_transaction() &&
      ongoing_.try_emplace(batch.base_offset, batch.producer_id).second) {
    entry.txn_first = batch.base_offset;
  }
  return std::nullopt;
}

CompletedTxn ProducerState::complete(ProducerId id, const record::BatchHeader& batch, const EndMarker& marker,
                                     Offset first) {
  ongoing_.erase(first);
  unreplicated_.insert_or_assign(first, batch.base_offset);
  const Offset last_stable = ongoing_.empty() ? batch.base_offset + 1 : ongoing_.begin()->first;
  return {id, first, batch.base_offset, marker.aborted, last_stable};
}

std::optional<Offset> ProducerState::first_unstable_offset() const noexcept {
  std::optional<Offset> first;
  if (!ongoing_.empty()) {
    first = ongoing_.begin()->first;
  }
  if (!unreplicated_.empty() && (!first || unreplicated_.begin()->first < *first)) {
    first = unreplicated_.begin()->first;
  }
  return first;
}

void ProducerState::on_high_watermark(Offset high_watermark) {
  if (!unreplicated_.empty()) {
    std::erase_if(unreplicated_, [&](const auto& txn) { return txn.second < high_watermark; });
  }
}

void ProducerState::reset(Offset start) {
  producers_.clear();
  ongoing_.clear();
  unreplicated_.clear();
  map_end_ = start;
}

void ProducerState::load(std::vector<std::pair<ProducerId, ProducerEntry>> entries, Offset end) {
  reset(end);
  producers_.reserve(entries.size());
  for (auto& [id, entry] : entries) {
    const auto [it, inserted] = producers_.try_emplace(id, entry);
    // No two transactions begin with one record; a snapshot that says so does not get into our map.
    if (inserted && entry.in_transaction() && !ongoing_.try_emplace(entry.txn_first, id).second) {
      it->second.txn_first = kNoOffset;
    }
  }
}

void ProducerState::restore_window(ProducerId id, std::span<const StoredBatch> batches) {
  const auto it = producers_.find(id);
  if (it == producers_.end() || it->second.batches().size() != 1 || batches.empty()) {
    return;
  }
  ProducerEntry& entry = it->second;
  const StoredBatch known = entry.batches().front();
  if (batches.back().last_offset != known.last_offset || batches.back().last_sequence != known.last_sequence) {
    return;
  }
  entry.forget_batches();
  for (const StoredBatch& batch : batches) {
    entry.add(batch);
  }
}

std::vector<std::pair<ProducerId, ProducerEntry>> ProducerState::sorted_entries() const {
  std::vector<std::pair<ProducerId, ProducerEntry>> entries(producers_.begin(), producers_.end());
  std::ranges::sort(entries, {}, [](const auto& entry) { return entry.first; });
  return entries;
}

void ProducerState::expire(std::int64_t now_ms, std::int64_t expiration_ms) {
  const std::int64_t bound = now_ms - expiration_ms;
  std::erase_if(producers_, [&](const auto& producer) {
    return !producer.second.in_transaction() && producer.second.last_timestamp <= bound;
  });
}

const ProducerEntry* ProducerState::find(ProducerId id) const noexcept {
  const auto it = producers_.find(id);
  return it == producers_.end() ? nullptr : &it->second;
}

void ProducerState::check_invariants() const {
  std::size_t open = 0;
  for (const auto& [id, entry] : producers_) {
    if (entry.in_transaction()) {
      ++open;
      const auto it = ongoing_.find(entry.txn_first);
      MOLDAU_ASSERT(it != ongoing_.end() && it->second == id, id.value(), entry.txn_first.value());
    }
  }
  MOLDAU_ASSERT(open == ongoing_.size(), static_cast<std::int64_t>(open));
}

}  // namespace moldau::storage
