// What a leader writes into a batch that stays in the buffer it came in.
//
// Offsets and the leader epoch lie outside the CRC. Timestamp type and max timestamp lie inside; the CRC is then
// recombined from the old one and the 40 changed bytes, without reading the body: O(log size).
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/ids.h"
#include "protocol/record/batch.h"

namespace moldau::record {

// `batch` begins with a whole header; its first record gets `base`.
void assign_offsets(MutableBytes batch, Offset base, LeaderEpoch epoch) noexcept;

// Sets both and corrects the CRC, if either differs; true if so. Attribute bits without a meaning are then cleared,
// as in Kafka. `batch` is exactly one batch, and its CRC is right (or stays as wrong as it is).
bool set_max_timestamp(MutableBytes batch, TimestampType type, std::int64_t max_timestamp) noexcept;

// Makes `now_ms` the time of every record of the batch.
inline bool set_log_append_time(MutableBytes batch, std::int64_t now_ms) noexcept {
  return set_max_timestamp(batch, TimestampType::kLogAppendTime, now_ms);
}

}  // namespace moldau::record
