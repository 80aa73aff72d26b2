#include <gtest/gtest.h>

#include "metadata/controller/testing/driver.h"

namespace moldau::metadata {
namespace {

using testing::Driver;
using testing::ids;

TEST(Registration, Semantics61ABrokerIsFencedUntilItHasReadItsOwnRegistration) {
  Driver driver;
  ASSERT_TRUE(driver.start(1, 1));
  EXPECT_TRUE(driver.image().broker(NodeId(1))->fenced());
  BrokerHeartbeat early = driver.beat(1);
  early.metadata_offset = driver.image().broker(NodeId(1))->registered_at() - 1;
  const auto reply = driver.apply(driver.controller.heartbeat(early, driver.now));
  EXPECT_TRUE(reply->is_fenced);
  EXPECT_FALSE(reply->is_caught_up);
  EXPECT_TRUE(driver.last.empty());
  const auto late = driver.unfence(1);
  EXPECT_FALSE(late.is_fenced);
  EXPECT_TRUE(late.is_caught_up);
  EXPECT_FALSE(driver.image().broker(NodeId(1))->fenced());
}

TEST(Registration, Semantics61RefusalsChangeNothing) {
  Driver driver;
  driver.bring_up(1);
  const auto refused = [&](RegisterBroker request) {
    const auto decision = driver.controller.register_broker(request, Offset(99), driver.now);
    return decision ? ErrorCode::kNone : decision.error().code;
  };
  auto request = driver.registration(1, 2);
  EXPECT_EQ(refused(request), ErrorCode::kDuplicateBrokerRegistration);
  driver.now += std::chrono::seconds(10);
  EXPECT_EQ(refused(request), ErrorCode::kNone) << "the session has ended";

  request = driver.registration(2, 1);
  EXPECT_EQ(refused(request), ErrorCode::kNone);
  request.cluster_id = "another";
  EXPECT_EQ(refused(request), ErrorCode::kInconsistentClusterId);
  request = driver.registration(2, 1);
  request.is_migrating_zk_broker = true;
  EXPECT_EQ(refused(request), ErrorCode::kBrokerIdNotRegistered);
  request = driver.registration(2, 1);
  request.log_dirs.clear();
  EXPECT_EQ(refused(request), ErrorCode::kInvalidRegistration);
  request.log_dirs = {kUnassignedDirectory};
  EXPECT_EQ(refused(request), ErrorCode::kInvalidRegistration);
  request.log_dirs = {Uuid{9, 9}, Uuid{9, 9}};
  EXPECT_EQ(refused(request), ErrorCode::kInvalidRegistration);
  request.log_dirs = driver.registration(1, 1).log_dirs;
  EXPECT_EQ(refused(request), ErrorCode::kInvalidRegistration) << "another broker's directory";
  request = driver.registration(2, 1);
  std::erase_if(request.features, [](const auto& f) { return f.name == kMetadataVersionFeature; });
  EXPECT_EQ(refused(request), ErrorCode::kInvalidRegistration);
  request = driver.registration(2, 1);
  std::erase_if(request.features, [](const auto& f) { return f.name == kElrVersionFeature; });
  EXPECT_EQ(refused(request), ErrorCode::kUnsupportedVersion) << "a finalized feature it does not have";
  request = driver.registration(2, 1);
  for (auto& feature : request.features) {
    feature.max = feature.name == kMetadataVersionFeature ? std::int16_t{29} : feature.max;
  }
  EXPECT_EQ(refused(request), ErrorCode::kUnsupportedVersion);
}

TEST(Registration, TheSameIncarnationKeepsItsEpochAndState) {
  Driver driver;
  driver.bring_up(1);
  const BrokerEpoch epoch = driver.epoch_of(1);
  ASSERT_EQ(driver.create("a", {ids({1})}), ApiError{});
  EXPECT_EQ(driver.start(1, 1), epoch);
  EXPECT_EQ(driver.last.size(), 1U) << "no partition is touched";
  EXPECT_FALSE(driver.image().broker(NodeId(1))->fenced());
}

TEST(Heartbeat, Semantics61AnotherEpochIsStale) {
  Driver driver;
  driver.bring_up(1);
  BrokerHeartbeat old = driver.beat(1);
  old.epoch = old.epoch - 1;
  EXPECT_EQ(driver.controller.heartbeat(old, driver.now).error().code, ErrorCode::kStaleBrokerEpoch);
  BrokerHeartbeat unknown = driver.beat(1);
  unknown.broker = NodeId(7);
  EXPECT_EQ(driver.controller.heartbeat(unknown, driver.now).error().code, ErrorCode::kStaleBrokerEpoch);
}

TEST(Heartbeat, Semantics61KeepsTheSessionAlive) {
  Driver driver;
  driver.bring_up(1);
  for (int i = 0; i < 20; ++i) {
    driver.now += std::chrono::seconds(8);
    EXPECT_FALSE(driver.controller.fence_one_stale_broker(driver.now));
    driver.unfence(1);
  }
  driver.now += std::chrono::seconds(9);
  EXPECT_FALSE(driver.controller.fence_one_stale_broker(driver.now)) << "not before the time is exceeded";
  driver.now += std::chrono::nanoseconds(1);
  const auto fencing = driver.controller.fence_one_stale_broker(driver.now);
  ASSERT_TRUE(fencing);
  driver.append(fencing->records);
  EXPECT_TRUE(driver.image().broker(NodeId(1))->fenced());
  EXPECT_FALSE(driver.controller.fence_one_stale_broker(driver.now));
}

TEST(ControlledShutdown, Semantics61LeadersMoveFirstThenTheBrokerMayStop) {
  Driver driver;
  for (int id = 1; id <= 3; ++id) {
    driver.bring_up(id);
  }
  ASSERT_EQ(driver.create("a", {ids({1, 2, 3}), ids({2, 1, 3})}), ApiError{});
  const auto first = driver.shut_down(1);
  EXPECT_TRUE(first.in_controlled_shutdown);
  EXPECT_FALSE(first.should_shut_down);
  EXPECT_EQ(driver.partition("a", 0).leader, NodeId(2));
  EXPECT_EQ(driver.partition("a", 0).isr, ids({2, 3}));
  EXPECT_EQ(driver.partition("a", 1).isr, ids({2, 3}));
  EXPECT_EQ(driver.partition("a", 1).leader_epoch, LeaderEpoch(0)) << "a smaller ISR alone raises no leader epoch";
  // The others have not read the new leaders yet.
  EXPECT_FALSE(driver.shut_down(1).should_shut_down);
  driver.unfence(2);
  driver.unfence(3);
  EXPECT_TRUE(driver.shut_down(1).should_shut_down);
  EXPECT_TRUE(driver.image().broker(NodeId(1))->fenced());
}

TEST(Fencing, WhoLeavesAnIsrBelowTheMinimumStaysEligible) {
  Driver driver;
  for (int id = 1; id <= 3; ++id) {
    driver.bring_up(id);
  }
  ASSERT_EQ(driver.set(ConfigResourceType::kBroker, "", "min.insync.replicas", "2"), ApiError{});
  ASSERT_EQ(driver.create("a", {ids({1, 2, 3})}), ApiError{});
  driver.expire_all_but({2, 3});
  EXPECT_EQ(driver.partition("a").isr, ids({2, 3}));
  EXPECT_TRUE(driver.partition("a").elr.empty()) << "two are in sync: enough";
  driver.expire_all_but({3});
  EXPECT_EQ(driver.partition("a").isr, ids({3}));
  EXPECT_EQ(driver.partition("a").elr, ids({2}));
  driver.expire_all_but({});
  EXPECT_TRUE(driver.partition("a").isr.empty());
  EXPECT_EQ(driver.partition("a").elr, ids({2, 3}));
  EXPECT_EQ(driver.partition("a").leader, kNoNode);
  EXPECT_EQ(driver.partition("a").last_known_elr, ids({3}));
  // 1 was dropped while the ISR was large enough: what came later it does not have.
  driver.unfence(1);
  EXPECT_EQ(driver.partition("a").leader, kNoNode);
  driver.unfence(2);
  EXPECT_EQ(driver.partition("a").leader, NodeId(2));
  EXPECT_EQ(driver.partition("a").isr, ids({2}));
  EXPECT_EQ(driver.partition("a").elr, ids({3}));
  EXPECT_EQ(driver.partition("a").recovery, LeaderRecoveryState::kRecovered);
  EXPECT_TRUE(driver.partition("a").last_known_elr.empty());
}

// I9 of testing.md.
TEST(UncleanRestart, IsInNeitherIsrNorElr) {
  Driver driver;
  for (int id = 1; id <= 3; ++id) {
    driver.bring_up(id);
  }
  ASSERT_EQ(driver.set(ConfigResourceType::kBroker, "", "min.insync.replicas", "3"), ApiError{});
  ASSERT_EQ(driver.create("a", {ids({1, 2, 3})}), ApiError{});
  driver.expire_all_but({1});
  EXPECT_EQ(driver.partition("a").elr, ids({2, 3}));
  const BrokerEpoch before = driver.epoch_of(2);
  ASSERT_TRUE(driver.start(2, 2));
  EXPECT_EQ(driver.partition("a").elr, ids({3})) << "2 came back without saying where it stopped";
  ASSERT_TRUE(driver.start(3, 2, driver.epoch_of(3)));
  EXPECT_EQ(driver.partition("a").elr, ids({3})) << "3 stopped cleanly";
  EXPECT_NE(driver.epoch_of(2), before);
}

TEST(UncleanRestart, Semantics61OfTheLastLeaderIsElectedAsRecovering) {
  Driver driver;
  driver.bring_up(1);
  ASSERT_EQ(driver.create("a", {ids({1})}), ApiError{});
  driver.expire_all_but({});
  ASSERT_TRUE(driver.start(1, 2));
  EXPECT_TRUE(driver.partition("a").elr.empty());
  driver.unfence(1);
  EXPECT_EQ(driver.partition("a").leader, NodeId(1));
  EXPECT_EQ(driver.partition("a").leader_epoch, LeaderEpoch(2));
  EXPECT_EQ(driver.partition("a").recovery, LeaderRecoveryState::kRecovering);
}

TEST(UncleanElection, OnlyWhereTheTopicAllowsIt) {
  Driver driver;
  driver.bring_up(1);
  driver.bring_up(2);
  ASSERT_EQ(driver.create("a", {ids({1, 2})}), ApiError{});
  ASSERT_EQ(driver.create("b", {ids({1, 2})}), ApiError{});
  ASSERT_EQ(driver.set(ConfigResourceType::kTopic, "b", "unclean.leader.election.enable", "true"), ApiError{});
  ASSERT_TRUE(driver.propose_isr("a", 0, {1}));
  ASSERT_TRUE(driver.propose_isr("b", 0, {1}));
  EXPECT_TRUE(driver.partition("a").elr.empty()) << "min.insync.replicas is 1";
  driver.expire_all_but({2});
  EXPECT_EQ(driver.partition("a").leader, kNoNode);
  EXPECT_EQ(driver.partition("b").leader, NodeId(2));
  EXPECT_EQ(driver.partition("b").isr, ids({2}));
  EXPECT_EQ(driver.partition("b").recovery, LeaderRecoveryState::kRecovering);
  ASSERT_EQ(driver.set(ConfigResourceType::kTopic, "a", "unclean.leader.election.enable", "true"), ApiError{});
  driver.append(driver.controller.elect_unclean_leaders(10).records);
  EXPECT_EQ(driver.partition("a").leader, NodeId(2));
}

TEST(AlterPartition, IsCheckedAgainstEpochsMembersAndBrokers) {
  Driver driver;
  for (int id = 1; id <= 3; ++id) {
    driver.bring_up(id);
  }
  ASSERT_EQ(driver.create("a", {ids({1, 2, 3})}), ApiError{});
  const TopicIdPartition a0{driver.image().topic("a")->id, PartitionIndex(0)};
  const auto propose = [&](auto change) {
    AlterPartition request;
    request.broker = NodeId(1);
    request.epoch = driver.epoch_of(1);
    AlterPartition::Proposal proposal;
    proposal.partition = a0;
    proposal.leader_epoch = driver.partition("a").leader_epoch;
    proposal.partition_epoch = driver.partition("a").partition_epoch;
    proposal.new_isr = {{NodeId(1), driver.epoch_of(1)}, {NodeId(2), driver.epoch_of(2)}};
    change(request, proposal);
    request.proposals.push_back(proposal);
    const auto decision = driver.controller.alter_partition(request);
    return decision ? decision->response.front().error : decision.error().code;
  };
  using Request = AlterPartition;
  using Proposal = AlterPartition::Proposal;
  EXPECT_EQ(propose([](Request&, Proposal&) {}), ErrorCode::kNone);
  EXPECT_EQ(propose([](Request& r, Proposal&) { ++r.epoch; }), ErrorCode::kStaleBrokerEpoch);
  EXPECT_EQ(propose([](Request&, Proposal& p) { p.partition.topic_id = Uuid{1, 1}; }), ErrorCode::kUnknownTopicId);
  EXPECT_EQ(propose([](Request&, Proposal& p) { p.partition.partition = PartitionIndex(9); }),
            ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(propose([](Request&, Proposal& p) { ++p.leader_epoch; }), ErrorCode::kNotController);
  EXPECT_EQ(propose([](Request&, Proposal& p) { ++p.partition_epoch; }), ErrorCode::kNotController);
  EXPECT_EQ(propose([](Request&, Proposal& p) { p.leader_epoch = p.leader_epoch - 1; }), ErrorCode::kFencedLeaderEpoch);
  EXPECT_EQ(propose([](Request&, Proposal& p) { --p.partition_epoch; }), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(propose([&](Request& r, Proposal&) {
              r.broker = NodeId(2);
              r.epoch = driver.epoch_of(2);
            }),
            ErrorCode::kInvalidRequest);
  EXPECT_EQ(propose([](Request&, Proposal& p) { p.new_isr.pop_back(), p.new_isr[0].broker = NodeId(2); }),
            ErrorCode::kInvalidRequest);
  EXPECT_EQ(propose([](Request&, Proposal& p) { p.new_isr[1].broker = NodeId(8); }), ErrorCode::kInvalidRequest);
  EXPECT_EQ(propose([](Request&, Proposal& p) { p.new_isr[1] = p.new_isr[0]; }), ErrorCode::kInvalidRequest);
  EXPECT_EQ(propose([](Request&, Proposal& p) { p.recovery = LeaderRecoveryState::kRecovering; }),
            ErrorCode::kInvalidRequest);
  EXPECT_EQ(propose([](Request&, Proposal& p) { ++p.new_isr[1].epoch; }), ErrorCode::kIneligibleReplica);
  driver.expire_all_but({1, 3});
  EXPECT_EQ(propose([](Request&, Proposal&) {}), ErrorCode::kIneligibleReplica) << "2 is fenced now";
}

TEST(OfflineDirectory, TakesItsReplicasOutAndLeavesTheRegistration) {
  Driver driver;
  driver.bring_up(1);
  driver.bring_up(2);
  ASSERT_EQ(driver.create("a", {ids({1, 2})}), ApiError{});
  BrokerHeartbeat beat = driver.beat(1);
  beat.offline_log_dirs = driver.registration(1, 1).log_dirs;
  beat.offline_log_dirs.push_back(Uuid{77, 77});
  ASSERT_TRUE(driver.apply(driver.controller.heartbeat(beat, driver.now)));
  EXPECT_EQ(driver.partition("a").leader, NodeId(2));
  EXPECT_EQ(driver.partition("a").isr, ids({2}));
}

TEST(Unregister, RemovesTheBrokerAndItsMemberships) {
  Driver driver;
  driver.bring_up(1);
  driver.bring_up(2);
  ASSERT_EQ(driver.create("a", {ids({2, 1})}), ApiError{});
  EXPECT_EQ(driver.apply(driver.controller.unregister_broker(NodeId(9))).error().code,
            ErrorCode::kBrokerIdNotRegistered);
  ASSERT_TRUE(driver.apply(driver.controller.unregister_broker(NodeId(2))));
  EXPECT_EQ(driver.image().broker(NodeId(2)), nullptr);
  EXPECT_EQ(driver.partition("a").leader, NodeId(1));
  EXPECT_EQ(driver.partition("a").isr, ids({1}));
}

TEST(ProducerIds, BlocksNeverOverlap) {
  Driver driver;
  driver.bring_up(1);
  for (std::int64_t block = 0; block < 5; ++block) {
    const auto given = driver.apply(driver.controller.allocate_producer_ids(NodeId(1), driver.epoch_of(1)));
    EXPECT_EQ(given->first, ProducerId(block * 1000));
    EXPECT_EQ(given->size, 1000);
  }
  EXPECT_EQ(driver.controller.allocate_producer_ids(NodeId(1), BrokerEpoch(0)).error().code,
            ErrorCode::kStaleBrokerEpoch);
}

TEST(Activation, AbortsATransactionThatAnEarlierControllerLeftOpen) {
  Driver driver;
  driver.bring_up(1);
  const auto committed = driver.controller.image();
  driver.controller.deactivate();
  driver.controller.activate(committed, true, driver.now);
  const auto first = driver.controller.complete_activation(bootstrap_records());
  ASSERT_EQ(first->records.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<records::AbortTransactionRecord>(first->records.front().record));
  driver.append(first->records);
  EXPECT_TRUE(driver.image() == *committed);
}

TEST(Activation, AnAbortedBootstrapIsBegunAgain) {
  const auto decision = activation_records(Image(), true, bootstrap_records(), 1);
  ASSERT_EQ(decision->records.size(), 10U);
  EXPECT_TRUE(std::holds_alternative<records::AbortTransactionRecord>(decision->records[0].record));
  EXPECT_TRUE(std::holds_alternative<records::BeginTransactionRecord>(decision->records[1].record));
  EXPECT_EQ(activation_records(Image(), false, {}, 1).error().code, ErrorCode::kUnsupportedVersion);
}

TEST(Transactions, AnAbortTakesBackEverythingSinceItsBeginning) {
  Driver driver;
  driver.bring_up(1);
  const auto before = driver.controller.image();
  records::TopicRecord topic;
  topic.name = "half";
  topic.topic_id = Uuid{3, 3};
  driver.append({{records::BeginTransactionRecord{}, 0}, {topic, 0}});
  EXPECT_NE(driver.image().topic("half"), nullptr) << "the controller sees its own open transaction";
  driver.append({{records::AbortTransactionRecord{}, 0}});
  EXPECT_TRUE(driver.image() == *before);
  EXPECT_FALSE(driver.controller.replay({{records::EndTransactionRecord{}, 0}}, Offset(500)));
}

}  // namespace
}  // namespace moldau::metadata
