// Decides for one replica of the metadata log: whom it follows, votes for and leads, and what is committed.
// Pure: no clock, no thread, no I/O; time and chance come in, effects go out.
//
// Shard:      owned by raft/driver's Node on the metadata shard; not thread-safe.
// Invariants: (check_invariants() runs after every step; quorum_fuzz and quorum_property_test drive them)
//   Q1  record().epoch never decreases, restarts included.
//   Q2  within one epoch this replica votes at most once, and only for itself or while it knows no leader.
//   Q3  only a voter campaigns or leads; an observer is Unattached or Follower.
//   Q4  high_watermark() never goes back and never passes the end of the local log.
//   Q5  a leader never truncates and never loads a snapshot.
//   Q6  a Fetch is sent only when the whole local log is durable: its offset is an acknowledgement.
// Durability: every effect carries the ticket of the last Persist before it; the shell holds it back until that is on
//             disk. Votes, candidacies and leaderships are thus durable before anyone hears of them.
// Source:     KIP-595, KIP-853, KIP-996; org.apache.kafka.raft.{QuorumState,KafkaRaftClient}.
// Differences: what Kafka answers with an exception (a peer that names another leader of our epoch, a truncation below
//             the high watermark) is refused with kInvalidRequest or dropped with a Complaint. The leader counts its
//             own log only as far as it is durable. Voter changes by request are not here yet.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <variant>
#include <vector>

#include "raft/core/effects.h"
#include "raft/core/leader_progress.h"
#include "raft/core/log_summary.h"
#include "raft/core/tally.h"

namespace moldau::raft {

struct QuorumConfig {
  Millis election_timeout{1'000};      // controller.quorum.election.timeout.ms; drawn from [t, 2t)
  Millis fetch_timeout{2'000};         // controller.quorum.fetch.timeout.ms
  Millis election_backoff_max{1'000};  // controller.quorum.election.backoff.max.ms
  Millis request_timeout{2'000};       // controller.quorum.request.timeout.ms
  Millis retry_backoff{20};            // controller.quorum.retry.backoff.ms
  Millis fetch_max_wait{500};
};

struct TimerFired {};
// Everything below `end` of the local log is durable, as seen when `truncations` truncations had been carried out.
struct LogSynced {
  Offset end{0};
  std::uint64_t truncations = 0;
};
struct RequestReceived {
  ReplyToken token = 0;
  Request request;
};
struct ResponseReceived {
  NodeId from = kNoNode;
  RequestId id = 0;
  Response response;
};
// A request of ours got no answer, or a broken connection.
struct RequestFailed {
  NodeId to = kNoNode;
  RequestId id = 0;
};
// A snapshot of our own state machine is on disk.
struct SnapshotWritten {
  OffsetAndEpoch id;
};
// The log prefix below the snapshot `earliest` was deleted, older snapshots too.
struct LogPrefixDeleted {
  OffsetAndEpoch earliest;
};
// The snapshot of a FetchSnapshot is on disk and the log was restarted behind it.
struct SnapshotInstalled {
  OffsetAndEpoch id;
  VoterChange voters;
};
struct ResignRequested {
  LeaderEpoch epoch{0};
};
struct ShutdownRequested {};
using Event = std::variant<TimerFired, LogSynced, RequestReceived, ResponseReceived, RequestFailed, SnapshotWritten,
                           LogPrefixDeleted, SnapshotInstalled, ResignRequested, ShutdownRequested>;

enum class Role : std::uint8_t { kUnattached, kFollower, kProspective, kCandidate, kLeader, kResigned };
[[nodiscard]] const char* to_string(Role role) noexcept;

enum class ProposeRefusal : std::uint8_t {
  kNotLeader,  // not leading, or leading another epoch
  kResigning,  // about to give up leadership
};

class Quorum {
 public:
  struct Restored {
    std::optional<ElectionRecord> election;  // nothing: the first start
    LogSummary log;
    VoterHistory voters;
  };

  Quorum(Voter self, const QuorumConfig& config, Restored restored);

  // Once, before any step.
  void start(Instant now, RandomSource& random, Effects& out);
  void step(const Event& event, Instant now, RandomSource& random, Effects& out);
  // Gives the offset of the first of `record_count` new records, for which out now asks as one batch of `epoch`.
  [[nodiscard]] std::expected<Offset, ProposeRefusal> propose(LeaderEpoch epoch, std::int64_t record_count, Instant now,
                                                              Effects& out);

  // When step(TimerFired) is due; kNeverInstant if nothing is waited for.
  [[nodiscard]] Instant deadline() const noexcept;

  [[nodiscard]] Role role() const noexcept { return static_cast<Role>(state_.index()); }
  [[nodiscard]] const ElectionRecord& record() const noexcept { return record_; }
  [[nodiscard]] LeaderEpoch epoch() const noexcept { return record_.epoch; }
  [[nodiscard]] Offset high_watermark() const noexcept { return high_watermark_; }
  [[nodiscard]] const LogSummary& log() const noexcept { return log_; }
  [[nodiscard]] const VoterHistory& voters() const noexcept { return voters_; }
  [[nodiscard]] const ReplicaKey& self() const noexcept { return self_.key; }
  [[nodiscard]] bool is_voter() const noexcept { return voters_.voters().contains(self_.key); }
  [[nodiscard]] bool is_only_voter() const noexcept { return voters_.voters().is_only_voter(self_.key); }
  [[nodiscard]] const LeaderProgress* leader_progress() const noexcept;  // null unless leading
  // May a state machine that applied all below `id` write a snapshot? It must be committed and a batch's end.
  [[nodiscard]] bool can_snapshot(OffsetAndEpoch id) const noexcept;
  // True once a requested shutdown needs this process no longer.
  [[nodiscard]] bool shutdown_complete() const noexcept;

  void check_invariants() const;

 private:
  struct Unattached {
    Instant election_deadline;
  };
  struct Follower {
    Instant fetch_deadline;
    bool has_fetched = false;               // from this leader in this epoch
    std::optional<OffsetAndEpoch> loading;  // the snapshot being fetched
  };
  struct Prospective {
    Tally tally;
    Instant election_deadline;
  };
  struct Candidate {
    Tally tally;
    Instant election_deadline;
  };
  struct Leader {
    LeaderProgress progress;
    std::vector<NodeId> granting;
    Instant remind_at;
    bool resign_requested = false;
  };
  struct Resigned {
    Instant election_deadline;
    std::vector<ReplicaKey> successors;
    std::vector<NodeId> unacknowledged;
  };
  // The order is that of Role.
  using State = std::variant<Unattached, Follower, Prospective, Candidate, Leader, Resigned>;

  struct WaitingFetch {
    ReplyToken token;
    FetchRequest request;
    Instant deadline;
  };
  struct PeerRetry {
    NodeId id;
    Instant at;
  };
  struct Step;  // the arguments of one step, bundled

  void dispatch(const Event& event, Step& step);
  void poll_until_settled(Step& step);
  void poll(Step& step);
  void poll_leader(Leader& leader, Step& step);
  void poll_resigned(Resigned& resigned, Step& step);
  void poll_nominee(const Tally& tally, bool pre_vote, Step& step);
  void poll_fetch(NodeId to, Step& step);
  void poll_fetch_from_anyone(Step& step);

  // Transitions (quorum_transitions.cpp).
  void become_unattached(LeaderEpoch epoch, NodeId leader, Step& step);
  void become_follower(LeaderEpoch epoch, NodeId leader, Step& step);
  void become_prospective(Step& step);
  void become_candidate(Step& step);
  void become_leader(Step& step);
  void become_resigned(Step& step);
  void after_lost_prevote(Step& step);
  void enter(State state, const ElectionRecord& record, Step& step);
  void announce_leader(Offset epoch_start, Step& step);
  [[nodiscard]] Instant election_deadline(Step& step) const;
  [[nodiscard]] Voter self_as_voter() const { return self_; }

  // Elections (quorum_elections.cpp).
  [[nodiscard]] VoteResponse on_vote(const VoteRequest& request, Step& step);
  [[nodiscard]] BeginQuorumEpochResponse on_begin_epoch(const BeginQuorumEpochRequest& request, Step& step);
  [[nodiscard]] EndQuorumEpochResponse on_end_epoch(const EndQuorumEpochRequest& request, Step& step);
  void on_vote_answer(NodeId from, const VoteResponse& response, Step& step);
  [[nodiscard]] bool can_grant(const VoteRequest& request) const;
  [[nodiscard]] Millis backoff_after_resignation(const std::vector<ReplicaKey>& successors) const;
  [[nodiscard]] std::optional<RaftError> refuse_voter_request(NodeId from, LeaderEpoch epoch) const;
  [[nodiscard]] bool consistent_leader(LeaderEpoch epoch, NodeId leader) const;
  // Follows what a peer says of epoch and leader. False: it contradicts us; nothing changed.
  [[nodiscard]] bool maybe_transition(LeaderEpoch epoch, NodeId leader, Step& step);
  // False: the answer is stale, an error, or changed our state; its rest is not looked at.
  [[nodiscard]] bool accept_head(NodeId from, const ResponseHead& head, Step& step);
  template <class R>
  [[nodiscard]] R head(RaftError error) const;

  // Replication (quorum_replication.cpp).
  void on_fetch(ReplyToken token, const FetchRequest& request, Step& step);
  [[nodiscard]] FetchResponse answer_fetch(const FetchRequest& request, Step& step);
  void on_fetch_answer(NodeId from, RequestId id, const FetchResponse& response, Step& step);
  void append_fetched(RequestId id, const FetchResponse& response, Step& step);
  void truncate_as_told(Follower& follower, NodeId from, OffsetAndEpoch diverging, Step& step);
  void on_log_synced(const LogSynced& event, Step& step);
  void on_snapshot_installed(const SnapshotInstalled& event, Step& step);
  void raise_high_watermark(Offset to, Step& step);
  void on_leader_high_watermark(Step& step);
  enum class Wake : std::uint8_t { kNewRecords, kAll, kExpired };
  void answer_waiting(Wake which, Step& step);
  void refuse_waiting(Step& step);

  [[nodiscard]] bool may_retry(NodeId peer, Instant now) const noexcept;
  void set_retry(NodeId peer, Instant at);
  RequestId send(NodeId to, Request request, Step& step);

  Voter self_;
  QuorumConfig config_;
  ElectionRecord record_;
  LogSummary log_;
  VoterHistory voters_;
  Offset high_watermark_{0};
  State state_;
  bool started_ = false;
  bool shutting_down_ = false;

  PersistTicket persisted_ = 0;  // the newest ticket given out
  std::optional<ElectionRecord> asked_to_persist_;
  RequestId next_request_ = 1;
  RequestId fetch_in_flight_ = 0;  // 0: none
  Instant fetch_retry_at_{0};
  std::vector<PeerRetry> retries_;     // at most one per voter
  std::vector<WaitingFetch> waiting_;  // long polls; at most one per replica key
  std::uint64_t transitions_ = 0;
};

}  // namespace moldau::raft
