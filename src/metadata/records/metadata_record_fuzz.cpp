// The value of a record of the metadata log, as it lies in a batch on disk or comes from a peer.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/assert.h"
#include "base/bytes.h"
#include "metadata/records/any_metadata_record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moldau;
  namespace records = metadata::records;
  wire::Reader reader(std::as_bytes(std::span(data, size)));
  const auto once = records::decode_metadata_record(reader);
  if (!once.has_value()) {
    return 0;
  }
  wire::Writer writer;
  records::encode_metadata_record(once->record, once->version, writer);
  wire::Reader again(writer.bytes());
  const auto twice = records::decode_metadata_record(again);
  MOLDAU_ASSERT(twice.has_value());
  // Bytes are compared, not records: a quota may be NaN, which equals nothing.
  wire::Writer rewriter;
  records::encode_metadata_record(twice->record, twice->version, rewriter);
  MOLDAU_ASSERT(equal(rewriter.bytes(), writer.bytes()));
  return 0;
}
