// What a Log is asked and what it answers: values only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/ids.h"
#include "base/result.h"
#include "runtime/fs.h"
#include "storage/producer_state/producer_origin.h"
#include "storage/recovery/open_report.h"

namespace moldau::storage {

// Why an append was refused. Nothing was written, but for kStorage, after which the log is offline.
enum class AppendRefusal : std::uint8_t {
  kOutOfOrderSequence,    // OUT_OF_ORDER_SEQUENCE_NUMBER (45)
  kInvalidProducerEpoch,  // INVALID_PRODUCER_EPOCH (47): older than one seen
  kInvalidTxnState,       // INVALID_TXN_STATE (48): a plain batch inside the producer's open transaction
  kCoordinatorFenced,     // TRANSACTION_COORDINATOR_FENCED (52): a marker of an older coordinator
  kBatchTooLarge,         // RECORD_LIST_TOO_LARGE (18): larger than segment.bytes
  kCorrupt,               // CORRUPT_MESSAGE (2): the batches given as they are do not parse or fail their CRC
  kOffsetsOutOfOrder,     // batches given as they are: offsets do not increase
  kUnexpectedOffset,      // batches given as they are: begin below the log end
  kEpochMismatch,         // kRaft: a batch of another leader epoch than the caller's
  kFenced,                // the log has damage below its durable end (G13)
  kStorage,               // KAFKA_STORAGE_ERROR (56): the write failed, or the log is offline since an earlier one
};

struct AppendError {
  AppendRefusal refusal = AppendRefusal::kStorage;
  Error cause{ErrorKind::kInvalid, "append refused"};
};

struct AppendResult {
  Offset first_offset{0};
  Offset last_offset{0};
  // kNoTimestamp, or for a duplicate the max timestamp of the batch stored first, as Kafka answers.
  std::int64_t append_time_ms = kNoTimestamp;
  bool duplicate =
      false;            // one of the producer's last five batches: nothing was written, the offsets are the first ones
  bool rolled = false;  // a new segment was begun: a good moment to sync
  std::uint64_t bytes = 0;  // written
};

// A range of one segment file. Batches follow each other from `position`; the last may be cut off by `size`.
struct Slice {
  std::shared_ptr<const runtime::File> file;  // null: nothing to read
  std::uint64_t position = 0;
  std::size_t size = 0;
  Offset base_offset{0};             // of the first batch; may lie before the offset asked for
  std::size_t first_batch_size = 0;  // > size: the first batch did not fit into the bytes asked for
  Offset segment_base{0};
  bool bound_is_later = false;  // the upper bound lies in a later segment: there is more than one read can give

  [[nodiscard]] bool empty() const noexcept { return size == 0; }
  [[nodiscard]] bool first_batch_incomplete() const noexcept { return size < first_batch_size; }
};

// A record found by its time.
struct TimestampedOffset {
  std::int64_t timestamp = kNoTimestamp;
  Offset offset = kNoOffset;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  friend bool operator==(const TimestampedOffset&, const TimestampedOffset&) = default;
};

// What a read_committed reader needs to skip an aborted transaction.
struct AbortedTransaction {
  ProducerId producer_id = kNoProducerId;
  Offset first_offset{0};
  friend bool operator==(const AbortedTransaction&, const AbortedTransaction&) = default;
};

}  // namespace moldau::storage
