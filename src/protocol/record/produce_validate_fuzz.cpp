// A partition's records as a client sends them, under rules that the first byte chooses. A refusal changes nothing;
// what is accepted has a right CRC and walks. Half of the inputs get their length and CRC set right, or none would go
// deep.
#include "protocol/record/testing/batches.h"
#include "protocol/record/testing/codec_fuzz.h"
#include "protocol/record/validate.h"

using namespace moldau;
using namespace moldau::record;
using record::testing::require;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static Scratch scratch;
  if (size == 0) {
    return 0;
  }
  const unsigned choice = data[0];
  ByteVector bytes = to_vector(Bytes(reinterpret_cast<const std::byte*>(data) + 1, size - 1));
  if ((choice & 1) != 0 && bytes.size() >= kBatchHeaderBytes) {
    record::testing::seal(bytes);
  }
  const ValidationRules rules{
      .now_ms = 1'700'000'000'000,
      .origin = (choice & 2) != 0 ? ProduceOrigin::kCoordinator : ProduceOrigin::kClient,
      .zstd_allowed = (choice & 4) == 0,
      .compacted = (choice & 8) != 0,
      .timestamp_type = (choice & 16) != 0 ? TimestampType::kLogAppendTime : TimestampType::kCreateTime,
      .timestamp_before_max_ms = (choice & 32) != 0 ? 1'000 : std::numeric_limits<std::int64_t>::max(),
      .segment_bytes = (choice & 64) != 0 ? 200 : 1 << 30,
      .decompressed_bytes_max = std::size_t{1} << 20};
  const ByteVector before = bytes;
  auto result = validate_produced(bytes, rules, scratch);
  if (!result) {
    require(bytes == before && result.error().code != protocol::ErrorCode::kNone);
    require(result.error().record_errors.size() <= kRecordErrorsMax);
    return 0;
  }
  require(result->bytes.data() == bytes.data() && result->bytes.size() <= bytes.size());
  require(result->corrected || bytes == before);
  result->assign_offsets(Offset(5), LeaderEpoch(6));
  const auto stored = BatchView::parse(result->bytes);
  require(stored && stored->header == result->header && stored->crc_matches());
  const auto records = record::testing::walk(*stored, scratch, rules.decompressed_bytes_max);
  require(records && records->size() == static_cast<std::size_t>(result->header.record_count));
  return 0;
}
