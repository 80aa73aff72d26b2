// What the quorum must know of the local metadata log without reading it: where it starts and ends, at which offset
// each epoch began, which snapshots there are.
//
// Invariants: L1 start <= durable end <= end.   L2 epochs and their start offsets increase (starts strictly).
//             L3 a log that starts above 0 has a snapshot that reaches its start.
// Bound: one entry per epoch in which something was written and that no snapshot covers.
// Source: org.apache.kafka.raft.RaftLog (validateOffsetAndEpoch, truncateToEndOffset, endOffsetForEpoch).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/ids.h"

namespace moldau::raft {

struct EpochStart {
  LeaderEpoch epoch{0};
  Offset start{0};
  friend bool operator==(const EpochStart&, const EpochStart&) = default;
};

class LogSummary {
 public:
  LogSummary() = default;
  // A log as found on disk; all of it is durable. Nothing if the parts contradict each other (L1-L3).
  [[nodiscard]] static std::optional<LogSummary> restore(Offset start, Offset end, std::vector<EpochStart> epochs,
                                                         std::optional<OffsetAndEpoch> earliest_snapshot,
                                                         std::optional<OffsetAndEpoch> latest_snapshot);

  [[nodiscard]] Offset start() const noexcept { return start_; }
  [[nodiscard]] Offset end() const noexcept { return end_; }
  [[nodiscard]] Offset durable_end() const noexcept { return durable_end_; }
  // Of the last record; of the snapshot if the log behind it is empty; 0 if there is nothing.
  [[nodiscard]] LeaderEpoch last_epoch() const noexcept;
  [[nodiscard]] std::optional<OffsetAndEpoch> latest_snapshot() const noexcept { return latest_snapshot_; }
  [[nodiscard]] std::optional<OffsetAndEpoch> earliest_snapshot() const noexcept { return earliest_snapshot_; }
  // How often the end moved back: a sync begun before the last truncation says nothing of what was written after it.
  [[nodiscard]] std::uint64_t truncations() const noexcept { return truncations_; }

  // The largest known epoch not above `epoch`, and where it ends.
  [[nodiscard]] OffsetAndEpoch end_for_epoch(LeaderEpoch epoch) const noexcept;

  enum class Match : std::uint8_t { kValid, kDiverging, kSnapshot };
  struct Validity {
    Match match;
    OffsetAndEpoch at;  // where the logs part, or the snapshot to load
  };
  // Does a replica whose log ends at (`offset`, `epoch`) continue ours?
  [[nodiscard]] Validity validate(Offset offset, LeaderEpoch epoch) const noexcept;

  // Where to cut when a leader says that its `diverging.epoch` ends at `diverging.offset`.
  [[nodiscard]] Offset truncation_point(OffsetAndEpoch diverging) const noexcept;

  void append(LeaderEpoch epoch, std::int64_t record_count);
  void synced(Offset end) noexcept;
  void truncate_to(Offset end);
  void add_snapshot(OffsetAndEpoch id) noexcept;
  // The prefix below `start` is gone; `earliest` is the oldest snapshot left.
  void advance_start(Offset start, OffsetAndEpoch earliest);
  void restart_at(OffsetAndEpoch snapshot);

  [[nodiscard]] bool consistent() const noexcept;  // L1-L3

 private:
  Offset start_{0};
  Offset end_{0};
  Offset durable_end_{0};
  std::vector<EpochStart> epochs_;
  std::optional<OffsetAndEpoch> earliest_snapshot_;
  std::optional<OffsetAndEpoch> latest_snapshot_;
  std::uint64_t truncations_ = 0;
};

}  // namespace moldau::raft
