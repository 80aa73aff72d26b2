// The keys of control records, and the value of an end-of-transaction marker.
//
// Shapes:  key: int16 version 0, int16 type. Marker value: int16 version 0, int32 coordinator epoch.
//          The values of the KRaft types are messages of the schema (protocol/control), not this module's.
// Errors:  kTruncated: too few bytes; kCorrupt: a negative version. A version that is too new is read as version 0,
//          as Kafka does. A type that we do not know is kUnknown, to be ignored.
// Source:  org.apache.kafka.common.record ControlRecordType, EndTransactionMarker; KIP-98, KIP-595, KIP-853.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace moldau::record {

enum class ControlRecordType : std::int16_t {
  kUnknown = -1,
  kAbort = 0,
  kCommit = 1,
  kLeaderChange = 2,
  kSnapshotHeader = 3,
  kSnapshotFooter = 4,
  kKRaftVersion = 5,
  kKRaftVoters = 6,
};

using ControlRecordKey = std::array<std::byte, 4>;
using EndTxnMarkerValue = std::array<std::byte, 6>;

[[nodiscard]] Result<ControlRecordType> parse_control_record_key(Bytes key) noexcept;
[[nodiscard]] ControlRecordKey control_record_key(ControlRecordType type) noexcept;  // not of kUnknown

struct EndTxnMarker {
  std::int32_t coordinator_epoch = 0;

  [[nodiscard]] static Result<EndTxnMarker> parse(Bytes value) noexcept;
  [[nodiscard]] EndTxnMarkerValue encode() const noexcept;
};

}  // namespace moldau::record
