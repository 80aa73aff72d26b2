// Votes, and who leads: Vote, BeginQuorumEpoch, EndQuorumEpoch and what every answer says of epoch and leader.
#include <algorithm>

#include "base/assert.h"
#include "raft/core/quorum_step.h"

namespace moldau::raft {

std::optional<RaftError> Quorum::refuse_voter_request(NodeId from, LeaderEpoch epoch) const {
  if (epoch < record_.epoch) {
    return RaftError::kFencedLeaderEpoch;
  }
  // A replica with our node id but another directory is not us, and nothing it says can be about another leader.
  if (from < NodeId{0} || from == self_.key.id) {
    return RaftError::kInvalidRequest;
  }
  return std::nullopt;
}

bool Quorum::can_grant(const VoteRequest& request) const {
  const OffsetAndEpoch own{log_.end(), log_.last_epoch()};
  const bool up_to_date =
      request.log_end.epoch > own.epoch || (request.log_end.epoch == own.epoch && request.log_end.offset >= own.offset);
  switch (role()) {
    case Role::kUnattached:
    case Role::kProspective:
      if (request.pre_vote) {
        return up_to_date;
      }
      if (record_.has_voted()) {
        return record_.voted.matches(request.candidate);
      }
      return !record_.has_leader() && up_to_date;
    case Role::kFollower: return request.pre_vote && up_to_date && !std::get<Follower>(state_).has_fetched;
    case Role::kCandidate:
    case Role::kResigned: return request.pre_vote && up_to_date;
    case Role::kLeader: return false;
  }
  return false;
}

VoteResponse Quorum::on_vote(const VoteRequest& request, Step& step) {
  // A candidate has raised its epoch above all it wrote; before a pre-vote it may not have.
  const bool impossible_epoch =
      request.pre_vote ? request.log_end.epoch > request.epoch : request.log_end.epoch >= request.epoch;
  if (request.log_end.offset < Offset{0} || request.log_end.epoch < LeaderEpoch{0} || impossible_epoch) {
    return head<VoteResponse>(RaftError::kInvalidRequest);
  }
  if (const auto refusal = refuse_voter_request(request.candidate.id, request.epoch)) {
    return head<VoteResponse>(*refusal);
  }
  if (request.epoch > record_.epoch) {
    become_unattached(request.epoch, kNoNode, step);
  }
  if (request.voter.id != kNoNode && !request.voter.matches(self_.key)) {
    return head<VoteResponse>(RaftError::kInvalidVoterKey);
  }
  const bool granted = can_grant(request);
  if (granted && !request.pre_vote && !record_.has_voted()) {
    // Whoever votes waits anew: the candidate has at least as good a chance.
    const ElectionRecord record{record_.epoch, record_.leader, request.candidate};
    if (role() == Role::kProspective) {
      enter(Prospective{Tally(voters_.voters(), self_.key.id), election_deadline(step)}, record, step);
    } else {
      enter(Unattached{election_deadline(step)}, record, step);
    }
  }
  VoteResponse response = head<VoteResponse>(RaftError::kNone);
  response.granted = granted;
  return response;
}

BeginQuorumEpochResponse Quorum::on_begin_epoch(const BeginQuorumEpochRequest& request, Step& step) {
  if (const auto refusal = refuse_voter_request(request.leader, request.epoch)) {
    return head<BeginQuorumEpochResponse>(*refusal);
  }
  if (!maybe_transition(request.epoch, request.leader, step)) {
    step.emit(Complaint{request.leader, "another leader in the same epoch"});
    return head<BeginQuorumEpochResponse>(RaftError::kInvalidRequest);
  }
  if (request.voter.id != kNoNode && !request.voter.matches(self_.key)) {
    return head<BeginQuorumEpochResponse>(RaftError::kInvalidVoterKey);
  }
  return head<BeginQuorumEpochResponse>(RaftError::kNone);
}

EndQuorumEpochResponse Quorum::on_end_epoch(const EndQuorumEpochRequest& request, Step& step) {
  if (const auto refusal = refuse_voter_request(request.leader, request.epoch)) {
    return head<EndQuorumEpochResponse>(*refusal);
  }
  if (!maybe_transition(request.epoch, request.leader, step)) {
    step.emit(Complaint{request.leader, "another leader in the same epoch"});
    return head<EndQuorumEpochResponse>(RaftError::kInvalidRequest);
  }
  if (auto* follower = std::get_if<Follower>(&state_); follower != nullptr && record_.leader == request.leader) {
    follower->fetch_deadline = step.now + backoff_after_resignation(request.preferred_successors);
    // The leader is gone; pre-votes for its successor shall pass.
    follower->has_fetched = false;
  }
  return head<EndQuorumEpochResponse>(RaftError::kNone);
}

// The most advanced successor campaigns at once, each further one after twice the wait of the one before it.
Millis Quorum::backoff_after_resignation(const std::vector<ReplicaKey>& successors) const {
  const auto at = std::ranges::find_if(successors, [&](const ReplicaKey& key) { return key.matches(self_.key); });
  const auto position = at - successors.begin();
  if (at == successors.end()) {
    return config_.election_backoff_max;
  }
  if (position == 0) {
    return Millis{0};
  }
  constexpr std::ptrdiff_t kShiftMax = 30;
  const auto base =
      config_.election_backoff_max.count() >> std::min<std::ptrdiff_t>(std::ssize(successors) - 1, kShiftMax);
  return std::min(config_.election_backoff_max, Millis(base << std::min<std::ptrdiff_t>(position - 1, kShiftMax)));
}

bool Quorum::consistent_leader(LeaderEpoch epoch, NodeId leader) const {
  if (leader == self_.key.id) {
    return role() == Role::kLeader && epoch == record_.epoch;
  }
  return epoch != record_.epoch || leader == kNoNode || !record_.has_leader() || leader == record_.leader;
}

bool Quorum::maybe_transition(LeaderEpoch epoch, NodeId leader, Step& step) {
  if (!consistent_leader(epoch, leader) || leader < kNoNode) {
    return false;
  }
  if (epoch > record_.epoch) {
    if (leader != kNoNode) {
      become_follower(epoch, leader, step);
    } else {
      become_unattached(epoch, kNoNode, step);
    }
  } else if (epoch == record_.epoch && leader != kNoNode && leader != self_.key.id &&
             (!record_.has_leader() || role() == Role::kUnattached)) {
    become_follower(epoch, leader, step);
  }
  return true;
}

bool Quorum::accept_head(NodeId from, const ResponseHead& head, Step& step) {
  if (head.epoch < record_.epoch || head.error == RaftError::kUnknownLeaderEpoch) {
    return false;  // about an epoch that is over
  }
  const bool moves_on = head.epoch > record_.epoch || head.error == RaftError::kFencedLeaderEpoch ||
                        head.error == RaftError::kNotLeaderOrFollower;
  const bool names_leader = head.leader != kNoNode && !record_.has_leader();
  if (moves_on || names_leader) {
    if (!maybe_transition(head.epoch, head.leader, step)) {
      step.emit(Complaint{from, "an answer that names another leader of the same epoch"});
      return false;
    }
    return !moves_on && head.error == RaftError::kNone;
  }
  if (head.error == RaftError::kInvalidRequest || head.error == RaftError::kInvalidVoterKey) {
    step.emit(Complaint{from, head.error == RaftError::kInvalidRequest ? "refused our request as invalid"
                                                                       : "is not the replica we took it for"});
  }
  return head.error == RaftError::kNone;
}

void Quorum::on_vote_answer(NodeId from, const VoteResponse& response, Step& step) {
  if (!accept_head(from, response, step)) {
    return;
  }
  if (auto* prospective = std::get_if<Prospective>(&state_)) {
    prospective->tally.record(from, response.granted);
    if (prospective->tally.won()) {
      become_candidate(step);
    } else if (prospective->tally.lost()) {
      after_lost_prevote(step);
    }
  } else if (auto* candidate = std::get_if<Candidate>(&state_)) {
    candidate->tally.record(from, response.granted);
    if (candidate->tally.won()) {
      become_leader(step);
    }
  }
}

}  // namespace moldau::raft
