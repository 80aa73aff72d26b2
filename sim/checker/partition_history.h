// What the outside saw of one partition: what was sent, acknowledged, read, and the marks that answers carried. Every
// contradiction becomes one line through `report`.
//
// Judged at once: I2 (high watermark), I12 (order of the marks), I13 (batches), I16 and G9 (repeatable read),
//                 I17 (sequences of a producer within what one answer or one whole reading shows).
// Judged at the end, by read_whole() after the whole log was read: I10 (nothing acknowledged is missing, at its
// offset),
//                 I14 (a prefix of what was appended), order and no duplicate of each idempotent producer.
// Source: testing.md's table of invariants; the classes of jepsen.tests.kafka.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/callback.h"
#include "base/ids.h"
#include "protocol/record/scratch.h"
#include "sim/checker/record_name.h"

namespace moldau::sim {

// When something was seen: which life of the broker, and how many power cuts lay behind it.
struct Era {
  std::uint64_t life = 0;
  std::uint64_t power_cuts = 0;
};

struct Marks {
  std::int64_t log_start = 0;
  std::int64_t high_watermark = 0;
  std::int64_t last_stable = 0;
};

class PartitionHistory {
 public:
  using Report = Function<void(std::string)>;
  // `report` outlives this object.
  PartitionHistory(std::uint32_t partition, Report& report) : partition_(partition), report_(report) {}

  void on_sent(const RecordName& first, std::uint32_t count, bool idempotent);
  void on_acked(const RecordName& first, std::uint32_t count, Offset base);
  void on_marks(const Marks& marks, Era era);
  // The batches of one answer to a fetch from `from`; gives the offset after the last record, or `from`.
  Offset on_batches(Bytes batches, Offset from, Era era);

  // The end of a run: on_batches has seen all of [0, end) since begin_whole_reading().
  void begin_whole_reading();
  void finish_whole_reading(Offset end, Era era);

  // The first record at or after `timestamp` in the whole reading; the end if there is none.
  [[nodiscard]] Offset first_at(std::int64_t timestamp) const;
  [[nodiscard]] std::int64_t timestamp_at(Offset offset) const;
  [[nodiscard]] std::size_t records() const noexcept { return whole_.size(); }
  [[nodiscard]] std::size_t acked() const noexcept { return acked_.size(); }
  [[nodiscard]] Offset highest_seen() const noexcept { return highest_seen_; }

 private:
  struct Seen {
    RecordName name;
    LeaderEpoch epoch;
    std::uint64_t power_cuts;
  };
  struct Stored {
    RecordName name;
    LeaderEpoch epoch;
    std::int64_t timestamp;
  };
  struct Producer {
    std::uint64_t sent_end = 0;
    bool idempotent = false;
  };
  struct Sequence {
    ProducerEpoch epoch;
    std::int32_t next;
  };

  void fault(const std::string& what);
  void on_record(Offset offset, LeaderEpoch epoch, std::int64_t timestamp, const RecordName& name, Era era);
  void check_acked();
  void check_producers();

  std::uint32_t partition_;
  Report& report_;
  record::Scratch scratch_;
  std::map<std::uint32_t, Producer> producers_;
  std::map<std::int64_t, RecordName> acked_;  // by offset
  std::map<std::int64_t, Seen> seen_;         // by offset: the newest reading
  Offset highest_seen_{0};
  Marks marks_;
  Era marks_era_;
  bool reading_whole_ = false;
  std::vector<Stored> whole_;
  std::map<ProducerId, Sequence> sequences_;  // of the whole reading
};

}  // namespace moldau::sim
