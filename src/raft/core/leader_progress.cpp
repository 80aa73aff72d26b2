#include "raft/core/leader_progress.h"

#include <algorithm>

#include "base/assert.h"

namespace moldau::raft {

LeaderProgress::LeaderProgress(ReplicaKey self, const VoterSet& voters, Offset epoch_start, Instant now,
                               Millis check_quorum)
    : self_(self), epoch_start_(epoch_start), check_quorum_(check_quorum), check_quorum_deadline_(now + check_quorum) {
  for (const Voter& voter : voters.voters()) {
    voters_.push_back(ReplicaProgress(voter.key));
  }
}

ReplicaProgress* LeaderProgress::find_voter(const ReplicaKey& key) noexcept {
  const auto at = std::ranges::find_if(voters_, [&](const ReplicaProgress& voter) { return voter.key.matches(key); });
  return at == voters_.end() ? nullptr : &*at;
}

ReplicaProgress& LeaderProgress::find_or_add(const ReplicaKey& key, Instant now) {
  if (ReplicaProgress* voter = find_voter(key)) {
    return *voter;
  }
  const auto at = std::ranges::find(observers_, key, &ReplicaProgress::key);
  if (at != observers_.end()) {
    return *at;
  }
  forget_silent_observers(now);
  if (observers_.size() >= kObserversMax) {
    observers_.erase(std::ranges::min_element(observers_, {}, &ReplicaProgress::last_fetch));
  }
  return observers_.emplace_back(key);
}

void LeaderProgress::forget_silent_observers(Instant now) {
  std::erase_if(observers_, [&](const ReplicaProgress& observer) {
    return observer.key != self_ && observer.last_fetch <= now - kObserverSession;
  });
}

bool LeaderProgress::on_local_durable(Offset end) {
  if (ReplicaProgress* self = find_voter(self_)) {
    MOLDAU_ASSERT(!self->end || *self->end <= end, end.value());
    self->end = end;
  }
  return update_high_watermark();
}

bool LeaderProgress::on_fetch(const ReplicaKey& replica, Offset end, Offset leader_end, Instant now) {
  MOLDAU_ASSERT(replica.id != self_.id, replica.id.value());
  ReplicaProgress& progress = find_or_add(replica, now);
  if (end >= leader_end) {
    progress.last_caught_up = now;
  } else if (progress.leader_end_at_last_fetch != kNoOffset && end >= progress.leader_end_at_last_fetch) {
    progress.last_caught_up = std::max(progress.last_caught_up, progress.last_fetch);
  }
  progress.leader_end_at_last_fetch = leader_end;
  progress.last_fetch = now;
  progress.end = end;
  if (find_voter(replica) == nullptr) {
    return false;
  }
  count_towards_check_quorum(progress, now);
  return update_high_watermark();
}

void LeaderProgress::count_towards_check_quorum(const ReplicaProgress& voter, Instant now) {
  if (std::ranges::find(heard_, voter.key.id) == heard_.end()) {
    heard_.push_back(voter.key.id);
  }
  const std::size_t self_counts = find_voter(self_) != nullptr ? 1 : 0;
  if (heard_.size() + self_counts >= voters_.size() / 2 + 1) {
    heard_.clear();
    check_quorum_deadline_ = now + check_quorum_;
  }
}

Instant LeaderProgress::check_quorum_deadline() const noexcept {
  return voters_.size() <= 1 ? kNeverInstant : check_quorum_deadline_;
}

bool LeaderProgress::on_voters(const VoterSet& voters) {
  std::vector<ReplicaProgress> old = std::move(voters_);
  voters_.clear();
  for (const Voter& voter : voters.voters()) {
    ReplicaProgress progress(voter.key);
    for (auto* known : {&old, &observers_}) {
      const auto at =
          std::ranges::find_if(*known, [&](const ReplicaProgress& entry) { return entry.key.matches(voter.key); });
      if (at != known->end()) {
        progress = *at;
        progress.key = voter.key;
        known->erase(at);
        break;
      }
    }
    voters_.push_back(progress);
  }
  observers_.insert(observers_.end(), old.begin(), old.end());
  std::erase_if(heard_, [&](NodeId id) { return voters.find(id) == nullptr; });
  return update_high_watermark();
}

std::vector<ReplicaProgress> LeaderProgress::by_descending_end() const {
  std::vector<ReplicaProgress> sorted = voters_;
  std::ranges::sort(sorted, [](const ReplicaProgress& a, const ReplicaProgress& b) {
    const Offset end_a = a.end.value_or(kNoOffset);
    const Offset end_b = b.end.value_or(kNoOffset);
    return end_a != end_b ? end_a > end_b : a.key < b.key;
  });
  return sorted;
}

bool LeaderProgress::update_high_watermark() {
  if (voters_.empty()) {
    return false;
  }
  const std::optional<Offset> held_by_majority = by_descending_end()[voters_.size() / 2].end;
  // A record of an earlier epoch counts as committed only behind one of ours: otherwise a later leader could still
  // lack it (Raft, figure 8).
  if (!held_by_majority || *held_by_majority <= epoch_start_) {
    return false;
  }
  // Below the known mark only after the set of voters changed; the mark stays.
  if (high_watermark_ && *held_by_majority <= *high_watermark_) {
    return false;
  }
  high_watermark_ = held_by_majority;
  return true;
}

std::vector<ReplicaKey> LeaderProgress::voters_to_remind(Instant now, Millis silent_for) const {
  std::vector<ReplicaKey> keys;
  for (const ReplicaProgress& voter : voters_) {
    const bool silent = voter.last_fetch == Instant::min() || now - voter.last_fetch >= silent_for;
    if (voter.key.id != self_.id && silent) {
      keys.push_back(voter.key);
    }
  }
  return keys;
}

std::vector<ReplicaKey> LeaderProgress::successors() const {
  std::vector<ReplicaKey> keys;
  for (const ReplicaProgress& voter : by_descending_end()) {
    if (voter.key.id != self_.id) {
      keys.push_back(voter.key);
    }
  }
  return keys;
}

void LeaderProgress::check_invariants() const {
  MOLDAU_ASSERT(!high_watermark_ || *high_watermark_ > epoch_start_, epoch_start_.value());
  MOLDAU_ASSERT(observers_.size() <= kObserversMax + VoterSet::kVotersMax);
  for (const ReplicaProgress& observer : observers_) {
    MOLDAU_ASSERT(std::ranges::find(voters_, observer.key, &ReplicaProgress::key) == voters_.end(),
                  observer.key.id.value());
  }
}

}  // namespace moldau::raft
