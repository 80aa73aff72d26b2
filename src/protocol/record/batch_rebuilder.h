// Builds a produced batch anew under another codec, from its records as they are read. Internal to protocol/record
// but for TargetCompression.
//
// Invariants: 1. the records' offsets count up from 0, whatever they were; times, keys, values and headers are kept,
// record
//                attributes are not (no bit has a meaning);
//             2. producer id, epoch, first sequence and the transactional bit are the source's; delete horizon and
//             control
//                bit are not set; base timestamp is the first record's time.
// Bound:      the scratch's rebuilt buffer: what is_too_large() allows and one piece of output. No allocation per
// record. Source:     LogValidator.buildRecordsAndAssignOffsets, MemoryRecordsBuilder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/ids.h"
#include "protocol/record/batch.h"
#include "protocol/record/codec.h"
#include "protocol/record/record.h"
#include "protocol/record/scratch.h"

namespace moldau::record {

// What compression.type asks for where it is not `producer`.
struct TargetCompression {
  Codec codec = Codec::kNone;
  int level = 0;  // valid for the codec; ignored where there are none

  friend bool operator==(const TargetCompression&, const TargetCompression&) noexcept = default;
};

class BatchRebuilder {
 public:
  // `plain_hint`: about so large are the source's plain records. Once more than `bytes_max` were made, nothing is kept.
  BatchRebuilder(const BatchHeader& source, const TargetCompression& target, Scratch& scratch, std::size_t plain_hint,
                 std::int64_t bytes_max);
  ~BatchRebuilder();
  BatchRebuilder(const BatchRebuilder&) = delete;
  BatchRebuilder& operator=(const BatchRebuilder&) = delete;

  void add(const RecordView& record, std::int64_t timestamp);

  // Kafka's builder takes no time below -1, no transaction without a producer id, and no producer id without epoch and
  // sequence, all of which may be stored in place.
  [[nodiscard]] bool is_unbuildable() const noexcept;

  // After the last record, of which there was one. False: larger than bytes_max.
  [[nodiscard]] bool finish(TimestampType type, std::int64_t append_time);
  // The batch, its base offset 0 and its leader epoch the source's. In the scratch: alive until its next use or trim().
  [[nodiscard]] MutableBytes batch() const noexcept { return scratch_.rebuilt_; }

 private:
  void write_field(const std::optional<Bytes>& field);
  [[nodiscard]] bool outgrew() noexcept;

  const BatchHeader source_;
  const TargetCompression target_;
  Scratch& scratch_;
  const std::int64_t bytes_max_;
  std::uint64_t plain_bytes_ = 0;
  std::int64_t base_timestamp_ = kNoTimestamp;
  std::int64_t max_timestamp_ = kNoTimestamp;
  std::int32_t count_ = 0;
  bool met_negative_time_ = false;
  bool outgrew_ = false;
};

}  // namespace moldau::record
