#include "protocol/record/batch_builder.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "base/crc32c.h"
#include "protocol/record/compression.h"
#include "protocol/record/record_encoding.h"
#include "protocol/record/varint.h"

namespace moldau::record {
namespace {

std::size_t body_size(const RecordFields& record, std::int64_t timestamp_delta, std::int32_t offset_delta) noexcept {
  std::size_t size = 1 + varlong_size(timestamp_delta) + varlong_size(offset_delta) + field_size(record.key) +
                     field_size(record.value) + varlong_size(static_cast<std::int64_t>(record.headers.size()));
  for (const HeaderView& header : record.headers) {
    size += field_size(as_bytes(header.key)) + field_size(header.value);
  }
  return size;
}

}  // namespace

BatchBuilder::BatchBuilder(const BatchOptions& options) : options_(options), bytes_(kBatchHeaderBytes) {
  MOLDAU_ASSERT(!options.compression_level || is_valid_level(options.codec, *options.compression_level));
}

void BatchBuilder::append(const RecordFields& record, std::int32_t skipped) {
  MOLDAU_ASSERT(skipped >= 0 && next_delta_ <= std::numeric_limits<std::int32_t>::max() - 1 - skipped, skipped);
  if (record_count_ == 0) {
    base_timestamp_ = options_.delete_horizon_ms.value_or(record.timestamp);
  }
  max_timestamp_ = std::max(max_timestamp_, record.timestamp);
  const std::int64_t timestamp_delta = wrapping_subtract(record.timestamp, base_timestamp_);
  const std::int32_t offset_delta = next_delta_ + skipped;
  const std::size_t body = body_size(record, timestamp_delta, offset_delta);
  const std::size_t begin = bytes_.size();
  bytes_.resize(begin + varlong_size(static_cast<std::int64_t>(body)) + body);
  std::byte* to = write_varlong(bytes_.data() + begin, static_cast<std::int64_t>(body));
  *to++ = std::byte{0};
  to = write_varlong(to, timestamp_delta);
  to = write_varlong(to, offset_delta);
  to = write_field(to, record.key);
  to = write_field(to, record.value);
  to = write_varlong(to, static_cast<std::int64_t>(record.headers.size()));
  for (const HeaderView& header : record.headers) {
    to = write_field(to, as_bytes(header.key));
    to = write_field(to, header.value);
  }
  MOLDAU_ASSERT(to == bytes_.data() + bytes_.size());
  next_delta_ = offset_delta + 1;
  ++record_count_;
}

void BatchBuilder::append_control(std::int64_t timestamp, ControlRecordType type, Bytes value) {
  MOLDAU_ASSERT(options_.is_control);
  const ControlRecordKey key = control_record_key(type);
  append({.timestamp = timestamp, .key = Bytes(key), .value = value});
}

Result<ByteVector> BatchBuilder::build() {
  if (bytes_.size() > std::numeric_limits<std::int32_t>::max()) {
    return fail(ErrorKind::kTooLarge, "record batch", 0, static_cast<std::int64_t>(bytes_.size()));
  }
  if (options_.codec != Codec::kNone && record_count_ > 0) {
    const Bytes records = Bytes(bytes_).subspan(kBatchHeaderBytes);
    ByteVector compressed(kBatchHeaderBytes);
    compress(options_.codec, options_.compression_level.value_or(level_range(options_.codec).standard), records,
             compressed);
    bytes_ = std::move(compressed);
  }
  if (bytes_.size() > std::numeric_limits<std::int32_t>::max()) {
    return fail(ErrorKind::kTooLarge, "record batch", 0, static_cast<std::int64_t>(bytes_.size()));
  }
  const bool appends_time = options_.timestamp_type == TimestampType::kLogAppendTime;
  const std::int32_t last_delta =
      std::max(record_count_ == 0 ? 0 : next_delta_ - 1, options_.last_offset_delta.value_or(0));
  const auto attributes = static_cast<std::uint16_t>(
      (record_count_ > 0 ? static_cast<unsigned>(options_.codec) : 0U) | (appends_time ? kLogAppendTimeBit : 0U) |
      (options_.is_transactional ? kTransactionalBit : 0U) | (options_.is_control ? kControlBit : 0U) |
      (options_.delete_horizon_ms ? kDeleteHorizonBit : 0U));
  BatchHeader header{.base_offset = options_.base_offset,
                     .length = static_cast<std::int32_t>(bytes_.size() - kLogOverheadBytes),
                     .leader_epoch = options_.leader_epoch,
                     .attributes = attributes,
                     .last_offset_delta = last_delta,
                     .base_timestamp = base_timestamp_,
                     .max_timestamp = appends_time ? options_.log_append_time : max_timestamp_,
                     .producer_id = options_.producer_id,
                     .producer_epoch = options_.producer_epoch,
                     .base_sequence = options_.base_sequence,
                     .record_count = record_count_};
  header.store(bytes_.data());
  store_be(bytes_.data() + kCrcAt, crc32c(Bytes(bytes_).subspan(kAttributesAt)));
  return std::move(bytes_);
}

ByteVector build_end_txn_marker(Offset base_offset, LeaderEpoch leader_epoch, std::int64_t timestamp,
                                ProducerId producer_id, ProducerEpoch producer_epoch, ControlRecordType type,
                                EndTxnMarker marker) {
  MOLDAU_ASSERT(type == ControlRecordType::kCommit || type == ControlRecordType::kAbort);
  BatchBuilder builder({.base_offset = base_offset,
                        .leader_epoch = leader_epoch,
                        .producer_id = producer_id,
                        .producer_epoch = producer_epoch,
                        .is_transactional = true,
                        .is_control = true});
  builder.append_control(timestamp, type, marker.encode());
  return *builder.build();  // a few bytes: never too large
}

}  // namespace moldau::record
