// From one role to the next. Source: org.apache.kafka.raft.QuorumState.
#include <algorithm>

#include "base/assert.h"
#include "raft/core/quorum_step.h"

namespace moldau::raft {

void Quorum::enter(State state, const ElectionRecord& record, Step& step) {
  MOLDAU_ASSERT(record.epoch >= record_.epoch, record.epoch.value(), record_.epoch.value());
  MOLDAU_ASSERT(
      record.epoch > record_.epoch || !record_.has_voted() || record.voted == record_.voted || !record.has_voted(),
      record.epoch.value());
  if (role() == Role::kLeader) {
    refuse_waiting(step);
  }
  fetch_in_flight_ = 0;
  fetch_retry_at_ = step.now;
  retries_.clear();
  record_ = record;
  state_ = std::move(state);
  ++transitions_;
  if (asked_to_persist_ != record_) {
    asked_to_persist_ = record_;
    ++persisted_;
    step.emit(Persist{persisted_, record_});
  }
}

Instant Quorum::election_deadline(Step& step) const {
  const auto timeout = config_.election_timeout.count();
  return step.now + Millis(timeout + (timeout > 0 ? static_cast<std::int64_t>(step.random.next() %
                                                                              static_cast<std::uint64_t>(timeout))
                                                  : 0));
}

void Quorum::announce_leader(Offset epoch_start, Step& step) {
  step.emit(LeaderChanged{record_.epoch, record_.leader, epoch_start});
}

void Quorum::become_unattached(LeaderEpoch epoch, NodeId leader, Step& step) {
  MOLDAU_ASSERT(epoch > record_.epoch || role() == Role::kProspective, epoch.value(), record_.epoch.value());
  // A running election keeps its deadline: peers with ever higher epochs must not put off this replica's own campaign.
  Instant deadline = election_deadline(step);
  if (const auto* candidate = std::get_if<Candidate>(&state_)) {
    deadline = candidate->election_deadline;
  } else if (const auto* unattached = std::get_if<Unattached>(&state_)) {
    deadline = unattached->election_deadline;
  } else if (const auto* resigned = std::get_if<Resigned>(&state_)) {
    deadline = resigned->election_deadline;
  } else if (const auto* prospective = std::get_if<Prospective>(&state_);
             prospective != nullptr && !prospective->tally.lost() && step.now < prospective->election_deadline) {
    deadline = prospective->election_deadline;
  }
  // Within the epoch the vote stays, or this replica could vote twice.
  const bool new_epoch = epoch > record_.epoch;
  const ReplicaKey voted = new_epoch ? ReplicaKey{} : record_.voted;
  enter(Unattached{deadline}, {epoch, leader, voted}, step);
  if (new_epoch) {
    announce_leader(kNoOffset, step);
  }
}

void Quorum::become_follower(LeaderEpoch epoch, NodeId leader, Step& step) {
  MOLDAU_ASSERT(leader != self_.key.id && leader >= NodeId{0}, leader.value());
  MOLDAU_ASSERT(epoch > record_.epoch || role() != Role::kLeader, epoch.value());
  const bool news = epoch > record_.epoch || record_.leader != leader;
  const ReplicaKey voted = epoch > record_.epoch ? ReplicaKey{} : record_.voted;
  enter(Follower{step.now + config_.fetch_timeout, false, {}}, {epoch, leader, voted}, step);
  if (news) {
    announce_leader(kNoOffset, step);
  }
}

void Quorum::become_prospective(Step& step) {
  MOLDAU_ASSERT(is_voter() && role() != Role::kLeader && role() != Role::kProspective);
  // Nothing durable changes: asking whether a campaign would succeed binds nobody. A sole voter that comes from
  // Resigned goes on to the next epoch within this call.
  MOLDAU_ASSERT(record_.leader != self_.key.id || is_only_voter());
  enter(Prospective{Tally(voters_.voters(), self_.key.id), election_deadline(step)}, record_, step);
  if (std::get<Prospective>(state_).tally.won()) {
    become_candidate(step);
  }
}

void Quorum::become_candidate(Step& step) {
  MOLDAU_ASSERT(role() == Role::kProspective && is_voter());
  enter(Candidate{Tally(voters_.voters(), self_.key.id), election_deadline(step)},
        {record_.epoch + 1, kNoNode, self_.key}, step);
  announce_leader(kNoOffset, step);
  if (std::get<Candidate>(state_).tally.won()) {
    become_leader(step);
  }
}

void Quorum::become_leader(Step& step) {
  MOLDAU_ASSERT(role() == Role::kCandidate && is_voter());
  MOLDAU_ASSERT(std::get<Candidate>(state_).tally.won());
  std::vector<NodeId> granting = std::get<Candidate>(state_).tally.granting();
  const Offset base = log_.end();
  AppendEpochStart append{record_.epoch, base, self_.key.id, {}, granting, {}};
  for (const Voter& voter : voters_.voters().voters()) {
    append.voters.push_back(voter.key.id);
  }
  // A voter set known only from formatting is not in the log yet, and one with old endpoints of ours is out of date.
  if (voters_.kraft_version() >= kKraftVersionDynamic &&
      (voters_.voters_offset().value_or(kNoOffset) < Offset{0} || voters_.voters().needs_update(self_))) {
    append.voter_change = VoterChange{voters_.kraft_version(), voters_.voters().updated(self_)};
  }

  const VoterSet& voters = append.voter_change ? *append.voter_change->voters : voters_.voters();
  LeaderProgress progress(self_.key, voters, base, step.now, config_.fetch_timeout * 3 / 2);
  // The vote for itself is not kept beside the leadership; the leadership forbids a second one.
  enter(Leader{std::move(progress), std::move(granting), step.now, false}, {record_.epoch, self_.key.id, {}}, step);
  log_.append(record_.epoch, append.voter_change ? 3 : 1);
  if (append.voter_change) {
    voters_.add(base + 1, {.kraft_version = append.voter_change->kraft_version, .voters = {}});
    voters_.add(base + 2, {.kraft_version = {}, .voters = append.voter_change->voters});
  }
  step.emit(std::move(append));
  announce_leader(base, step);
}

void Quorum::become_resigned(Step& step) {
  const auto& progress = std::get<Leader>(state_).progress;
  Resigned resigned{election_deadline(step), progress.successors(), {}};
  for (const ReplicaKey& voter : resigned.successors) {
    resigned.unacknowledged.push_back(voter.id);
  }
  enter(std::move(resigned), record_, step);
}

void Quorum::after_lost_prevote(Step& step) {
  if (record_.has_leader()) {
    become_follower(record_.epoch, record_.leader, step);
  } else {
    become_unattached(record_.epoch, record_.leader, step);
  }
}

}  // namespace moldau::raft
