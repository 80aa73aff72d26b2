// What the outside saw of one partition: what was sent, acknowledged, read, and the marks that answers carried. Every
// contradiction becomes one line through `report`.
//
// Judged at once: I2 (high watermark; it covers what was acknowledged before the question), I12 (order of the marks),
//                 I13 (batches as served), I16 and G9 (repeatable read), I17 (sequences of a producer within one whole
//                 reading; a duplicate carries its first offset).
// Judged at the end, after the whole log was read: I10 (nothing acknowledged is missing, at its offset), I14 (a prefix
// of
//                 what was appended), order and no duplicate of each idempotent producer, what was said of epochs.
// Source: testing.md's table of invariants; the classes of jepsen.tests.kafka.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/callback.h"
#include "base/ids.h"
#include "protocol/record/scratch.h"
#include "sim/checker/epoch_claims.h"
#include "sim/checker/era.h"
#include "sim/checker/record_name.h"

namespace moldau::sim {

inline constexpr std::int64_t kNotTold = -1;

struct Marks {
  std::int64_t log_start = kNotTold;  // by old versions of Fetch
  std::int64_t high_watermark = 0;
  std::int64_t last_stable = 0;
};

class PartitionHistory {
 public:
  using Report = Function<void(std::string)>;
  // `report` outlives this object.
  PartitionHistory(std::uint32_t partition, Report& report) : partition_(partition), report_(report) {}

  struct Kind {
    bool idempotent = false;
    bool synced = true;  // acks=all; else acks=1
  };
  void on_sent(const RecordName& first, std::uint32_t count, Kind producer);
  // Acknowledged with acks=1: kept as long as no power is cut.
  void on_acked_by_leader(const RecordName& first, std::uint32_t count, Offset base, Era era);
  void on_acked(const RecordName& first, std::uint32_t count, Offset base);
  // An idempotent producer sent an acknowledged batch, one of its last five, again.
  void on_duplicate_acked(const RecordName& first, Offset expected, Offset base);
  // What was acknowledged and told when a question was sent.
  struct Known {
    Offset acked_end{0};
    Offset deleted{0};
    Marks marks;  // the highest that were told
    Era marks_era;
  };
  [[nodiscard]] Known known() const noexcept { return {acked_end_, deleted_, marks_, marks_era_}; }
  void on_marks(const Marks& marks, const Known& before, Era era);
  // The batches of one answer to a fetch from `from`; gives the offset after the last record, or `from`.
  Offset on_batches(Bytes batches, Offset from, Era era);

  // A DeleteRecords up to `target` was sent; was acknowledged, and the log starts at `low` or above for good.
  void on_delete_sent(Offset target) { delete_sent_ = std::max(delete_sent_, target); }
  void on_deleted(Offset low) { deleted_ = std::max(deleted_, low); }
  // What is gone for certain.
  [[nodiscard]] Offset deleted() const noexcept { return deleted_; }

  // The end of a run: on_batches has seen all of [start, end) since begin_whole_reading(start).
  void begin_whole_reading(Offset start);
  void finish_whole_reading(Offset end, Era era);

  // The first record at or after `timestamp` in the whole reading; the end if there is none.
  [[nodiscard]] Offset first_at(std::int64_t timestamp) const;
  [[nodiscard]] std::int64_t timestamp_at(Offset offset) const;
  [[nodiscard]] Offset whole_start() const noexcept { return whole_start_; }
  [[nodiscard]] Offset whole_end() const noexcept { return Offset(static_cast<std::int64_t>(whole_.size())); }
  [[nodiscard]] std::size_t acked() const noexcept { return acked_.size(); }
  [[nodiscard]] Offset highest_seen() const noexcept { return highest_seen_; }
  [[nodiscard]] LeaderEpoch newest_epoch_seen() const noexcept { return newest_epoch_seen_; }
  // The newest one that the broker told in `era`'s life; 0 if none.
  [[nodiscard]] Offset high_watermark(Era era) const noexcept {
    return Offset(era.life == marks_era_.life ? marks_.high_watermark : 0);
  }
  // The epoch of the record before `from` as it was last read; kNoLeaderEpoch if it never was.
  [[nodiscard]] LeaderEpoch epoch_before(Offset from) const;
  [[nodiscard]] EpochClaims& epochs() noexcept { return epochs_; }

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
    Kind kind;
  };
  struct Acked {
    RecordName first;
    std::uint32_t count;
    Offset base;
    std::uint64_t power_cuts;
  };
  struct Sequence {
    ProducerEpoch epoch;
    std::int32_t next;
  };

  void fault(const std::string& what);
  void on_record(Offset offset, LeaderEpoch epoch, std::int64_t timestamp, const RecordName& name, Era era);
  void check_acked(Era era);
  void check_acked_at(Offset offset, const RecordName& name);
  void check_producers();
  void check_epochs(Era era);

  std::uint32_t partition_;
  Report& report_;
  record::Scratch scratch_;
  std::map<std::uint32_t, Producer> producers_;
  std::map<std::int64_t, RecordName> acked_;  // by offset
  std::vector<Acked> acked_by_leader_;
  std::map<std::int64_t, Seen> seen_;  // by offset: the newest reading
  Offset highest_seen_{0};
  LeaderEpoch newest_epoch_seen_ = kNoLeaderEpoch;
  Offset acked_end_{0};
  EpochClaims epochs_;
  Marks marks_;
  Era marks_era_;
  bool reading_whole_ = false;
  Offset delete_sent_{0};
  Offset deleted_{0};
  Offset whole_start_{0};
  std::vector<Stored> whole_;                 // by offset; below whole_start_ there is nothing
  std::map<ProducerId, Sequence> sequences_;  // of the whole reading
};

}  // namespace moldau::sim
