// Batches of a segment, as a disk may give them, are filtered: what comes out is a batch of the same offsets with a
// part of the records, or nothing. Half of the inputs get their CRCs set right, or none would be built anew.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "protocol/record/record_walker.h"
#include "storage/compaction/batch_filter.h"

namespace {

using namespace moldau;           // NOLINT(google-build-using-namespace)
using namespace moldau::storage;  // NOLINT(google-build-using-namespace)

constexpr std::size_t kDecompressedMax = std::size_t{1} << 20;

// Every other key has a newer record.
void fill(OffsetMap& map, const record::BatchView& batch, record::Scratch& scratch) {
  record::RecordWalker walker(batch, scratch, kDecompressedMax);
  for (std::int64_t i = 0; const record::RecordView* record = walker.next(); ++i) {
    if (record->key && i % 2 == 0 && !map.put(*record->key, map.latest() + 1)) {
      break;
    }
  }
  map.set_latest(Offset(INT64_MAX / 2));
}

void set_checksums(MutableBytes bytes) {
  record::BatchIterator batches(bytes);
  for (std::size_t at = 0;; at = batches.position()) {
    const auto next = batches.next();
    if (!next || !*next) {
      return;
    }
    store_be(bytes.data() + at + record::kCrcAt, (*next)->computed_crc());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  ByteVector input = to_vector(Bytes(reinterpret_cast<const std::byte*>(data) + 1, size - 1));
  if ((data[0] & 8) != 0) {
    set_checksums(input);
  }
  record::Scratch scratch;
  ActiveProducers producers;
  if ((data[0] & 1) != 0) {
    if (const auto first = record::BatchView::parse(input)) {
      producers[first->header.producer_id] = {first->header.producer_epoch, {first->header.last_offset()}};
    }
  }
  CleanedTransactions transactions({{ProducerId(1), Offset(0), Offset(100), Offset(101)}});
  record::BatchIterator batches(input);
  for (auto next = batches.next(); next && *next; next = batches.next()) {
    const record::BatchView& batch = **next;
    auto map = OffsetMap::make(64 * OffsetMap::kSlotBytes, 0.9, {1, 2});
    MOLDAU_ASSERT(map.has_value());
    fill(*map, batch, scratch);
    BatchFilter filter({.now_ms = (data[0] & 2) != 0 ? INT64_MAX : 1'000,
                        .delete_retention_ms = 100,
                        .upper_bound = (data[0] & 4) != 0 ? batch.header.next_offset() : Offset(0),
                        .decompressed_bytes_max = kDecompressedMax},
                       *map, producers, transactions);
    const auto left = filter.filter(batch);
    if (!left || left->empty() || left->data() == batch.bytes.data()) {
      continue;
    }
    const auto after = record::BatchView::parse(*left);
    MOLDAU_ASSERT(after.has_value() && after->bytes.size() == left->size() && after->crc_matches());
    MOLDAU_ASSERT(after->header.base_offset == batch.header.base_offset);
    MOLDAU_ASSERT(after->header.last_offset() == batch.header.last_offset());
    MOLDAU_ASSERT(after->header.record_count <= batch.header.record_count);
    record::RecordWalker walker(*after, scratch, 2 * kDecompressedMax);
    while (walker.next() != nullptr) {
    }
    MOLDAU_ASSERT(walker.ok());
  }
  return 0;
}
