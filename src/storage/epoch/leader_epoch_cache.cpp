#include "storage/epoch/leader_epoch_cache.h"

#include <algorithm>

namespace moldau::storage {

bool LeaderEpochCache::assign(LeaderEpoch epoch, Offset start) {
  if (epoch < LeaderEpoch(0) || start < Offset(0)) {
    return false;
  }
  if (!entries_.empty() && epoch == entries_.back().epoch && start >= entries_.back().start) {
    return false;
  }
  while (!entries_.empty() && (entries_.back().epoch >= epoch || entries_.back().start >= start)) {
    entries_.pop_back();
  }
  entries_.push_back({epoch, start});
  return true;
}

bool LeaderEpochCache::truncate_from_end(Offset end) {
  const std::size_t before = entries_.size();
  while (!entries_.empty() && entries_.back().start >= end) {
    entries_.pop_back();
  }
  return entries_.size() != before;
}

bool LeaderEpochCache::truncate_from_start(Offset start) {
  const auto above =
      std::find_if(entries_.begin(), entries_.end(), [&](const EpochStart& entry) { return entry.start > start; });
  if (above == entries_.begin()) {
    return false;
  }
  const auto in_force = above - 1;
  if (in_force == entries_.begin() && in_force->start == start) {
    return false;
  }
  in_force->start = start;
  entries_.erase(entries_.begin(), in_force);
  return true;
}

std::optional<OffsetAndEpoch> LeaderEpochCache::end_offset_for(LeaderEpoch epoch, Offset log_end) const {
  if (entries_.empty() || epoch == kNoLeaderEpoch || epoch > entries_.back().epoch) {
    return std::nullopt;
  }
  if (epoch == entries_.back().epoch) {
    return OffsetAndEpoch{log_end, epoch};
  }
  const auto higher = std::upper_bound(entries_.begin(), entries_.end(), epoch,
                                       [](LeaderEpoch e, const EpochStart& entry) { return e < entry.epoch; });
  const LeaderEpoch found = higher == entries_.begin() ? epoch : (higher - 1)->epoch;
  return OffsetAndEpoch{higher->start, found};
}

std::optional<LeaderEpoch> LeaderEpochCache::epoch_for(Offset offset) const {
  const auto above = std::upper_bound(entries_.begin(), entries_.end(), offset,
                                      [](Offset o, const EpochStart& entry) { return o < entry.start; });
  return above == entries_.begin() ? std::nullopt : std::optional((above - 1)->epoch);
}

std::optional<EpochStart> LeaderEpochCache::latest() const {
  return entries_.empty() ? std::nullopt : std::optional(entries_.back());
}

std::optional<EpochStart> LeaderEpochCache::earliest() const {
  return entries_.empty() ? std::nullopt : std::optional(entries_.front());
}

}  // namespace moldau::storage
