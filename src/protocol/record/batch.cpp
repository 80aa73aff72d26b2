#include "protocol/record/batch.h"

#include "base/assert.h"
#include "base/crc32c.h"

namespace moldau::record {
namespace {

constexpr std::int32_t kBatchLengthMin = static_cast<std::int32_t>(kBatchHeaderBytes - kLogOverheadBytes);

}  // namespace

Result<BatchHeader> BatchHeader::parse(Bytes bytes) noexcept {
  if (bytes.size() < kBytesUpToMagic) {
    return fail(ErrorKind::kTruncated, "batch header");
  }
  const auto magic = load_be<std::int8_t>(bytes.data() + kMagicAt);
  const auto length = load_be<std::int32_t>(bytes.data() + kLengthAt);
  if (magic < 0 || magic > kMagic2) {
    return fail(ErrorKind::kCorrupt, "batch magic", 0, magic);
  }
  if (magic != kMagic2) {
    return fail(ErrorKind::kUnsupported, "message format before magic 2", 0, magic);
  }
  if (length < kBatchLengthMin) {
    return fail(ErrorKind::kCorrupt, "batch length", 0, length);
  }
  if (bytes.size() < kBatchHeaderBytes) {
    return fail(ErrorKind::kTruncated, "batch header");
  }
  return load(bytes.data());
}

BatchHeader BatchHeader::load(const std::byte* from) noexcept {
  BatchHeader header;
  header.base_offset = Offset(load_be<std::int64_t>(from + kBaseOffsetAt));
  header.length = load_be<std::int32_t>(from + kLengthAt);
  header.leader_epoch = LeaderEpoch(load_be<std::int32_t>(from + kLeaderEpochAt));
  header.crc = load_be<std::uint32_t>(from + kCrcAt);
  header.attributes = load_be<std::uint16_t>(from + kAttributesAt);
  header.last_offset_delta = load_be<std::int32_t>(from + kLastOffsetDeltaAt);
  header.base_timestamp = load_be<std::int64_t>(from + kBaseTimestampAt);
  header.max_timestamp = load_be<std::int64_t>(from + kMaxTimestampAt);
  header.producer_id = ProducerId(load_be<std::int64_t>(from + kProducerIdAt));
  header.producer_epoch = ProducerEpoch(load_be<std::int16_t>(from + kProducerEpochAt));
  header.base_sequence = load_be<std::int32_t>(from + kBaseSequenceAt);
  header.record_count = load_be<std::int32_t>(from + kRecordCountAt);
  return header;
}

void BatchHeader::store(std::byte* to) const noexcept {
  store_be(to + kBaseOffsetAt, base_offset.value());
  store_be(to + kLengthAt, length);
  store_be(to + kLeaderEpochAt, leader_epoch.value());
  store_be(to + kMagicAt, kMagic2);
  store_be(to + kCrcAt, crc);
  store_be(to + kAttributesAt, attributes);
  store_be(to + kLastOffsetDeltaAt, last_offset_delta);
  store_be(to + kBaseTimestampAt, base_timestamp);
  store_be(to + kMaxTimestampAt, max_timestamp);
  store_be(to + kProducerIdAt, producer_id.value());
  store_be(to + kProducerEpochAt, producer_epoch.value());
  store_be(to + kBaseSequenceAt, base_sequence);
  store_be(to + kRecordCountAt, record_count);
}

Result<BatchView> BatchView::parse(Bytes bytes) noexcept {
  MOLDAU_TRY(header, BatchHeader::parse(bytes));
  if (bytes.size() < header.size_bytes()) {
    return fail(ErrorKind::kTruncated, "batch", 0, header.length);
  }
  return BatchView{header, bytes.first(header.size_bytes())};
}

std::uint32_t BatchView::computed_crc() const noexcept {
  return crc32c(bytes.subspan(kAttributesAt));
}

FrameStep next_frame(Bytes bytes) noexcept {
  FrameStep step;
  if (bytes.size() < kLogOverheadBytes) {
    return step;
  }
  const auto length = load_be<std::int32_t>(bytes.data() + kLengthAt);
  if (length < kLengthMin) {
    step.framing = Framing::kCorrupt;
    return step;
  }
  if (bytes.size() < kBytesUpToMagic) {
    return step;
  }
  step.magic = load_be<std::int8_t>(bytes.data() + kMagicAt);
  if (step.magic < 0 || step.magic > kMagic2) {
    step.framing = Framing::kCorrupt;
    return step;
  }
  const std::size_t size = kLogOverheadBytes + static_cast<std::size_t>(length);
  if (bytes.size() >= size) {
    step.framing = Framing::kBatch;
    step.size_bytes = size;
  }
  return step;
}

Result<std::optional<BatchView>> BatchIterator::next() noexcept {
  const Bytes rest = tail();
  const FrameStep step = next_frame(rest);
  switch (step.framing) {
    case Framing::kPartial: return std::nullopt;
    case Framing::kCorrupt:
      return fail(ErrorKind::kCorrupt, "batch length or magic", 0, static_cast<std::int64_t>(position_));
    case Framing::kBatch: break;
  }
  MOLDAU_TRY(view, BatchView::parse(rest.first(step.size_bytes)));
  MOLDAU_ASSERT(view.bytes.size() == step.size_bytes);
  position_ += step.size_bytes;
  return view;
}

}  // namespace moldau::record
