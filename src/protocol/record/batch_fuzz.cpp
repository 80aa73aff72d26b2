// Bytes as a segment or an answer holds them: no input crashes the iterator or the walker, and a batch that walks is
// built again from its records to one that walks the same.
#include "protocol/record/testing/batches.h"
#include "protocol/record/testing/codec_fuzz.h"

using namespace moldau;
using namespace moldau::record;
using record::testing::PlainRecord;
using record::testing::require;

namespace {

constexpr std::size_t kBytesMax = std::size_t{1} << 20;

void walk_batch(const BatchView& batch, Scratch& scratch) {
  (void)batch.crc_matches();
  const auto records = record::testing::walk(batch, scratch, kBytesMax);
  if (!records) {
    return;
  }
  require(records->size() == static_cast<std::size_t>(batch.header.record_count));
  const ByteVector again = record::testing::build(*records);
  const auto rebuilt = BatchView::parse(again);
  require(rebuilt && rebuilt->crc_matches());
  require(record::testing::walk(*rebuilt, scratch, kBytesMax * 4) == *records);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static Scratch scratch;
  const ByteVector exact = to_vector(Bytes(reinterpret_cast<const std::byte*>(data), size));
  BatchIterator batches(exact);
  for (;;) {
    const auto batch = batches.next();
    require(batches.position() + batches.tail().size() == exact.size());
    if (!batch || !*batch) {
      return 0;
    }
    require((*batch)->bytes.size() == (*batch)->header.size_bytes());
    walk_batch(**batch, scratch);
  }
}
