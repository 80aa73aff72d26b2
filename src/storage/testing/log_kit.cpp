#include "storage/testing/log_kit.h"

#include <optional>

#include <fmt/format.h>

#include "base/assert.h"
#include "protocol/record/record_walker.h"

namespace moldau::storage::testing {

ByteVector make_batch(const BatchSpec& spec) {
  record::BatchBuilder builder(spec.options);
  for (std::int32_t i = 0; i < spec.records; ++i) {
    std::string value = fmt::format("{}/{}/", spec.tag, i);
    value.resize(std::max(value.size(), spec.value_bytes), 'x');
    builder.append({.timestamp = spec.timestamp + i,
                    .key = spec.keyed ? std::optional(as_bytes(value)) : std::nullopt,
                    .value = as_bytes(value)});
  }
  auto batch = builder.build();
  MOLDAU_ASSERT(batch.has_value());
  return *std::move(batch);
}

std::vector<StoredRecord> records_of(Bytes bytes) {
  std::vector<StoredRecord> records;
  record::BatchIterator batches(bytes);
  record::Scratch scratch;
  for (auto next = batches.next(); next && *next; next = batches.next()) {
    const record::BatchView& batch = **next;
    MOLDAU_ASSERT(batch.crc_matches(), batch.header.base_offset.value());
    if (batch.header.is_control()) {
      continue;
    }
    record::RecordWalker walker(batch, scratch, std::size_t{100} << 20);
    while (const record::RecordView* record = walker.next()) {
      records.push_back({batch.header.offset_at(record->offset_delta),
                         batch.header.timestamp_at(record->timestamp_delta),
                         std::string(as_text(record->value.value_or(Bytes{}))), batch.header.leader_epoch});
    }
    MOLDAU_ASSERT(walker.ok(), batch.header.base_offset.value());
  }
  return records;
}

Result<ByteVector> read_slice(const Slice& slice) {
  ByteVector bytes(slice.size);
  if (!slice.empty()) {
    MOLDAU_TRY(count, slice.file->read_at(slice.position, bytes));
    MOLDAU_ASSERT(count == slice.size, static_cast<std::int64_t>(count));
  }
  return bytes;
}

Result<std::vector<StoredRecord>> read_all(Log& log, std::size_t bytes_max) {
  std::vector<StoredRecord> all;
  Offset next = log.log_start();
  while (next < log.log_end()) {
    MOLDAU_TRY(slice, log.read(next, log.log_end(), bytes_max, true));
    if (slice.empty()) {
      break;
    }
    MOLDAU_TRY(bytes, read_slice(slice));
    record::BatchIterator batches(bytes);
    Offset end = next;
    for (auto batch = batches.next(); batch && *batch; batch = batches.next()) {
      end = (*batch)->header.next_offset();
    }
    MOLDAU_ASSERT(end > next, next.value());  // at_least_one_batch promises progress
    for (StoredRecord& record : records_of(Bytes(bytes).first(batches.position()))) {
      if (record.offset >= next) {
        all.push_back(std::move(record));
      }
    }
    next = end;
  }
  return all;
}

std::expected<AppendResult, AppendError> append(Log& log, ByteVector batch, std::int64_t now_ms, LeaderEpoch epoch,
                                                ProducerOrigin origin) {
  record::ValidatedBatch validated{.bytes = batch, .header = record::BatchHeader::load(batch.data())};
  return log.append_as_leader(validated, epoch, origin, now_ms);
}

Result<> sync(Log& log, runtime::FileSystem& fs) {
  const SyncTicket ticket = log.collect_unsynced();
  if (auto outcome = ticket.run(fs); !outcome) {
    log.on_sync_failed(outcome.error());
    return outcome;
  }
  log.on_synced(ticket);
  return {};
}

}  // namespace moldau::storage::testing
