#include "storage/compaction/batch_filter.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/probe.h"
#include "protocol/record/compression.h"
#include "protocol/record/record_encoding.h"
#include "protocol/record/record_walker.h"
#include "protocol/record/varint.h"

namespace moldau::storage {
namespace {

// The same record under another base timestamp.
void append_record(ByteVector& out, const record::RecordView& record, std::int64_t timestamp_delta) {
  const std::size_t body = 1 + record::varlong_size(timestamp_delta) + record::varlong_size(record.offset_delta) +
                           record::field_size(record.key) + record::field_size(record.value) +
                           record::varlong_size(record.header_count) + record.header_bytes.size();
  const std::size_t begin = out.size();
  out.resize(begin + record::varlong_size(static_cast<std::int64_t>(body)) + body);
  std::byte* to = record::write_varlong(out.data() + begin, static_cast<std::int64_t>(body));
  *to++ = std::byte{0};
  to = record::write_varlong(to, timestamp_delta);
  to = record::write_varlong(to, record.offset_delta);
  to = record::write_field(to, record.key);
  to = record::write_field(to, record.value);
  to = record::write_varlong(to, record.header_count);
  to = record::write_raw(to, record.header_bytes);
  MOLDAU_ASSERT(to == out.data() + out.size());
}

void seal(ByteVector& batch, record::BatchHeader header) {
  header.length = static_cast<std::int32_t>(batch.size() - record::kLogOverheadBytes);
  header.store(batch.data());
  store_be(batch.data() + record::kCrcAt, crc32c(Bytes(batch).subspan(record::kAttributesAt)));
}

Result<> check_crc(const record::BatchView& batch) {
  if (!batch.crc_matches()) {
    return fail(ErrorKind::kCorrupt, "batch fails its checksum", 0, batch.header.base_offset.value());
  }
  return {};
}

}  // namespace

struct BatchFilter::Survey {
  std::int32_t records = 0;
  std::int32_t kept = 0;
  bool tombstones = false;  // among those kept
  std::int64_t first_timestamp = kNoTimestamp;
  std::int64_t max_timestamp = kNoTimestamp;
};

bool BatchFilter::keeps(const record::BatchHeader& batch, const record::RecordView& record) {
  const Offset offset = batch.offset_at(record.offset_delta);
  if (offset > map_.latest()) {
    return true;
  }
  if (!record.key) {
    ++counts_.records_without_key;
    return false;
  }
  if (offset < map_.get(*record.key)) {
    return false;
  }
  return record.value || !batch.has_delete_horizon() || rules_.now_ms < batch.base_timestamp;
}

Result<BatchFilter::Survey> BatchFilter::survey(const record::BatchView& plain, bool discard_records) {
  Survey found;
  stays_.clear();
  record::RecordWalker walker(plain, scratch_, rules_.decompressed_bytes_max);
  while (const record::RecordView* record = walker.next()) {
    const bool stays = !discard_records && (plain.header.is_control() || keeps(plain.header, *record));
    stays_.push_back(stays);
    ++found.records;
    if (!stays) {
      continue;
    }
    const std::int64_t timestamp = plain.header.timestamp_at(record->timestamp_delta);
    if (found.kept == 0) {
      found.first_timestamp = timestamp;
    }
    found.max_timestamp = std::max(found.max_timestamp, timestamp);
    found.tombstones |= !record->value;
    ++found.kept;
  }
  if (!walker.ok()) {
    return std::unexpected(walker.error());
  }
  return found;
}

Result<Bytes> BatchFilter::filter(const record::BatchView& batch) {
  const record::BatchHeader& header = batch.header;
  bool discard_records = false;
  bool marker_without_records = false;
  if (header.is_control()) {
    MOLDAU_TRY(may_go, transactions_.on_control(batch, scratch_));
    marker_without_records = may_go;
    discard_records = may_go && header.has_delete_horizon() && header.base_timestamp <= rules_.now_ms;
  } else {
    discard_records = transactions_.on_data(header);
  }
  const bool stays_empty = holds_producer_state(producers_, header) || header.next_offset() == rules_.upper_bound;
  if (discard_records && !stays_empty) {
    MOLDAU_CHECK(check_crc(batch));
    counts_.records_read += static_cast<std::uint32_t>(std::max(0, header.record_count));
    return Bytes{};
  }
  MOLDAU_TRY(plain, plain_.open(batch, rules_.decompressed_bytes_max));
  MOLDAU_TRY(found, survey(plain, discard_records));
  counts_.records_read += static_cast<std::uint32_t>(found.records);
  counts_.records_kept += static_cast<std::uint32_t>(found.kept);
  if (found.kept > 0) {
    const bool sets_horizon = (found.tombstones || marker_without_records) && !header.has_delete_horizon();
    if (found.kept == found.records && !sets_horizon) {
      return batch.bytes;
    }
    std::optional<std::int64_t> horizon;
    if (sets_horizon) {
      MOLDAU_PROBE("compaction.horizon_set");
      horizon = rules_.now_ms > INT64_MAX - rules_.delete_retention_ms ? INT64_MAX
                                                                       : rules_.now_ms + rules_.delete_retention_ms;
    } else if (header.has_delete_horizon()) {
      horizon = header.base_timestamp;
    }
    return rebuild(batch, plain, found, horizon);
  }
  MOLDAU_CHECK(check_crc(batch));
  if (!stays_empty) {
    return Bytes{};
  }
  return empty(batch);
}

Result<Bytes> BatchFilter::rebuild(const record::BatchView& batch, const record::BatchView& plain, const Survey& survey,
                                   std::optional<std::int64_t> delete_horizon) {
  MOLDAU_CHECK(check_crc(batch));
  const std::int64_t base_timestamp = delete_horizon.value_or(survey.first_timestamp);
  records_.clear();
  record::RecordWalker walker(plain, scratch_, rules_.decompressed_bytes_max);
  for (std::size_t i = 0; const record::RecordView* record = walker.next(); ++i) {
    if (stays_[i]) {
      append_record(records_, *record,
                    record::wrapping_subtract(plain.header.timestamp_at(record->timestamp_delta), base_timestamp));
    }
  }
  MOLDAU_ASSERT(walker.ok());
  result_.resize(record::kBatchHeaderBytes);
  record::compress(batch.header.codec().value_or(record::Codec::kNone), records_, result_);
  if (result_.size() > std::numeric_limits<std::int32_t>::max()) {
    return fail(ErrorKind::kTooLarge, "compacted batch", 0, static_cast<std::int64_t>(result_.size()));
  }
  record::BatchHeader header = batch.header;
  header.attributes =
      static_cast<std::uint16_t>((header.attributes & record::kKnownAttributeBits & ~record::kDeleteHorizonBit) |
                                 (delete_horizon ? record::kDeleteHorizonBit : 0U));
  header.base_timestamp = base_timestamp;
  header.max_timestamp = survey.max_timestamp;
  header.record_count = survey.kept;
  seal(result_, header);
  return Bytes(result_);
}

Result<Bytes> BatchFilter::empty(const record::BatchView& batch) {
  MOLDAU_PROBE("compaction.emptied");
  record::BatchHeader header = batch.header;
  header.attributes = static_cast<std::uint16_t>(
      header.attributes & (record::kLogAppendTimeBit | record::kTransactionalBit | record::kControlBit));
  header.base_timestamp = kNoTimestamp;
  header.record_count = 0;
  result_.resize(record::kBatchHeaderBytes);
  seal(result_, header);
  return Bytes(result_);
}

}  // namespace moldau::storage
