// <offset>.snapshot: the producer state of the records below `offset`, so that a start need not read the whole log.
//
// Shapes:  int16 version (1), uint32 CRC-32C of all that follows it, the entries. Of a producer's batches only the last
// is
//          kept, as in Kafka; restore_windows() reads the others from the log.
// Errors:  parse: kCorrupt, kTruncated, kUnsupported: the file is of no use and an older one, or the log, takes its
// place. Bound:   46 bytes per producer; files above kProducerSnapshotBytesMax are refused when read. Source:
// ProducerStateManager.readSnapshot/writeSnapshot, ProducerSnapshot version 1. Difference: sorted by producer id.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "storage/producer_state/producer_state.h"

namespace moldau::storage {

inline constexpr std::uint64_t kProducerSnapshotBytesMax = 1ULL << 30;

[[nodiscard]] ByteVector encode_producer_snapshot(const ProducerState& state);

using ProducerEntries = std::vector<std::pair<ProducerId, ProducerEntry>>;
[[nodiscard]] Result<ProducerEntries> parse_producer_snapshot(Bytes content);

}  // namespace moldau::storage
