#include <gtest/gtest.h>

#include "replication/partition/testing/partition_fixture.h"

namespace moldau::replication {
namespace {

using namespace std::chrono_literals;
using protocol::ErrorCode;
using testing::kEpoch;
using PartitionTest = testing::PartitionFixture;

TEST_F(PartitionTest, AnAppendIsReadableAtOnceAndAcknowledgedWhenItIsOnTheDisk) {
  open_leader();
  partition->add_listener(diary);
  const auto appended = append(3);
  ASSERT_TRUE(appended);
  EXPECT_EQ(appended->first_offset, Offset(0));
  EXPECT_EQ(appended->last_offset, Offset(2));
  EXPECT_EQ(appended->leader_epoch, kEpoch);
  EXPECT_EQ(partition->high_watermark(), Offset(3));
  EXPECT_EQ(partition->durable_end(), Offset(0)) << "two marks";
  EXPECT_GT(partition->read(from(0))->slice.size, 0U);
  const auto ack = await(Offset(3));
  EXPECT_EQ(ack->answer, std::nullopt);
  settle();
  EXPECT_EQ(ack->answer, ErrorCode::kNone);
  EXPECT_EQ(partition->durable_end(), Offset(3));
  EXPECT_EQ(diary.lines, (std::vector<std::string>{"hw 3", "durable 3"}));
}

TEST_F(PartitionTest, WithoutTheSyncPolicyAnAckDoesNotWaitForTheDisk) {
  open_leader({.acks_all_sync = false});
  ASSERT_TRUE(append());
  EXPECT_EQ(await(Offset(1))->answer, ErrorCode::kNone);
  EXPECT_EQ(workers.waiting(), 0U);
}

TEST_F(PartitionTest, RelaxingThePolicyLetsWaitersGo) {
  open_leader();
  ASSERT_TRUE(append());
  const auto ack = await(Offset(1));
  config.acks_all_sync = false;
  partition->on_config(config);
  EXPECT_EQ(ack->answer, ErrorCode::kNone);
}

TEST_F(PartitionTest, AnAcksOneAppendAsksForNoSyncUntilFlushMessages) {
  open_leader({.flush_messages = 3});
  ASSERT_TRUE(append(1, Acks::kLeader));
  shard.turn();
  EXPECT_EQ(workers.waiting(), 0U);
  ASSERT_TRUE(append(2, Acks::kLeader));
  settle();
  EXPECT_EQ(partition->durable_end(), Offset(3));
}

TEST_F(PartitionTest, FlushMsAsksForASyncOfWhatWaitedLongEnough) {
  open_leader({.flush_ms = 1000});
  ASSERT_TRUE(append(1, Acks::kLeader));
  partition->sync_if_due();
  shard.turn();
  EXPECT_EQ(workers.waiting(), 0U);
  shard.pass(1001ms);
  partition->sync_if_due();
  settle();
  EXPECT_EQ(partition->durable_end(), Offset(1));
}

TEST_F(PartitionTest, OneSyncCoversTheAppendsOfATurnAndTheNextThoseOfMeanwhile) {
  open_leader();
  ASSERT_TRUE(append());
  ASSERT_TRUE(append());
  const auto first = await(Offset(1));
  const auto second = await(Offset(2));
  shard.turn();
  ASSERT_TRUE(append());
  const auto third = await(Offset(3));
  workers.run_all();
  shard.turn();
  EXPECT_EQ(first->answer, ErrorCode::kNone);
  EXPECT_EQ(second->answer, ErrorCode::kNone);
  EXPECT_EQ(third->answer, std::nullopt);
  settle();
  EXPECT_EQ(third->answer, ErrorCode::kNone);
}

TEST_F(PartitionTest, Semantics15ATimeoutIsAnsweredAndTheDataKept) {
  open_leader();
  ASSERT_TRUE(append());
  const auto ack = await(Offset(1), kSyncWaitMax + 1s);
  shard.pass(kSyncWaitMax + 1001ms);
  EXPECT_EQ(ack->answer, ErrorCode::kRequestTimedOut);
  EXPECT_EQ(partition->log_end(), Offset(1));
  settle();
  EXPECT_EQ(ack->answer, ErrorCode::kRequestTimedOut);
}

TEST_F(PartitionTest, Semantics15TheTimeoutIsForTheOtherReplicasAndTheDiskHasItsOwn) {
  open_leader();
  ASSERT_TRUE(append());
  const auto in_time = await(Offset(1), 0ms);
  shard.pass(1ms);
  EXPECT_EQ(in_time->answer, std::nullopt);
  settle();
  EXPECT_EQ(in_time->answer, ErrorCode::kNone);
  ASSERT_TRUE(append());
  const auto never = await(Offset(2), 0ms);
  shard.pass(1ms);
  EXPECT_EQ(never->answer, std::nullopt);
  shard.pass(kSyncWaitMax);
  EXPECT_EQ(never->answer, ErrorCode::kRequestTimedOut) << "a sync that does not end";
  settle();
}

TEST_F(PartitionTest, Semantics15ARecordThatTheOtherReplicasLackTimesOutOnTheDiskOrNot) {
  open();
  lead({1, 2}, {1, 2});
  ASSERT_TRUE(append());
  const auto before = await(Offset(1), 0ms);
  shard.pass(1ms);
  EXPECT_EQ(before->answer, ErrorCode::kRequestTimedOut);
  settle();
  const auto after = await(Offset(1), 0ms);
  shard.pass(1ms);
  EXPECT_EQ(after->answer, ErrorCode::kRequestTimedOut);
}

TEST_F(PartitionTest, Semantics15TooFewReplicasBeforeAndAfterTheAppend) {
  open({.min_isr = 2});
  lead({1, 2}, {1});
  const auto refused = append();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(partition->log_end(), Offset(0));
  ASSERT_TRUE(append(1, Acks::kLeader)) << "acks 0 and 1 do not ask";

  lead({1, 2}, {1, 2});
  ASSERT_TRUE(append());
  const auto ack = await(Offset(2));
  fetch_as(2, 2);
  EXPECT_EQ(partition->high_watermark(), Offset(2));
  lead({1, 2}, {1});
  settle();
  EXPECT_EQ(ack->answer, ErrorCode::kNotEnoughReplicasAfterAppend);
}

TEST_F(PartitionTest, WithThreeReplicasAnAckWaitsForAllInSync) {
  open({.min_isr = 2});
  lead({1, 2, 3}, {1, 2, 3});
  ASSERT_TRUE(append());
  const auto ack = await(Offset(1));
  settle();
  EXPECT_EQ(partition->durable_end(), Offset(1));
  fetch_as(2, 1);
  EXPECT_EQ(ack->answer, std::nullopt);
  fetch_as(3, 1);
  EXPECT_EQ(ack->answer, ErrorCode::kNone);
}

TEST_F(PartitionTest, AppendsUnderAnotherEpochAreFenced) {
  open_leader();
  const auto older = append(1, Acks::kAll, {}, AppendOrigin::kCoordinator, LeaderEpoch(4));
  const auto newer = append(1, Acks::kAll, {}, AppendOrigin::kCoordinator, LeaderEpoch(6));
  EXPECT_EQ(older.error().code, ErrorCode::kFencedLeaderEpoch);
  EXPECT_EQ(newer.error().code, ErrorCode::kUnknownLeaderEpoch);
  EXPECT_TRUE(append(1, Acks::kAll, {}, AppendOrigin::kCoordinator, kEpoch));
}

TEST_F(PartitionTest, ADuplicateAnswersItsFirstOffsetAndWaitsLikeItsFirstCopy) {
  open_leader();
  const record::BatchOptions idempotent{
      .producer_id = ProducerId(9), .producer_epoch = ProducerEpoch(0), .base_sequence = 0};
  ASSERT_TRUE(append(2, Acks::kAll, idempotent));
  const auto again = append(2, Acks::kAll, idempotent);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(again->first_offset, Offset(0));
  EXPECT_EQ(partition->log_end(), Offset(2));
  const auto ack = await(again->last_offset + 1);
  EXPECT_EQ(ack->answer, std::nullopt);
  settle();
  EXPECT_EQ(ack->answer, ErrorCode::kNone);
}

TEST_F(PartitionTest, LogAppendTimeIsAnswered) {
  PartitionConfig stamped;
  stamped.produce.timestamp_type = record::TimestampType::kLogAppendTime;
  open_leader(stamped);
  EXPECT_EQ(append()->append_time_ms, shard.clock().wall_ms());
}

TEST_F(PartitionTest, AnAckAskedForAfterLeadershipEndedIsToldInTheNextTurn) {
  open_leader();
  ASSERT_TRUE(append());
  lead({1, 2}, {2}, 2, LeaderEpoch(6));
  const auto ack = await(Offset(1));
  EXPECT_EQ(ack->answer, std::nullopt);
  shard.turn();
  EXPECT_EQ(ack->answer, ErrorCode::kNotLeaderOrFollower);
}

TEST_F(PartitionTest, ARolledSegmentIsSyncedWithoutBeingAskedFor) {
  PartitionConfig small;
  small.log.segment_bytes = 200;
  open_leader(small);
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(append(1, Acks::kLeader));
  }
  settle();
  EXPECT_GT(partition->durable_end(), Offset(0));
  EXPECT_EQ(directory.rolls, 1);
}

}  // namespace
}  // namespace moldau::replication
