// Several replicas of the metadata quorum with a made-up shell: memory logs, a network that loses, repeats and
// reorders, disks that forget what was not synced. Checks safety after every action; a seed repeats a run.
//
// Checked (testing.md M1, M2, M5 in part, and Raft's own): one leader per epoch; one vote per voter and epoch, durable
// before it is sent; the high watermark of a running replica never goes back; what is committed is held durably by a
// majority of voters, equal on all, and in the log of every later leader; one (offset, epoch), one content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "raft/core/quorum.h"

namespace moldau::raft::testing {

struct Entry {
  LeaderEpoch epoch{0};
  std::uint64_t value = 0;
  std::optional<VoterChange> change;
};

struct Message {
  NodeId from;
  NodeId to;
  RequestId id = 0;
  std::variant<Request, Response> body;
  std::vector<Entry> entries;  // of a fetch answer
};

struct Faults {
  std::uint32_t drop_percent = 0;
  std::uint32_t duplicate_percent = 0;
  std::uint32_t crash_permille = 0;
  std::uint32_t snapshot_permille = 0;
};

class Cluster final : public RandomSource {
 public:
  Cluster(std::uint64_t seed, std::uint32_t voter_count, std::uint32_t observer_count);

  void act(const Faults& faults);  // one random action
  // Everything runs, nothing is lost: true once a new record is committed on all, within `virtual_time`.
  [[nodiscard]] bool heals_within(Millis virtual_time);

  [[nodiscard]] std::uint64_t next() override { return random_(); }

  // For scenarios: exact control.
  void start(std::size_t node);
  void crash(std::size_t node);
  void finish_persist(std::size_t node);
  void sync(std::size_t node);
  [[nodiscard]] bool propose(std::size_t node);
  void step(std::size_t node, const Event& event);
  void deliver(std::size_t message, bool keep);
  void drop_between(std::size_t a, std::size_t b);
  void advance_to(Instant when) { now_ = when; }
  void snapshot(std::size_t node);

  [[nodiscard]] Instant now() const noexcept { return now_; }
  [[nodiscard]] const Quorum* quorum(std::size_t node) const { return nodes_[node].quorum.get(); }
  [[nodiscard]] const std::vector<Message>& network() const noexcept { return network_; }
  [[nodiscard]] std::size_t committed() const noexcept { return committed_.size(); }
  [[nodiscard]] std::uint64_t elections() const noexcept { return leaders_.size(); }
  [[nodiscard]] std::string describe_nodes() const;  // one line each
  // What node `node` did since the last call, one line each.
  [[nodiscard]] std::vector<std::string> take_trace(std::size_t node) { return std::exchange(nodes_[node].trace, {}); }

 private:
  struct Node {
    ReplicaKey key;
    // On disk.
    std::optional<ElectionRecord> disk_record;
    std::vector<Entry> log;   // from offset 0; below log_start it is what the snapshots hold
    std::size_t durable = 0;  // of log
    std::size_t log_start = 0;
    std::vector<OffsetAndEpoch> snapshots;
    // While it runs.
    std::unique_ptr<Quorum> quorum;
    std::deque<Effect> queue;
    std::optional<Persist> persisting;
    PersistTicket persisted = 0;
    std::uint64_t truncations = 0;
    std::optional<LogSynced> syncing;
    std::map<RequestId, std::vector<Entry>> fetched;
    Offset high_watermark{0};
    std::vector<std::string> trace;
  };

  void run(std::size_t node, Effects effects);
  void drain(std::size_t node);
  void carry_out(std::size_t node, const Effect& effect);
  void append(Node& node, Entry entry);
  void commit(std::size_t node, Offset upto);
  void install(std::size_t node, const FetchSnapshot& fetch);
  void note_vote(NodeId voter, NodeId candidate, LeaderEpoch epoch);
  void check(std::size_t node);
  [[nodiscard]] Quorum::Restored restore(const Node& node) const;
  [[nodiscard]] std::size_t index_of(NodeId id) const { return static_cast<std::size_t>(id.value()) - 1; }
  [[nodiscard]] bool chance(std::uint32_t of, std::uint32_t in) { return random_() % in < of; }
  [[nodiscard]] VoterSet voters() const;

  std::mt19937_64 random_;
  std::size_t voter_count_;
  std::vector<Node> nodes_;
  std::vector<Message> network_;
  std::map<ReplyToken, Message> asked_;  // requests that wait for an answer
  ReplyToken next_token_ = 1;
  Instant now_{0};
  std::uint64_t next_value_ = 1;

  std::map<LeaderEpoch, NodeId> leaders_;
  std::map<std::pair<NodeId, LeaderEpoch>, NodeId> votes_;
  std::map<std::pair<std::size_t, LeaderEpoch>, std::uint64_t> contents_;
  std::vector<Entry> committed_;
};

}  // namespace moldau::raft::testing
