#include "raft/core/log_summary.h"

#include <algorithm>

#include "base/assert.h"

namespace moldau::raft {

std::optional<LogSummary> LogSummary::restore(Offset start, Offset end, std::vector<EpochStart> epochs,
                                              std::optional<OffsetAndEpoch> earliest_snapshot,
                                              std::optional<OffsetAndEpoch> latest_snapshot) {
  LogSummary log;
  log.start_ = start;
  log.end_ = end;
  log.durable_end_ = end;
  log.epochs_ = std::move(epochs);
  log.earliest_snapshot_ = earliest_snapshot;
  log.latest_snapshot_ = latest_snapshot;
  return log.consistent() ? std::optional(std::move(log)) : std::nullopt;
}

LeaderEpoch LogSummary::last_epoch() const noexcept {
  if (!epochs_.empty()) {
    return epochs_.back().epoch;
  }
  return latest_snapshot_ ? latest_snapshot_->epoch : LeaderEpoch{0};
}

OffsetAndEpoch LogSummary::end_for_epoch(LeaderEpoch epoch) const noexcept {
  const auto above = std::ranges::upper_bound(epochs_, epoch, {}, [](const EpochStart& entry) { return entry.epoch; });
  const Offset end = above == epochs_.end() ? end_ : above->start;
  if (above == epochs_.begin()) {
    // Older than all that the log holds: the snapshot at the log's start stands for it.
    const LeaderEpoch oldest = earliest_snapshot_ ? earliest_snapshot_->epoch : LeaderEpoch{0};
    return {end, std::min(oldest, epoch)};
  }
  return {end, std::prev(above)->epoch};
}

LogSummary::Validity LogSummary::validate(Offset offset, LeaderEpoch epoch) const noexcept {
  if (start_ == Offset{0} && offset == Offset{0} && epoch == LeaderEpoch{0}) {
    return {Match::kValid, {offset, epoch}};
  }
  if (earliest_snapshot_ && (offset < start_ || (offset == start_ && epoch != earliest_snapshot_->epoch) ||
                             epoch < earliest_snapshot_->epoch)) {
    return {Match::kSnapshot, *latest_snapshot_};
  }
  if (earliest_snapshot_ && offset == start_ && earliest_snapshot_->offset == start_) {
    return {Match::kValid, {offset, epoch}};
  }
  const OffsetAndEpoch end = end_for_epoch(epoch);
  if (end.epoch != epoch || end.offset < offset) {
    return {Match::kDiverging, end};
  }
  return {Match::kValid, {offset, epoch}};
}

Offset LogSummary::truncation_point(OffsetAndEpoch diverging) const noexcept {
  if (diverging.epoch == LeaderEpoch{0}) {
    return std::min(diverging.offset, end_);
  }
  const OffsetAndEpoch local = end_for_epoch(diverging.epoch);
  return local.epoch == diverging.epoch ? std::min(local.offset, diverging.offset) : local.offset;
}

void LogSummary::append(LeaderEpoch epoch, std::int64_t record_count) {
  MOLDAU_ASSERT(record_count > 0, record_count);
  MOLDAU_ASSERT(epochs_.empty() || epoch >= epochs_.back().epoch, epoch.value());
  if (epochs_.empty() || epoch > epochs_.back().epoch) {
    epochs_.push_back({epoch, end_});
  }
  end_ = end_ + record_count;
}

void LogSummary::synced(Offset end) noexcept {
  durable_end_ = std::max(durable_end_, std::min(end, end_));
}

void LogSummary::truncate_to(Offset end) {
  MOLDAU_ASSERT(end >= start_ && end <= end_, end.value(), start_.value(), end_.value());
  while (!epochs_.empty() && epochs_.back().start >= end) {
    epochs_.pop_back();
  }
  end_ = end;
  durable_end_ = std::min(durable_end_, end);
  ++truncations_;
}

void LogSummary::add_snapshot(OffsetAndEpoch id) noexcept {
  latest_snapshot_ = latest_snapshot_ ? std::max(*latest_snapshot_, id) : id;
  earliest_snapshot_ = earliest_snapshot_ ? std::min(*earliest_snapshot_, id) : id;
}

void LogSummary::advance_start(Offset start, OffsetAndEpoch earliest) {
  MOLDAU_ASSERT(start >= start_ && start <= durable_end_ && start == earliest.offset, start.value(), start_.value());
  MOLDAU_ASSERT(latest_snapshot_ && *latest_snapshot_ >= earliest);
  start_ = start;
  earliest_snapshot_ = earliest;
  while (epochs_.size() > 1 && epochs_[1].start <= start) {
    epochs_.erase(epochs_.begin());
  }
  if (!epochs_.empty()) {
    epochs_.front().start = std::max(epochs_.front().start, start);
    if (epochs_.front().start >= end_) {
      epochs_.clear();
    }
  }
}

void LogSummary::restart_at(OffsetAndEpoch snapshot) {
  epochs_.clear();
  start_ = end_ = durable_end_ = snapshot.offset;
  earliest_snapshot_ = latest_snapshot_ = snapshot;
  ++truncations_;
}

bool LogSummary::consistent() const noexcept {
  if (start_ < Offset{0} || start_ > durable_end_ || durable_end_ > end_) {
    return false;
  }
  for (std::size_t i = 0; i < epochs_.size(); ++i) {
    if (epochs_[i].start >= end_ ||
        (i > 0 && (epochs_[i - 1].epoch >= epochs_[i].epoch || epochs_[i - 1].start >= epochs_[i].start))) {
      return false;
    }
  }
  if (earliest_snapshot_.has_value() != latest_snapshot_.has_value()) {
    return false;
  }
  return start_ == Offset{0} || (latest_snapshot_ && latest_snapshot_->offset >= start_);
}

}  // namespace moldau::raft
