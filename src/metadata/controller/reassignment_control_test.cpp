#include <gtest/gtest.h>

#include "metadata/controller/testing/driver.h"

namespace moldau::metadata {
namespace {

using testing::Driver;
using testing::ids;

struct ReassignmentTest : ::testing::Test {
  ReassignmentTest() {
    for (std::int32_t id = 1; id <= 4; ++id) {
      driver.bring_up(id);
    }
    EXPECT_EQ(driver.create("t", {ids({1, 2}), ids({2, 1})}), ApiError{});
  }
  ApiError alter(std::optional<Replicas> target, bool may_change_factor = true, std::int32_t index = 0,
                 const std::string& topic = "t") {
    const auto altered = driver.apply(driver.controller.alter_reassignments(
        {{{topic, {{PartitionIndex(index), std::move(target)}}}}, may_change_factor}));
    return altered ? altered->at(0).partitions.at(0).error : altered.error();
  }
  // The leader tells that these are in sync.
  void in_sync(const std::vector<std::int32_t>& isr) { ASSERT_TRUE(driver.propose_isr("t", 0, isr)); }
  std::vector<OngoingReassignments> ongoing(const ListReassignments& request = {}) {
    return ongoing_reassignments(driver.image(), request);
  }
  const PartitionRegistration& partition() { return driver.partition("t"); }

  Driver driver;
};

TEST_F(ReassignmentTest, NewReplicasJoinFirstAndTheOldOnesGoWhenTheyAreInSync) {
  EXPECT_EQ(alter(ids({3, 4})), ApiError{});
  EXPECT_EQ(partition().replicas, ids({3, 4, 1, 2}));
  EXPECT_EQ(partition().adding, ids({3, 4}));
  EXPECT_EQ(partition().removing, ids({1, 2}));
  EXPECT_EQ(partition().directories.size(), 4U);
  EXPECT_EQ(partition().leader, NodeId(1));
  in_sync({1, 2, 3});
  EXPECT_TRUE(partition().is_reassigning());
  in_sync({1, 2, 3, 4});
  EXPECT_EQ(partition().replicas, ids({3, 4}));
  EXPECT_EQ(partition().isr, ids({3, 4}));
  EXPECT_FALSE(partition().is_reassigning());
  EXPECT_EQ(partition().leader, NodeId(3));
}

TEST_F(ReassignmentTest, AnotherOrderIsCompleteAtOnce) {
  const std::int32_t epoch = partition().partition_epoch;
  EXPECT_EQ(alter(ids({2, 1})), ApiError{});
  EXPECT_EQ(partition().replicas, ids({2, 1}));
  EXPECT_EQ(partition().partition_epoch, epoch + 1);
  EXPECT_FALSE(partition().is_reassigning());
}

TEST_F(ReassignmentTest, TheSameReplicasAreNoChange) {
  EXPECT_EQ(alter(ids({1, 2})), ApiError{});
  EXPECT_TRUE(driver.last.empty());
  EXPECT_EQ(alter(ids({1, 2, 3})), ApiError{});
  EXPECT_FALSE(driver.last.empty());
  EXPECT_EQ(alter(ids({1, 2, 3})), ApiError{});
  EXPECT_TRUE(driver.last.empty()) << "nor is the target of what is going on";
}

TEST_F(ReassignmentTest, FewerReplicasAreCompleteAtOnceAndFenceWhoLeft) {
  const LeaderEpoch epoch = partition().leader_epoch;
  EXPECT_EQ(alter(ids({1})), ApiError{});
  EXPECT_EQ(partition().replicas, ids({1}));
  EXPECT_EQ(partition().isr, ids({1}));
  EXPECT_GT(partition().leader_epoch, epoch);
}

TEST_F(ReassignmentTest, ACancellationGoesBack) {
  EXPECT_EQ(alter(std::nullopt).code, ErrorCode::kNoReassignmentInProgress);
  ASSERT_EQ(alter(ids({3, 4})), ApiError{});
  in_sync({1, 2, 3});
  EXPECT_EQ(alter(std::nullopt), ApiError{});
  EXPECT_EQ(partition().replicas, ids({1, 2}));
  EXPECT_EQ(partition().isr, ids({1, 2}));
  EXPECT_FALSE(partition().is_reassigning());
  EXPECT_EQ(alter(std::nullopt).code, ErrorCode::kNoReassignmentInProgress);
}

TEST_F(ReassignmentTest, ACancellationThatNeedsAnUncleanElectionIsRefusedUnlessTheyAreAllowed) {
  ASSERT_EQ(alter(ids({3, 4})), ApiError{});
  in_sync({1, 3});
  driver.expire_all_but({3, 4});
  ASSERT_EQ(partition().leader, NodeId(3));
  ASSERT_EQ(partition().isr, ids({3}));
  EXPECT_EQ(alter(std::nullopt).code, ErrorCode::kInvalidReplicaAssignment);
  ASSERT_EQ(driver.set(ConfigResourceType::kTopic, "t", "unclean.leader.election.enable", "true"), ApiError{});
  driver.unfence(1);
  EXPECT_EQ(alter(std::nullopt), ApiError{});
  EXPECT_EQ(partition().replicas, ids({1, 2}));
  EXPECT_EQ(partition().isr, ids({1}));
  EXPECT_EQ(partition().leader, NodeId(1));
  EXPECT_EQ(partition().recovery, LeaderRecoveryState::kRecovering);
}

TEST_F(ReassignmentTest, ATargetThatTakesBackWhatIsGoingOnEndsThere) {
  ASSERT_EQ(alter(ids({3})), ApiError{});
  EXPECT_EQ(alter(ids({1, 2})), ApiError{});
  EXPECT_EQ(partition().replicas, ids({1, 2}));
  EXPECT_FALSE(partition().is_reassigning()) << "complete: both are in sync";
  ASSERT_EQ(alter(ids({3})), ApiError{});
  EXPECT_EQ(alter(ids({1, 2, 3})), ApiError{});
  EXPECT_EQ(partition().removing, ids({})) << "they are wanted again";
  in_sync({1, 2, 3});
  EXPECT_EQ(partition().replicas, ids({1, 2, 3}));
  EXPECT_FALSE(partition().is_reassigning());
}

TEST_F(ReassignmentTest, RefusesWhatKafkaRefuses) {
  EXPECT_EQ(alter(ids({9})).code, ErrorCode::kInvalidReplicaAssignment) << "not registered";
  EXPECT_EQ(alter(ids({-1})).code, ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(alter(ids({1, 1})).code, ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(alter(Replicas{}).code, ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(alter(ids({1}), true, 2).code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(alter(ids({1}), true, 0, "nobody").code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(alter(std::nullopt, true, 0, "nobody").code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_TRUE(driver.last.empty());
}

TEST_F(ReassignmentTest, TheReplicationFactorIsKeptWhereItMustBe) {
  EXPECT_EQ(alter(ids({3}), false).code, ErrorCode::kInvalidReplicationFactor);
  EXPECT_EQ(alter(ids({3, 4, 1}), false).code, ErrorCode::kInvalidReplicationFactor);
  EXPECT_EQ(alter(ids({3, 4}), false), ApiError{});
  EXPECT_EQ(alter(ids({3, 1}), false), ApiError{}) << "of what it is on its way to, two";
  EXPECT_EQ(alter(ids({3, 1, 2}), false).code, ErrorCode::kInvalidReplicationFactor);
}

TEST_F(ReassignmentTest, APartitionThatIsNamedTwiceIsDecidedTwiceInOrder) {
  const auto altered = driver.apply(driver.controller.alter_reassignments(
      {{{"t", {{PartitionIndex(0), ids({1, 2, 3, 4})}, {PartitionIndex(0), ids({2, 1})}, {PartitionIndex(0), {}}}}},
       true}));
  ASSERT_TRUE(altered);
  EXPECT_EQ(altered->at(0).partitions.at(0).error, ApiError{});
  EXPECT_EQ(altered->at(0).partitions.at(1).error, ApiError{});
  EXPECT_EQ(altered->at(0).partitions.at(2).error.code, ErrorCode::kNoReassignmentInProgress);
  EXPECT_EQ(partition().replicas, ids({2, 1}));
}

TEST_F(ReassignmentTest, WhatIsGoingOnIsListed) {
  EXPECT_TRUE(ongoing().empty());
  ASSERT_EQ(alter(ids({3, 4})), ApiError{});
  const auto check = [](const std::vector<OngoingReassignments>& listed) {
    ASSERT_EQ(listed.size(), 1U);
    EXPECT_EQ(listed[0].topic, "t");
    ASSERT_EQ(listed[0].partitions.size(), 1U);
    EXPECT_EQ(listed[0].partitions[0].index, PartitionIndex(0));
    EXPECT_EQ(listed[0].partitions[0].replicas, ids({3, 4, 1, 2}));
    EXPECT_EQ(listed[0].partitions[0].adding, ids({3, 4}));
    EXPECT_EQ(listed[0].partitions[0].removing, ids({1, 2}));
  };
  check(ongoing());
  check(
      ongoing({{{{"t", {PartitionIndex(0), PartitionIndex(1), PartitionIndex(7)}}, {"nobody", {PartitionIndex(0)}}}}}));
  EXPECT_TRUE(ongoing({{{{"t", {PartitionIndex(1)}}}}}).empty());
  EXPECT_TRUE(ongoing({{{}}}).empty());
}

}  // namespace
}  // namespace moldau::metadata
