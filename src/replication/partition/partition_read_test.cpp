#include <gtest/gtest.h>

#include "replication/partition/testing/partition_fixture.h"

namespace moldau::replication {
namespace {

using protocol::ErrorCode;
using testing::kEpoch;
using PartitionTest = testing::PartitionFixture;

TEST_F(PartitionTest, Semantics35ALongPollIsWokenByTheAppendInTheSameTurn) {
  open_leader();
  int woken = 0;
  FetchWaiter poll([&woken](WakeReason reason) { woken += reason == WakeReason::kProgress ? 1 : 100; });
  partition->park(Offset(0), FetchIsolation::kHighWatermark, poll);
  ASSERT_TRUE(append(1, Acks::kLeader));
  EXPECT_EQ(woken, 1);
  EXPECT_FALSE(poll.parked());
  partition->park(Offset(5), FetchIsolation::kHighWatermark, poll);
  ASSERT_TRUE(append(1, Acks::kLeader));
  EXPECT_EQ(woken, 1) << "the bound has not reached it";
  poll.withdraw();
  ASSERT_TRUE(append(9, Acks::kLeader));
  EXPECT_EQ(woken, 1);
}

TEST_F(PartitionTest, Semantics35AFollowersPollIsWokenBelowTheHighWatermarkToo) {
  open();
  lead({1, 2}, {1, 2});
  int consumer = 0;
  int replica = 0;
  FetchWaiter consumer_poll([&consumer](WakeReason) { ++consumer; });
  FetchWaiter replica_poll([&replica](WakeReason) { ++replica; });
  partition->park(Offset(0), FetchIsolation::kHighWatermark, consumer_poll);
  partition->park(Offset(0), FetchIsolation::kLogEnd, replica_poll);
  ASSERT_TRUE(append(1, Acks::kLeader));
  EXPECT_EQ(replica, 1);
  EXPECT_EQ(consumer, 0);
  fetch_as(2, 1);
  EXPECT_EQ(consumer, 1);
}

TEST_F(PartitionTest, Semantics34OffsetsBeyondTheLogAreOutOfRangeAndThoseBeyondTheHighWatermarkAreEmpty) {
  open();
  lead({1, 2}, {1, 2});
  ASSERT_TRUE(append(3, Acks::kLeader));
  EXPECT_EQ(read_error(from(-1)), ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(read_error(from(4)), ErrorCode::kOffsetOutOfRange);
  EXPECT_TRUE(partition->read(from(2))->slice.empty());
  EXPECT_TRUE(partition->read(from(3))->slice.empty());
  EXPECT_FALSE(partition->read(from(0, FetchIsolation::kLogEnd))->slice.empty())
      << "replicas and the debugging consumer";
  EXPECT_EQ(partition->read(from(0))->log_end, Offset(3));
}

TEST_F(PartitionTest, Semantics36EpochsOfReadersAreChecked) {
  open_leader();
  ReadRequest request = from(0);
  request.current_leader_epoch = LeaderEpoch(4);
  EXPECT_EQ(read_error(request), ErrorCode::kFencedLeaderEpoch);
  request.current_leader_epoch = LeaderEpoch(6);
  EXPECT_EQ(read_error(request), ErrorCode::kUnknownLeaderEpoch);
  request.current_leader_epoch = kEpoch;
  EXPECT_EQ(read_error(request), ErrorCode::kNone);
}

TEST_F(PartitionTest, Semantics36ADivergingReaderIsToldWhereToCut) {
  open_leader();
  ASSERT_TRUE(append(10, Acks::kLeader));
  lead({1}, {1}, 1, LeaderEpoch(8));
  ASSERT_TRUE(append(10, Acks::kLeader));
  ReadRequest request = from(15);
  request.last_fetched_epoch = LeaderEpoch(6);  // an epoch this log never had
  const auto diverged = partition->read(request);
  ASSERT_TRUE(diverged);
  ASSERT_TRUE(diverged->diverging);
  EXPECT_EQ(diverged->diverging->epoch, kEpoch);
  EXPECT_EQ(diverged->diverging->end, Offset(10));
  EXPECT_TRUE(diverged->slice.empty());
  request.last_fetched_epoch = kEpoch;  // known, but it ended at 10
  EXPECT_EQ(partition->read(request)->diverging->end, Offset(10));
  request.last_fetched_epoch = LeaderEpoch(8);
  EXPECT_EQ(partition->read(request)->diverging, std::nullopt);
  request.last_fetched_epoch = LeaderEpoch(2);  // before all that is known: nothing is in common
  EXPECT_EQ(partition->read(request)->diverging->end, Offset(0));
  request.last_fetched_epoch = LeaderEpoch(9);  // above all that is known
  EXPECT_EQ(read_error(request), ErrorCode::kOffsetOutOfRange);
}

TEST_F(PartitionTest, Semantics27ReadCommittedStopsAtTheFirstOpenTransaction) {
  open_leader();
  ASSERT_TRUE(append(2, Acks::kLeader));
  const record::BatchOptions transactional{
      .producer_id = ProducerId(9), .producer_epoch = ProducerEpoch(0), .base_sequence = 0, .is_transactional = true};
  ASSERT_TRUE(append(3, Acks::kLeader, transactional));
  ASSERT_TRUE(append(1, Acks::kLeader));
  EXPECT_EQ(partition->last_stable_offset(), Offset(2));
  const auto latest =
      partition->list_offset({.timestamp = timestamp::kLatest, .isolation = FetchIsolation::kLastStable});
  EXPECT_EQ(latest->offset, Offset(2));
  EXPECT_TRUE(partition->read(from(2, FetchIsolation::kLastStable))->slice.empty());
  const auto below = partition->read(from(0, FetchIsolation::kLastStable));
  EXPECT_FALSE(below->slice.empty());
  EXPECT_TRUE(below->aborted.empty());

  int woken = 0;
  FetchWaiter poll([&woken](WakeReason) { ++woken; });
  partition->park(Offset(2), FetchIsolation::kLastStable, poll);
  ASSERT_TRUE(append_bytes(record::build_end_txn_marker(Offset(0), kNoLeaderEpoch, 2000, ProducerId(9),
                                                        ProducerEpoch(0), record::ControlRecordType::kAbort, {}),
                           Acks::kAll, AppendOrigin::kCoordinator, kEpoch));
  EXPECT_EQ(partition->last_stable_offset(), Offset(7));
  EXPECT_EQ(woken, 1);
  const auto all = partition->read(from(0, FetchIsolation::kLastStable));
  ASSERT_EQ(all->aborted.size(), 1U);
  EXPECT_EQ(all->aborted[0], (storage::AbortedTransaction{ProducerId(9), Offset(2)}));
}

TEST_F(PartitionTest, AWokenPollMayParkAgainWithoutBeingWokenTwice) {
  open_leader();
  int woken = 0;
  std::unique_ptr<FetchWaiter> poll;
  poll = std::make_unique<FetchWaiter>([&](WakeReason) {
    ++woken;
    partition->park(partition->high_watermark(), FetchIsolation::kHighWatermark, *poll);
  });
  partition->park(Offset(0), FetchIsolation::kHighWatermark, *poll);
  ASSERT_TRUE(append(1, Acks::kLeader));
  EXPECT_EQ(woken, 1);
  ASSERT_TRUE(append(1, Acks::kLeader));
  EXPECT_EQ(woken, 2);
}

}  // namespace
}  // namespace moldau::replication
