// What the broker said of leader epochs and their ends, kept until the whole log is known, then judged against it: a
// client that believed it must have seen a lost tail, and must not have thrown away a record that is there.
//
// Source: KIP-101, KIP-279, KIP-320 (OffsetForLeaderEpoch), KIP-595 (lastFetchedEpoch).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "sim/checker/era.h"

namespace moldau::sim {

class EpochClaims {
 public:
  // A fetch from `from`, by a client whose record before it is of `epoch`, was not told of a divergence.
  void on_agreed(Offset from, LeaderEpoch epoch, Era era);
  // The records of epochs up to `asked` end at `end`; the high watermark was `high_watermark` before the question.
  void on_end(LeaderEpoch asked, Offset end, Offset high_watermark, Era era);

  // `epochs` are those of the whole log, by offset, kNoLeaderEpoch where it was deleted. Claims of before the last
  // power cut are dropped: what they were about may be lost.
  void judge(std::span<const LeaderEpoch> epochs, Era now, Function<void(std::string)>& report) const;

 private:
  struct Agreed {
    Offset from;
    LeaderEpoch epoch;
    std::uint64_t power_cuts;
  };
  struct End {
    LeaderEpoch asked;
    Offset end;
    Offset high_watermark;
    std::uint64_t power_cuts;
  };
  std::vector<Agreed> agreed_;
  std::vector<End> ends_;
};

}  // namespace moldau::sim
