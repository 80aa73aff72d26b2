#include <gtest/gtest.h>

#include "storage/testing/log_fixture.h"

namespace moldau::storage::testing {
namespace {

using LogRead = LogFixture;

TEST_F(LogRead, GivesWholeFirstBatchOnlyIfAsked) {
  open();
  fill(4, 5);
  const auto plain = log_->read(Offset(7), log_->log_end(), 10, false);
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->base_offset, Offset(5)) << "the batch that holds the offset";
  EXPECT_EQ(plain->size, 10U);
  EXPECT_TRUE(plain->first_batch_incomplete());
  const auto whole = log_->read(Offset(7), log_->log_end(), 10, true);
  EXPECT_EQ(whole->size, whole->first_batch_size);
  EXPECT_EQ(records_of(*read_slice(*whole)).size(), 5U);
  EXPECT_TRUE(log_->read(Offset(20), Offset(20), 10, true)->empty());
  EXPECT_EQ(log_->read(Offset(21), Offset(20), 10, true).error().kind(), ErrorKind::kOutOfRange);
}

TEST_F(LogRead, StopsAtTheUpperBound) {
  open();
  fill(25, 2);
  for (std::int64_t from = 0; from < 50; ++from) {
    for (std::int64_t bound = 0; bound <= 50; ++bound) {
      const auto slice = log_->read(Offset(from), Offset(bound), 1 << 20, true);
      ASSERT_TRUE(slice);
      const auto records = records_of(*read_slice(*slice));
      const std::int64_t batch_end = from / 2 * 2 + 2;
      if (batch_end > bound) {
        ASSERT_TRUE(slice->empty()) << from << " " << bound;
      } else {
        ASSERT_FALSE(records.empty()) << from << " " << bound;
        ASSERT_EQ(records.front().offset, Offset(from / 2 * 2));
        ASSERT_LT(records.back().offset, Offset(bound));
      }
    }
  }
}

TEST_F(LogRead, FindsRecordsByTime) {
  open();
  record::Scratch scratch;
  EXPECT_EQ(log_->max_timestamp(scratch).value(), std::nullopt);
  EXPECT_EQ(log_->offset_for_timestamp(0, scratch).value(), std::nullopt);
  for (int i = 0; i < 20; ++i) {
    fill(1, 3, 1'000 + i * 10);
  }
  fill(1, 1, 5'000);
  fill(10, 1, 2'000);
  const auto records = all();
  for (const std::int64_t timestamp : {0LL, 1'000LL, 1'001LL, 1'003LL, 1'095LL, 1'192LL, 1'193LL, 4'999LL, 5'000LL}) {
    const auto expected =
        std::ranges::find_if(records, [&](const StoredRecord& r) { return r.timestamp >= timestamp; });
    const auto found = log_->offset_for_timestamp(timestamp, scratch);
    ASSERT_TRUE(found && found->has_value()) << timestamp;
    EXPECT_EQ((*found)->offset, expected->offset) << timestamp;
    EXPECT_EQ((*found)->timestamp, expected->timestamp);
    EXPECT_EQ((*found)->leader_epoch, LeaderEpoch(0));
  }
  EXPECT_EQ(log_->offset_for_timestamp(5'001, scratch).value(), std::nullopt);
  EXPECT_EQ(log_->max_timestamp(scratch).value()->offset, Offset(60));
  ASSERT_TRUE(log_->advance_log_start(Offset(4)));
  EXPECT_EQ(log_->offset_for_timestamp(0, scratch).value()->offset, Offset(4)) << "nothing below the log start";
}

TEST_F(LogRead, ASegmentWhoseYoungestRecordsAreDeletedHidesNoLaterOne) {
  open();
  fill(5, 1, 5'000);
  fill(20, 1, 2'000);
  ASSERT_GT(log_->segment_count(), 1U);
  ASSERT_TRUE(log_->advance_log_start(Offset(7)));
  record::Scratch scratch;
  const auto found = log_->offset_for_timestamp(2'015, scratch);
  ASSERT_TRUE(found && found->has_value());
  EXPECT_EQ((*found)->offset, Offset(20));
}

}  // namespace
}  // namespace moldau::storage::testing
