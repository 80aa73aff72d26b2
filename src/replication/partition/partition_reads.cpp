// Reading: records, offsets by time and by epoch.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "replication/partition/partition.h"
#include "replication/partition/partition_state.h"

namespace moldau::replication {
namespace {

using protocol::ErrorCode;

ErrorCode to_wire_code(FetchRefusal refusal, bool epoch_given) noexcept {
  switch (refusal) {
    case FetchRefusal::kFencedLeaderEpoch: return ErrorCode::kFencedLeaderEpoch;
    case FetchRefusal::kUnknownLeaderEpoch: return ErrorCode::kUnknownLeaderEpoch;
    // The replica may know of a reassignment that this leader has not seen yet: it is to try again.
    case FetchRefusal::kUnknownReplica:
      return epoch_given ? ErrorCode::kUnknownLeaderEpoch : ErrorCode::kNotLeaderOrFollower;
    case FetchRefusal::kNotLeader:
    case FetchRefusal::kStaleBrokerEpoch: break;
  }
  return ErrorCode::kNotLeaderOrFollower;
}

}  // namespace

Refusal Partition::refuse_io(const Error& error) {
  switch (error.kind()) {
    case ErrorKind::kOutOfRange: return refusal(ErrorCode::kOffsetOutOfRange);
    case ErrorKind::kIo:
    case ErrorKind::kNoSpace:
    case ErrorKind::kOffline: on_storage_failure(error); return refusal(ErrorCode::kKafkaStorageError, error.context());
    case ErrorKind::kFenced: return refusal(ErrorCode::kKafkaStorageError, error.context());
    case ErrorKind::kCorrupt:
    case ErrorKind::kTruncated: return refusal(ErrorCode::kCorruptMessage, error.context());
    default: return refusal(ErrorCode::kUnknownServerError, error.context());
  }
}

std::expected<ReadResult, Refusal> Partition::read(const ReadRequest& request) {
  if (auto refused = unavailable(request.current_leader_epoch, request.leader_only)) {
    return std::unexpected(*refused);
  }
  ReadResult result;
  result.high_watermark = core_.high_watermark();
  result.last_stable = last_stable_offset();
  result.log_start = core_.log_start();
  result.log_end = core_.log_end();
  if (request.last_fetched_epoch != kNoLeaderEpoch) {
    const auto end = log_->end_offset_for_epoch(request.last_fetched_epoch);
    // Below the log start truncation cannot help; nor can it where this log knows nothing of the epoch.
    if (!end || request.from < core_.log_start()) {
      return std::unexpected(refusal(ErrorCode::kOffsetOutOfRange));
    }
    if (end->epoch < request.last_fetched_epoch || end->offset < request.from) {
      result.diverging = DivergingEpoch{end->epoch, end->offset};
      return result;
    }
  }
  if (request.from < core_.log_start() || request.from > core_.log_end()) {
    return std::unexpected(refusal(ErrorCode::kOffsetOutOfRange));
  }
  const Offset bound = bound_of(request.isolation);
  if (request.from >= bound) {
    return result;
  }
  note_use();
  auto slice = log_->read(request.from, bound, request.bytes_max, request.at_least_one_batch);
  if (!slice) {
    return std::unexpected(refuse_io(slice.error()));
  }
  if (request.isolation == FetchIsolation::kLastStable && !slice->empty()) {
    const auto upto = log_->upto_of(*slice);
    if (!upto) {
      return std::unexpected(refuse_io(upto.error()));
    }
    auto aborted = log_->aborted_transactions(request.from, *upto);
    if (!aborted) {
      return std::unexpected(refuse_io(aborted.error()));
    }
    result.aborted = *std::move(aborted);
  }
  result.slice = *std::move(slice);
  return result;
}

std::expected<ReadResult, Refusal> Partition::read_as_follower(const ReadRequest& request, const FollowerFetch& fetch) {
  if (auto refused = unavailable(request.current_leader_epoch, true)) {
    return std::unexpected(*refused);
  }
  const bool epoch_given = request.current_leader_epoch != kNoLeaderEpoch;
  if (std::ranges::find(core_.replicas(), fetch.replica) == core_.replicas().end() ||
      fetch.replica == environment_.self) {
    return std::unexpected(refusal(to_wire_code(FetchRefusal::kUnknownReplica, epoch_given)));
  }
  auto result = read(request);
  if (!result || result->diverging) {
    return result;
  }
  Effects effects;
  const Offset low_before = deletes_.empty() ? Offset(0) : core_.low_watermark(environment_.brokers);
  if (const auto refused = core_.on_follower_fetch(fetch, environment_.brokers, mono_ms(), effects)) {
    return std::unexpected(refusal(to_wire_code(*refused, epoch_given)));
  }
  apply(effects);
  if (!deletes_.empty() && core_.is_leader() && core_.low_watermark(environment_.brokers) > low_before) {
    complete_deletes();
  }
  result->high_watermark = core_.high_watermark();
  return result;
}

std::expected<ListedOffset, Refusal> Partition::list_offset(const ListOffsetRequest& request) {
  if (auto refused = unavailable(request.current_leader_epoch, request.leader_only)) {
    return std::unexpected(*refused);
  }
  note_use();
  const bool consumer = request.isolation != FetchIsolation::kLogEnd;
  const bool available = !consumer || core_.offsets_available();
  const auto not_available = [this] {
    return std::unexpected(
        refusal(ErrorCode::kOffsetNotAvailable, "the high watermark has not reached the start of the leader epoch"));
  };
  const Offset last = bound_of(request.isolation);
  std::optional<storage::TimestampedOffset> found;
  switch (request.timestamp) {
    case timestamp::kLatest:
      if (!available) {
        return not_available();
      }
      return ListedOffset{kNoTimestamp, last, core_.leader_epoch()};
    case timestamp::kEarliest:
    case timestamp::kEarliestLocal:  // nothing is tiered: the local log is the whole
      return ListedOffset{kNoTimestamp, core_.log_start(), log_->earliest_epoch().value_or(kNoLeaderEpoch)};
    case timestamp::kLatestTiered:
    case timestamp::kEarliestPendingUpload: return ListedOffset{};
    case timestamp::kMax: {
      const auto max = log_->max_timestamp(environment_.scratch);
      if (!max) {
        return std::unexpected(refuse_io(max.error()));
      }
      found = *max;
      break;
    }
    default: {
      if (request.timestamp < 0) {
        return std::unexpected(refusal(ErrorCode::kUnsupportedVersion));
      }
      const auto at = log_->offset_for_timestamp(request.timestamp, environment_.scratch);
      if (!at) {
        return std::unexpected(refuse_io(at.error()));
      }
      found = *at;
    }
  }
  if (!found || found->offset >= last) {
    if (!available) {
      return not_available();  // it may lie in what cannot be shown yet
    }
    return ListedOffset{};
  }
  return ListedOffset{found->timestamp, found->offset, found->leader_epoch};
}

std::expected<EpochEnd, Refusal> Partition::end_offset_for_epoch(LeaderEpoch epoch, LeaderEpoch current_leader_epoch,
                                                                 bool leader_only) {
  if (auto refused = unavailable(current_leader_epoch, leader_only)) {
    return std::unexpected(*refused);
  }
  const auto end = log_->end_offset_for_epoch(epoch);
  return end ? EpochEnd{end->epoch, end->offset} : EpochEnd{};
}

}  // namespace moldau::replication
