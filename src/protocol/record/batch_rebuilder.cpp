#include "protocol/record/batch_rebuilder.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "base/crc32c.h"
#include "protocol/record/compressor.h"
#include "protocol/record/record_encoding.h"
#include "protocol/record/varint.h"

namespace moldau::record {
namespace {

std::size_t headers_size(const RecordView& record) noexcept {
  std::size_t size = varlong_size(record.header_count);
  HeaderIterator headers = record.headers();
  while (const auto header = headers.next()) {
    size += field_size(as_bytes(header->key)) + field_size(header->value);
  }
  return size;
}

}  // namespace

BatchRebuilder::BatchRebuilder(const BatchHeader& source, const TargetCompression& target, Scratch& scratch,
                               std::size_t plain_hint, std::int64_t bytes_max)
    : source_(source), target_(target), scratch_(scratch), bytes_max_(bytes_max) {
  scratch.trim();
  if (!scratch.compressor_) {
    scratch.compressor_ = std::make_unique<Compressor>();
  }
  scratch.rebuilt_.resize(kBatchHeaderBytes);
  scratch.compressor_->start(target.codec, target.level, plain_hint, scratch.rebuilt_);
}

BatchRebuilder::~BatchRebuilder() {
  scratch_.work_total_ += plain_bytes_;
}

bool BatchRebuilder::is_unbuildable() const noexcept {
  const bool has_id = source_.producer_id != kNoProducerId;
  return met_negative_time_ || (source_.is_transactional() && !has_id) ||
         (has_id && (source_.producer_epoch == kNoProducerEpoch || source_.base_sequence < 0));
}

bool BatchRebuilder::outgrew() noexcept {
  outgrew_ = outgrew_ || std::cmp_greater(scratch_.rebuilt_.size(), bytes_max_);
  return outgrew_;
}

void BatchRebuilder::write_field(const std::optional<Bytes>& field) {
  std::array<std::byte, kVarlongBytesMax> size;
  const std::byte* const end = write_varlong(size.data(), field ? static_cast<std::int64_t>(field->size()) : -1);
  scratch_.compressor_->write(Bytes(size.data(), end));
  if (field) {
    scratch_.compressor_->write(*field);
  }
}

void BatchRebuilder::add(const RecordView& record, std::int64_t timestamp) {
  met_negative_time_ = met_negative_time_ || timestamp < kNoTimestamp;
  if (met_negative_time_ || outgrew()) {
    return;  // it is refused whatever follows
  }
  if (count_ == 0) {
    base_timestamp_ = timestamp;
  }
  max_timestamp_ = std::max(max_timestamp_, timestamp);
  const std::int64_t delta = wrapping_subtract(timestamp, base_timestamp_);
  const std::size_t body = 1 + varlong_size(delta) + varlong_size(count_) + field_size(record.key) +
                           field_size(record.value) + headers_size(record);
  std::array<std::byte, 1 + 3 * kVarlongBytesMax> prefix;
  std::byte* to = write_varlong(prefix.data(), static_cast<std::int64_t>(body));
  *to++ = std::byte{0};
  to = write_varlong(to, delta);
  to = write_varlong(to, count_);
  scratch_.compressor_->write(Bytes(prefix.data(), to));
  write_field(record.key);
  write_field(record.value);
  to = write_varlong(prefix.data(), record.header_count);
  scratch_.compressor_->write(Bytes(prefix.data(), to));
  HeaderIterator headers = record.headers();
  while (const auto header = headers.next()) {
    write_field(as_bytes(header->key));
    write_field(header->value);
  }
  plain_bytes_ += varlong_size(static_cast<std::int64_t>(body)) + body;
  ++count_;
}

bool BatchRebuilder::finish(TimestampType type, std::int64_t append_time) {
  MOLDAU_ASSERT(!is_unbuildable());
  if (outgrew()) {
    return false;
  }
  MOLDAU_ASSERT(count_ > 0);
  scratch_.compressor_->finish();
  if (outgrew()) {
    return false;
  }
  const bool appends_time = type == TimestampType::kLogAppendTime;
  ByteVector& batch = scratch_.rebuilt_;
  const auto attributes =
      static_cast<std::uint16_t>(static_cast<unsigned>(target_.codec) | (appends_time ? kLogAppendTimeBit : 0U) |
                                 (source_.attributes & kTransactionalBit));
  BatchHeader header = source_;
  header.base_offset = Offset(0);
  header.length = static_cast<std::int32_t>(batch.size() - kLogOverheadBytes);
  header.attributes = attributes;
  header.last_offset_delta = count_ - 1;
  header.base_timestamp = base_timestamp_;
  header.max_timestamp = appends_time ? append_time : max_timestamp_;
  header.record_count = count_;
  header.store(batch.data());
  store_be(batch.data() + kCrcAt, crc32c(Bytes(batch).subspan(kAttributesAt)));
  return true;
}

}  // namespace moldau::record
