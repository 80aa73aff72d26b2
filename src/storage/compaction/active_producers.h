// The producers that a log still knows, as compaction must leave them: what tells a retry from a new batch, and an old
// epoch from the present one, is read back from the batches themselves after a restart.
#pragma once

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "protocol/record/batch.h"

namespace moldau::storage {

struct ActiveProducer {
  ProducerEpoch epoch = kNoProducerEpoch;
  std::vector<Offset> last_offsets;  // of the batches that it may still retry; none: only a marker is known
};

using ActiveProducers = std::unordered_map<ProducerId, ActiveProducer>;

// True if the batch stays, emptied if need be, because a producer's state hangs on it. Source: Cleaner.cleanInto.
// Difference: all batches that a retry may name stay (at most five), where Kafka keeps the last (G6).
[[nodiscard]] inline bool holds_producer_state(const ActiveProducers& producers, const record::BatchHeader& batch) {
  if (!batch.has_producer_id()) {
    return false;
  }
  const auto found = producers.find(batch.producer_id);
  if (found == producers.end()) {
    return false;
  }
  const ActiveProducer& producer = found->second;
  return producer.last_offsets.empty()
             ? batch.is_control() && batch.producer_epoch == producer.epoch
             : std::ranges::find(producer.last_offsets, batch.last_offset()) != producer.last_offsets.end();
}

}  // namespace moldau::storage
