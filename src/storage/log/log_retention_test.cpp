#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/testing/log_fixture.h"

namespace moldau::storage::testing {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;
using LogTruncate = LogFixture;
using LogRetention = LogFixture;

TEST_F(LogTruncate, RemovesTheTailAndItsEpochs) {
  open();
  fill(12, 1, 1'000, LeaderEpoch(1));
  fill(12, 1, 2'000, LeaderEpoch(2));
  const auto before = all();
  EXPECT_FALSE(*log_->truncate_to(Offset(24), 0));
  ASSERT_TRUE(*log_->truncate_to(Offset(9), 0));
  EXPECT_EQ(log_->log_end(), Offset(9));
  EXPECT_EQ(all(), std::vector<StoredRecord>(before.begin(), before.begin() + 9));
  EXPECT_EQ(log_->latest_epoch(), LeaderEpoch(1));
  fill(5, 1, 3'000, LeaderEpoch(3));
  EXPECT_EQ(log_->end_offset_for_epoch(LeaderEpoch(1)), (OffsetAndEpoch{Offset(9), LeaderEpoch(1)}));
  log_->check_invariants();
  const auto written = all();
  kill_and_open();
  EXPECT_EQ(all(), written);
}

TEST_F(LogTruncate, FullyBeginsAnew) {
  open();
  fill(25);
  ASSERT_TRUE(log_->truncate_fully_and_start_at(Offset(100), 0));
  EXPECT_EQ(log_->log_start(), Offset(100));
  EXPECT_EQ(log_->log_end(), Offset(100));
  EXPECT_EQ(log_->latest_epoch(), std::nullopt);
  EXPECT_EQ(log_->durable_end(), Offset(100));
  fill(3);
  EXPECT_EQ(all().size(), 3U);
  ASSERT_TRUE(sync(*log_, *fs_));
  kill_and_open({.recovery_point = Offset(103)});
  EXPECT_EQ(all().size(), 3U);
}

TEST_F(LogTruncate, BelowTheFirstSegmentBeginsAnewThere) {
  open();
  ASSERT_TRUE(log_->truncate_fully_and_start_at(Offset(100), 0));
  fill(3);
  ASSERT_TRUE(*log_->truncate_to(Offset(50), 0));
  EXPECT_EQ(log_->log_start(), Offset(50));
  EXPECT_EQ(log_->log_end(), Offset(50));
}

TEST_F(LogRetention, ATimeIndexThatLiesDeletesNothing) {
  config_.retention_ms = 5'000;
  config_.index_interval_bytes = 100'000;  // one entry a segment, which no other contradicts
  open();
  fill(30, 1, 1'000'000);
  ASSERT_TRUE(log_->close(true));
  const ByteVector good = file(0, FileRole::kTimeIndex);
  const std::size_t last = good.size() - TimeIndex::kEntryBytes;
  for (std::size_t bit = last * 8; bit < good.size() * 8; ++bit) {
    file(0, FileRole::kTimeIndex) = good;
    file(0, FileRole::kTimeIndex)[bit / 8] ^= std::byte{1} << (bit % 8);
    open({.clean_shutdown = true, .recovery_point = Offset(30), .now_ms = 1'001'000});
    ASSERT_EQ(*log_->enforce_retention(1'001'000, log_->log_end()), 0U) << "bit " << bit;
  }
  file(0, FileRole::kTimeIndex) = good;
  open({.clean_shutdown = true, .recovery_point = Offset(30), .now_ms = 1'001'000});
  EXPECT_GT(*log_->enforce_retention(1'010'000, log_->log_end()), 0U);
}

TEST_F(LogRetention, Semantics44BySizeNeverAboveTheHighWatermark) {
  config_.retention_bytes = 2'000;
  open();
  fill(60);
  const auto before = log_->size_bytes();
  EXPECT_EQ(*log_->enforce_retention(2'000, Offset(0)), 0U);
  const auto removed = *log_->enforce_retention(2'000, log_->log_end());
  EXPECT_GT(removed, 0U);
  EXPECT_LT(log_->size_bytes(), before);
  EXPECT_GE(log_->size_bytes(), 2'000U);
  EXPECT_EQ(log_->log_start(), all().front().offset);
  EXPECT_EQ(logger_.lines.back(), fmt::format("topic-0: retention removed {} segments, offset {} is the first", removed,
                                              log_->log_start().value()))
      << "one line, however many";
  EXPECT_EQ(log_->read(Offset(0), log_->log_end(), 10, true).error().kind(), ErrorKind::kOutOfRange);
  EXPECT_THAT(names(), Contains("00000000000000000000.log.deleted"));
  EXPECT_THAT(log_->take_due_deletions(2'000), IsEmpty());
  const auto due = log_->take_due_deletions(62'000);
  EXPECT_EQ(due.size(), removed * 3);
  EXPECT_THAT(log_->take_due_deletions(62'000), IsEmpty());
}

TEST_F(LogRetention, Semantics44ByTimeMayEmptyTheLog) {
  config_.retention_ms = 1'000;
  open();
  fill(30, 1, 1'000);
  EXPECT_EQ(*log_->enforce_retention(2'000, log_->log_end()), 0U) << "as old as retention.ms, not older";
  EXPECT_GT(*log_->enforce_retention(2'030, log_->log_end()), 0U);
  EXPECT_EQ(log_->segment_count(), 1U);
  EXPECT_EQ(log_->log_start(), Offset(30));
  EXPECT_EQ(log_->log_end(), Offset(30));
  EXPECT_EQ(*log_->enforce_retention(9'999, log_->log_end()), 0U) << "an empty log stays";
  log_->check_invariants();
  stop_and_open();
  EXPECT_EQ(log_->log_end(), Offset(30));
  EXPECT_THAT(names(), Not(Contains("00000000000000000000.log.deleted"))) << "what was marked is gone after a start";
}

TEST_F(LogRetention, Semantics44RecordsFromTheFutureStay) {
  config_.retention_ms = 1'000;
  open();
  fill(30, 1, 50'000);
  EXPECT_EQ(*log_->enforce_retention(10'000, log_->log_end()), 0U);
}

TEST_F(LogRetention, Semantics44AnEmptyPolicyKeepsAll) {
  config_.cleanup_delete = false;
  config_.retention_bytes = 1;
  config_.retention_ms = 1;
  open();
  fill(30, 1, 1'000);
  EXPECT_EQ(*log_->enforce_retention(INT64_MAX / 2, log_->log_end()), 0U);
  EXPECT_EQ(log_->log_start(), Offset(0));
}

TEST_F(LogRetention, CompactedLogsLoseOnlyWhatLiesBelowTheLogStart) {
  config_.cleanup_delete = false;
  config_.cleanup_compact = true;
  config_.retention_bytes = 1;
  open();
  fill(30);
  EXPECT_EQ(*log_->enforce_retention(INT64_MAX / 2, log_->log_end()), 0U);
  ASSERT_TRUE(log_->advance_log_start(Offset(20)));
  EXPECT_GT(*log_->enforce_retention(0, log_->log_end()), 0U);
  EXPECT_EQ(log_->log_start(), Offset(20));
  EXPECT_EQ(all().front().offset, Offset(20));
}

TEST_F(LogRetention, DeleteRecordsMayStandInsideABatch) {
  open();
  fill(3, 4);
  EXPECT_EQ(log_->advance_log_start(Offset(13)).error().kind(), ErrorKind::kOutOfRange);
  ASSERT_TRUE(log_->advance_log_start(Offset(6)));
  ASSERT_TRUE(log_->advance_log_start(Offset(2))) << "never back";
  EXPECT_EQ(log_->log_start(), Offset(6));
  EXPECT_EQ(log_->read(Offset(6), Offset(12), 1, true)->base_offset, Offset(4));
  EXPECT_EQ(log_->earliest_epoch(), LeaderEpoch(0));
  stop_and_open();
  EXPECT_EQ(log_->log_start(), Offset(6));
}

TEST_F(LogRetention, SnapshotsBelowTheCheckpointedRecoveryPointGo) {
  open();
  fill(40);
  ASSERT_TRUE(sync(*log_, *fs_));
  const auto count = [&] {
    return std::ranges::count_if(names(), [](const std::string& n) { return n.ends_with(".snapshot"); });
  };
  EXPECT_EQ(count(), static_cast<std::ptrdiff_t>(log_->segment_count()) - 1);
  log_->on_recovery_point_checkpointed(log_->durable_end());
  EXPECT_EQ(count(), 1);
  kill_and_open({.recovery_point = Offset(40)});
  EXPECT_EQ(log_->log_end(), Offset(40));
}

}  // namespace
}  // namespace moldau::storage::testing
