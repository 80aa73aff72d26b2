// Any bytes as the records of a metadata log: decoded and replayed. What is refused leaves the image before it intact,
// and what is taken survives a snapshot.
#include <cmath>
#include <cstdint>

#include "base/assert.h"
#include "metadata/image/delta.h"
#include "metadata/image/testing/list_sink.h"

using namespace moldau;
using namespace moldau::metadata;

namespace {

// NaN equals nothing, so an image that holds one does not equal its copy.
bool is_comparable(const records::AnyMetadataRecord& record) {
  const auto* quota = std::get_if<records::ClientQuotaRecord>(&record);
  return quota == nullptr || !std::isnan(quota->value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto image = std::make_shared<const Image>();
  Bytes rest(reinterpret_cast<const std::byte*>(data), size);
  for (Offset offset{0}; !rest.empty() && offset < Offset(1000); ++offset) {
    wire::Reader reader(rest);
    const auto record = records::decode_metadata_record(reader);
    if (!record || !is_comparable(record->record)) {
      break;
    }
    rest = rest.subspan(reader.position());
    Delta delta(image);
    if (delta.replay(record->record, offset)) {
      image = delta.apply({offset, LeaderEpoch(1), 0});
    }
  }
  if (image->metadata_version() == kMetadataVersionMax) {
    testing::ListSink sink;
    image->write(sink);
    Delta restored(std::make_shared<const Image>());
    for (const auto& record : sink.list) {
      MOLDAU_ASSERT(restored.replay(record.record, Offset(0)).has_value());
    }
    MOLDAU_ASSERT(*restored.apply({}) == *image);
  }
  return 0;
}
