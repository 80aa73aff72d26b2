#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/record/record_walker.h"
#include "storage/testing/compact_log.h"
#include "storage/testing/crash_fs.h"
#include "storage/testing/log_fixture.h"

namespace moldau::storage::testing {
namespace {

using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

class LogCompaction : public LogFixture {
 protected:
  LogCompaction() {
    config_.cleanup_compact = true;
    config_.cleanup_delete = false;
  }

  static ByteVector keyed(std::string_view key, std::optional<std::string_view> value, std::int64_t timestamp = 1'000,
                          record::BatchOptions options = {}) {
    record::BatchBuilder builder(options);
    builder.append({.timestamp = timestamp,
                    .key = as_bytes(key),
                    .value = value ? std::optional(as_bytes(*value)) : std::nullopt});
    return *builder.build();
  }
  void put(std::string_view key, std::optional<std::string_view> value, std::int64_t timestamp = 1'000) {
    ASSERT_TRUE(append(*log_, keyed(key, value, timestamp), timestamp));
  }
  void roll() { ASSERT_TRUE(*log_->roll(0)); }
  void settle() {
    log_->on_high_watermark(log_->log_end());
    ASSERT_TRUE(sync(*log_, *fs_));
  }
  std::optional<Offset> compact_all(CompactOptions options = {}) {
    options.last_stable = log_->first_unstable_offset().value_or(log_->log_end());
    auto compacted = compact(*log_, *fs_, logger_, options);
    EXPECT_TRUE(compacted) << (compacted ? "" : compacted.error().message());
    log_->check_invariants();
    return compacted ? *compacted : std::nullopt;
  }
  // "offset:key=value" of every record.
  std::string show() {
    std::string text;
    for (Offset next = log_->log_start(); next < log_->log_end();) {
      const auto slice = log_->read(next, log_->log_end(), 1, true);
      EXPECT_TRUE(slice) << slice.error().message();
      if (!slice || slice->empty()) {
        return text;
      }
      const ByteVector bytes = read_slice(*slice).value();
      const auto batch = record::BatchView::parse(bytes);
      record::Scratch scratch;
      record::RecordWalker walker(*batch, scratch, 1 << 20);
      while (const auto* record = walker.next()) {
        if (batch->header.is_control()) {
          text += " " + std::to_string(batch->header.base_offset.value()) + ":marker";
        } else {
          text += " " + std::to_string(batch->header.offset_at(record->offset_delta).value()) + ":" +
                  std::string(as_text(record->key.value_or(Bytes{}))) + "=" +
                  (record->value ? std::string(as_text(*record->value)) : "null");
        }
      }
      next = batch->header.next_offset();
    }
    return text;
  }
};

TEST_F(LogCompaction, Semantics45TheLastRecordOfEachKeyStaysAtItsOffset) {
  open();
  put("a", "1");
  put("b", "2");
  roll();
  put("a", "3");
  roll();
  put("c", "4");
  settle();
  EXPECT_EQ(compact_all(), Offset(3));
  EXPECT_EQ(show(), " 1:b=2 2:a=3 3:c=4");
  EXPECT_EQ(log_->segment_count(), 2U) << "the two became one";
  EXPECT_EQ(log_->log_start(), Offset(0));
  EXPECT_EQ(compact_all({.cleaned = Offset(3)}), std::nullopt);
  stop_and_open();
  EXPECT_EQ(show(), " 1:b=2 2:a=3 3:c=4");
  kill_and_open({.recovery_point = log_->durable_end(), .durable_end = log_->durable_end()});
  EXPECT_EQ(show(), " 1:b=2 2:a=3 3:c=4");
}

TEST_F(LogCompaction, NothingIsTouchedThatIsActiveOrNotDurableOrNotStable) {
  open();
  put("a", "1");
  roll();
  put("a", "2");
  roll();
  put("a", "3");
  EXPECT_EQ(log_->cleanable_range({}, Offset(3), 0)->dirty_bytes, 0U) << "nothing is durable";
  ASSERT_TRUE(sync(*log_, *fs_));
  EXPECT_EQ(log_->cleanable_range({}, Offset(0), 0)->dirty_bytes, 0U) << "nothing is stable";
  EXPECT_EQ(log_->cleanable_range({}, Offset(1), 0)->first_uncleanable, Offset(1));
  EXPECT_EQ(log_->cleanable_range({}, Offset(3), 0)->first_uncleanable, Offset(2));
  put("a", "4");
  roll();
  EXPECT_EQ(log_->cleanable_range({}, Offset(4), 0)->first_uncleanable, Offset(2)) << "the next is not durable whole";
}

TEST_F(LogCompaction, Semantics45MinAndMaxLagDecideWhatIsDirtyAndWhen) {
  config_.min_compaction_lag_ms = 100;
  config_.max_compaction_lag_ms = 1'000;
  open();
  put("a", "1", 10'000);
  roll();
  put("a", "2", 10'050);
  roll();
  put("a", "3", 10'060);
  settle();
  EXPECT_EQ(log_->cleanable_range({}, Offset(3), 10'100)->first_uncleanable, Offset(1)) << "just old enough";
  EXPECT_EQ(log_->cleanable_range({}, Offset(3), 10'149)->first_uncleanable, Offset(1));
  auto range = log_->cleanable_range({}, Offset(3), 10'150).value();
  EXPECT_EQ(range.first_uncleanable, Offset(2));
  EXPECT_EQ(range.overdue_ms, 0);
  EXPECT_EQ(range.dirty_ratio(), 1.0);
  EXPECT_TRUE(range.is_due(0.5));
  range = log_->cleanable_range(Offset(1), Offset(3), 11'040).value();
  EXPECT_EQ(range.overdue_ms, 0);
  EXPECT_NEAR(range.dirty_ratio(), 0.5, 0.01);
  EXPECT_FALSE(range.is_due(0.9));
  range = log_->cleanable_range(Offset(1), Offset(3), 11'051).value();
  EXPECT_EQ(range.overdue_ms, 1);
  EXPECT_TRUE(range.is_due(0.9));
}

TEST_F(LogCompaction, ACheckpointOutsideOfTheLogIsReset) {
  open();
  put("a", "1");
  roll();
  put("a", "2");
  settle();
  const auto range = log_->cleanable_range(Offset(50), Offset(2), 0);
  EXPECT_TRUE(range->resets_checkpoint);
  EXPECT_EQ(range->first_dirty, Offset(0));
  EXPECT_THAT(logger_.lines, Contains(HasSubstr("cleaner-offset-checkpoint says 50")));
  ASSERT_TRUE(log_->advance_log_start(Offset(1)));
  EXPECT_EQ(log_->cleanable_range(Offset(0), Offset(2), 0)->first_dirty, Offset(1));
}

TEST_F(LogCompaction, Semantics46ATombstoneStaysForDeleteRetention) {
  config_.delete_retention_ms = 500;
  open();
  put("a", "1");
  put("a", std::nullopt);
  put("b", "2");
  roll();
  put("c", "3");
  roll();
  put("d", "4");
  settle();
  EXPECT_EQ(compact_all({.now_ms = 2'000}), Offset(4));
  EXPECT_EQ(show(), " 1:a=null 2:b=2 3:c=3 4:d=4");
  EXPECT_EQ(compact_all({.now_ms = 2'499}), Offset(4));
  EXPECT_EQ(show(), " 1:a=null 2:b=2 3:c=3 4:d=4");
  EXPECT_EQ(compact_all({.now_ms = 2'500}), Offset(4));
  EXPECT_EQ(show(), " 2:b=2 3:c=3 4:d=4");
}

TEST_F(LogCompaction, AFullMapCleansUpToWhereItGot) {
  open();
  for (int i = 0; i < 8; ++i) {
    put("key" + std::to_string(i), "1");
  }
  roll();
  put("key0", "2");
  roll();
  put("x", "");
  settle();
  CompactOptions options{.limits = {.map_bytes = 6 * OffsetMap::kSlotBytes, .map_load_factor = 0.9}};
  const auto first = compact_all(options);
  EXPECT_EQ(first, Offset(5));
  EXPECT_EQ(show().substr(0, 9), " 0:key0=1");
  options.cleaned = first;
  EXPECT_EQ(compact_all(options), Offset(9));
  EXPECT_EQ(show().substr(0, 9), " 1:key1=1") << show();
}

TEST_F(LogCompaction, ASegmentMayComeOutEmpty) {
  config_.segment_bytes = 100;  // so that it stays alone
  open();
  put("a", "1");
  roll();
  put("a", "2");
  roll();
  put("b", "3");
  settle();
  EXPECT_EQ(compact_all(), Offset(2));
  EXPECT_EQ(show(), " 1:a=2 2:b=3");
  EXPECT_EQ(log_->segment_count(), 3U);
  stop_and_open();
  EXPECT_EQ(show(), " 1:a=2 2:b=3");
  EXPECT_EQ(log_->log_start(), Offset(0));
}

TEST_F(LogCompaction, AnotherPolicyAfterwardsFindsNoDamage) {
  config_.segment_bytes = 200;
  open();
  for (const char* key : {"a", "b", "b", "c", "c", "d"}) {
    put(key, "1");
    put(key, "1");
    roll();
  }
  settle();
  const Offset cleaned = *compact_all();
  config_.cleanup_compact = false;
  config_.cleanup_delete = true;
  log_->on_config(config_);
  const std::string kept = show();
  const Offset durable = log_->durable_end();
  kill_and_open({.recovery_point = durable, .durable_end = durable, .compacted_below = cleaned});
  EXPECT_EQ(show(), kept);
  kill_and_open({.recovery_point = Offset(1), .durable_end = durable, .compacted_below = cleaned});
  ASSERT_FALSE(log_->fenced());
  EXPECT_EQ(show(), kept);
}

TEST_F(LogCompaction, Semantics45ProducersAreKnownFromWhatIsLeft) {
  open();
  const auto send = [&](std::int32_t sequence, std::string_view key) {
    return append(*log_,
                  keyed(key, "v", 1'000,
                        {.producer_id = ProducerId(5), .producer_epoch = ProducerEpoch(2), .base_sequence = sequence}));
  };
  for (std::int32_t i = 0; i < 8; ++i) {
    ASSERT_TRUE(send(i, "same"));
  }
  put("same", "last");
  roll();
  put("x", "");
  settle();
  ASSERT_EQ(compact_all(), Offset(9));
  EXPECT_EQ(show(), " 8:same=last 9:x=");
  const Offset durable = log_->durable_end();
  for (const std::string& name : names()) {
    if (name.ends_with(".snapshot")) {
      ASSERT_TRUE(fs_->remove_file(std::string(kDirectory) + "/" + name));
    }
  }
  kill_and_open({.recovery_point = durable, .durable_end = durable});
  EXPECT_EQ(show(), " 8:same=last 9:x=");
  for (const std::int32_t sequence : {3, 4, 5, 6, 7}) {
    const auto again = send(sequence, "same");
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->duplicate) << sequence;
    EXPECT_EQ(again->first_offset, Offset(sequence));
  }
  EXPECT_EQ(send(1, "same").error().refusal, AppendRefusal::kOutOfOrderSequence);
  EXPECT_FALSE(send(8, "same")->duplicate);
}

TEST_F(LogCompaction, Semantics45AbortedRecordsGoAndTheirMarkersFollow) {
  config_.delete_retention_ms = 500;
  open();
  const record::BatchOptions options{
      .producer_id = ProducerId(5), .producer_epoch = ProducerEpoch(0), .base_sequence = 0, .is_transactional = true};
  put("a", "committed");
  ASSERT_TRUE(append(*log_, keyed("a", "aborted", 1'000, options)));
  roll();
  ASSERT_TRUE(append(*log_,
                     record::build_end_txn_marker(Offset(0), LeaderEpoch(0), 1'000, ProducerId(5), ProducerEpoch(0),
                                                  record::ControlRecordType::kAbort, {}),
                     0, LeaderEpoch(0), ProducerOrigin::kCoordinator));
  roll();
  put("b", "");
  settle();
  EXPECT_EQ(log_->first_unstable_offset(), std::nullopt);
  log_->expire_producers(90'000'000);  // a live one would keep its batch, emptied, and its marker as long
  ASSERT_EQ(compact_all({.now_ms = 1'000}), Offset(3));
  EXPECT_EQ(show(), " 0:a=committed 2:marker 3:b=");
  EXPECT_EQ(log_->aborted_transactions(Offset(0), Offset(3))->size(), 1U) << "the index of the new segment";
  ASSERT_EQ(compact_all({.now_ms = 2'000}), Offset(3));
  EXPECT_EQ(show(), " 0:a=committed 2:marker 3:b=");
  EXPECT_EQ(log_->aborted_transactions(Offset(0), Offset(3))->size(), 0U);
  ASSERT_EQ(compact_all({.now_ms = 2'500}), Offset(3));
  EXPECT_EQ(show(), " 0:a=committed 3:b=");
}

TEST_F(LogCompaction, ASliceReadBeforeStaysReadable) {
  open();
  put("a", "1");
  put("a", "2");
  roll();
  put("b", "");
  settle();
  const auto slice = log_->read(Offset(0), Offset(3), 1'000, true);
  const ByteVector before = read_slice(*slice).value();
  ASSERT_TRUE(compact_all());
  for (const std::string& path : log_->take_due_deletions(INT64_MAX)) {
    static_cast<void>(fs_->remove_file(path));
  }
  EXPECT_EQ(read_slice(*slice).value(), before);
  EXPECT_THAT(names(), Not(Contains(EndsWith(".deleted"))));
}

// --- what happens meanwhile ---

TEST_F(LogCompaction, AGroupIsDiscardedIfTheLogWasCutOrLostASegment) {
  for (const bool cut : {true, false}) {
    fs_ = std::make_unique<MemoryFileSystem>();
    ASSERT_TRUE(fs_->make_dirs(kDirectory));
    open();
    put("a", "1");
    roll();
    put("a", "2");
    roll();
    put("b", "");
    settle();
    const auto range = log_->cleanable_range({}, Offset(3), 0).value();
    CompactionPass pass(*fs_, logger_, *log_->compaction_task(range, 0), {}, {});
    CompactionPass::Progress progress{};
    while (progress == CompactionPass::Progress::kMore) {
      progress = pass.work(1).value();
    }
    EXPECT_EQ(progress, CompactionPass::Progress::kGroupReady);
    EXPECT_THAT(names(), Contains(EndsWith(".log.cleaned")));
    if (cut) {
      ASSERT_TRUE(*log_->truncate_to(Offset(1), 0));
    } else {
      ASSERT_TRUE(log_->advance_log_start(Offset(1)));
      ASSERT_EQ(*log_->enforce_retention(0, Offset(3)), 1U);
    }
    EXPECT_FALSE(*log_->begin_swap(pass.group()));
    ASSERT_TRUE(pass.discard());
    EXPECT_THAT(names(), Not(Contains(EndsWith(".cleaned"))));
    log_.reset();
  }
}

TEST_F(LogCompaction, WhileSegmentsArePutInPlaceTheyAreReadAndNeitherCutNorRemoved) {
  open();
  put("a", "1");
  roll();
  put("a", "2");
  roll();
  put("b", "");
  settle();
  const auto range = log_->cleanable_range({}, Offset(3), 0).value();
  CompactionPass pass(*fs_, logger_, *log_->compaction_task(range, 0), {}, {});
  while (*pass.work(1) == CompactionPass::Progress::kMore) {
  }
  log_->release_idle_resources();
  ASSERT_TRUE(*log_->begin_swap(pass.group()));
  ASSERT_TRUE(pass.install());
  log_->release_idle_resources();
  EXPECT_EQ(show(), " 0:a=1 1:a=2 2:b=") << "the old files, by another name";
  EXPECT_EQ(log_->truncate_to(Offset(1), 0).error().kind(), ErrorKind::kLocked);
  EXPECT_EQ(log_->truncate_fully_and_start_at(Offset(1), 0).error().kind(), ErrorKind::kLocked);
  ASSERT_TRUE(log_->advance_log_start(Offset(1)));
  EXPECT_EQ(*log_->enforce_retention(0, Offset(3)), 0U);
  ASSERT_TRUE(log_->finish_swap(pass.group(), 0));
  EXPECT_EQ(show(), " 1:a=2 2:b=");
  EXPECT_TRUE(*log_->truncate_to(Offset(2), 0));
}

// --- crashes ---

// Every call of a compaction is the last before a power cut once, and of the calls not yet synced any one may be lost.
TEST_F(LogCompaction, ACrashAtAnyPointLeavesTheOldRecordsOrTheNewOnes) {
  for (const bool empties : {false, true}) {
    fs_ = std::make_unique<MemoryFileSystem>();
    ASSERT_TRUE(fs_->make_dirs(kDirectory));
    config_.delete_retention_ms = 0;
    open();
    const record::BatchOptions transactional{
        .producer_id = ProducerId(5), .producer_epoch = ProducerEpoch(0), .base_sequence = 0, .is_transactional = true};
    put("a", "1");
    ASSERT_TRUE(append(*log_, keyed("a", "aborted", 1'000, transactional)));
    roll();
    ASSERT_TRUE(append(*log_,
                       record::build_end_txn_marker(Offset(0), LeaderEpoch(0), 1'000, ProducerId(5), ProducerEpoch(0),
                                                    record::ControlRecordType::kAbort, {}),
                       0, LeaderEpoch(0), ProducerOrigin::kCoordinator));
    put("a", "2");
    roll();
    put("b", "3");
    if (empties) {  // with only the last batch in what is left of the first segments
      roll();
      put("a", "4");
      put("b", "5");
    }
    roll();
    put("c", "6");
    settle();
    ASSERT_TRUE(log_->close(true));
    log_.reset();
    const auto before = fs_->clone();
    const Offset end(empties ? 8 : 6);
    const OpenHints hints{.recovery_point = end, .durable_end = end};
    std::size_t images = 0;
    for (std::uint64_t cut = 0;; ++cut) {
      CrashFileSystem crashing(*before, kDirectory);
      auto opened = Log::open({crashing, logger_, random_}, kDirectory, {"topic", PartitionIndex(0)}, config_,
                              {.clean_shutdown = true, .recovery_point = end});
      ASSERT_TRUE(opened);
      (*opened)->on_high_watermark(end);
      crashing.cut_after(cut);
      const auto outcome = compact(**opened, crashing, logger_, {.last_stable = end, .now_ms = 2'000});
      opened->reset();
      for (const auto& image : crashing.images()) {
        ++images;
        // Another crash at each call of the recovery, if it has something to finish.
        const auto entries = image->list(kDirectory).value();
        const bool unfinished = std::ranges::any_of(entries, [](const auto& entry) {
          return entry.name.ends_with(".swap") || entry.name.ends_with(".cleaned");
        });
        bool cut_again = true;
        for (std::uint64_t again = unfinished && images % 3 == 0 ? 0 : 100; cut_again; again += again < 4 ? 1 : 3) {
          CrashFileSystem recovering(*image, kDirectory);
          recovering.cut_after(again);
          auto half =
              Log::open({recovering, logger_, random_}, kDirectory, {"topic", PartitionIndex(0)}, config_, hints);
          cut_again = !half;
          half = fail(ErrorKind::kInvalid, "gone");
          for (auto& second : recovering.images()) {
            fs_ = std::move(second);
            auto log = try_open(hints);
            ASSERT_TRUE(log) << log.error().message() << " cut " << cut << " again " << again;
            log_ = *std::move(log);
            ASSERT_FALSE(log_->fenced()) << log_->open_report().lines.back().text << " cut " << cut;
            log_->check_invariants();
            const std::string text = show();
            if (empties) {
              ASSERT_THAT(text, HasSubstr(" 5:a=4 6:b=5 7:c=6")) << "cut " << cut << " again " << again;
            } else {
              ASSERT_THAT(text, HasSubstr(" 3:a=2 4:b=3 5:c=6")) << "cut " << cut << " again " << again;
            }
            // An aborted record is never seen without its entry in the index, and its entry not without its marker.
            const bool has_aborted = text.find("aborted") != std::string::npos;
            const bool has_marker = text.find("marker") != std::string::npos;
            const bool has_entry = !log_->aborted_transactions(Offset(0), end)->empty();
            ASSERT_TRUE(!has_aborted || has_entry) << text << " cut " << cut << " again " << again;
            ASSERT_TRUE(!has_entry || has_marker) << text << " cut " << cut << " again " << again;
            log_.reset();
          }
        }
      }
      if (outcome) {
        break;
      }
    }
    EXPECT_GT(images, 200U);
  }
}

}  // namespace
}  // namespace moldau::storage::testing
