// LeaderEpochCache: at which offset each leader epoch of a log began.
//
// Invariants: E1  epochs and start offsets both strictly increase.
//             E2  an epoch ends where the next begins; the latest ends at the log end.
// Bound:      one entry for each change of leader within the log; lookups O(log entries).
// Source:     org.apache.kafka.storage.internals.epoch.LeaderEpochFileCache (KIP-101, KIP-279).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/ids.h"

namespace moldau::storage {

struct EpochStart {
  LeaderEpoch epoch = kNoLeaderEpoch;
  Offset start{0};
  friend bool operator==(const EpochStart&, const EpochStart&) = default;
};

class LeaderEpochCache {
 public:
  // True if something changed. A known epoch with a start at or above the known one changes nothing; otherwise entries
  // that contradict the new one (an epoch or a start not below it) are forgotten. Negative values are refused: false.
  bool assign(LeaderEpoch epoch, Offset start);

  // The log ends at `end` now: true if epochs were forgotten.
  bool truncate_from_end(Offset end);
  // The log begins at `start` now: the epoch in force there begins there, older ones are forgotten. True if changed.
  bool truncate_from_start(Offset start);
  void clear() noexcept { entries_.clear(); }

  // The largest known epoch <= `epoch` and its end. For an epoch below all known: itself, ending where the first
  // begins. nullopt: -1, or an epoch above all known.
  [[nodiscard]] std::optional<OffsetAndEpoch> end_offset_for(LeaderEpoch epoch, Offset log_end) const;
  [[nodiscard]] std::optional<LeaderEpoch> epoch_for(Offset offset) const;
  [[nodiscard]] std::optional<EpochStart> latest() const;
  [[nodiscard]] std::optional<EpochStart> earliest() const;
  [[nodiscard]] std::span<const EpochStart> entries() const noexcept { return entries_; }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }

 private:
  std::vector<EpochStart> entries_;
};

}  // namespace moldau::storage
