// Judges what a client produces to one partition, corrects in place what Kafka corrects, builds anew what the topic
// wants under another codec, refuses the rest.
//
// Shard:      any; all state is in the arguments.
// Invariants: 1. nothing is written to the bytes unless the batch is accepted;
//             2. an accepted batch has a right CRC, its declared records and nothing else, base offset 0 (client);
//             3. the CRC is computed once; a correction recombines it;
//             4. a batch is built anew only where the codec of the rules is not its own; one of the right codec is kept
//             as it
//                was sent, whatever its level, and so is a control batch that is not compressed. The bytes given are
//                then left alone; the records' offsets are counted anew.
// Errors:     Rejection: the code Kafka 4.3 answers, found in Kafka's order of checks.
// Bound:      one pass, O(bytes), also where a batch is built anew (batch_rebuilder.h); a compressed batch uses the
// scratch
//             (scratch.h) and at most `decompressed_bytes_max` bytes are made of it; at most kRecordErrorsMax record
//             errors are kept.
// Source:     ProduceRequest.validateRecords, UnifiedLog.analyzeAndValidateRecords, LogValidator. Differences:
//             1. moldau.decompressed.batch.bytes.max, which 4.3 does not have: INVALID_RECORD above it;
//             2. a record of a compressed batch whose size contradicts its content is INVALID_RECORD, as in an
//                uncompressed batch: Kafka skips the size there and stores a batch that no consumer can read;
//             3. at most kRecordErrorsMax record errors; Kafka lists all;
//             4. in a batch that is built anew the name of a header stays as it is; Kafka puts U+FFFD where it is no
//             UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "protocol/errors/error_code.h"
#include "protocol/record/batch.h"
#include "protocol/record/batch_rebuilder.h"
#include "protocol/record/patch.h"
#include "protocol/record/scratch.h"

namespace moldau::record {

inline constexpr std::size_t kRecordErrorsMax = 10'000;

// Who appends. The checks that only a client needs (one batch, base offset, count, no control batch, sequence) are
// Kafka's AppendOrigin.CLIENT ones.
enum class ProduceOrigin : std::uint8_t { kClient, kCoordinator };

struct ValidationRules {
  std::int64_t now_ms = 0;
  ProduceOrigin origin = ProduceOrigin::kClient;
  bool zstd_allowed = true;                                   // Produce version >= 7
  bool compacted = false;                                     // cleanup.policy has compact: every record needs a key
  TimestampType timestamp_type = TimestampType::kCreateTime;  // message.timestamp.type
  std::int64_t timestamp_before_max_ms = std::numeric_limits<std::int64_t>::max();  // message.timestamp.before.max.ms
  std::int64_t timestamp_after_max_ms = 3'600'000;                                  // message.timestamp.after.max.ms
  std::int64_t batch_bytes_max = 1'048'588;                                         // max.message.bytes
  std::int64_t segment_bytes = std::int64_t{1} << 30;                               // segment.bytes
  std::size_t decompressed_bytes_max = std::size_t{100} << 20;  // moldau.decompressed.batch.bytes.max
  std::optional<TargetCompression> compression = std::nullopt;  // compression.type; absent: `producer`
};

// An accepted batch, offsets not yet assigned.
struct ValidatedBatch {
  MutableBytes bytes;  // exactly the batch, a part of what was given (a partial batch behind it was cut off) or, if it
                       // was built anew, in the scratch until its next use
  BatchHeader header;  // as the bytes now say
  bool corrected = false;  // a timestamp field and the CRC were rewritten
  bool rebuilt = false;

  void assign_offsets(Offset base, LeaderEpoch epoch) noexcept {
    header.base_offset = base;
    header.leader_epoch = epoch;
    record::assign_offsets(bytes, base, epoch);
  }
};

// One refused record, for the response's record_errors.
struct RecordError {
  std::int32_t index = 0;  // in the batch
  const char* message = nullptr;
};

// Which of Kafka's rejection meters to mark.
enum class RejectionCause : std::uint8_t { kOther, kInvalidMagic, kInvalidCrc, kInvalidOffsetOrSequence, kNoKey };

struct Rejection {
  protocol::ErrorCode code = protocol::ErrorCode::kNone;
  const char* message = "";  // for the log; in a response only beside record errors, as in Kafka
  RejectionCause cause = RejectionCause::kOther;
  std::vector<RecordError> record_errors = {};
};

// The checks that Kafka makes for all partitions of a request before it appends to any: exactly one whole batch of
// magic 2 (a partial one may follow), zstd only where allowed. Gives the batch's bytes. O(1); the body is not read.
[[nodiscard]] std::expected<MutableBytes, Rejection> check_produce_framing(MutableBytes data, bool zstd_allowed);

// All checks, these included. `data` is the records field of one partition.
[[nodiscard]] std::expected<ValidatedBatch, Rejection> validate_produced(MutableBytes data,
                                                                         const ValidationRules& rules,
                                                                         Scratch& scratch);

}  // namespace moldau::record
