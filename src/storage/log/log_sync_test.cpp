#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/testing/log_fixture.h"

namespace moldau::storage::testing {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;
using LogSync = LogFixture;

TEST_F(LogSync, ATicketCoversEverythingWrittenSinceTheLast) {
  open({.new_directory = true});
  fill(31);
  ASSERT_GT(log_->segment_count(), 2U);
  EXPECT_EQ(log_->durable_end(), Offset(0));
  EXPECT_TRUE(log_->has_unsynced());
  ASSERT_TRUE(sync(*log_, *fs_));
  EXPECT_EQ(log_->durable_end(), Offset(31));
  EXPECT_THAT(fs_->unsynced(), Not(Contains(::testing::HasSubstr("topic-0"))));
  EXPECT_FALSE(log_->has_unsynced());
  EXPECT_EQ(log_->unsynced_records(), 0);
  fill(1);
  EXPECT_EQ(log_->unsynced_records(), 1);
  const SyncTicket small = log_->collect_unsynced();
  EXPECT_EQ(small.files.size(), 1U);
  EXPECT_THAT(small.directories, IsEmpty());
  EXPECT_THAT(small.replacements, IsEmpty());
  fill(1);
  ASSERT_TRUE(small.run(*fs_));
  log_->on_synced(small);
  EXPECT_EQ(log_->durable_end(), Offset(32)) << "what came after the ticket waits for the next";
}

TEST_F(LogSync, AnEpochIsDurableWithItsFirstBatch) {
  open();
  fill(1, 1, 1'000, LeaderEpoch(2));
  ASSERT_TRUE(sync(*log_, *fs_));
  EXPECT_EQ(as_text(fs_->content("/data/topic-0/leader-epoch-checkpoint")), "0\n1\n2 0\n");
}

TEST_F(LogSync, AFailedSyncTakesTheLogOffline) {
  open();
  fill(3);
  fs_->fail_syncs = true;
  EXPECT_FALSE(sync(*log_, *fs_));
  fs_->fail_syncs = false;
  EXPECT_TRUE(log_->offline());
  EXPECT_EQ(log_->durable_end(), Offset(0));
  EXPECT_TRUE(log_->collect_unsynced().empty());
}

TEST_F(LogSync, ATruncationMeanwhileVoidsTheTicket) {
  open();
  fill(10);
  const SyncTicket ticket = log_->collect_unsynced();
  ASSERT_TRUE(ticket.run(*fs_));
  ASSERT_TRUE(*log_->truncate_to(Offset(4), 0));
  fill(2);
  log_->on_synced(ticket);
  EXPECT_EQ(log_->durable_end(), Offset(0));
  ASSERT_TRUE(sync(*log_, *fs_));
  EXPECT_EQ(log_->durable_end(), Offset(6));
}

TEST_F(LogSync, AnIdlePartitionKeepsNoOpenFile) {
  open();
  fill(30);
  ASSERT_TRUE(sync(*log_, *fs_));
  log_->release_idle_resources();
  ASSERT_TRUE(sync(*log_, *fs_));  // the active index was written out
  EXPECT_EQ(fs_->counters().open_files, 0);
  EXPECT_EQ(all().size(), 30U);
  fill(3);
  EXPECT_EQ(all().size(), 33U);
  log_->release_idle_resources();
  EXPECT_GT(fs_->counters().open_files, 0) << "unsynced bytes keep their file";
  EXPECT_EQ(logger_.lines.size(), 0U) << "no index had to be made anew";
}

}  // namespace
}  // namespace moldau::storage::testing
