#include "sim/checker/epoch_claims.h"

#include <fmt/format.h>

namespace moldau::sim {

void EpochClaims::on_agreed(Offset from, LeaderEpoch epoch, Era era) {
  agreed_.push_back({from, epoch, era.power_cuts});
}

void EpochClaims::on_end(LeaderEpoch asked, Offset end, Offset high_watermark, Era era) {
  ends_.push_back({asked, end, high_watermark, era.power_cuts});
}

void EpochClaims::judge(std::span<const LeaderEpoch> epochs, Era now, Function<void(std::string)>& report) const {
  const auto size = static_cast<std::int64_t>(epochs.size());
  const auto at = [&](std::int64_t offset) { return epochs[static_cast<std::size_t>(offset)]; };
  for (const Agreed& claim : agreed_) {
    const std::int64_t before = claim.from.value() - 1;
    const bool gone = before < size && at(before) == kNoLeaderEpoch;
    if (claim.power_cuts == now.power_cuts && !gone && (before >= size || at(before) != claim.epoch)) {
      report(
          fmt::format("divergence hidden: a fetch from {} after a record of epoch {} was answered, and the log has {}",
                      claim.from.value(), claim.epoch.value(),
                      before >= size ? "ended before" : fmt::format("epoch {} there", at(before).value())));
    }
  }
  for (const End& claim : ends_) {
    if (claim.power_cuts != now.power_cuts || (claim.end.value() < size && at(claim.end.value()) == kNoLeaderEpoch)) {
      continue;
    }
    const std::int64_t end = claim.end.value();
    const bool beyond = end > size;
    const bool too_late = !beyond && end > 0 && at(end - 1) > claim.asked;
    // At the end of the newest epoch more of it may have followed; then the end was the log's, behind what was
    // readable.
    const bool too_early = !beyond && end < size &&
                           (at(end) < claim.asked || (at(end) == claim.asked && claim.end < claim.high_watermark));
    if (beyond || too_late || too_early) {
      report(fmt::format("epoch {} was said to end at {} with the high watermark at {}, which is {}",
                         claim.asked.value(), end, claim.high_watermark.value(),
                         beyond ? "beyond the log" : (too_late ? "too late" : "too early")));
    }
  }
}

}  // namespace moldau::sim
