// Reads producer state back from the batches of a log.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/callback.h"
#include "base/ids.h"
#include "base/result.h"
#include "storage/producer_state/producer_state.h"
#include "storage/recovery/segments.h"
#include "storage/segment/segment.h"

namespace moldau::storage {

// The marker in a control batch; nullopt: not an end-of-transaction marker, or compaction removed its record. kCorrupt.
[[nodiscard]] Result<std::optional<EndMarker>> decode_end_marker(Bytes control_batch);

struct ReplayHooks {
  // Before the first batch of a segment is applied; the state is that of everything below its base.
  Function<Result<>(Segment&)> on_segment;
  // A transaction ended by a marker in this segment.
  Function<Result<>(Segment&, const CompletedTxn&)> on_completed;
};

// Applies the batches of [from, to) to `state`, whose map_end becomes `to`. `from` need not be the begin of a batch:
// one that ends at or above it is applied whole, as in Kafka. Only headers are read, and markers. kIo, kCorrupt,
// kTruncated.
[[nodiscard]] Result<> replay_producers(Segments& segments, Offset from, Offset to, ProducerState& state,
                                        ReplayHooks& hooks);

// How far back restore_windows() reads: a producer's five unanswered requests lie at the end of the log.
inline constexpr std::uint64_t kWindowBytesRead = 8ULL << 20;

// A snapshot holds the last batch of each producer, but a retry may be of one of the last five (G6): the others are
// read from the headers of the last kWindowBytesRead of log below `upto`, the snapshot's offset. Difference to Kafka,
// which answers such a retry with OUT_OF_ORDER_SEQUENCE_NUMBER after a restart. kIo, kCorrupt, kTruncated.
[[nodiscard]] Result<> restore_windows(Segments& segments, Offset upto, ProducerState& state);

}  // namespace moldau::storage
