// Fetch on both sides, the high watermark, snapshots.
#include <algorithm>

#include "base/assert.h"
#include "raft/core/quorum_step.h"

namespace moldau::raft {

void Quorum::on_fetch(ReplyToken token, const FetchRequest& request, Step& step) {
  FetchResponse response = answer_fetch(request, step);
  const bool worth_sending = response.error != RaftError::kNone || response.records_upto > response.records_from ||
                             response.diverging || response.snapshot || request.max_wait <= Millis{0} ||
                             request.high_watermark < response.high_watermark;
  if (worth_sending) {
    step.emit(Reply{token, std::move(response)});
    return;
  }
  // One long poll for each replica: a newer one means that the older was given up.
  const auto older = std::ranges::find_if(
      waiting_, [&](const WaitingFetch& fetch) { return fetch.request.replica == request.replica; });
  if (older != waiting_.end()) {
    step.emit(Reply{older->token, response});
    waiting_.erase(older);
  } else if (waiting_.size() >= LeaderProgress::kObserversMax) {
    step.emit(Reply{token, std::move(response)});
    return;
  }
  waiting_.push_back({token, request, step.now + std::min(request.max_wait, config_.request_timeout)});
}

FetchResponse Quorum::answer_fetch(const FetchRequest& request, Step& step) {
  if (request.fetch_offset < Offset{0} || request.last_fetched_epoch < LeaderEpoch{0} ||
      request.last_fetched_epoch > request.epoch || request.max_wait < Millis{0} ||
      request.replica.id == self_.key.id) {
    return head<FetchResponse>(RaftError::kInvalidRequest);
  }
  if (request.epoch < record_.epoch) {
    return head<FetchResponse>(RaftError::kFencedLeaderEpoch);
  }
  if (request.epoch > record_.epoch) {
    return head<FetchResponse>(RaftError::kUnknownLeaderEpoch);
  }
  auto* leader = std::get_if<Leader>(&state_);
  if (leader == nullptr) {
    return head<FetchResponse>(RaftError::kNotLeaderOrFollower);
  }
  if (shutting_down_) {
    return head<FetchResponse>(RaftError::kBrokerNotAvailable);
  }

  FetchResponse response = head<FetchResponse>(RaftError::kNone);
  response.log_start = log_.start();
  // An empty replica is served quicker by a snapshot; the one that formatting writes holds nothing.
  constexpr OffsetAndEpoch kBootstrapSnapshot{};
  const auto latest = log_.latest_snapshot();
  LogSummary::Validity validity{};
  if (request.fetch_offset == Offset{0} && latest && *latest != kBootstrapSnapshot) {
    validity = {LogSummary::Match::kSnapshot, *latest};
  } else {
    validity = log_.validate(request.fetch_offset, request.last_fetched_epoch);
  }
  switch (validity.match) {
    case LogSummary::Match::kSnapshot: response.snapshot = validity.at; break;
    case LogSummary::Match::kDiverging: response.diverging = validity.at; break;
    case LogSummary::Match::kValid:
      response.records_from = request.fetch_offset;
      response.records_upto = log_.end();
      // The replica holds all below its fetch offset durably, and it is our log: an acknowledgement.
      if (request.replica.id >= NodeId{0} &&
          leader->progress.on_fetch(request.replica, request.fetch_offset, log_.end(), step.now)) {
        on_leader_high_watermark(step);
      }
      break;
  }
  response.high_watermark = leader->progress.high_watermark().value_or(kNoOffset);
  return response;
}

void Quorum::on_leader_high_watermark(Step& step) {
  raise_high_watermark(*std::get<Leader>(state_).progress.high_watermark(), step);
  answer_waiting(Wake::kAll, step);
}

void Quorum::raise_high_watermark(Offset to, Step& step) {
  if (to > high_watermark_) {
    high_watermark_ = to;
    step.emit(HighWatermarkMoved{to});
  }
}

void Quorum::answer_waiting(Wake which, Step& step) {
  std::vector<WaitingFetch> due;
  std::erase_if(waiting_, [&](WaitingFetch& fetch) {
    const bool wake = which == Wake::kAll || (which == Wake::kExpired && step.now >= fetch.deadline) ||
                      (which == Wake::kNewRecords && fetch.request.fetch_offset < log_.end());
    if (wake) {
      due.push_back(fetch);
    }
    return wake;
  });
  for (const WaitingFetch& fetch : due) {
    // Answered anew, but not as a new acknowledgement: the request is as old as its arrival.
    FetchResponse response = head<FetchResponse>(RaftError::kNone);
    response.log_start = log_.start();
    response.records_from = fetch.request.fetch_offset;
    response.records_upto = log_.end();
    response.high_watermark = std::get<Leader>(state_).progress.high_watermark().value_or(kNoOffset);
    step.emit(Reply{fetch.token, std::move(response)});
  }
}

void Quorum::refuse_waiting(Step& step) {
  for (const WaitingFetch& fetch : std::exchange(waiting_, {})) {
    step.emit(Reply{fetch.token, head<FetchResponse>(RaftError::kNotLeaderOrFollower)});
  }
}

void Quorum::on_fetch_answer(NodeId from, RequestId id, const FetchResponse& response, Step& step) {
  // Only the answer to the fetch in flight counts: an older one may ask for a truncation that is done and over.
  if (id == 0 || id != fetch_in_flight_) {
    return;
  }
  fetch_in_flight_ = 0;
  fetch_retry_at_ = step.now + config_.retry_backoff;
  if (!accept_head(from, response, step)) {
    return;
  }
  auto* follower = std::get_if<Follower>(&state_);
  if (follower == nullptr || from != record_.leader) {
    return;
  }
  if (response.diverging) {
    truncate_as_told(*follower, from, *response.diverging, step);
  } else if (response.snapshot) {
    if (response.snapshot->offset < Offset{0} || response.snapshot->epoch < LeaderEpoch{0} ||
        response.snapshot->offset < high_watermark_) {
      step.emit(Complaint{from, "offers a snapshot that ends below our high watermark"});
      return;
    }
    follower->loading = *response.snapshot;
    step.emit(FetchSnapshot{from, *response.snapshot});
  } else {
    append_fetched(id, response, step);
    raise_high_watermark(std::min(log_.end(), response.high_watermark), step);
    fetch_retry_at_ = step.now;
  }
  follower->has_fetched = true;
  follower->fetch_deadline = step.now + config_.fetch_timeout;
}

void Quorum::append_fetched(RequestId id, const FetchResponse& response, Step& step) {
  std::size_t accepted = 0;
  for (const BatchSummary& batch : response.batches) {
    if (batch.base != log_.end() || batch.last < batch.base || batch.epoch < log_.last_epoch() ||
        batch.epoch > record_.epoch) {
      step.emit(Complaint{record_.leader, "sent a batch that does not continue our log"});
      break;
    }
    log_.append(batch.epoch, batch.last - batch.base + 1);
    for (const auto& [offset, change] : batch.voter_changes) {
      voters_.add(offset, change);
    }
    ++accepted;
  }
  if (accepted > 0) {
    step.emit(AppendFetched{id, accepted});
  }
}

void Quorum::truncate_as_told(Follower&, NodeId from, OffsetAndEpoch diverging, Step& step) {
  const Offset end = log_.truncation_point(diverging);
  if (diverging.offset < Offset{0} || diverging.epoch < LeaderEpoch{0} || end < high_watermark_ || end < log_.start()) {
    step.emit(Complaint{from, "asks to truncate below our high watermark"});
    return;
  }
  log_.truncate_to(end);
  voters_.truncate_from(end);
  step.emit(Truncate{end});
  fetch_retry_at_ = step.now;
}

void Quorum::on_log_synced(const LogSynced& event, Step& step) {
  if (event.truncations != log_.truncations()) {
    return;
  }
  log_.synced(event.end);
  if (auto* leader = std::get_if<Leader>(&state_)) {
    if (leader->progress.on_local_durable(log_.durable_end())) {
      on_leader_high_watermark(step);
    }
  }
}

void Quorum::on_snapshot_installed(const SnapshotInstalled& event, Step& step) {
  auto* follower = std::get_if<Follower>(&state_);
  if (follower == nullptr || follower->loading != event.id) {
    return;
  }
  log_.restart_at(event.id);
  voters_.clear();
  voters_.add(event.id.offset - 1, event.voters);
  follower->loading.reset();
  follower->fetch_deadline = step.now + config_.fetch_timeout;
  fetch_retry_at_ = step.now;
  raise_high_watermark(event.id.offset, step);
}

}  // namespace moldau::raft
