#include "protocol/record/control_record.h"

#include "base/assert.h"

namespace moldau::record {
namespace {

constexpr std::int16_t kControlVersion = 0;

}  // namespace

Result<ControlRecordType> parse_control_record_key(Bytes key) noexcept {
  if (key.size() < sizeof(ControlRecordKey)) {
    return fail(ErrorKind::kTruncated, "control record key", 0, static_cast<std::int64_t>(key.size()));
  }
  if (const auto version = load_be<std::int16_t>(key.data()); version < kControlVersion) {
    return fail(ErrorKind::kCorrupt, "control record key version", 0, version);
  }
  const auto type = load_be<std::int16_t>(key.data() + 2);
  const bool is_known = type >= 0 && type <= static_cast<std::int16_t>(ControlRecordType::kKRaftVoters);
  return is_known ? static_cast<ControlRecordType>(type) : ControlRecordType::kUnknown;
}

ControlRecordKey control_record_key(ControlRecordType type) noexcept {
  MOLDAU_ASSERT(type != ControlRecordType::kUnknown);
  ControlRecordKey key;
  store_be(key.data(), kControlVersion);
  store_be(key.data() + 2, static_cast<std::int16_t>(type));
  return key;
}

Result<EndTxnMarker> EndTxnMarker::parse(Bytes value) noexcept {
  if (value.size() < sizeof(EndTxnMarkerValue)) {
    return fail(ErrorKind::kTruncated, "end transaction marker", 0, static_cast<std::int64_t>(value.size()));
  }
  if (const auto version = load_be<std::int16_t>(value.data()); version < kControlVersion) {
    return fail(ErrorKind::kCorrupt, "end transaction marker version", 0, version);
  }
  return EndTxnMarker{load_be<std::int32_t>(value.data() + 2)};
}

EndTxnMarkerValue EndTxnMarker::encode() const noexcept {
  EndTxnMarkerValue value;
  store_be(value.data(), kControlVersion);
  store_be(value.data() + 2, coordinator_epoch);
  return value;
}

}  // namespace moldau::record
