#include "protocol/record/patch.h"

#include "base/assert.h"
#include "base/crc32c.h"

namespace moldau::record {

void assign_offsets(MutableBytes batch, Offset base, LeaderEpoch epoch) noexcept {
  MOLDAU_ASSERT(batch.size() >= kBatchHeaderBytes, static_cast<std::int64_t>(batch.size()));
  store_be(batch.data() + kBaseOffsetAt, base.value());
  store_be(batch.data() + kLeaderEpochAt, epoch.value());
}

bool set_max_timestamp(MutableBytes batch, TimestampType type, std::int64_t max_timestamp) noexcept {
  MOLDAU_ASSERT(batch.size() >= kBatchHeaderBytes, static_cast<std::int64_t>(batch.size()));
  std::byte* const at = batch.data();
  const auto attributes = load_be<std::uint16_t>(at + kAttributesAt);
  const std::uint16_t type_bit = type == TimestampType::kLogAppendTime ? kLogAppendTimeBit : 0;
  if ((attributes & kLogAppendTimeBit) == type_bit && load_be<std::int64_t>(at + kMaxTimestampAt) == max_timestamp) {
    return false;
  }
  const Bytes covered = Bytes(batch).subspan(kAttributesAt, kBatchHeaderBytes - kAttributesAt);
  const std::uint32_t before = crc32c(covered);
  store_be(at + kAttributesAt,
           static_cast<std::uint16_t>((attributes & kKnownAttributeBits & ~kLogAppendTimeBit) | type_bit));
  store_be(at + kMaxTimestampAt, max_timestamp);
  const std::uint32_t after = crc32c(covered);
  // The CRC is linear: what changed in the header, carried over the body, is what changes in the whole.
  const auto crc = load_be<std::uint32_t>(at + kCrcAt);
  store_be(at + kCrcAt, crc32c_combine(before ^ after, crc, batch.size() - kBatchHeaderBytes));
  return true;
}

}  // namespace moldau::record
