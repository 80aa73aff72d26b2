#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/testing/log_recovery_fixture.h"

// What recovery keeps above the recovery point, and what it cuts.

namespace moldau::storage::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

using LogTailRecovery = LogRecoveryFixture;

TEST_F(LogTailRecovery, ATornTailIsCutWhereverItIsTorn) {
  write_segments();
  const std::int64_t active = bases_[2];
  const std::size_t last = position_of(active, 24);
  const ByteVector whole = file(active);
  for (std::size_t size = last; size < whole.size(); ++size) {
    file(active).assign(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    kill_and_open({.recovery_point = Offset(active)});
    ASSERT_EQ(log_->log_end(), Offset(24)) << size;
    ASSERT_EQ(log_->open_report().bytes_cut, size - last);
    ASSERT_EQ(all(), first(24));
  }
}

TEST_F(LogTailRecovery, AZeroExtendedTailIsCut) {
  write_segments();
  file(bases_[2]).resize(file(bases_[2]).size() + 4096);
  kill_and_open();
  EXPECT_EQ(all(), written_);
  EXPECT_EQ(log_->open_report().bytes_cut, 4096U);
  EXPECT_TRUE(has_line("cut 4096 bytes"));
  fill(1);
  EXPECT_EQ(all().size(), 26U);
}

TEST_F(LogTailRecovery, ADamagedBatchAboveTheRecoveryPointCutsItAndAllBehindIt) {
  write_segments();
  const std::int64_t broken = bases_[1] + 3;
  file(bases_[1])[position_of(bases_[1], broken) + 80] ^= std::byte{1};
  kill_and_open({.recovery_point = Offset(bases_[1] + 1)});
  EXPECT_FALSE(log_->fenced());
  EXPECT_EQ(log_->log_end(), Offset(broken));
  EXPECT_EQ(log_->durable_end(), Offset(bases_[1] + 1));
  EXPECT_EQ(all(), first(broken));
  EXPECT_EQ(log_->open_report().segments_removed, 1U);
  EXPECT_THAT(names(), Contains(HasSubstr(".log.deleted")));
  EXPECT_TRUE(has_line("fails its checksum"));
  kill_and_open({.recovery_point = Offset(bases_[1] + 1)});
  EXPECT_EQ(all(), first(broken)) << "a second recovery finds the same";
  EXPECT_EQ(log_->open_report().bytes_cut, 0U);
  fill(20);
  EXPECT_EQ(all().size(), static_cast<std::size_t>(broken) + 20);
}

TEST_F(LogTailRecovery, AnEmptySegmentAboveTheLogEndIsRemoved) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  for (const bool clean : {true, false}) {
    fs_->put(path(Offset(1'000), FileRole::kLog), {});
    kill_and_open({.clean_shutdown = clean, .recovery_point = Offset(25)});
    EXPECT_FALSE(log_->fenced());
    EXPECT_TRUE(has_line("00000000000000001000.log: removed"));
    EXPECT_EQ(log_->log_end(), Offset(25));
    EXPECT_EQ(all(), written_);
  }
}

TEST_F(LogTailRecovery, OffsetsThatWouldRunOutAreNotBelieved) {
  write_segments();
  for (const bool compacted : {false, true}) {
    config_.cleanup_compact = compacted;
    fs_->put(path(Offset(INT64_MAX), FileRole::kLog), {});
    kill_and_open();
    EXPECT_TRUE(has_line("09223372036854775807.log: not a file of a log, left alone"));
    EXPECT_EQ(log_->log_end(), Offset(25));
  }
  for (const std::int64_t base : bases_) {
    ASSERT_TRUE(fs_->remove_file(path(Offset(base), FileRole::kLog)));
  }
  kill_and_open({.log_start = Offset(INT64_MAX)});
  EXPECT_TRUE(log_->fenced());
  kill_and_open({.recovery_point = Offset(INT64_MAX)});
  EXPECT_TRUE(log_->fenced());
  kill_and_open();
  fill(1);
}

TEST_F(LogTailRecovery, AGapAboveTheRecoveryPointIsALostTail) {
  write_segments();
  file(bases_[1]).resize(position_of(bases_[1], bases_[2] - 1));
  kill_and_open({.recovery_point = Offset(bases_[1])});
  EXPECT_EQ(log_->log_end(), Offset(bases_[2] - 1));
  EXPECT_EQ(all(), first(bases_[2] - 1));
  EXPECT_EQ(log_->open_report().segments_removed, 1U);
}

TEST_F(LogTailRecovery, TouchesOnlyWhatLiesAboveTheRecoveryPoint) {
  write_segments();
  ASSERT_TRUE(sync(*log_, *fs_));
  const ByteVector index = file(0, FileRole::kOffsetIndex);
  kill_and_open({.recovery_point = Offset(bases_[2] + 1)});
  EXPECT_EQ(log_->open_report().segments_recovered, 1U);
  EXPECT_EQ(log_->open_report().bytes_scanned, file(bases_[2]).size());
  EXPECT_EQ(file(0, FileRole::kOffsetIndex), index);
  EXPECT_EQ(all(), written_);
  EXPECT_TRUE(log_->has_unsynced()) << "what was found may be in the page cache only";
  ASSERT_TRUE(sync(*log_, *fs_));
  EXPECT_EQ(log_->durable_end(), Offset(25));
}

TEST_F(LogTailRecovery, ACleanStopIsTrustedWholly) {
  write_segments();
  stop_and_open();
  EXPECT_EQ(log_->open_report().lines.size(), 0U) << log_->open_report().lines.front().text;
  EXPECT_EQ(log_->durable_end(), Offset(25));
  EXPECT_FALSE(log_->has_unsynced());
  EXPECT_THAT(names(), Contains("00000000000000000025.snapshot"));
  EXPECT_EQ(all(), written_);
  fill(15);
  EXPECT_EQ(all().size(), 40U);
}

TEST_F(LogTailRecovery, WhatWasPutBehindTheEndOfAClosedLogIsCut) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  file(bases_[2]).resize(file(bases_[2]).size() + 4096);
  const ByteVector extended = file(bases_[2]);
  open({.clean_shutdown = true});
  EXPECT_TRUE(log_->fenced()) << "no checkpoint says where it ended";
  EXPECT_EQ(file(bases_[2]), extended);
  open({.clean_shutdown = true, .recovery_point = Offset(25)});
  EXPECT_FALSE(log_->fenced());
  EXPECT_EQ(all(), written_);
}

TEST_F(LogTailRecovery, AnEpochBehindTheCutTailIsForgotten) {
  open();
  fill(5, 1, 1'000, LeaderEpoch(1));
  fill(5, 1, 1'000, LeaderEpoch(4));
  ASSERT_TRUE(sync(*log_, *fs_));
  file(0).resize(position_of(0, 5));
  kill_and_open();
  EXPECT_EQ(log_->latest_epoch(), LeaderEpoch(1));
  EXPECT_EQ(log_->log_end(), Offset(5));
}

TEST_F(LogTailRecovery, ALogStartAboveTheLogEndBeginsAnewThereAndDeletesNothing) {
  write_segments();
  kill_and_open({.recovery_point = Offset(25), .log_start = Offset(100)});
  EXPECT_EQ(log_->log_start(), Offset(100));
  EXPECT_EQ(log_->log_end(), Offset(100));
  EXPECT_TRUE(has_line("below its start"));
  EXPECT_EQ(log_->segment_count(), 1U);
  for (const std::int64_t base : bases_) {
    EXPECT_GT(fs_->content(path(Offset(base), FileRole::kLog) + ".aside-100").size(), 0U);
  }
  kill_and_open({.log_start = Offset(100)});
  EXPECT_EQ(log_->log_end(), Offset(100));
  fill(1);
  EXPECT_EQ(all().size(), 1U);
}

TEST_F(LogTailRecovery, TheRecoveryPointWaitsForTheSyncOfWhatRecoveryWroteAnew) {
  write_segments();
  kill_and_open({.recovery_point = Offset(bases_[1]), .durable_end = Offset(25)});
  EXPECT_EQ(log_->durable_end(), Offset(25)) << "the batches were on the disk";
  EXPECT_EQ(log_->recovery_point(), Offset(bases_[1])) << "the indexes made from them are not";
  const SyncTicket ticket = log_->collect_unsynced();
  ASSERT_TRUE(ticket.run(*fs_));
  log_->on_synced(ticket);
  EXPECT_EQ(log_->recovery_point(), Offset(25));
}

TEST_F(LogTailRecovery, WhatLiesAboveTheDurableEndIsWrittenAgain) {
  write_segments();
  ASSERT_TRUE(sync(*log_, *fs_));
  const auto synced = fs_->clone();
  const std::string active = path(Offset(bases_[2]), FileRole::kLog);
  const std::string closed = path(Offset(bases_[1]), FileRole::kLog);
  const auto written_again = [&](const OpenHints& hints) {
    log_.reset();
    fs_ = synced->clone();
    open(hints);
    EXPECT_EQ(all(), written_);
    return fs_->unsynced();
  };
  auto files = written_again({.recovery_point = Offset(bases_[1]), .durable_end = Offset(24)});
  EXPECT_THAT(files, Contains(active));
  EXPECT_THAT(files, Not(Contains(closed)));
  files = written_again({.recovery_point = Offset(bases_[1])});
  EXPECT_THAT(files, Contains(active));
  EXPECT_THAT(files, Contains(closed));
  files = written_again({.recovery_point = Offset(bases_[1]), .durable_end = Offset(25)});
  EXPECT_THAT(files, Not(Contains(active)));
}

TEST_F(LogTailRecovery, TheSegmentBeforeOneThatBeginsAtTheRecoveryPointIsScannedToo) {
  write_segments();
  // As after a roll of which only the batches were on the disk.
  file(bases_[1], FileRole::kTimeIndex).clear();
  file(bases_[1], FileRole::kOffsetIndex).clear();
  kill_and_open({.recovery_point = Offset(bases_[2])});
  EXPECT_EQ(log_->open_report().segments_recovered, 2U);
  EXPECT_FALSE(file(bases_[1], FileRole::kTimeIndex).empty());
  EXPECT_EQ(all(), written_);
}

}  // namespace
}  // namespace moldau::storage::testing
