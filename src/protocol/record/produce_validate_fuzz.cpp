// A partition's records as a client sends them, under rules that the first byte chooses. A refusal changes nothing;
// what is accepted has a right CRC and walks. Half of the inputs get their length and CRC set right, or none would go
// deep. The upper bit asks for another codec: then the rebuilt batch holds the records that the sent one held.
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
  ValidationRules rules{
      .now_ms = 1'700'000'000'000,
      .origin = (choice & 2) != 0 ? ProduceOrigin::kCoordinator : ProduceOrigin::kClient,
      .zstd_allowed = (choice & 4) == 0,
      .compacted = (choice & 8) != 0,
      .timestamp_type = (choice & 16) != 0 ? TimestampType::kLogAppendTime : TimestampType::kCreateTime,
      .timestamp_before_max_ms = (choice & 32) != 0 ? 1'000 : std::numeric_limits<std::int64_t>::max(),
      .segment_bytes = (choice & 64) != 0 ? 200 : 1 << 30,
      .decompressed_bytes_max = std::size_t{1} << 20};
  if ((choice & 128) != 0) {
    const auto codec = static_cast<Codec>(size % (kCodecIdMax + 1));
    rules.compression = TargetCompression{codec, level_range(codec).standard};
  }
  const ByteVector before = bytes;
  auto result = validate_produced(bytes, rules, scratch);
  if (!result) {
    require(bytes == before && result.error().code != protocol::ErrorCode::kNone);
    require(result.error().record_errors.size() <= kRecordErrorsMax);
    return 0;
  }
  if (result->rebuilt) {
    require(bytes == before && result->header.codec() == rules.compression->codec);
    const auto sent = BatchView::parse(bytes);
    const auto built = BatchView::parse(result->bytes);
    require(sent && built && built->crc_matches() && built->bytes.size() == result->bytes.size());
    Scratch other;
    const auto sent_records = record::testing::walk(*sent, other, rules.decompressed_bytes_max);
    auto built_records = record::testing::walk(*built, other, rules.decompressed_bytes_max * 2);
    require(sent_records && built_records && built_records->size() == sent_records->size());
    for (std::size_t i = 0; i < sent_records->size(); ++i) {
      if (rules.timestamp_type == TimestampType::kLogAppendTime) {
        (*built_records)[i].timestamp = (*sent_records)[i].timestamp;
      }
      require((*built_records)[i] == (*sent_records)[i]);
    }
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
