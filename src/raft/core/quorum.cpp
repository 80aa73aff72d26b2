#include "raft/core/quorum.h"

#include <algorithm>

#include "base/assert.h"
#include "raft/core/quorum_step.h"

namespace moldau::raft {

const char* to_string(Role role) noexcept {
  switch (role) {
    case Role::kUnattached: return "unattached";
    case Role::kFollower: return "follower";
    case Role::kProspective: return "prospective";
    case Role::kCandidate: return "candidate";
    case Role::kLeader: return "leader";
    case Role::kResigned: return "resigned";
  }
  return "unknown";
}

namespace {
template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
}  // namespace

Quorum::Quorum(Voter self, const QuorumConfig& config, Restored restored)
    : self_(std::move(self)),
      config_(config),
      record_(restored.election.value_or(ElectionRecord{})),
      log_(std::move(restored.log)),
      voters_(std::move(restored.voters)),
      state_(Unattached{kNeverInstant}) {
  MOLDAU_ASSERT(self_.key.id >= NodeId{0} && !self_.key.directory_id.is_zero(), self_.key.id.value());
  asked_to_persist_ = restored.election;
  high_watermark_ = log_.latest_snapshot() ? log_.latest_snapshot()->offset : Offset{0};
}

// A replica starts in the state in which it stopped, but a leader as Resigned: it must not vote for another in its
// epoch, and must not write to it again, because its last records may have been lost before they were durable.
void Quorum::start(Instant now, RandomSource& random, Effects& out) {
  MOLDAU_ASSERT(!started_);
  started_ = true;
  Step step{now, random, out, persisted_};
  if (record_.epoch < log_.last_epoch()) {
    enter(Unattached{election_deadline(step)}, {log_.last_epoch(), kNoNode, {}}, step);
  } else if (record_.leader == self_.key.id) {
    enter(Resigned{election_deadline(step), {}, {}}, record_, step);
  } else if (record_.has_voted() && record_.voted.matches(self_.key) && !record_.has_leader() && is_voter()) {
    enter(Candidate{Tally(voters_.voters(), self_.key.id), election_deadline(step)}, record_, step);
  } else if (record_.has_leader() && voters_.voters().find(record_.leader) != nullptr) {
    enter(Follower{now + config_.fetch_timeout, false, {}}, record_, step);
  } else {
    enter(Unattached{election_deadline(step)}, record_, step);
  }
  if (is_only_voter() && role() != Role::kCandidate) {
    become_prospective(step);  // nobody to wait for: on to leader at once
  } else if (const auto* candidate = std::get_if<Candidate>(&state_); candidate != nullptr && candidate->tally.won()) {
    become_leader(step);
  }
  poll_until_settled(step);
  check_invariants();
}

void Quorum::step(const Event& event, Instant now, RandomSource& random, Effects& out) {
  MOLDAU_ASSERT(started_);
  Step step{now, random, out, persisted_};
  dispatch(event, step);
  poll_until_settled(step);
  check_invariants();
}

void Quorum::dispatch(const Event& event, Step& step) {
  std::visit(
      Overloaded{
          [](const TimerFired&) {},
          [&](const LogSynced& synced) { on_log_synced(synced, step); },
          [&](const RequestReceived& received) {
            std::visit(Overloaded{
                           [&](const VoteRequest& vote) { step.emit(Reply{received.token, on_vote(vote, step)}); },
                           [&](const BeginQuorumEpochRequest& begin) {
                             step.emit(Reply{received.token, on_begin_epoch(begin, step)});
                           },
                           [&](const EndQuorumEpochRequest& end) {
                             step.emit(Reply{received.token, on_end_epoch(end, step)});
                           },
                           [&](const FetchRequest& fetch) { on_fetch(received.token, fetch, step); },
                       },
                       received.request);
          },
          [&](const ResponseReceived& received) {
            set_retry(received.from, step.now + config_.retry_backoff);
            std::visit(
                Overloaded{
                    [&](const VoteResponse& vote) { on_vote_answer(received.from, vote, step); },
                    [&](const BeginQuorumEpochResponse& begin) { (void)accept_head(received.from, begin, step); },
                    [&](const EndQuorumEpochResponse& end) {
                      if (auto* resigned = std::get_if<Resigned>(&state_);
                          resigned != nullptr && accept_head(received.from, end, step)) {
                        std::erase(resigned->unacknowledged, received.from);
                      }
                    },
                    [&](const FetchResponse& fetch) { on_fetch_answer(received.from, received.id, fetch, step); },
                },
                received.response);
          },
          [&](const RequestFailed& failed) {
            set_retry(failed.to, step.now + config_.retry_backoff);
            if (failed.id == fetch_in_flight_) {
              fetch_in_flight_ = 0;
              fetch_retry_at_ = step.now + config_.retry_backoff;
            }
          },
          [&](const SnapshotWritten& written) {
            MOLDAU_ASSERT(written.id.offset <= high_watermark_, written.id.offset.value());
            log_.add_snapshot(written.id);
            voters_.truncate_before(written.id.offset - 1);
          },
          [&](const LogPrefixDeleted& deleted) { log_.advance_start(deleted.earliest.offset, deleted.earliest); },
          [&](const SnapshotInstalled& installed) { on_snapshot_installed(installed, step); },
          [&](const ResignRequested& resign) {
            if (auto* leader = std::get_if<Leader>(&state_); leader != nullptr && resign.epoch == record_.epoch) {
              leader->resign_requested = true;
            }
          },
          [&](const ShutdownRequested&) { shutting_down_ = true; },
      },
      event);
}

// A transition may make the next one due at once; there is no cycle, a voter gets from any state to any other in fewer.
void Quorum::poll_until_settled(Step& step) {
  constexpr int kRoundsMax = 16;
  for (int round = 0; round < kRoundsMax; ++round) {
    const std::uint64_t before = transitions_;
    poll(step);
    if (transitions_ == before) {
      return;
    }
  }
  MOLDAU_ASSERT(false, static_cast<std::int64_t>(state_.index()), record_.epoch.value());
}

void Quorum::poll(Step& step) {
  std::visit(Overloaded{
                 [&](const Unattached& unattached) {
                   if (is_voter() && !shutting_down_ && step.now >= unattached.election_deadline) {
                     become_prospective(step);
                     return;
                   }
                   poll_fetch_from_anyone(step);
                 },
                 [&](Follower& follower) {
                   const bool silent = !shutting_down_ && step.now >= follower.fetch_deadline;
                   if (silent && is_voter()) {
                     become_prospective(step);
                   } else if (silent) {
                     // An observer does not campaign: it gives up what it waits for and asks around.
                     follower.loading.reset();
                     follower.fetch_deadline = step.now + config_.fetch_timeout;
                     poll_fetch_from_anyone(step);
                   } else if (!follower.loading) {
                     poll_fetch(record_.leader, step);
                   }
                 },
                 [&](const Prospective& prospective) {
                   if (!shutting_down_ && step.now >= prospective.election_deadline) {
                     after_lost_prevote(step);
                   } else {
                     poll_nominee(prospective.tally, true, step);
                   }
                 },
                 [&](const Candidate& candidate) {
                   if (!shutting_down_ && step.now >= candidate.election_deadline) {
                     become_prospective(step);
                   } else {
                     poll_nominee(candidate.tally, false, step);
                   }
                 },
                 [&](Leader& leader) { poll_leader(leader, step); },
                 [&](Resigned& resigned) { poll_resigned(resigned, step); },
             },
             state_);
}

void Quorum::poll_leader(Leader& leader, Step& step) {
  if (shutting_down_ || leader.resign_requested || step.now >= leader.progress.check_quorum_deadline()) {
    become_resigned(step);
    return;
  }
  answer_waiting(Wake::kExpired, step);
  if (step.now >= leader.remind_at) {
    leader.remind_at = step.now + config_.fetch_timeout / 2;
    for (const ReplicaKey& voter : leader.progress.voters_to_remind(step.now, config_.fetch_timeout / 2)) {
      if (may_retry(voter.id, step.now)) {
        send(voter.id, BeginQuorumEpochRequest{record_.epoch, self_.key.id, voter}, step);
      }
    }
  }
}

void Quorum::poll_resigned(Resigned& resigned, Step& step) {
  if (!shutting_down_ && step.now >= resigned.election_deadline) {
    // The next epoch, so that nobody is told to follow this replica in the one it gave up.
    become_unattached(record_.epoch + 1, kNoNode, step);
    return;
  }
  for (const NodeId voter : resigned.unacknowledged) {
    if (may_retry(voter, step.now)) {
      send(voter, EndQuorumEpochRequest{record_.epoch, self_.key.id, resigned.successors}, step);
    }
  }
}

void Quorum::poll_nominee(const Tally& tally, bool pre_vote, Step& step) {
  if (tally.lost()) {
    return;
  }
  for (const Voter& voter : voters_.voters().voters()) {
    if (tally.is_open(voter.key.id) && may_retry(voter.key.id, step.now)) {
      send(voter.key.id, VoteRequest{record_.epoch, self_.key, voter.key, {log_.end(), log_.last_epoch()}, pre_vote},
           step);
    }
  }
}

// A fetch answer names the leader, whoever gives it.
void Quorum::poll_fetch_from_anyone(Step& step) {
  const auto& voters = voters_.voters().voters();
  if (voters.empty()) {
    return;
  }
  const NodeId to = voters[step.random.next() % voters.size()].key.id;
  if (to != self_.key.id) {
    poll_fetch(to, step);
  }
}

void Quorum::poll_fetch(NodeId to, Step& step) {
  if (fetch_in_flight_ != 0 && step.now >= fetch_retry_at_) {
    fetch_in_flight_ = 0;
  }
  if (fetch_in_flight_ != 0 || step.now < fetch_retry_at_ || log_.durable_end() != log_.end()) {
    return;
  }
  const FetchRequest fetch{.epoch = record_.epoch,
                           .replica = self_.key,
                           .fetch_offset = log_.end(),
                           .last_fetched_epoch = log_.last_epoch(),
                           .high_watermark = high_watermark_,
                           .max_wait = config_.fetch_max_wait};
  fetch_in_flight_ = send(to, fetch, step);
  fetch_retry_at_ = step.now + config_.request_timeout;
}

Instant Quorum::deadline() const noexcept {
  Instant earliest = kNeverInstant;
  const auto at = [&](Instant when) { earliest = std::min(earliest, when); };
  const auto retries = [&](auto wanted) {
    for (const Voter& voter : voters_.voters().voters()) {
      if (voter.key.id != self_.key.id && wanted(voter.key.id)) {
        const auto retry = std::ranges::find(retries_, voter.key.id, &PeerRetry::id);
        at(retry == retries_.end() ? Instant{0} : retry->at);
      }
    }
  };
  const bool campaigns = is_voter() && !shutting_down_;
  const bool can_fetch = log_.durable_end() == log_.end();
  std::visit(Overloaded{
                 [&](const Unattached& unattached) {
                   if (campaigns) at(unattached.election_deadline);
                   if (can_fetch && !voters_.voters().empty() && !is_only_voter()) at(fetch_retry_at_);
                 },
                 [&](const Follower& follower) {
                   if (!shutting_down_) at(follower.fetch_deadline);
                   if (can_fetch && !follower.loading) at(fetch_retry_at_);
                 },
                 [&](const Prospective& nominee) {
                   if (campaigns) at(nominee.election_deadline);
                   if (!nominee.tally.lost()) retries([&](NodeId id) { return nominee.tally.is_open(id); });
                 },
                 [&](const Candidate& nominee) {
                   if (campaigns) at(nominee.election_deadline);
                   if (!nominee.tally.lost()) retries([&](NodeId id) { return nominee.tally.is_open(id); });
                 },
                 [&](const Leader& leader) {
                   at(leader.progress.check_quorum_deadline());
                   if (leader.progress.voters().size() > 1) at(leader.remind_at);
                   for (const WaitingFetch& fetch : waiting_) at(fetch.deadline);
                 },
                 [&](const Resigned& resigned) {
                   if (!shutting_down_) at(resigned.election_deadline);
                   retries([&](NodeId id) {
                     return std::ranges::find(resigned.unacknowledged, id) != resigned.unacknowledged.end();
                   });
                 },
             },
             state_);
  return earliest;
}

std::expected<Offset, ProposeRefusal> Quorum::propose(LeaderEpoch epoch, std::int64_t record_count, Instant now,
                                                      Effects& out) {
  MOLDAU_ASSERT(record_count > 0, record_count);
  auto* leader = std::get_if<Leader>(&state_);
  if (leader == nullptr || epoch != record_.epoch) {
    return std::unexpected(ProposeRefusal::kNotLeader);
  }
  if (leader->resign_requested || shutting_down_) {
    return std::unexpected(ProposeRefusal::kResigning);
  }
  const Offset base = log_.end();
  log_.append(epoch, record_count);
  struct NoChance final : RandomSource {
    std::uint64_t next() override { return 0; }
  } no_chance;
  Step step{now, no_chance, out, persisted_};
  step.emit(AppendProposed{epoch, base, record_count});
  answer_waiting(Wake::kNewRecords, step);
  check_invariants();
  return base;
}

const LeaderProgress* Quorum::leader_progress() const noexcept {
  const auto* leader = std::get_if<Leader>(&state_);
  return leader == nullptr ? nullptr : &leader->progress;
}

bool Quorum::can_snapshot(OffsetAndEpoch id) const noexcept {
  return id.offset >= log_.start() && id.offset <= high_watermark_ &&
         log_.validate(id.offset, id.epoch).match == LogSummary::Match::kValid &&
         (!log_.latest_snapshot() || id > *log_.latest_snapshot());
}

bool Quorum::shutdown_complete() const noexcept {
  return shutting_down_ && (!is_voter() || is_only_voter() || (record_.has_leader() && record_.leader != self_.key.id));
}

bool Quorum::may_retry(NodeId peer, Instant now) const noexcept {
  const auto at = std::ranges::find(retries_, peer, &PeerRetry::id);
  return at == retries_.end() || now >= at->at;
}

void Quorum::set_retry(NodeId peer, Instant at) {
  if (const auto entry = std::ranges::find(retries_, peer, &PeerRetry::id); entry != retries_.end()) {
    entry->at = at;
  } else if (voters_.voters().find(peer) != nullptr) {
    retries_.push_back({peer, at});
  }
}

RequestId Quorum::send(NodeId to, Request request, Step& step) {
  MOLDAU_ASSERT(to != self_.key.id, to.value());
  const RequestId id = next_request_++;
  set_retry(to, step.now + config_.request_timeout);
  step.emit(Send{to, id, std::move(request)});
  return id;
}

void Quorum::check_invariants() const {
  MOLDAU_ASSERT(log_.consistent(), log_.start().value(), log_.end().value());
  MOLDAU_ASSERT(high_watermark_ <= log_.end(), high_watermark_.value(), log_.end().value());
  MOLDAU_ASSERT(!asked_to_persist_ || asked_to_persist_->epoch == record_.epoch, record_.epoch.value());
  MOLDAU_ASSERT(record_.epoch >= log_.last_epoch(), record_.epoch.value(), log_.last_epoch().value());
  MOLDAU_ASSERT(is_voter() || role() == Role::kUnattached || role() == Role::kFollower || role() == Role::kResigned ||
                    role() == Role::kLeader,
                self_.key.id.value());
  switch (role()) {
    case Role::kCandidate: MOLDAU_ASSERT(record_.voted.matches(self_.key) && !record_.has_leader()); break;
    case Role::kFollower: MOLDAU_ASSERT(record_.has_leader() && record_.leader != self_.key.id); break;
    case Role::kResigned:
    case Role::kLeader: MOLDAU_ASSERT(record_.leader == self_.key.id, record_.leader.value()); break;
    default: MOLDAU_ASSERT(record_.leader != self_.key.id, record_.leader.value()); break;
  }
  if (const LeaderProgress* progress = leader_progress()) {
    progress->check_invariants();
    MOLDAU_ASSERT(log_.last_epoch() == record_.epoch, record_.epoch.value());
  }
  MOLDAU_ASSERT(waiting_.empty() || role() == Role::kLeader);
}

}  // namespace moldau::raft
