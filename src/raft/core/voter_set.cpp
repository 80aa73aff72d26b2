#include "raft/core/voter_set.h"

#include <algorithm>

namespace moldau::raft {

VoterSet::VoterSet(std::vector<Voter> voters) : voters_(std::move(voters)) {
  // Insertion by id keeps V1 and lets a later entry replace an earlier one; sets are small.
  std::vector<Voter> unordered = std::move(voters_);
  voters_.clear();
  for (Voter& voter : unordered) {
    const auto at = std::ranges::lower_bound(voters_, voter.key.id, {}, [](const Voter& v) { return v.key.id; });
    if (at != voters_.end() && at->key.id == voter.key.id) {
      *at = std::move(voter);
    } else {
      voters_.insert(at, std::move(voter));
    }
  }
}

const Voter* VoterSet::find(NodeId id) const noexcept {
  const auto at = std::ranges::lower_bound(voters_, id, {}, [](const Voter& voter) { return voter.key.id; });
  return at != voters_.end() && at->key.id == id ? &*at : nullptr;
}

bool VoterSet::contains(const ReplicaKey& key) const noexcept {
  const Voter* voter = find(key.id);
  return voter != nullptr && voter->key.matches(key);
}

bool VoterSet::needs_update(const Voter& voter) const noexcept {
  const Voter* member = find(voter.key.id);
  return member != nullptr && member->key.matches(voter.key) && *member != voter;
}

std::optional<VoterSet> VoterSet::updated(const Voter& voter) const {
  if (!contains(voter.key)) {
    return std::nullopt;
  }
  VoterSet result = *this;
  for (Voter& member : result.voters_) {
    if (member.key.id == voter.key.id) {
      member = voter;
    }
  }
  return result;
}

namespace {

template <class Entries>
void cut_from(Entries& entries, Offset end) {
  while (!entries.empty() && entries.back().offset >= end) {
    entries.pop_back();
  }
}

template <class Entries>
void cut_before(Entries& entries, Offset start) {
  while (entries.size() > 1 && entries[1].offset <= start) {
    entries.erase(entries.begin());
  }
}

template <class Entries>
auto floor_entry(const Entries& entries, Offset offset) {
  auto found = entries.end();
  for (auto it = entries.begin(); it != entries.end() && it->offset <= offset; ++it) {
    found = it;
  }
  return found;
}

}  // namespace

void VoterHistory::add(Offset offset, const VoterChange& change) {
  if (change.kraft_version) {
    cut_from(versions_, offset);
    versions_.push_back({offset, *change.kraft_version});
  }
  if (change.voters) {
    cut_from(voters_, offset);
    voters_.push_back({offset, *change.voters});
  }
}

void VoterHistory::truncate_from(Offset end) {
  cut_from(versions_, end);
  cut_from(voters_, end);
}

void VoterHistory::truncate_before(Offset start) {
  cut_before(versions_, start);
  cut_before(voters_, start);
}

void VoterHistory::clear() {
  versions_.clear();
  voters_.clear();
}

const VoterSet& VoterHistory::voters() const noexcept {
  return voters_.empty() ? fixed_ : voters_.back().value;
}

std::optional<Offset> VoterHistory::voters_offset() const noexcept {
  return voters_.empty() ? std::nullopt : std::optional(voters_.back().offset);
}

std::int16_t VoterHistory::kraft_version() const noexcept {
  return versions_.empty() ? kKraftVersionStatic : versions_.back().value;
}

std::optional<VoterSet> VoterHistory::voters_at(Offset offset) const {
  const auto at = floor_entry(voters_, offset);
  return at == voters_.end() ? std::nullopt : std::optional(at->value);
}

std::int16_t VoterHistory::kraft_version_at(Offset offset) const noexcept {
  const auto at = floor_entry(versions_, offset);
  return at == versions_.end() ? kKraftVersionStatic : at->value;
}

}  // namespace moldau::raft
