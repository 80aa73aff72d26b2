#include <gtest/gtest.h>

#include "replication/partition/testing/partition_fixture.h"

namespace moldau::replication {
namespace {

using namespace std::chrono_literals;
using protocol::ErrorCode;
using testing::kEpoch;
using PartitionTest = testing::PartitionFixture;

TEST_F(PartitionTest, Semantics40LatestAndEarliestCarryTheEpochAndNoTimestamp) {
  open_leader();
  ASSERT_TRUE(append(4, Acks::kLeader));
  const auto latest = partition->list_offset({.timestamp = timestamp::kLatest});
  EXPECT_EQ(latest->offset, Offset(4));
  EXPECT_EQ(latest->timestamp, -1);
  EXPECT_EQ(latest->leader_epoch, kEpoch);
  const auto earliest = partition->list_offset({.timestamp = timestamp::kEarliest});
  EXPECT_EQ(earliest->offset, Offset(0));
  EXPECT_EQ(earliest->leader_epoch, kEpoch);
  EXPECT_EQ(partition->list_offset({.timestamp = timestamp::kEarliestLocal})->offset, Offset(0));
  EXPECT_EQ(partition->list_offset({.timestamp = timestamp::kLatestTiered})->offset, kNoOffset);
  EXPECT_EQ(partition->list_offset({.timestamp = timestamp::kEarliestPendingUpload})->offset, kNoOffset);
  const auto max = partition->list_offset({.timestamp = timestamp::kMax});
  EXPECT_EQ(max->offset, Offset(3));
  EXPECT_EQ(max->timestamp, 1003);
  EXPECT_EQ(partition->list_offset({.timestamp = -7}).error().code, ErrorCode::kUnsupportedVersion);
  EXPECT_EQ(
      partition->list_offset({.timestamp = timestamp::kLatest, .current_leader_epoch = LeaderEpoch(1)}).error().code,
      ErrorCode::kFencedLeaderEpoch);
}

TEST_F(PartitionTest, Semantics41ATimestampFindsTheFirstRecordInsideTheBatch) {
  open_leader();
  ASSERT_TRUE(append(5, Acks::kLeader));
  const auto inside = partition->list_offset({.timestamp = 1002});
  EXPECT_EQ(inside->offset, Offset(2));
  EXPECT_EQ(inside->timestamp, 1002);
  const auto none = partition->list_offset({.timestamp = 5000});
  EXPECT_EQ(none->offset, kNoOffset);
  EXPECT_EQ(none->timestamp, -1);
}

TEST_F(PartitionTest, Semantics40OffsetsAreNotAvailableBelowTheEpochStart) {
  open();
  lead({1, 2}, {1, 2});
  ASSERT_TRUE(append(5, Acks::kLeader));
  lead({1, 2}, {1, 2}, 2, LeaderEpoch(6));
  lead({1, 2}, {1, 2}, 1, LeaderEpoch(7));
  const auto latest = partition->list_offset({.timestamp = timestamp::kLatest});
  EXPECT_EQ(latest.error().code, ErrorCode::kOffsetNotAvailable);
  EXPECT_EQ(partition->list_offset({.timestamp = 1000}).error().code, ErrorCode::kOffsetNotAvailable);
  EXPECT_TRUE(partition->list_offset({.timestamp = timestamp::kEarliest}));
  const ListOffsetRequest debugging{.timestamp = timestamp::kLatest, .isolation = FetchIsolation::kLogEnd};
  EXPECT_EQ(partition->list_offset(debugging)->offset, Offset(5));
}

TEST_F(PartitionTest, Semantics42TheEndOfTheLargestKnownEpochIsAnswered) {
  open_leader();
  ASSERT_TRUE(append(10, Acks::kLeader));
  lead({1}, {1}, 1, LeaderEpoch(8));
  ASSERT_TRUE(append(5, Acks::kLeader));
  const auto middle = partition->end_offset_for_epoch(LeaderEpoch(7), kNoLeaderEpoch, true);
  EXPECT_EQ(middle->epoch, kEpoch);
  EXPECT_EQ(middle->end, Offset(10));
  EXPECT_EQ(partition->end_offset_for_epoch(LeaderEpoch(8), kNoLeaderEpoch, true)->end, Offset(15));
  const auto before = partition->end_offset_for_epoch(LeaderEpoch(1), kNoLeaderEpoch, true);
  EXPECT_EQ(before->epoch, LeaderEpoch(1));
  EXPECT_EQ(before->end, Offset(0)) << "as Kafka: where the first known epoch begins";
  const auto above = partition->end_offset_for_epoch(LeaderEpoch(9), kNoLeaderEpoch, true);
  EXPECT_EQ(above->epoch, kNoLeaderEpoch);
  EXPECT_EQ(above->end, kNoOffset);
}

TEST_F(PartitionTest, Semantics43DeleteRecordsIsAnsweredOnceItIsDurable) {
  open_leader();
  ASSERT_TRUE(append(5, Acks::kLeader));
  Deleted answer;
  delete_records(3, answer);
  EXPECT_EQ(partition->log_start(), Offset(3));
  EXPECT_EQ(read_error(from(2)), ErrorCode::kOffsetOutOfRange);
  EXPECT_FALSE(answer.told);
  directory.keep_all(true);
  EXPECT_EQ(answer.low, Offset(3));
  delete_records(-1, answer);
  directory.keep_all(true);
  EXPECT_EQ(answer.low, Offset(5)) << "-1 means the high watermark";
  delete_records(6, answer);
  EXPECT_EQ(answer.error, ErrorCode::kOffsetOutOfRange);
  delete_records(-2, answer);
  EXPECT_EQ(answer.error, ErrorCode::kOffsetOutOfRange);
  PartitionConfig compact;
  compact.log.cleanup_delete = false;
  compact.log.cleanup_compact = true;
  partition->on_config(compact);
  delete_records(5, answer);
  EXPECT_EQ(answer.error, ErrorCode::kPolicyViolation);
}

TEST_F(PartitionTest, Semantics43ATimeoutOfDeleteRecordsIsForTheOtherReplicas) {
  open_leader();
  ASSERT_TRUE(append(5, Acks::kLeader));
  Deleted answer;
  delete_records(3, answer, 0s);
  shard.pass(1ms);
  EXPECT_FALSE(answer.told);
  directory.keep_all(true);
  EXPECT_EQ(answer.low, Offset(3));
  delete_records(4, answer, 0s);
  shard.pass(1ms);
  EXPECT_FALSE(answer.told);
  shard.pass(kSyncWaitMax);
  EXPECT_EQ(answer.error, ErrorCode::kRequestTimedOut) << "a checkpoint that is never written";
}

TEST_F(PartitionTest, Semantics43DeleteRecordsWaitsForTheOtherReplicas) {
  open();
  lead({1, 2}, {1, 2});
  ASSERT_TRUE(append(5, Acks::kLeader));
  fetch_as(2, 5);
  Deleted answer;
  Deleted late;
  delete_records(4, answer);
  delete_records(4, late, 1s);
  directory.keep_all(true);
  EXPECT_FALSE(answer.told);
  shard.pass(1001ms);
  EXPECT_EQ(late.error, ErrorCode::kRequestTimedOut);
  ASSERT_TRUE(partition->read_as_follower(from(5, FetchIsolation::kLogEnd),
                                          {NodeId(2), BrokerEpoch(12), kEpoch, Offset(5), Offset(4)}));
  EXPECT_EQ(answer.low, Offset(4));
}

}  // namespace
}  // namespace moldau::replication
