// A record batch (magic 2) as it lies in frames and segments: its header, a view of its bytes, a walk over many.
//
// Shapes:  all integers big-endian; a batch is 61 bytes of header and a body of records, compressed as a whole or not.
// Errors:  parse and the iterator treat their bytes as hostile: every length is checked before it is used.
//          kTruncated: the bytes end inside the batch; kCorrupt: impossible length or magic;
//          kUnsupported: magic 0 or 1 (message formats before Kafka 0.11, which 4.x does not accept either).
// Source:  org.apache.kafka.common.record DefaultRecordBatch, ByteBufferLogInputStream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "protocol/record/batch_format.h"
#include "protocol/record/codec.h"

namespace moldau::record {

enum class TimestampType : std::uint8_t { kCreateTime = 0, kLogAppendTime = 1 };

// Sequence numbers wrap from 2^31-1 to 0. `sequence` and `count` are not negative.
[[nodiscard]] constexpr std::int32_t increment_sequence(std::int32_t sequence, std::int32_t count) noexcept {
  return static_cast<std::int32_t>((static_cast<std::uint32_t>(sequence) + static_cast<std::uint32_t>(count)) &
                                   0x7fff'ffffU);
}
[[nodiscard]] constexpr std::int32_t decrement_sequence(std::int32_t sequence, std::int32_t count) noexcept {
  return static_cast<std::int32_t>((static_cast<std::uint32_t>(sequence) - static_cast<std::uint32_t>(count)) &
                                   0x7fff'ffffU);
}

// The 61 bytes, decoded. Values are as found: only parse()'s own checks were made.
struct BatchHeader {
  Offset base_offset{0};
  std::int32_t length = 0;  // size_bytes() - 12
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  std::uint32_t crc = 0;
  std::uint16_t attributes = 0;
  std::int32_t last_offset_delta = 0;
  std::int64_t base_timestamp = kNoTimestamp;  // the delete horizon, if that bit is set
  std::int64_t max_timestamp = kNoTimestamp;   // under LogAppendTime: the time of every record
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch producer_epoch = kNoProducerEpoch;
  std::int32_t base_sequence = kNoSequence;
  std::int32_t record_count = 0;

  // Reads the header at the front of `bytes`, which may end before the batch does. length >= 49 is checked.
  [[nodiscard]] static Result<BatchHeader> parse(Bytes bytes) noexcept;
  // The same without checks: the caller knows that 61 bytes of a magic 2 batch are there.
  [[nodiscard]] static BatchHeader load(const std::byte* from) noexcept;
  // Writes all 61 bytes, `crc` as it stands here.
  void store(std::byte* to) const noexcept;

  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return kLogOverheadBytes + static_cast<std::size_t>(static_cast<std::uint32_t>(length));
  }
  [[nodiscard]] std::uint8_t codec_id() const noexcept { return attributes & kCodecMask; }
  [[nodiscard]] std::optional<Codec> codec() const noexcept { return codec_from_id(codec_id()); }
  [[nodiscard]] bool is_compressed() const noexcept { return codec_id() != 0; }
  [[nodiscard]] TimestampType timestamp_type() const noexcept {
    return (attributes & kLogAppendTimeBit) != 0 ? TimestampType::kLogAppendTime : TimestampType::kCreateTime;
  }
  [[nodiscard]] bool is_transactional() const noexcept { return (attributes & kTransactionalBit) != 0; }
  [[nodiscard]] bool is_control() const noexcept { return (attributes & kControlBit) != 0; }
  [[nodiscard]] bool has_delete_horizon() const noexcept { return (attributes & kDeleteHorizonBit) != 0; }
  [[nodiscard]] bool has_producer_id() const noexcept { return producer_id > kNoProducerId; }

  // Offsets from a hostile header wrap, as in Java; a checked batch's do not.
  [[nodiscard]] Offset offset_at(std::int32_t delta) const noexcept {
    return Offset(static_cast<std::int64_t>(static_cast<std::uint64_t>(base_offset.value()) +
                                            static_cast<std::uint64_t>(static_cast<std::int64_t>(delta))));
  }
  [[nodiscard]] Offset last_offset() const noexcept { return offset_at(last_offset_delta); }
  [[nodiscard]] Offset next_offset() const noexcept {
    return Offset(static_cast<std::int64_t>(static_cast<std::uint64_t>(last_offset().value()) + 1));
  }
  [[nodiscard]] std::int32_t last_sequence() const noexcept {
    return base_sequence == kNoSequence ? kNoSequence : increment_sequence(base_sequence, last_offset_delta);
  }
  // The time of a record with this delta.
  [[nodiscard]] std::int64_t timestamp_at(std::int64_t delta) const noexcept {
    return timestamp_type() == TimestampType::kLogAppendTime
               ? max_timestamp
               : static_cast<std::int64_t>(static_cast<std::uint64_t>(base_timestamp) +
                                           static_cast<std::uint64_t>(delta));
  }

  friend bool operator==(const BatchHeader&, const BatchHeader&) noexcept = default;
};

// Exactly one batch. The bytes belong to someone else and must outlive the view.
struct BatchView {
  BatchHeader header;
  Bytes bytes;  // header.size_bytes() of them

  // The batch at the front of `bytes`, which may hold more behind it. O(1); the CRC is not checked.
  [[nodiscard]] static Result<BatchView> parse(Bytes bytes) noexcept;

  [[nodiscard]] Bytes body() const noexcept {
    return bytes.subspan(kBatchHeaderBytes);
  }  // the records, maybe compressed
  [[nodiscard]] std::uint32_t computed_crc() const noexcept;  // O(size)
  [[nodiscard]] bool crc_matches() const noexcept { return computed_crc() == header.crc; }
};

// What stands at the front of bytes that should hold batches, of any magic.
enum class Framing : std::uint8_t {
  kBatch,    // a whole batch or old message set of `size_bytes`
  kPartial,  // the bytes end before the batch does, or there are none
  kCorrupt,  // a length below 14, or a magic that never existed
};
struct FrameStep {
  Framing framing = Framing::kPartial;
  std::int8_t magic = 0;
  std::size_t size_bytes = 0;  // of a kBatch
};
[[nodiscard]] FrameStep next_frame(Bytes bytes) noexcept;

// Walks the batches that lie one behind the other in a buffer: part of a segment, a fetched answer.
//   BatchIterator batches(bytes);
//   for (;;) { MOLDAU_TRY(batch, batches.next()); if (!batch) break; … }
class BatchIterator {
 public:
  explicit BatchIterator(Bytes bytes) noexcept : bytes_(bytes) {}

  // The next whole batch; nullopt at the end, where tail() is empty or the beginning of a batch that was cut off.
  // After an error tail() begins with the offending bytes, and every further call gives the same error.
  [[nodiscard]] Result<std::optional<BatchView>> next() noexcept;

  [[nodiscard]] std::size_t position() const noexcept { return position_; }  // bytes of whole batches given so far
  [[nodiscard]] Bytes tail() const noexcept { return bytes_.subspan(position_); }

 private:
  Bytes bytes_;
  std::size_t position_ = 0;
};

}  // namespace moldau::record
