// Builds one record batch: for coordinators, raft, tools and tests. The produce path never builds.
//
//   BatchBuilder builder({.codec = Codec::kLz4});
//   builder.append({.timestamp = now_ms, .key = key, .value = value});
//   MOLDAU_TRY(batch, builder.build());
//
// Invariants: 1. the records' offsets count up from base_offset, one each, unless the options say where the last lies;
//             2. base timestamp is the first record's, max timestamp the greatest, as Kafka's builder sets them; under
//                LogAppendTime the max timestamp is the one in the options.
// Bound:      the caller watches size_bytes(), which is exact without compression and an upper estimate with it.
// Source:     org.apache.kafka.common.record MemoryRecordsBuilder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/ids.h"
#include "protocol/record/batch.h"
#include "protocol/record/control_record.h"
#include "protocol/record/record.h"

namespace moldau::record {

struct BatchOptions {
  Offset base_offset{0};
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  Codec codec = Codec::kNone;
  std::optional<int> compression_level = std::nullopt;  // the codec's standard one if absent
  TimestampType timestamp_type = TimestampType::kCreateTime;
  std::int64_t log_append_time = kNoTimestamp;  // of kLogAppendTime
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch producer_epoch = kNoProducerEpoch;
  std::int32_t base_sequence = kNoSequence;
  bool is_transactional = false;
  bool is_control = false;
  std::optional<std::int64_t> delete_horizon_ms = std::nullopt;
  // Where compaction removed records at the end, the batch still covers their offsets.
  std::optional<std::int32_t> last_offset_delta = std::nullopt;
};

struct RecordFields {
  std::int64_t timestamp = kNoTimestamp;
  std::optional<Bytes> key = std::nullopt;
  std::optional<Bytes> value = std::nullopt;
  std::span<const HeaderView> headers = {};
};

class BatchBuilder {
 public:
  explicit BatchBuilder(const BatchOptions& options = {});

  // Adds a record at the next offset, or `skipped` offsets later.
  void append(const RecordFields& record, std::int32_t skipped = 0);
  // Adds a control record; the options say is_control.
  void append_control(std::int64_t timestamp, ControlRecordType type, Bytes value);

  [[nodiscard]] std::int32_t record_count() const noexcept { return record_count_; }
  [[nodiscard]] Offset next_offset() const noexcept { return options_.base_offset + next_delta_; }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return bytes_.size(); }

  // The finished batch, CRC included. No record: a header alone, as compaction leaves it for a producer's last
  // sequence. kTooLarge: above 2^31-1 bytes. The builder is spent.
  [[nodiscard]] Result<ByteVector> build();

 private:
  BatchOptions options_;
  ByteVector bytes_;  // 61 bytes for the header, then the plain records
  std::int64_t base_timestamp_ = kNoTimestamp;
  std::int64_t max_timestamp_ = kNoTimestamp;
  std::int32_t next_delta_ = 0;
  std::int32_t record_count_ = 0;
};

// A batch of one end-of-transaction marker, as a coordinator writes it into a data partition.
[[nodiscard]] ByteVector build_end_txn_marker(Offset base_offset, LeaderEpoch leader_epoch, std::int64_t timestamp,
                                              ProducerId producer_id, ProducerEpoch producer_epoch,
                                              ControlRecordType type, EndTxnMarker marker);

}  // namespace moldau::record
