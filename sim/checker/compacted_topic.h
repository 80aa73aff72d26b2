// What the outside knows of a compacted topic of one partition with one writer: what was sent and acknowledged, by
// number, and what whole readings found of it.
//
// Judged (I28): a record that is there is, byte for byte, one that was sent, at the offset at which it was
// acknowledged;
//               the newest acknowledged value of each key is there, or a newer one; a tombstone is there for
//               delete.retention.ms, and when it is gone nothing older of its key comes back; no record goes that is
//               younger than min.compaction.lag.ms. I17: a writer with sequences stores nothing twice.
// A reading is not one moment: what compaction did under it can look like a lost key. Such a line counts only if the
// next whole reading says it too.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/callback.h"
#include "base/ids.h"
#include "sim/checker/era.h"

namespace moldau::sim {

inline constexpr std::uint32_t kUpsertProducer = 2000;

struct Upsert {
  std::uint32_t key = 0;
  bool tombstone = false;
  std::int64_t timestamp = 0;
};

class CompactedTopic {
 public:
  using Report = Function<void(std::string)>;
  struct Rules {
    std::int64_t delete_retention_ms = 0;
    std::int64_t min_compaction_lag_ms = 0;
    bool idempotent = false;
  };
  // `report` outlives this object.
  CompactedTopic(Report& report, const Rules& rules) : report_(report), rules_(rules) {}

  // How a record looks: its number is in a header, since a tombstone has no value.
  [[nodiscard]] static std::string key_of(std::uint32_t key);
  [[nodiscard]] static std::optional<ByteVector> value_of(std::uint64_t number, const Upsert& upsert);

  // Gives its number.
  std::uint64_t on_sent(const Upsert& upsert);
  // Without sequences: the records may be stored once more, anywhere from now on.
  void on_sent_again(std::uint64_t first, std::uint32_t count);
  // `synced`: acks=all; else kept as long as no power is cut.
  void on_acked(std::uint64_t first, std::uint32_t count, Offset base, bool synced, Era era);

  void begin_reading(Offset start, Offset end, Era era);
  void on_read(Offset at, std::uint64_t number, Bytes key, std::optional<Bytes> value, std::int64_t timestamp);
  // False: something is wrong unless another reading says otherwise.
  [[nodiscard]] bool end_reading(std::int64_t now_ms, Era era);

  // Behind the last record that must be there.
  [[nodiscard]] Offset acked_end(Era era) const;
  // Numbers of records that were acknowledged, and gone from the last whole reading.
  [[nodiscard]] std::uint64_t compacted_away() const noexcept { return gone_; }

 private:
  struct Acked {
    std::uint64_t number;
    bool synced;
    std::uint64_t power_cuts;
  };
  [[nodiscard]] static bool holds(const Acked& acked, Era era) {
    return acked.synced || acked.power_cuts == era.power_cuts;
  }
  void suspect(std::uint32_t key, std::string what);
  void check_key(std::uint32_t key, Offset newest, std::int64_t now_ms);
  [[nodiscard]] bool may_be_deleted(std::uint32_t key, std::uint64_t after, std::int64_t now_ms) const;

  Report& report_;
  Rules rules_;
  std::vector<Upsert> sent_;       // by number
  std::map<Offset, Acked> acked_;  // the newest answer for an offset
  std::set<std::uint64_t> sent_again_;
  std::set<std::uint64_t> held_;  // of acked_, those that hold
  Offset start_{0};
  Offset end_{0};
  std::map<Offset, std::uint64_t> found_;
  std::map<std::uint32_t, std::string> suspicions_;  // by key, of the reading before
  std::map<std::uint32_t, std::string> suspected_;   // of this one
  std::uint64_t gone_ = 0;
};

}  // namespace moldau::sim
