#include <gtest/gtest.h>

#include "metadata/controller/testing/driver.h"

namespace moldau::metadata {
namespace {

using testing::Driver;
using testing::ids;

// Three brokers; t-0 is led by 2, since its first replica 1 went away and came back.
struct ElectLeadersTest : ::testing::Test {
  ElectLeadersTest() {
    driver.bring_up(1);
    driver.bring_up(2);
    driver.bring_up(3);
    EXPECT_EQ(driver.create("t", {ids({1, 2}), ids({2, 1})}), ApiError{});
    driver.expire_all_but({2, 3});
    driver.unfence(1);
    EXPECT_EQ(driver.partition("t").leader, NodeId(2));
  }
  ApiError elect(std::int8_t type, std::int32_t partition, const std::string& topic = "t") {
    const auto elected =
        driver.apply(driver.controller.elect_leaders({type, {{{topic, {PartitionIndex(partition)}}}}}));
    return elected ? elected->at(0).partitions.at(0).error : elected.error();
  }
  void in_sync_again() {
    const auto outcome = driver.propose_isr("t", 0, {2, 1});
    ASSERT_TRUE(outcome);
    ASSERT_EQ(outcome->front().error, ErrorCode::kNone);
  }

  Driver driver;
};

TEST_F(ElectLeadersTest, Semantics60ThePreferredReplicaLeadsOnceItIsInSync) {
  EXPECT_EQ(elect(kPreferredElection, 0).code, ErrorCode::kPreferredLeaderNotAvailable) << "not in sync";
  in_sync_again();
  const LeaderEpoch epoch = driver.partition("t").leader_epoch;
  EXPECT_EQ(elect(kPreferredElection, 0), ApiError{});
  EXPECT_EQ(driver.partition("t").leader, NodeId(1));
  EXPECT_EQ(driver.partition("t").leader_epoch, epoch + 1);
  EXPECT_EQ(elect(kPreferredElection, 0).code, ErrorCode::kElectionNotNeeded);
  EXPECT_TRUE(driver.last.empty());
}

TEST_F(ElectLeadersTest, Semantics60AnUncleanElectionIsForPartitionsWithoutALeader) {
  EXPECT_EQ(elect(kUncleanElection, 0).code, ErrorCode::kElectionNotNeeded) << "somebody leads, if not the first";
  ASSERT_EQ(driver.create("single", {ids({3})}), ApiError{});
  driver.expire_all_but({1, 2});
  ASSERT_TRUE(driver.start(3, 2));  // comes back without what it had
  EXPECT_FALSE(driver.partition("single").has_leader());
  EXPECT_EQ(elect(kUncleanElection, 0, "single").code, ErrorCode::kEligibleLeadersNotAvailable) << "nobody is up";
  EXPECT_EQ(elect(kPreferredElection, 0, "single").code, ErrorCode::kPreferredLeaderNotAvailable);
}

TEST_F(ElectLeadersTest, AnUncleanElectionTakesAReplicaThatIsNotInSync) {
  in_sync_again();
  driver.expire_all_but({2, 3});  // 1 leaves
  driver.expire_all_but({3});     // and 2, which led
  ASSERT_FALSE(driver.partition("t").has_leader());
  driver.unfence(1);
  ASSERT_FALSE(driver.partition("t").has_leader()) << "2 alone has everything";
  EXPECT_EQ(elect(kUncleanElection, 0), ApiError{});
  EXPECT_EQ(driver.partition("t").leader, NodeId(1));
  EXPECT_EQ(driver.partition("t").isr, ids({1}));
  EXPECT_EQ(driver.partition("t").recovery, LeaderRecoveryState::kRecovering);
}

TEST_F(ElectLeadersTest, AskedForAllEachTopicIsAnsweredWithoutWhatNeedsNoElection) {
  in_sync_again();
  ASSERT_EQ(driver.create("a", {ids({3})}), ApiError{});
  const auto elected = driver.apply(driver.controller.elect_leaders({kPreferredElection, std::nullopt}));
  ASSERT_TRUE(elected);
  ASSERT_EQ(elected->size(), 2U);
  EXPECT_EQ(elected->at(0).topic, "a");
  EXPECT_TRUE(elected->at(0).partitions.empty());
  EXPECT_EQ(elected->at(1).topic, "t");
  ASSERT_EQ(elected->at(1).partitions.size(), 1U);
  EXPECT_EQ(elected->at(1).partitions[0].index, PartitionIndex(0));
  EXPECT_EQ(elected->at(1).partitions[0].error, ApiError{});
}

TEST_F(ElectLeadersTest, APartitionThatIsNamedTwiceIsElectedOnce) {
  in_sync_again();
  const auto elected = driver.apply(
      driver.controller.elect_leaders({kPreferredElection, {{{"t", {PartitionIndex(0), PartitionIndex(0)}}}}}));
  EXPECT_EQ(elected->at(0).partitions.at(0).error, ApiError{});
  EXPECT_EQ(elected->at(0).partitions.at(1).error.code, ErrorCode::kElectionNotNeeded);
  EXPECT_EQ(driver.last.size(), 1U);
}

TEST_F(ElectLeadersTest, WhatIsNotThereAndWhatIsNoElection) {
  EXPECT_EQ(elect(kPreferredElection, 2).code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(elect(kPreferredElection, -1).code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(elect(kPreferredElection, 0, "nobody").code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(elect(2, 0).code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(elect(-1, 0).code, ErrorCode::kInvalidRequest);
}

}  // namespace
}  // namespace moldau::metadata
