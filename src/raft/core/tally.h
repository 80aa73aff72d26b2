// Counts the votes of one election among the voters it began with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "raft/core/voter_set.h"

namespace moldau::raft {

// Invariants: T1 granted + rejected + open == voters.
class Tally {
 public:
  Tally(const VoterSet& voters, NodeId self);  // which votes for itself

  // A vote counts once, the newest answer wins, one from a stranger not at all.
  void record(NodeId voter, bool granted) noexcept;
  [[nodiscard]] bool won() const noexcept { return count(Vote::kGranted) >= majority(); }
  [[nodiscard]] bool lost() const noexcept { return count(Vote::kGranted) + count(Vote::kOpen) < majority(); }
  [[nodiscard]] bool is_open(NodeId voter) const noexcept;
  [[nodiscard]] std::vector<NodeId> granting() const;

 private:
  enum class Vote : std::uint8_t { kOpen, kGranted, kRejected };
  struct Entry {
    NodeId id;
    Vote vote = Vote::kOpen;
  };
  [[nodiscard]] std::size_t majority() const noexcept { return entries_.size() / 2 + 1; }
  [[nodiscard]] std::size_t count(Vote vote) const noexcept;
  std::vector<Entry> entries_;
};

}  // namespace moldau::raft
