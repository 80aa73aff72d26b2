// The voters of the metadata quorum and how that set changed along the log.
//
// Source: KIP-853; org.apache.kafka.raft.VoterSet and KRaftControlRecordStateMachine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "raft/core/replica_key.h"

namespace moldau::raft {

struct ListenerEndpoint {
  std::string name;  // of the listener: CONTROLLER
  std::string host;
  std::uint16_t port = 0;
  friend bool operator==(const ListenerEndpoint&, const ListenerEndpoint&) = default;
};

inline constexpr std::int16_t kKraftVersionStatic = 0;   // voters come from controller.quorum.voters
inline constexpr std::int16_t kKraftVersionDynamic = 1;  // voters come from the log (KIP-853)

struct Voter {
  ReplicaKey key;
  std::vector<ListenerEndpoint> listeners;
  std::int16_t kraft_version_min = kKraftVersionStatic;
  std::int16_t kraft_version_max = kKraftVersionDynamic;
  friend bool operator==(const Voter&, const Voter&) = default;
};

// Invariants: V1 ordered by node id, each id once.   Bound: kVotersMax, checked where a set is decoded.
class VoterSet {
 public:
  static constexpr std::size_t kVotersMax = 1'000;

  VoterSet() = default;
  explicit VoterSet(std::vector<Voter> voters);  // of two entries with one id the last one counts

  [[nodiscard]] bool empty() const noexcept { return voters_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return voters_.size(); }
  [[nodiscard]] std::size_t majority() const noexcept { return voters_.size() / 2 + 1; }
  [[nodiscard]] const std::vector<Voter>& voters() const noexcept { return voters_; }
  [[nodiscard]] const Voter* find(NodeId id) const noexcept;
  [[nodiscard]] bool contains(const ReplicaKey& key) const noexcept;
  [[nodiscard]] bool is_only_voter(const ReplicaKey& key) const noexcept { return size() == 1 && contains(key); }
  // True if `voter` is a member whose endpoints or versions differ from what the set says.
  [[nodiscard]] bool needs_update(const Voter& voter) const noexcept;
  // The set with this member's entry replaced; nothing if it is no member.
  [[nodiscard]] std::optional<VoterSet> updated(const Voter& voter) const;

  friend bool operator==(const VoterSet&, const VoterSet&) = default;

 private:
  std::vector<Voter> voters_;
};

// What one KRaftVersion or KRaftVoters control record said.
struct VoterChange {
  std::optional<std::int16_t> kraft_version;
  std::optional<VoterSet> voters;
};

// The voter set and kraft.version at each offset. A record counts from the moment it is in the local log, committed or
// not, and stops counting when it is truncated.
//
// Invariants: H1 offsets strictly increase.
class VoterHistory {
 public:
  // `fixed` are the voters of the configuration; they count until the log or a snapshot names others.
  explicit VoterHistory(VoterSet fixed = {}) : fixed_(std::move(fixed)) {}

  // `offset` is the record's own; for a record in a snapshot, the last offset which that snapshot covers (-1 for the
  // snapshot that formatting writes). An offset at or below the last one replaces what is there from it on.
  void add(Offset offset, const VoterChange& change);
  void truncate_from(Offset end);      // forgets what was said at `end` and above
  void truncate_before(Offset start);  // forgets what no offset at or above `start` needs
  void clear();

  [[nodiscard]] const VoterSet& voters() const noexcept;
  [[nodiscard]] std::optional<Offset> voters_offset() const noexcept;  // nothing: from the configuration
  [[nodiscard]] std::int16_t kraft_version() const noexcept;
  // As they were when the record at `offset` was the last one.
  [[nodiscard]] std::optional<VoterSet> voters_at(Offset offset) const;
  [[nodiscard]] std::int16_t kraft_version_at(Offset offset) const noexcept;

 private:
  template <class T>
  struct Entry {
    Offset offset;
    T value;
  };
  VoterSet fixed_;
  std::vector<Entry<VoterSet>> voters_;
  std::vector<Entry<std::int16_t>> versions_;
};

}  // namespace moldau::raft
