// Random lives of a cluster of four brokers: invariants I7 and I9 of testing.md after every record, epochs that only
// rise, and a state that is nothing but the replay of its log.
#include <gtest/gtest.h>

#include "metadata/controller/testing/driver.h"

namespace moldau::metadata {
namespace {

using testing::Driver;

constexpr std::int32_t kBrokers = 4;

class Life {
 public:
  explicit Life(std::uint64_t seed) : random_(seed), driver({}, seed) {
    for (std::int32_t id = 1; id <= kBrokers; ++id) {
      driver.bring_up(id);
    }
  }

  void step() {
    switch (random_.below(20)) {
      case 0:
      case 1: create(); break;
      case 2: remove(); break;
      case 3: minimum(); break;
      case 4: unclean(); break;
      case 5: restart(true); break;
      case 6: restart(false); break;
      case 7: expire(); break;
      case 8: driver.shut_down(any_broker()); break;
      case 9:
      case 10: driver.unfence(any_broker()); break;
      case 11: driver.append(driver.controller.elect_unclean_leaders(100).records); break;
      case 12: add_partitions(); break;
      case 13: elect(); break;
      case 14:
      case 15: reassign(); break;
      case 16: cancel(); break;
      default: propose(); break;
    }
    check();
  }

 private:
  std::int32_t any_broker() { return 1 + static_cast<std::int32_t>(random_.below(kBrokers)); }

  const Topic* any_topic() {
    const auto& topics = driver.image().topics();
    if (topics.empty()) {
      return nullptr;
    }
    auto chosen = topics.begin();
    std::advance(chosen, static_cast<std::ptrdiff_t>(random_.below(topics.size())));
    return chosen->value.get();
  }

  void create() {
    TopicCreation topic;
    topic.name = "t" + std::to_string(random_.below(12));
    topic.partitions = 1 + static_cast<std::int32_t>(random_.below(3));
    topic.replication_factor = static_cast<std::int16_t>(1 + random_.below(kBrokers));
    ASSERT_TRUE(driver.apply(driver.controller.create_topics({{topic}, false})));
  }

  void add_partitions() {
    const Topic* topic = any_topic();
    if (topic == nullptr || topic->partitions.size() >= 6) {
      return;
    }
    const std::size_t before = topic->partitions.size();
    const Uuid id = topic->id;
    const auto added = driver.apply(driver.controller.create_partitions(
        {{{topic->name, static_cast<std::int32_t>(before + 1 + random_.below(2)), std::nullopt}}, false}));
    ASSERT_TRUE(added);
    const std::size_t after = driver.image().topic(id)->partitions.size();
    EXPECT_EQ(added->front().error.failed(), after == before);
  }

  void elect() {
    ElectLeaders request;
    request.type = random_.below(2) == 0 ? kPreferredElection : kUncleanElection;
    const auto elected = driver.apply(driver.controller.elect_leaders(request));
    ASSERT_TRUE(elected);
    for (const LeadersElected& topic : *elected) {
      for (const auto& partition : topic.partitions) {
        const PartitionRegistration& now = driver.partition(topic.topic, partition.index.value());
        if (!partition.error.failed()) {
          EXPECT_TRUE(now.has_leader());
        } else {
          EXPECT_EQ(partition.error.code, request.type == kPreferredElection ? ErrorCode::kPreferredLeaderNotAvailable
                                                                             : ErrorCode::kEligibleLeadersNotAvailable);
        }
      }
    }
  }

  // The answer says what became of the partition: with the target, or on the way to it.
  void reassign() {
    const Topic* topic = any_topic();
    if (topic == nullptr) {
      return;
    }
    Replicas target;
    for (std::int32_t id = 1; id <= kBrokers; ++id) {
      if (random_.below(2) == 0) {
        target.insert(target.begin() + static_cast<std::ptrdiff_t>(random_.below(target.size() + 1)), NodeId(id));
      }
    }
    const std::string name = topic->name;
    const PartitionIndex index(static_cast<std::int32_t>(random_.below(topic->partitions.size())));
    const bool may_change_factor = random_.below(2) == 0;
    const auto altered =
        driver.apply(driver.controller.alter_reassignments({{{name, {{index, target}}}}, may_change_factor}));
    ASSERT_TRUE(altered);
    if (altered->front().partitions.front().error.failed()) {
      EXPECT_TRUE(target.empty() || !may_change_factor);
      return;
    }
    const PartitionRegistration& now = driver.partition(name, index.value());
    for (const NodeId id : target) {
      EXPECT_TRUE(contains(now.replicas, id));
      EXPECT_FALSE(contains(now.removing, id)) << "what is wanted goes";
    }
    for (const NodeId id : now.replicas) {
      EXPECT_TRUE(contains(target, id) || contains(now.removing, id)) << "what is not wanted stays";
    }
  }

  void cancel() {
    for (const OngoingReassignments& topic : ongoing_reassignments(driver.image(), {})) {
      for (const auto& partition : topic.partitions) {
        const auto altered = driver.apply(
            driver.controller.alter_reassignments({{{topic.topic, {{partition.index, std::nullopt}}}}, true}));
        ASSERT_TRUE(altered);
        const PartitionRegistration& now = driver.partition(topic.topic, partition.index.value());
        if (!altered->front().partitions.front().error.failed()) {
          EXPECT_FALSE(now.is_reassigning());
          for (const NodeId id : partition.adding) {
            EXPECT_FALSE(contains(now.replicas, id));
          }
        }
      }
    }
  }

  void remove() {
    if (const Topic* topic = any_topic()) {
      ASSERT_TRUE(driver.apply(driver.controller.delete_topics({{topic->name, kZeroUuid}})));
    }
  }

  void minimum() {
    const std::string value = std::to_string(1 + random_.below(3));
    const Topic* topic = any_topic();
    if (topic != nullptr && random_.below(2) == 0) {
      EXPECT_EQ(driver.set(ConfigResourceType::kTopic, topic->name, "min.insync.replicas", value), ApiError{});
    } else {
      EXPECT_EQ(driver.set(ConfigResourceType::kBroker, "", "min.insync.replicas", value), ApiError{});
    }
  }

  void unclean() {
    if (const Topic* topic = any_topic()) {
      EXPECT_EQ(driver.set(ConfigResourceType::kTopic, topic->name, "unclean.leader.election.enable",
                           random_.below(2) == 0 ? "true" : "false"),
                ApiError{});
    }
  }

  void restart(bool clean) {
    const std::int32_t id = any_broker();
    const BrokerEpoch before = driver.epoch_of(id);
    RegisterBroker request = driver.registration(id, ++incarnation_);
    request.previous_epoch = clean ? before : kNoBrokerEpoch;
    request.previous_process_is_gone = random_.below(2) == 0;
    const auto reply = driver.apply(
        driver.controller.register_broker(request, Offset(static_cast<std::int64_t>(driver.log.size())), driver.now));
    if (!reply) {
      EXPECT_EQ(reply.error().code, ErrorCode::kDuplicateBrokerRegistration);
      return;
    }
    EXPECT_GT(reply->epoch, before);
    for (const auto& topic : driver.image().topics()) {
      for (const auto& partition : topic.value->partitions) {
        EXPECT_FALSE(contains(partition.value->isr, NodeId(id)));
        EXPECT_TRUE(clean || !contains(partition.value->elr, NodeId(id))) << "I9";
      }
    }
  }

  void expire() {
    driver.now += std::chrono::seconds(10);
    for (std::int32_t id = 1; id <= kBrokers; ++id) {
      if (random_.below(2) == 0 && !driver.image().broker(NodeId(id))->fenced()) {
        driver.unfence(id);
      }
    }
    while (auto fencing = driver.controller.fence_one_stale_broker(driver.now)) {
      driver.append(std::move(fencing->records));
    }
  }

  // The leader proposes its replicas that are up, some left out.
  void propose() {
    const Topic* topic = any_topic();
    if (topic == nullptr || !driver.partition(topic->name).has_leader()) {
      return;
    }
    const PartitionRegistration& partition = driver.partition(topic->name);
    std::vector<std::int32_t> isr{partition.leader.value()};
    for (const NodeId replica : partition.replicas) {
      if (replica != partition.leader && driver.image().broker(replica)->active() && random_.below(3) != 0) {
        isr.push_back(replica.value());
      }
    }
    const auto outcome = driver.propose_isr(topic->name, 0, isr);
    ASSERT_TRUE(outcome);
    const ErrorCode error = outcome->front().error;  // a reassignment that is complete with it may move the leader
    EXPECT_TRUE(error == ErrorCode::kNone || error == ErrorCode::kNewLeaderElected) << protocol::name(error);
  }

  void check() {
    std::map<TopicIdPartition, std::pair<LeaderEpoch, std::int32_t>> seen;
    for (const auto& topic : driver.image().topics()) {
      for (const auto& entry : topic.value->partitions) {
        const PartitionRegistration& partition = *entry.value;
        const TopicIdPartition id{topic.key, entry.key};
        const auto epochs = std::pair(partition.leader_epoch, partition.partition_epoch);
        if (const auto before = epochs_.find(id); before != epochs_.end()) {
          EXPECT_GE(epochs.first, before->second.first);
          EXPECT_GE(epochs.second, before->second.second);
        }
        seen.emplace(id, epochs);
        if (partition.has_leader()) {
          EXPECT_TRUE(driver.image().broker(partition.leader)->active()) << "a leader that cannot lead";
        }
      }
    }
    epochs_ = std::move(seen);
  }

 public:
  testing::SeededEntropy random_;
  Driver driver;

 private:
  std::uint64_t incarnation_ = 100;
  std::map<TopicIdPartition, std::pair<LeaderEpoch, std::int32_t>> epochs_;
};

TEST(ControllerProperty, RandomLivesKeepTheInvariants) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Life life(seed);
    for (int step = 0; step < 250; ++step) {
      life.step();
      ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed << ", step " << step;
    }
    Delta replay(std::make_shared<const Image>());
    for (std::size_t i = 0; i < life.driver.log.size(); ++i) {
      ASSERT_TRUE(replay.replay(life.driver.log[i].record, Offset(static_cast<std::int64_t>(i))));
    }
    ASSERT_TRUE(*replay.apply({}) == life.driver.image()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace moldau::metadata
