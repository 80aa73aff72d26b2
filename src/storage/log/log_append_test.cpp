#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/testing/log_fixture.h"

namespace moldau::storage::testing {
namespace {

using ::testing::Contains;
using LogAppend = LogFixture;

TEST_F(LogAppend, AssignsOffsetsAndEpochAndReadsBack) {
  open();
  const auto first = append(*log_, make_batch({.records = 3, .tag = 1}), 0, LeaderEpoch(4));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->first_offset, Offset(0));
  EXPECT_EQ(first->last_offset, Offset(2));
  const auto second = append(*log_, make_batch({.records = 2, .tag = 2}), 0, LeaderEpoch(5));
  EXPECT_EQ(second->first_offset, Offset(3));
  EXPECT_EQ(log_->log_end(), Offset(5));
  const auto records = all();
  ASSERT_EQ(records.size(), 5U);
  EXPECT_EQ(records[3].offset, Offset(3));
  EXPECT_EQ(records[3].epoch, LeaderEpoch(5));
  EXPECT_EQ(log_->end_offset_for_epoch(LeaderEpoch(4)), (OffsetAndEpoch{Offset(3), LeaderEpoch(4)}));
  EXPECT_EQ(log_->latest_epoch(), LeaderEpoch(5));
  log_->check_invariants();
}

TEST_F(LogAppend, WritesOncePerAppend) {
  open();
  fill(1);
  const auto before = fs_->counters().writes;
  fill(3);
  EXPECT_EQ(fs_->counters().writes, before + 3);
}

TEST_F(LogAppend, RollsBySizeAndWritesTheClosedIndexes) {
  open();
  fill(30);
  ASSERT_GT(log_->segment_count(), 2U);
  EXPECT_THAT(names(), Contains("00000000000000000000.index"));
  EXPECT_THAT(names(), Contains("00000000000000000000.timeindex"));
  EXPECT_LE(file(0).size(), 1000U);
  const auto index = OffsetIndex::parse(file(0, FileRole::kOffsetIndex), Offset(0), file(0).size());
  ASSERT_TRUE(index);
  EXPECT_GT(index->count(), 1U);
  for (std::size_t i = 0; i < index->count(); ++i) {  // an entry names the last offset of the batch at its position
    const auto batch = record::BatchView::parse(Bytes(file(0)).subspan(index->entry(i).position));
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->header.last_offset(), index->entry(i).offset);
  }
  const auto times = TimeIndex::parse(file(0, FileRole::kTimeIndex), Offset(0));
  ASSERT_TRUE(times);
  const auto records = records_of(file(0));
  EXPECT_EQ(times->last(), (TimeIndex::Entry{records.back().timestamp, records.back().offset})) << "the closing entry";
  EXPECT_EQ(all().size(), 30U);
}

TEST_F(LogAppend, RollsByTheTimeOfTheFirstRecord) {
  config_.segment_ms = 500;
  open();
  fill(1, 1, 10'000);
  fill(1, 1, 10'500);
  EXPECT_EQ(log_->segment_count(), 1U) << "not later than segment.ms";
  fill(1, 1, 10'501);
  EXPECT_EQ(log_->segment_count(), 2U);
  EXPECT_EQ(log_->active_segment_base(), Offset(2));
}

TEST_F(LogAppend, RollsWhenAnIndexIsFull) {
  config_.segment_bytes = 1 << 20;
  config_.segment_index_bytes = 36;  // three time entries, one of them kept for the close
  open();
  fill(20);
  EXPECT_GT(log_->segment_count(), 1U);
  EXPECT_EQ(all().size(), 20U);
  EXPECT_LE(file(0, FileRole::kOffsetIndex).size(), 36U);
}

TEST_F(LogAppend, AnIndexWithoutRoomForAnEntryDoesNotRollForEver) {
  config_.segment_index_bytes = 4;
  open();
  fill(5);
  EXPECT_EQ(all().size(), 5U);
}

TEST_F(LogAppend, RefusesABatchLargerThanASegment) {
  open();
  const auto appended = append(*log_, make_batch({.value_bytes = 2'000}));
  ASSERT_FALSE(appended);
  EXPECT_EQ(appended.error().refusal, AppendRefusal::kBatchTooLarge);
  EXPECT_EQ(log_->log_end(), Offset(0));
  EXPECT_FALSE(log_->offline());
}

TEST_F(LogAppend, ADuplicateIsAnsweredWithItsFirstOffsetsAndNotStored) {
  open();
  fill(1, 3);
  ASSERT_TRUE(append(*log_, make_batch(produced(7, 0, 0))));
  ASSERT_TRUE(append(*log_, make_batch(produced(7, 0, 2))));
  const auto size = log_->size_bytes();
  const auto again = append(*log_, make_batch(produced(7, 0, 0)));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(again->first_offset, Offset(3));
  EXPECT_EQ(again->last_offset, Offset(4));
  EXPECT_EQ(again->append_time_ms, 1'001);
  EXPECT_EQ(log_->size_bytes(), size);
  EXPECT_EQ(append(*log_, make_batch(produced(7, 0, 9))).error().refusal, AppendRefusal::kOutOfOrderSequence);
  ASSERT_TRUE(append(*log_, make_batch(produced(7, 1, 0))));
  EXPECT_EQ(append(*log_, make_batch(produced(7, 0, 4))).error().refusal, AppendRefusal::kInvalidProducerEpoch);
}

TEST_F(LogAppend, TheLastFiveBatchesAreDuplicatesAfterACleanStopAKillAndATruncation) {
  open();
  std::int32_t next = 0;
  const auto produce = [&](int count) {
    for (int i = 0; i < count; ++i, next += 2) {
      ASSERT_FALSE(append(*log_, make_batch(produced(7, 0, next)))->duplicate);
    }
  };
  const auto expect_window = [&] {
    for (std::int32_t back = 2; back <= 10; back += 2) {
      const auto again = append(*log_, make_batch(produced(7, 0, next - back)));
      ASSERT_TRUE(again) << back;
      ASSERT_TRUE(again->duplicate);
      ASSERT_EQ(again->first_offset, Offset(next - back));
    }
    ASSERT_EQ(append(*log_, make_batch(produced(7, 0, next - 12))).error().refusal, AppendRefusal::kOutOfOrderSequence);
  };
  produce(20);
  stop_and_open();
  EXPECT_EQ(log_->open_report().bytes_scanned, 0U);
  expect_window();
  for (int i = 0; i < 12; ++i) {  // the last roll is now here, now there among the last five
    produce(1);
    ASSERT_TRUE(sync(*log_, *fs_));
    kill_and_open({.recovery_point = log_->durable_end()});
    expect_window();
    stop_and_open();
    expect_window();
  }
  ASSERT_TRUE(*log_->truncate_to(Offset(next - 6), 0));
  next -= 6;
  expect_window();
  produce(3);
  expect_window();
}

TEST_F(LogAppend, Semantics21OldRecordTimesMakeAProducerNoOlderThanItsLogUntilTheNextCheck) {
  constexpr std::int64_t kDaysLater = 10LL * 86'400'000;
  open();
  ASSERT_TRUE(append(*log_, make_batch(produced(7, 0, 0))));  // records of the epoch's first second
  kill_and_open({.now_ms = kDaysLater});
  const auto again = append(*log_, make_batch(produced(7, 0, 0)), kDaysLater);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->duplicate) << "the log was read to its end: this is the producer's last batch";
  log_->expire_producers(kDaysLater);
  EXPECT_EQ(log_->producer_count(), 0U);
}

TEST_F(LogAppend, AsIsTakesOffsetsAndEpochsAsTheyAre) {
  open();
  BatchSpec spec{.records = 2};
  spec.options.base_offset = Offset(10);
  spec.options.leader_epoch = LeaderEpoch(3);
  ByteVector batches = make_batch(spec);
  spec.options.base_offset = Offset(20);
  const ByteVector second = make_batch(spec);
  batches.insert(batches.end(), second.begin(), second.end());
  batches.insert(batches.end(), second.begin(), second.begin() + 30);  // a partial batch
  const auto appended = log_->append_as_is(batches, LeaderEpoch(3), ProducerOrigin::kReplica, 0);
  ASSERT_TRUE(appended) << appended.error().cause.message();
  EXPECT_EQ(appended->first_offset, Offset(10));
  EXPECT_EQ(appended->last_offset, Offset(21));
  EXPECT_EQ(log_->log_end(), Offset(22));
  EXPECT_EQ(log_->append_as_is(second, LeaderEpoch(3), ProducerOrigin::kReplica, 0).error().refusal,
            AppendRefusal::kUnexpectedOffset);
  spec.options.base_offset = Offset(30);
  const ByteVector third = make_batch(spec);
  EXPECT_EQ(log_->append_as_is(third, LeaderEpoch(2), ProducerOrigin::kReplica, 0)->bytes, 0U)
      << "a newer epoch is left out";
  EXPECT_EQ(log_->append_as_is(third, LeaderEpoch(2), ProducerOrigin::kRaft, 0).error().refusal,
            AppendRefusal::kEpochMismatch);
  ByteVector damaged = third;
  damaged.back() ^= std::byte{1};
  EXPECT_EQ(log_->append_as_is(damaged, LeaderEpoch(3), ProducerOrigin::kReplica, 0).error().refusal,
            AppendRefusal::kCorrupt);
  ByteVector disordered = third;
  disordered.insert(disordered.end(), third.begin(), third.end());
  EXPECT_EQ(log_->append_as_is(disordered, LeaderEpoch(3), ProducerOrigin::kReplica, 0).error().refusal,
            AppendRefusal::kOffsetsOutOfOrder);
  EXPECT_EQ(log_->log_end(), Offset(22));
  EXPECT_EQ(all().size(), 4U);
}

TEST_F(LogAppend, AsIsSpreadsManyBatchesOverSegments) {
  open();
  ByteVector batches;
  for (int i = 0; i < 40; ++i) {
    BatchSpec spec{.value_bytes = 50};
    spec.options.base_offset = Offset(i);
    spec.options.leader_epoch = LeaderEpoch(0);
    const ByteVector batch = make_batch(spec);
    batches.insert(batches.end(), batch.begin(), batch.end());
  }
  ASSERT_TRUE(log_->append_as_is(batches, LeaderEpoch(0), ProducerOrigin::kReplica, 0));
  EXPECT_GT(log_->segment_count(), 3U);
  EXPECT_EQ(all().size(), 40U);
}

TEST_F(LogAppend, AnOffsetOutOfReachOfTheSegmentRolls) {
  config_.cleanup_compact = true;  // nothing else leaves such a gap
  open();
  fill(1);
  BatchSpec spec;
  spec.options.base_offset = Offset(5'000'000'000);
  spec.options.leader_epoch = LeaderEpoch(0);
  ASSERT_TRUE(log_->append_as_is(make_batch(spec), LeaderEpoch(0), ProducerOrigin::kReplica, 0));
  EXPECT_EQ(log_->active_segment_base(), Offset(5'000'000'000));
  EXPECT_EQ(all().size(), 2U);
}

TEST_F(LogAppend, AFailedWriteTakesTheLogOffline) {
  open();
  fill(2);
  fs_->fail_writes = true;
  EXPECT_EQ(append(*log_, make_batch({})).error().refusal, AppendRefusal::kStorage);
  fs_->fail_writes = false;
  EXPECT_TRUE(log_->offline());
  EXPECT_EQ(append(*log_, make_batch({})).error().cause.kind(), ErrorKind::kOffline) << "never tried again";
  EXPECT_EQ(log_->read(Offset(0), Offset(1), 100, true).error().kind(), ErrorKind::kOffline);
  EXPECT_TRUE(log_->collect_unsynced().empty());
  EXPECT_EQ(log_->log_end(), Offset(2));
  EXPECT_EQ(log_->close(true).error().kind(), ErrorKind::kOffline);
}

}  // namespace
}  // namespace moldau::storage::testing
