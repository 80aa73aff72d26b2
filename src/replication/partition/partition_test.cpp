#include "replication/partition/partition.h"

#include <gtest/gtest.h>

#include "replication/partition/testing/partition_fixture.h"

namespace moldau::replication {
namespace {

using protocol::ErrorCode;
using testing::kEpoch;
using PartitionTest = testing::PartitionFixture;

TEST_F(PartitionTest, ServesNothingBeforeMetadataSaysItLeads) {
  open();
  const auto refused = append();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(read_error(from(0)), ErrorCode::kNotLeaderOrFollower);
}

TEST_F(PartitionTest, AFollowerAboutToJoinIsProposedToTheController) {
  open();
  lead({1, 2}, {1});
  fetch_as(2, 0);
  ASSERT_EQ(sender.sent.size(), 1U);
  partition->on_alter_partition_answer(
      {sender.sent[0].id, AlterPartitionOutcome::kApplied, {NodeId(1), NodeId(2)}, kEpoch, next_partition_epoch++});
  EXPECT_EQ(partition->core().isr().size(), 2U);
}

TEST_F(PartitionTest, LosingLeadershipFailsWaitersAndWakesPolls) {
  open_leader();
  partition->add_listener(diary);
  ASSERT_TRUE(append());
  const auto ack = await(Offset(1));
  std::optional<WakeReason> woken;
  FetchWaiter poll([&woken](WakeReason reason) { woken = reason; });
  partition->park(Offset(1), FetchIsolation::kHighWatermark, poll);
  lead({1, 2}, {2}, 2, LeaderEpoch(6));
  EXPECT_EQ(ack->answer, ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(woken, WakeReason::kChanged);
  EXPECT_EQ(diary.lines.back(), "lost");
  const auto refused = append();
  EXPECT_EQ(refused.error().code, ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(refused.error().leader, NodeId(2));
  EXPECT_EQ(refused.error().leader_epoch, LeaderEpoch(6));
}

TEST_F(PartitionTest, AFailedSyncFailsEveryWaiterAndIsToldToTheDirectory) {
  open_leader();
  partition->add_listener(diary);
  ASSERT_TRUE(append());
  const auto ack = await(Offset(1));
  disk.faults().sync_error_ppm = 1'000'000;
  settle();
  disk.faults().sync_error_ppm = 0;
  EXPECT_EQ(ack->answer, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(directory.failures.size(), 1U);
  EXPECT_EQ(append().error().code, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(read_error(from(0)), ErrorCode::kKafkaStorageError);
  EXPECT_EQ(diary.lines.back(), "offline");
  EXPECT_EQ(partition->durable_end(), Offset(0));
  settle();
}

TEST_F(PartitionTest, AFailedWriteAcknowledgesNothing) {
  open_leader();
  ASSERT_TRUE(append(1, Acks::kLeader));
  disk.faults().write_error_ppm = 1'000'000;
  EXPECT_EQ(append().error().code, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(directory.failures.size(), 1U);
  EXPECT_TRUE(partition->offline());
  EXPECT_EQ(partition->high_watermark(), Offset(1));
}

TEST_F(PartitionTest, Semantics62ADirectoryThatFailedElsewhereTakesThePartitionAlong) {
  open_leader();
  ASSERT_TRUE(append());
  const auto ack = await(Offset(1));
  partition->on_directory_failed();
  EXPECT_EQ(ack->answer, ErrorCode::kKafkaStorageError);
  EXPECT_TRUE(directory.failures.empty());
  lead({1}, {1}, 1, LeaderEpoch(9));
  EXPECT_FALSE(partition->is_leader());
}

TEST_F(PartitionTest, DeletionFailsWaitersAndHandsTheLogOut) {
  open_leader();
  partition->add_listener(diary);
  ASSERT_TRUE(append());
  const auto ack = await(Offset(1));
  shard.turn();  // a sync is in flight
  std::optional<WakeReason> woken;
  FetchWaiter poll([&woken](WakeReason reason) { woken = reason; });
  partition->park(Offset(1), FetchIsolation::kHighWatermark, poll);
  const auto log = partition->on_deleted();
  EXPECT_NE(log, nullptr);
  EXPECT_EQ(ack->answer, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(woken, WakeReason::kChanged);
  EXPECT_EQ(diary.lines.back(), "deleted");
  EXPECT_EQ(read_error(from(0)), ErrorCode::kUnknownTopicOrPartition);
  settle();
}

TEST_F(PartitionTest, AFollowerAppendsWhatItsLeaderSentAndFollowsItsHighWatermark) {
  open();
  lead({1, 2}, {2}, 2);
  ByteVector batch =
      record::testing::build({{.value = "a"}, {.value = "b"}}, {.base_offset = Offset(0), .leader_epoch = kEpoch});
  ASSERT_TRUE(partition->append(AppendOrigin::kReplica, kEpoch, batch));
  EXPECT_EQ(partition->log_end(), Offset(2));
  EXPECT_EQ(partition->high_watermark(), Offset(0));
  partition->on_leader_values(Offset(1), Offset(0));
  EXPECT_EQ(partition->high_watermark(), Offset(1));
  ASSERT_TRUE(partition->truncate_to(Offset(1)));
  EXPECT_EQ(partition->log_end(), Offset(0)) << "offset 0 is in the batch that went";
  EXPECT_EQ(partition->append(AppendOrigin::kReplica, LeaderEpoch(4), batch).error().code,
            ErrorCode::kFencedLeaderEpoch);
  ReadRequest request = from(0);
  EXPECT_EQ(read_error(request), ErrorCode::kNotLeaderOrFollower);
  request.leader_only = false;
  EXPECT_EQ(read_error(request), ErrorCode::kNone);
}

}  // namespace
}  // namespace moldau::replication
