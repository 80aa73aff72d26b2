#include "storage/producer_state/producer_snapshot.h"

#include <algorithm>

#include "base/assert.h"
#include "base/crc32c.h"
#include "storage/records/producer_snapshot.h"

namespace moldau::storage {
namespace {

constexpr std::size_t kCrcAt = 2;
constexpr std::size_t kEntriesAt = 6;

}  // namespace

ByteVector encode_producer_snapshot(const ProducerState& state) {
  records::ProducerSnapshot snapshot;
  for (const auto& [id, entry] : state.sorted_entries()) {
    const auto batches = entry.batches();
    const StoredBatch last = batches.empty() ? StoredBatch{.last_offset = kNoOffset} : batches.back();
    snapshot.producer_entries.push_back({.producer_id = id.value(),
                                         .epoch = entry.epoch.value(),
                                         .last_sequence = last.last_sequence,
                                         .last_offset = last.last_offset.value(),
                                         .offset_delta = last.offset_delta,
                                         .timestamp = entry.last_timestamp,
                                         .coordinator_epoch = entry.coordinator_epoch,
                                         .current_txn_first_offset = entry.txn_first.value()});
  }
  wire::Writer writer(kEntriesAt + 4 + snapshot.producer_entries.size() * 46);
  writer.int16(records::ProducerSnapshot::kLatestVersion);
  snapshot.encode(writer, records::ProducerSnapshot::kLatestVersion);
  MOLDAU_ASSERT(writer.ok());
  ByteVector content = writer.take();
  store_be(content.data() + kCrcAt, crc32c(Bytes(content).subspan(kEntriesAt)));
  return content;
}

Result<ProducerEntries> parse_producer_snapshot(Bytes content) {
  if (content.size() < kEntriesAt) {
    return fail(ErrorKind::kTruncated, "producer snapshot ends inside its head");
  }
  const auto version = load_be<std::int16_t>(content.data());
  if (version != records::ProducerSnapshot::kLatestVersion) {
    return fail(ErrorKind::kUnsupported, "producer snapshot of an unknown version", 0, version);
  }
  if (load_be<std::uint32_t>(content.data() + kCrcAt) != crc32c(content.subspan(kEntriesAt))) {
    return fail(ErrorKind::kCorrupt, "producer snapshot fails its checksum");
  }
  wire::Reader reader(content.subspan(kCrcAt));
  MOLDAU_TRY(snapshot, records::ProducerSnapshot::decode(reader, version));
  if (reader.remaining() != 0) {
    return fail(ErrorKind::kCorrupt, "producer snapshot is longer than its entries");
  }
  ProducerEntries entries;
  entries.reserve(snapshot.producer_entries.size());
  for (const auto& from : snapshot.producer_entries) {
    if (from.producer_id < 0 || from.offset_delta < 0 ||
        (from.last_offset >= 0 && from.offset_delta > from.last_offset)) {
      return fail(ErrorKind::kCorrupt, "producer snapshot with an impossible entry", 0, from.producer_id);
    }
    ProducerEntry entry;
    entry.epoch = ProducerEpoch(from.epoch);
    entry.coordinator_epoch = from.coordinator_epoch;
    entry.last_timestamp = from.timestamp;
    entry.txn_first = from.current_txn_first_offset >= 0 ? Offset(from.current_txn_first_offset) : kNoOffset;
    if (from.last_offset >= 0) {
      entry.add({from.last_sequence, from.offset_delta, Offset(from.last_offset), from.timestamp});
    }
    entries.emplace_back(ProducerId(from.producer_id), entry);
  }
  return entries;
}

}  // namespace moldau::storage
