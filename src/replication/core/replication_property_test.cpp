// Three replicas, a controller with ELR (KIP-966) and a network that delays, reorders and duplicates: after every step
// the invariants I2-I8, I11 and I12 hold. Crashes keep the log (not lossy), elections are clean.
#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <variant>

#include <gtest/gtest.h>

#include "replication/core/replication_core.h"

namespace moldau::replication {
namespace {

constexpr MonoMs kLagMax = 1000;
constexpr int kNodes = 3;

struct Entry {
  int epoch = 0;
  int value = 0;
  friend bool operator==(const Entry&, const Entry&) = default;
};

// The metadata as one version of the image sees it.
struct Image final : BrokerView {
  PartitionRegistration partition;
  std::map<NodeId, BrokerStatus> brokers;
  std::optional<BrokerStatus> status(NodeId broker) const override {
    const auto found = brokers.find(broker);
    return found == brokers.end() ? std::nullopt : std::optional(found->second);
  }
};

bool has(const std::vector<NodeId>& nodes, NodeId node) {
  return std::ranges::find(nodes, node) != nodes.end();
}
void erase(std::vector<NodeId>& nodes, NodeId node) {
  std::erase(nodes, node);
}

// Decides registrations as the KRaft controller does, far enough for ISR and ELR.
class Controller {
 public:
  explicit Controller(int min_isr) : min_isr_(min_isr) {
    Image first;
    first.partition.replicas = {NodeId(1), NodeId(2), NodeId(3)};
    first.partition.isr = first.partition.replicas;
    first.partition.leader = NodeId(1);
    first.partition.leader_epoch = LeaderEpoch(0);
    first.partition.partition_epoch = 0;
    for (int id = 1; id <= kNodes; ++id) {
      first.brokers[NodeId(id)] = {BrokerEpoch(next_broker_epoch_++), false, false};
    }
    images.push_back(std::make_shared<Image>(first));
  }

  const Image& now() const { return *images.back(); }

  void fence(NodeId node) {
    Image next = now();
    next.brokers[node].fenced = true;
    remove_from_isr(next, node);
    publish(next);
  }
  void unfence(NodeId node) {
    Image next = now();
    next.brokers[node].fenced = false;
    if (next.partition.leader == kNoNode) {
      elect(next);
    }
    publish(next);
  }
  // A new incarnation registers, fenced.
  BrokerEpoch registered(NodeId node) {
    Image next = now();
    next.brokers[node] = {BrokerEpoch(next_broker_epoch_++), true, false};
    remove_from_isr(next, node);
    publish(next);
    return now().brokers.at(node).epoch;
  }
  void prefer(NodeId node) {  // a preferred election, or a reassignment's change of leader
    Image next = now();
    if (has(next.partition.isr, node) && !next.brokers[node].fenced && next.partition.leader != node) {
      next.partition.leader = node;
      next.partition.leader_epoch = next.partition.leader_epoch + 1;
      changed(next);
      publish(next);
    }
  }

  AlterPartitionAnswer alter(NodeId from, const AlterPartition& request) {
    AlterPartitionAnswer answer{request.id, AlterPartitionOutcome::kStale, {}, {}, -1};
    Image next = now();
    PartitionRegistration& partition = next.partition;
    if (from != partition.leader || request.leader_epoch != partition.leader_epoch ||
        request.partition_epoch != partition.partition_epoch) {
      return answer;
    }
    std::vector<NodeId> isr;
    for (const IsrMember& member : request.new_isr) {
      const BrokerStatus& status = next.brokers[member.broker];
      if (status.fenced || (member.epoch != kNoBrokerEpoch && member.epoch != status.epoch)) {
        answer.outcome = AlterPartitionOutcome::kNotApplied;
        return answer;
      }
      isr.push_back(member.broker);
    }
    if (isr != partition.isr) {
      set_isr(next, isr);
      changed(next);
      publish(next);
    }
    const PartitionRegistration& applied = now().partition;
    return {request.id, AlterPartitionOutcome::kApplied, applied.isr, applied.leader_epoch, applied.partition_epoch};
  }

  std::vector<std::shared_ptr<const Image>> images;

 private:
  static void changed(Image& next) { ++next.partition.partition_epoch; }
  void publish(const Image& next) { images.push_back(std::make_shared<Image>(next)); }

  // Members that leave while the ISR is below its minimum stay eligible leaders.
  void set_isr(Image& next, std::vector<NodeId> isr) const {
    PartitionRegistration& partition = next.partition;
    std::vector<NodeId> elr;
    if (static_cast<int>(isr.size()) < min_isr_) {
      elr = partition.elr;
      for (const NodeId node : partition.isr) {
        if (!has(elr, node)) {
          elr.push_back(node);
        }
      }
      std::erase_if(elr, [&](NodeId node) { return has(isr, node); });
    }
    partition.isr = std::move(isr);
    partition.elr = std::move(elr);
  }
  void remove_from_isr(Image& next, NodeId node) const {
    PartitionRegistration& partition = next.partition;
    if (has(partition.isr, node)) {
      std::vector<NodeId> isr = partition.isr;
      erase(isr, node);
      set_isr(next, isr);
      changed(next);
    }
    if (partition.leader == node) {
      partition.leader = kNoNode;
      elect(next);
    }
  }
  void elect(Image& next) const {
    PartitionRegistration& partition = next.partition;
    const auto live = [&next](NodeId node) { return !next.brokers[node].fenced; };
    NodeId winner = kNoNode;
    for (const NodeId node : partition.replicas) {
      if (winner == kNoNode && has(partition.isr, node) && live(node)) {
        winner = node;
      }
    }
    for (const NodeId node : partition.replicas) {
      if (winner == kNoNode && partition.isr.empty() && has(partition.elr, node) && live(node)) {
        winner = node;
        erase(partition.elr, node);
        partition.isr = {node};
        if (static_cast<int>(partition.isr.size()) >= min_isr_) {
          partition.elr.clear();
        }
      }
    }
    partition.leader = winner;
    partition.leader_epoch = partition.leader_epoch + 1;
    changed(next);
  }

  int min_isr_;
  int next_broker_epoch_ = 100;
};

struct FetchMessage {
  NodeId to;
  FollowerFetch fetch;
  int last_fetched_epoch = -1;
  std::uint64_t id = 0;
};
struct FetchAnswer {
  NodeId to;
  NodeId from;
  BrokerEpoch incarnation;
  std::uint64_t id = 0;
  LeaderEpoch epoch;
  std::vector<Entry> entries;
  std::optional<OffsetAndEpoch> diverging;  // offset: the end of the epoch
  Offset high_watermark{0};
};
struct AlterMessage {
  NodeId from;
  BrokerEpoch incarnation;
  AlterPartition request;
};
struct AlterAnswer {
  NodeId to;
  BrokerEpoch incarnation;
  AlterPartitionAnswer answer;
};
using Message = std::variant<FetchMessage, FetchAnswer, AlterMessage, AlterAnswer>;

struct Node {
  std::vector<Entry> log;
  Offset checkpointed{0};
  bool running = true;
  BrokerEpoch incarnation;
  std::size_t applied = 0;  // index of the image it has applied
  std::uint64_t open_fetch = 0;
  std::unique_ptr<ReplicationCore> core;
};

class Simulation {
 public:
  explicit Simulation(unsigned seed) : random_(seed), min_isr_(1 + static_cast<int>(seed % 3)), controller_(min_isr_) {
    for (int id = 1; id <= kNodes; ++id) {
      Node& node = node_of(NodeId(id));
      node.incarnation = controller_.now().brokers.at(NodeId(id)).epoch;
      start_core(NodeId(id));
      apply_image(NodeId(id));
    }
  }

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      now_ += pick(40);
      step();
      check();
    }
  }

  int commits = 0;
  int elections = 0;

 private:
  int pick(int bound) { return static_cast<int>(random_() % static_cast<unsigned>(bound)); }
  Node& node_of(NodeId id) { return nodes_[static_cast<std::size_t>(id.value() - 1)]; }
  const Image& image_of(const Node& node) const { return *controller_.images[node.applied]; }
  Offset end_of(const Node& node) const { return Offset(static_cast<std::int64_t>(node.log.size())); }

  void step() {
    const NodeId id(1 + pick(kNodes));
    Node& node = node_of(id);
    switch (pick(16)) {
      case 0:
      case 1:
      case 2: produce(id); break;
      case 3:
      case 4:
      case 5:
      case 6: fetch(id); break;
      case 7:
      case 8:
      case 9:
      case 10:
      case 11: deliver(); break;
      case 12:
      case 13:
        if (node.running && node.applied + 1 < controller_.images.size()) {
          ++node.applied;
          apply_image(id);
        }
        break;
      case 14:
        if (node.running) {
          Effects out;
          node.core->on_tick(image_of(node), now_, out);
          carry_out(id, out);
        }
        break;
      default: disturb(id);
    }
  }

  void disturb(NodeId id) {
    Node& node = node_of(id);
    switch (pick(6)) {
      case 0:
        if (!controller_.now().brokers.at(id).fenced) controller_.fence(id);  // a lost session; the node may well run
        break;
      case 1:
      case 2:
      case 3:
        if (node.running && controller_.now().brokers.at(id).fenced &&
            controller_.now().brokers.at(id).epoch == node.incarnation) {
          controller_.unfence(id);
        }
        break;
      case 4: controller_.prefer(id); break;
      default:
        if (node.running) {  // kill -9: the log stays, the high watermark is an old one
          node.checkpointed = Offset(pick(static_cast<int>(node.core->high_watermark().value()) + 1));
          node.running = false;
          node.core.reset();
        } else {
          node.incarnation = controller_.registered(id);
          node.running = true;
          node.applied = controller_.images.size() - 1;
          node.open_fetch = 0;
          start_core(id);
          apply_image(id);
        }
    }
  }

  void start_core(NodeId id) {
    Node& node = node_of(id);
    node.core = std::make_unique<ReplicationCore>(id, RestoredReplica{Offset(0), end_of(node), node.checkpointed},
                                                  min_isr_, kLagMax);
  }

  void apply_image(NodeId id) {
    Node& node = node_of(id);
    Effects out;
    const auto refused = node.core->on_registration(image_of(node).partition, image_of(node), now_, out);
    EXPECT_NE(refused, RegistrationRefusal::kMalformed);
    if (out.leadership == LeadershipChange::kGained) {
      ++elections;
      EXPECT_EQ(out.assign_epoch_start->offset, end_of(node));
      // I1: one leader an epoch.
      EXPECT_EQ(leaders_.emplace(node.core->leader_epoch(), id).first->second, id);
    }
    carry_out(id, out);
    Effects after;
    node.core->on_brokers(image_of(node), now_, after);
    carry_out(id, after);
  }

  void produce(NodeId id) {
    Node& node = node_of(id);
    if (!node.running || !node.core->is_leader()) {
      return;
    }
    const bool under = node.core->under_min_isr();
    const Offset before = node.core->high_watermark();
    node.log.push_back({node.core->leader_epoch().value(), next_value_++});
    Effects out;
    node.core->on_append(end_of(node), image_of(node), now_, out);
    carry_out(id, out);
    if (under) {
      EXPECT_EQ(node.core->high_watermark(), before) << "I8";
    }
  }

  void fetch(NodeId id) {
    Node& node = node_of(id);
    if (!node.running || node.core->role() != Role::kFollower || node.core->leader() == kNoNode) {
      return;
    }
    node.open_fetch = next_fetch_++;
    send(FetchMessage{node.core->leader(),
                      {id, node.incarnation, node.core->leader_epoch(), end_of(node), Offset(0)},
                      node.log.empty() ? -1 : node.log.back().epoch,
                      node.open_fetch});
  }

  void send(Message message) {
    if (pick(20) != 0) {
      network_.push_back(message);
    }
    if (pick(10) == 0) {
      network_.push_back(message);
    }
  }

  void deliver() {
    if (network_.empty()) {
      return;
    }
    const auto index = static_cast<std::size_t>(pick(static_cast<int>(std::min<std::size_t>(network_.size(), 6))));
    const Message message = network_[index];
    network_.erase(network_.begin() + static_cast<std::ptrdiff_t>(index));
    std::visit([this](const auto& one) { receive(one); }, message);
  }

  void receive(const FetchMessage& message) {
    Node& leader = node_of(message.to);
    if (!leader.running) {
      return;
    }
    FetchAnswer answer{message.fetch.replica,
                       message.to,
                       message.fetch.broker_epoch,
                       message.id,
                       message.fetch.leader_epoch,
                       {},
                       {},
                       Offset(0)};
    if (!leader.core->is_leader() || leader.core->leader_epoch() != message.fetch.leader_epoch) {
      Effects out;
      EXPECT_NE(leader.core->on_follower_fetch(message.fetch, image_of(leader), now_, out), std::nullopt);
      return;
    }
    answer.high_watermark = leader.core->high_watermark();
    answer.diverging = divergence(leader.log, message.fetch.fetch_offset, message.last_fetched_epoch);
    if (!answer.diverging) {
      for (auto at = static_cast<std::size_t>(message.fetch.fetch_offset.value());
           at < leader.log.size() && answer.entries.size() < 4; ++at) {
        answer.entries.push_back(leader.log[at]);
      }
      Effects out;
      const bool under = leader.core->under_min_isr();
      const Offset before = leader.core->high_watermark();
      if (leader.core->on_follower_fetch(message.fetch, image_of(leader), now_, out)) {
        return;
      }
      if (under) {
        EXPECT_EQ(leader.core->high_watermark(), before) << "I8";
      }
      carry_out(message.to, out);
    }
    send(answer);
  }

  // Where the leader's log says the reader's epoch ends, if the reader is past it.
  static std::optional<OffsetAndEpoch> divergence(const std::vector<Entry>& log, Offset offset, int epoch) {
    if (epoch < 0) {
      return std::nullopt;
    }
    std::int64_t end = 0;
    int found = -1;
    for (std::size_t at = 0; at < log.size() && log[at].epoch <= epoch; ++at) {
      end = static_cast<std::int64_t>(at) + 1;
      found = log[at].epoch;
    }
    if (found < epoch || end < offset.value()) {
      return OffsetAndEpoch{Offset(end), LeaderEpoch(found)};
    }
    return std::nullopt;
  }

  void receive(const FetchAnswer& answer) {
    Node& node = node_of(answer.to);
    if (!node.running || node.incarnation != answer.incarnation || node.open_fetch != answer.id ||
        node.core->role() != Role::kFollower || node.core->leader_epoch() != answer.epoch) {
      return;
    }
    node.open_fetch = 0;
    Effects out;
    if (answer.diverging) {
      std::size_t keep = 0;
      while (keep < node.log.size() && node.log[keep].epoch <= answer.diverging->epoch.value()) {
        ++keep;
      }
      keep = std::min(keep, static_cast<std::size_t>(answer.diverging->offset.value()));
      EXPECT_GE(static_cast<std::int64_t>(keep), node.core->high_watermark().value()) << "I11";
      node.log.resize(keep);
      node.core->on_truncate(Offset(0), end_of(node), out);
    } else {
      node.log.insert(node.log.end(), answer.entries.begin(), answer.entries.end());
      node.core->on_append(end_of(node), image_of(node), now_, out);
      node.core->on_leader_high_watermark(answer.high_watermark, out);
    }
    carry_out(answer.to, out);
  }

  void receive(const AlterMessage& message) {
    send(AlterAnswer{message.from, message.incarnation, controller_.alter(message.from, message.request)});
  }
  void receive(const AlterAnswer& message) {
    Node& node = node_of(message.to);
    if (!node.running || node.incarnation != message.incarnation) {
      return;
    }
    Effects out;
    node.core->on_alter_partition_answer(message.answer, image_of(node), now_, out);
    carry_out(message.to, out);
  }

  void carry_out(NodeId id, const Effects& out) {
    Node& node = node_of(id);
    if (out.alter_partition) {
      // A lost request is sent again by the channel; the core keeps one open.
      network_.push_back(AlterMessage{id, node.incarnation, *out.alter_partition});
      if (pick(8) == 0) {
        network_.push_back(AlterMessage{id, node.incarnation, *out.alter_partition});
      }
    }
    if (out.high_watermark && node.core->is_leader()) {
      commit(node);
    }
  }

  // What a leader's high watermark passed is committed for ever.
  void commit(const Node& node) {
    const auto end = static_cast<std::size_t>(node.core->high_watermark().value());
    for (std::size_t at = committed_.size(); at < end; ++at) {
      committed_.push_back(node.log[at]);
      ++commits;
    }
  }

  void check() {
    const PartitionRegistration& truth = controller_.now().partition;
    const auto true_end = static_cast<std::int64_t>(committed_.size());
    for (int i = 1; i <= kNodes; ++i) {
      const NodeId id(i);
      Node& node = node_of(id);
      for (std::size_t at = 0; at < std::min(node.log.size(), committed_.size()); ++at) {
        if (node.running && at < static_cast<std::size_t>(node.core->high_watermark().value())) {
          ASSERT_EQ(node.log[at].value, committed_[at].value) << "I3 at " << at << " on " << i;
        }
      }
      if (has(truth.isr, id) || has(truth.elr, id)) {
        ASSERT_GE(end_of(node).value(), true_end) << "I5 on " << i;
        for (std::size_t at = 0; at < committed_.size(); ++at) {
          ASSERT_EQ(node.log[at], committed_[at]) << "I5, content at " << at << " on " << i;
        }
      }
      if (!node.running) {
        continue;
      }
      node.core->check_invariants();  // I12
      const auto [last, fresh] =
          last_marks_.try_emplace({id, node.incarnation}, node.core->leader_epoch(), node.core->high_watermark());
      if (!fresh) {
        if (last->second.first == node.core->leader_epoch()) {
          ASSERT_GE(node.core->high_watermark(), last->second.second) << "I2 on " << i;
        }
        ASSERT_GE(node.core->leader_epoch(), last->second.first);
        last->second = {node.core->leader_epoch(), node.core->high_watermark()};
      }
      if (node.core->is_leader() && node.core->leader_epoch() == truth.leader_epoch && truth.leader == id) {
        ASSERT_GE(end_of(node).value(), true_end) << "I4 on " << i;
        if (static_cast<int>(node.core->isr().size()) >= node.core->effective_min_isr()) {
          const std::vector<NodeId> maximal = node.core->maximal_isr();
          for (const NodeId member : truth.isr) {
            ASSERT_TRUE(has(maximal, member)) << "I6, ISR member " << member.value();
          }
          for (const NodeId member : truth.elr) {
            ASSERT_TRUE(has(maximal, member)) << "I6, ELR member " << member.value();
          }
        }
      }
    }
    if (static_cast<int>(truth.isr.size()) >= min_isr_) {
      ASSERT_TRUE(truth.elr.empty()) << "I7";
    }
  }

  std::mt19937 random_;
  int min_isr_;
  Controller controller_;
  Node nodes_[kNodes];
  std::vector<Message> network_;
  std::vector<Entry> committed_;
  std::map<LeaderEpoch, NodeId> leaders_;
  std::map<std::pair<NodeId, BrokerEpoch>, std::pair<LeaderEpoch, Offset>> last_marks_;
  MonoMs now_ = 1'000'000;
  int next_value_ = 0;
  std::uint64_t next_fetch_ = 1;
};

TEST(ReplicationProperty, NothingCommittedIsLostUnderDelayReorderingAndDuplication) {
  int commits = 0;
  int elections = 0;
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    Simulation simulation(seed);
    simulation.run(1500);
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
    commits += simulation.commits;
    elections += simulation.elections;
  }
  EXPECT_GT(commits, 10000) << "the runs must do something";
  EXPECT_GT(elections, 2000);
}

}  // namespace
}  // namespace moldau::replication
