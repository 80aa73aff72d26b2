#include "raft/core/tally.h"

#include <algorithm>

namespace moldau::raft {

Tally::Tally(const VoterSet& voters, NodeId self) {
  entries_.reserve(voters.size());
  for (const Voter& voter : voters.voters()) {
    entries_.push_back({voter.key.id, voter.key.id == self ? Vote::kGranted : Vote::kOpen});
  }
}

void Tally::record(NodeId voter, bool granted) noexcept {
  for (Entry& entry : entries_) {
    if (entry.id == voter) {
      entry.vote = granted ? Vote::kGranted : Vote::kRejected;
    }
  }
}

bool Tally::is_open(NodeId voter) const noexcept {
  return std::ranges::any_of(entries_,
                             [&](const Entry& entry) { return entry.id == voter && entry.vote == Vote::kOpen; });
}

std::vector<NodeId> Tally::granting() const {
  std::vector<NodeId> ids;
  for (const Entry& entry : entries_) {
    if (entry.vote == Vote::kGranted) {
      ids.push_back(entry.id);
    }
  }
  return ids;
}

std::size_t Tally::count(Vote vote) const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(entries_, [&](const Entry& entry) { return entry.vote == vote; }));
}

}  // namespace moldau::raft
