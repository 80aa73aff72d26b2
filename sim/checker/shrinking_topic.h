// What the outside knows of a topic of one partition whose front goes, by age, by size and by DeleteRecords: every
// record that was acknowledged, with its time and the size of its batch, and every log start that was told. One writer
// with sequences, one batch on its way at a time, times that never fall.
//
// Judged: I29 (a record above what DeleteRecords was told goes only when it is older than retention.ms, or when
//         retention.bytes are left behind it), G11 (what DeleteRecords answered stays gone), I10 and G9 (what is not
//         gone is at its offset), I12, and ListOffsets by time against a scan.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/callback.h"
#include "base/ids.h"

namespace moldau::sim {

inline constexpr std::uint32_t kShrinkProducer = 3000;

class ShrinkingTopic {
 public:
  using Report = Function<void(std::string)>;
  struct Rules {
    std::int64_t retention_ms = -1;
    std::int64_t retention_bytes = -1;
  };
  // `report` outlives this object.
  ShrinkingTopic(Report& report, const Rules& rules) : report_(report), rules_(rules) {}

  // Gives the record's number.
  std::uint64_t on_sent(std::int64_t timestamp);
  void on_acked(std::uint64_t first, std::uint32_t count, Offset base, std::size_t batch_bytes);
  void on_delete_sent(Offset target) { delete_sent_ = std::max(delete_sent_, target); }
  void on_deleted(Offset low) { deleted_ = std::max(deleted_, low); }
  [[nodiscard]] Offset deleted() const noexcept { return deleted_; }
  [[nodiscard]] Offset acked_end() const noexcept;

  // An answer said so; `deleted_before` is deleted() as it was when the question was sent.
  void on_log_start(Offset start, Offset deleted_before, std::int64_t now_ms);

  // A reading: begin, each record, end. It begins anew when the front has gone from under it.
  void begin_reading(Offset start, Offset end);
  void on_read(Offset at, Bytes value, std::int64_t timestamp);
  void end_reading();
  [[nodiscard]] Offset read_start() const noexcept { return start_; }
  [[nodiscard]] Offset read_end() const noexcept { return end_; }
  [[nodiscard]] std::int64_t timestamp_at(Offset offset) const;

  // Since that reading nothing was appended. ListOffsets answered `found` (kNoOffset: none) for `timestamp`, and after
  // that the log began at `start`.
  void on_offset_for_time(std::int64_t timestamp, Offset found, Offset start);

 private:
  struct Record {
    std::uint64_t number = 0;
    std::int64_t timestamp = 0;
    std::size_t batch_bytes = 0;  // of the last record of a batch; else 0
  };

  Report& report_;
  Rules rules_;
  std::vector<std::int64_t> sent_;  // timestamps, by number
  std::map<Offset, Record> acked_;
  std::size_t batch_bytes_max_ = 0;
  Offset deleted_{0};
  Offset delete_sent_{0};
  Offset start_{0};
  Offset end_{0};
  std::vector<Record> read_;  // from start_ on
};

}  // namespace moldau::sim
