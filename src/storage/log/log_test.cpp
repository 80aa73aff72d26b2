#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/testing/log_fixture.h"

namespace moldau::storage::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

using LogAppend = LogFixture;
using LogRead = LogFixture;
using LogSync = LogFixture;
using LogTruncate = LogFixture;
using LogRetention = LogFixture;
using LogTransactions = LogFixture;

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

BatchSpec produced(std::int64_t producer, std::int16_t epoch, std::int32_t sequence, std::int32_t records = 2) {
  BatchSpec spec{.records = records};
  spec.options.producer_id = ProducerId(producer);
  spec.options.producer_epoch = ProducerEpoch(epoch);
  spec.options.base_sequence = sequence;
  return spec;
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

// --- sync ---

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

// --- reading ---

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

// --- transactions ---

struct TransactionalLog : LogFixture {
  void produce(std::int64_t producer, std::int32_t sequence, std::int32_t records = 2) {
    BatchSpec spec = produced(producer, 0, sequence, records);
    spec.options.is_transactional = true;
    ASSERT_TRUE(append(*log_, make_batch(spec)));
  }
  void end(std::int64_t producer, bool abort) {
    const auto type = abort ? record::ControlRecordType::kAbort : record::ControlRecordType::kCommit;
    ByteVector marker = record::build_end_txn_marker(Offset(0), LeaderEpoch(0), 1'000, ProducerId(producer),
                                                     ProducerEpoch(0), type, {3});
    const auto appended = append(*log_, std::move(marker), 0, LeaderEpoch(0), ProducerOrigin::kCoordinator);
    ASSERT_TRUE(appended) << appended.error().cause.message();
  }
  [[nodiscard]] std::vector<AbortedTransaction> aborted(std::int64_t from, std::int64_t upto) {
    return log_->aborted_transactions(Offset(from), Offset(upto)).value();
  }
  void write_some() {
    produce(1, 0);  // 0-1
    produce(2, 0);  // 2-3
    end(1, true);   // 4
    produce(1, 2);  // 5-6
    end(2, false);  // 7
    produce(3, 0);  // 8-9, stays open
    end(1, true);   // 10
  }
  void expect_some() {
    EXPECT_EQ(log_->first_unstable_offset(), Offset(0)) << "no marker is known to be replicated";
    log_->on_high_watermark(Offset(8));
    EXPECT_EQ(log_->first_unstable_offset(), Offset(5))
        << "the last marker of producer 1 is not below the high watermark";
    log_->on_high_watermark(Offset(11));
    EXPECT_EQ(log_->first_unstable_offset(), Offset(8));
    EXPECT_THAT(aborted(0, 11), ElementsAre(AbortedTransaction{ProducerId(1), Offset(0)},
                                            AbortedTransaction{ProducerId(1), Offset(5)}));
    EXPECT_THAT(aborted(5, 11), ElementsAre(AbortedTransaction{ProducerId(1), Offset(5)}));
    EXPECT_THAT(aborted(0, 5), ElementsAre(AbortedTransaction{ProducerId(1), Offset(0)}));
    EXPECT_THAT(aborted(11, 12), IsEmpty());
  }
};

TEST_F(TransactionalLog, KnowsOpenAndAbortedTransactions) {
  open();
  write_some();
  expect_some();
}

TEST_F(TransactionalLog, KnowsThemAfterACleanStop) {
  open();
  write_some();
  stop_and_open();
  EXPECT_EQ(log_->first_unstable_offset(), Offset(8))
      << "a snapshot holds open transactions; ended ones were below the log end";
  EXPECT_THAT(aborted(0, 11),
              ElementsAre(AbortedTransaction{ProducerId(1), Offset(0)}, AbortedTransaction{ProducerId(1), Offset(5)}));
}

TEST_F(TransactionalLog, KnowsThemAfterAKill) {
  for (const std::int32_t segment_bytes : {200, 1'000}) {
    config_.segment_bytes = segment_bytes;
    fs_ = std::make_unique<MemoryFileSystem>();
    ASSERT_TRUE(fs_->make_dirs(kDirectory));
    open();
    write_some();
    kill_and_open();
    expect_some();
    kill_and_open({.recovery_point = Offset(5)});
    log_->on_high_watermark(Offset(11));
    EXPECT_EQ(log_->first_unstable_offset(), Offset(8));
    EXPECT_EQ(aborted(0, 11).size(), 2U) << "nothing twice";
  }
}

TEST_F(TransactionalLog, ADamagedTransactionIndexIsMadeAnew) {
  open();
  write_some();
  ASSERT_TRUE(log_->close(true));
  file(0, FileRole::kTransactionIndex).resize(40);
  open({.clean_shutdown = true, .recovery_point = Offset(11)});
  EXPECT_EQ(aborted(0, 11).size(), 2U);
  EXPECT_TRUE(has_line(".txnindex"));
}

TEST_F(TransactionalLog, TruncationTakesBackMarkers) {
  open();
  write_some();
  ASSERT_TRUE(*log_->truncate_to(Offset(10), 0));
  EXPECT_EQ(log_->first_unstable_offset(), Offset(0));
  log_->on_high_watermark(Offset(10));
  EXPECT_EQ(log_->first_unstable_offset(), Offset(5)) << "producer 1 is in its second transaction again";
  EXPECT_EQ(aborted(0, 10).size(), 1U);
  end(1, true);
  EXPECT_EQ(aborted(0, 11).size(), 2U);
  log_->check_invariants();
}

// --- truncation and retention ---

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

TEST_F(LogRetention, BySizeNeverAboveTheHighWatermark) {
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
  EXPECT_EQ(log_->read(Offset(0), log_->log_end(), 10, true).error().kind(), ErrorKind::kOutOfRange);
  EXPECT_THAT(names(), Contains("00000000000000000000.log.deleted"));
  EXPECT_THAT(log_->take_due_deletions(2'000), IsEmpty());
  const auto due = log_->take_due_deletions(62'000);
  EXPECT_EQ(due.size(), removed * 3);
  EXPECT_THAT(log_->take_due_deletions(62'000), IsEmpty());
}

TEST_F(LogRetention, ByTimeMayEmptyTheLog) {
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

TEST_F(LogRetention, RecordsFromTheFutureStay) {
  config_.retention_ms = 1'000;
  open();
  fill(30, 1, 50'000);
  EXPECT_EQ(*log_->enforce_retention(10'000, log_->log_end()), 0U);
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
