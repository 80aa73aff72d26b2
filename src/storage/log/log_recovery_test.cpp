#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/testing/log_fixture.h"

namespace moldau::storage::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class LogRecovery : public LogFixture {
 protected:
  // Three segments of ten batches or so, nothing synced.
  void write_segments() {
    open();
    fill(25);
    ASSERT_EQ(log_->segment_count(), 3U);
    written_ = all();
    bases_ = {0, 0, 0};
    for (const std::string& name : names()) {
      if (name.ends_with(".log")) {
        bases_[0] = bases_[1];
        bases_[1] = bases_[2];
        bases_[2] = std::stoll(name);
      }
    }
  }
  [[nodiscard]] std::vector<StoredRecord> first(std::int64_t count) const {
    return {written_.begin(), written_.begin() + count};
  }
  // Where the batch with this base offset begins in its segment.
  [[nodiscard]] std::size_t position_of(std::int64_t base, std::int64_t offset) {
    record::BatchIterator batches(file(base));
    for (auto next = batches.next(); next && *next; next = batches.next()) {
      if ((*next)->header.base_offset == Offset(offset)) {
        return batches.position() - (*next)->bytes.size();
      }
    }
    ADD_FAILURE() << "no batch at " << offset;
    return 0;
  }
  std::vector<StoredRecord> written_;
  std::vector<std::int64_t> bases_;
};

TEST_F(LogRecovery, ATornTailIsCutWhereverItIsTorn) {
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

TEST_F(LogRecovery, AZeroExtendedTailIsCut) {
  write_segments();
  file(bases_[2]).resize(file(bases_[2]).size() + 4096);
  kill_and_open();
  EXPECT_EQ(all(), written_);
  EXPECT_EQ(log_->open_report().bytes_cut, 4096U);
  EXPECT_TRUE(has_line("cut 4096 bytes"));
  fill(1);
  EXPECT_EQ(all().size(), 26U);
}

TEST_F(LogRecovery, ADamagedBatchAboveTheRecoveryPointCutsItAndAllBehindIt) {
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

TEST_F(LogRecovery, DamageBelowTheDurableEndFencesAndChangesNothing) {
  write_segments();
  const std::int64_t broken = bases_[2] + 1;
  const std::size_t position = position_of(bases_[2], broken);
  file(bases_[2])[position + 70] ^= std::byte{1};
  const auto before = fs_->clone();
  kill_and_open({.recovery_point = Offset(bases_[2]), .durable_end = Offset(broken + 1)});
  ASSERT_TRUE(log_->fenced());
  EXPECT_EQ(log_->open_report().fence->segment_base, Offset(bases_[2]));
  EXPECT_EQ(log_->open_report().fence->position, position);
  EXPECT_EQ(log_->open_report().fence->offset, Offset(broken));
  EXPECT_EQ(log_->read(Offset(0), Offset(5), 100, true).error().kind(), ErrorKind::kFenced);
  EXPECT_EQ(append(*log_, make_batch({})).error().refusal, AppendRefusal::kFenced);
  EXPECT_FALSE(log_->has_unsynced());
  EXPECT_TRUE(log_->close(true));
  for (const std::string& name : names()) {
    EXPECT_TRUE(equal(fs_->content(std::string(kDirectory) + "/" + name),
                      before->content(std::string(kDirectory) + "/" + name)))
        << name;
  }
  kill_and_open({.recovery_point = Offset(bases_[2]), .durable_end = Offset(broken)});
  EXPECT_FALSE(log_->fenced()) << "nothing acknowledged lies at or behind the damage";
  EXPECT_EQ(log_->log_end(), Offset(broken));
}

TEST_F(LogRecovery, WithoutADurableEndTheRecoveryPointIsTheBound) {
  write_segments();
  file(bases_[2])[position_of(bases_[2], bases_[2]) + 16] = std::byte{9};  // no such magic
  kill_and_open({.recovery_point = Offset(bases_[2] + 2)});
  EXPECT_TRUE(log_->fenced());
  kill_and_open({.recovery_point = Offset(bases_[2])});
  EXPECT_FALSE(log_->fenced());
  EXPECT_EQ(log_->log_end(), Offset(bases_[2]));
}

TEST_F(LogRecovery, ALogThatEndsBelowItsDurableEndIsFenced) {
  write_segments();
  file(bases_[2]).resize(position_of(bases_[2], 24));  // the last batch is gone without a trace
  kill_and_open({.durable_end = Offset(25)});
  EXPECT_TRUE(log_->fenced());
  kill_and_open({.recovery_point = Offset(25)});
  EXPECT_TRUE(log_->fenced());
  kill_and_open({.recovery_point = Offset(24), .durable_end = Offset(24)});
  EXPECT_FALSE(log_->fenced());
}

TEST_F(LogRecovery, AFencedLogIsFencedAtEveryStart) {
  write_segments();
  const std::int64_t broken = bases_[2] + 1;
  file(bases_[2])[position_of(bases_[2], broken) + 70] ^= std::byte{1};
  const ByteVector damaged = file(bases_[2]);
  OpenHints hints{.recovery_point = Offset(bases_[1]), .durable_end = Offset(25)};
  for (int start = 0; start < 6; ++start) {
    SCOPED_TRACE(start);
    kill_and_open(hints);
    ASSERT_TRUE(log_->fenced());
    EXPECT_EQ(log_->open_report().fence->offset, Offset(broken));
    EXPECT_EQ(log_->durable_end(), Offset(25));
    EXPECT_EQ(log_->recovery_point(), Offset(bases_[1]));
    EXPECT_EQ(log_->log_start(), Offset(0));
    EXPECT_GE(log_->log_end(), log_->durable_end());
    EXPECT_EQ(file(bases_[2]), damaged);
    ASSERT_TRUE(log_->close(true));
    // As the checkpointer writes them; each other start follows a clean stop of the broker.
    hints = {.clean_shutdown = start % 2 == 0,
             .recovery_point = log_->recovery_point(),
             .log_start = log_->log_start(),
             .durable_end = log_->durable_end()};
  }
  file(bases_[2])[position_of(bases_[2], broken) + 70] ^= std::byte{1};
  kill_and_open(hints);
  EXPECT_FALSE(log_->fenced()) << "whole again";
  EXPECT_EQ(all(), written_);
}

TEST_F(LogRecovery, AfterACleanStopALogThatEndsElsewhereIsFenced) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  const OpenHints clean{.clean_shutdown = true, .recovery_point = Offset(25)};
  const auto whole = fs_->clone();
  file(bases_[2]).resize(position_of(bases_[2], 24));
  kill_and_open(clean);
  EXPECT_TRUE(log_->fenced()) << "cut between two batches";
  file(bases_[2]).clear();
  kill_and_open(clean);
  EXPECT_TRUE(log_->fenced()) << "emptied";
  ASSERT_TRUE(fs_->remove_file(path(Offset(bases_[2]), FileRole::kLog)));
  kill_and_open(clean);
  EXPECT_TRUE(log_->fenced()) << "the last segment is missing";
  for (const std::int64_t base : bases_) {
    (void)fs_->remove_file(path(Offset(base), FileRole::kLog));
  }
  kill_and_open(clean);
  EXPECT_TRUE(log_->fenced()) << "all are missing";
  log_.reset();
  fs_ = whole->clone();
  open(clean);
  EXPECT_FALSE(log_->fenced());
}

TEST_F(LogRecovery, AfterACleanStopALogThatBeginsAboveItsStartIsFenced) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  ASSERT_TRUE(fs_->remove_file(path(Offset(0), FileRole::kLog)));
  kill_and_open({.clean_shutdown = true, .recovery_point = Offset(25)});
  EXPECT_TRUE(log_->fenced()) << "the leader epochs begin at 0";
  kill_and_open({.clean_shutdown = true, .recovery_point = Offset(25), .log_start = Offset(1)});
  EXPECT_TRUE(log_->fenced());
  EXPECT_EQ(log_->log_start(), Offset(1));
  kill_and_open({.clean_shutdown = true, .recovery_point = Offset(25), .log_start = Offset(bases_[1] + 1)});
  EXPECT_FALSE(log_->fenced()) << "the segment held nothing that was not deleted";
}

TEST_F(LogRecovery, AnEmptySegmentAboveTheLogEndIsRemoved) {
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

TEST_F(LogRecovery, OffsetsThatWouldRunOutAreNotBelieved) {
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

TEST_F(LogRecovery, AnEmptySwapReplacesNoSegment) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  fs_->put(path(Offset(0), FileRole::kLog) + ".swap", {});
  fs_->put(path(Offset(0), FileRole::kOffsetIndex) + ".swap", {});
  open({.clean_shutdown = true, .recovery_point = Offset(25)});
  EXPECT_EQ(all(), written_);
  EXPECT_TRUE(has_line("00000000000000000000.log.swap: removed"));
}

TEST_F(LogRecovery, ADirectoryWithoutSegmentsIsFencedIfThereWereSome) {
  open();
  kill_and_open({.durable_end = Offset(5)});
  EXPECT_TRUE(log_->fenced());
  ASSERT_TRUE(fs_->remove_file(path(Offset(0), FileRole::kLog)));
  kill_and_open({.durable_end = Offset(5)});
  EXPECT_TRUE(log_->fenced());
  EXPECT_TRUE(has_line("no segment is left"));
}

TEST_F(LogRecovery, AGapAboveTheRecoveryPointIsALostTail) {
  write_segments();
  file(bases_[1]).resize(position_of(bases_[1], bases_[2] - 1));
  kill_and_open({.recovery_point = Offset(bases_[1])});
  EXPECT_EQ(log_->log_end(), Offset(bases_[2] - 1));
  EXPECT_EQ(all(), first(bases_[2] - 1));
  EXPECT_EQ(log_->open_report().segments_removed, 1U);
}

TEST_F(LogRecovery, AReaderThatComesToMissingBatchesClosesTheLog) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  const auto whole = fs_->clone();
  const OpenHints clean{.clean_shutdown = true, .recovery_point = Offset(25)};
  file(bases_[1]).resize(position_of(bases_[1], bases_[2] - 1));
  kill_and_open(clean);
  EXPECT_TRUE(log_->read(Offset(bases_[2] - 2), Offset(25), 100, true));
  EXPECT_FALSE(log_->read(Offset(bases_[2] - 1), Offset(25), 100, true)) << "a closed segment was cut";
  EXPECT_TRUE(log_->fenced());
  log_.reset();
  fs_ = whole->clone();
  ASSERT_TRUE(fs_->remove_file(path(Offset(bases_[1]), FileRole::kLog)));
  open(clean);
  EXPECT_TRUE(log_->read(Offset(bases_[1] - 1), Offset(25), 100, true));
  EXPECT_FALSE(log_->read(Offset(bases_[1]), Offset(25), 100, true)) << "a segment is gone";
  EXPECT_TRUE(log_->fenced());
}

// What is left of a log whose cleanup.policy was compact once, or of a copy of it.
TEST_F(LogRecovery, GapsThatCompactionLeftAreFineWhateverThePolicyIsNow) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  ByteVector thinned(file(bases_[1]).begin(),
                     file(bases_[1]).begin() + static_cast<std::ptrdiff_t>(position_of(bases_[1], bases_[1] + 2)));
  thinned.insert(thinned.end(),
                 file(bases_[1]).begin() + static_cast<std::ptrdiff_t>(position_of(bases_[1], bases_[1] + 3)),
                 file(bases_[1]).begin() + static_cast<std::ptrdiff_t>(position_of(bases_[1], bases_[2] - 1)));
  file(bases_[1]) = thinned;
  for (const bool clean : {true, false}) {
    kill_and_open({.clean_shutdown = clean, .recovery_point = Offset(clean ? 25 : 0)});
    EXPECT_EQ(log_->log_end(), Offset(25));
    EXPECT_EQ(all().size(), 23U);
    EXPECT_FALSE(log_->fenced());
  }
}

// The base offset is not under the CRC.
TEST_F(LogRecovery, ABatchThatWasMovedUpIsDamage) {
  write_segments();
  const ByteVector good = file(bases_[2]);
  for (const std::int64_t moved : {std::int64_t{24}, bases_[2] + 2}) {
    file(bases_[2])[position_of(bases_[2], moved) + 6] ^= std::byte{16};
    kill_and_open({.recovery_point = Offset(bases_[2]), .durable_end = Offset(moved + 1)});
    EXPECT_TRUE(log_->fenced()) << moved;
    EXPECT_EQ(log_->open_report().fence->offset, Offset(moved));
    kill_and_open({.recovery_point = Offset(bases_[2]), .durable_end = Offset(moved)});
    EXPECT_FALSE(log_->fenced()) << moved;
    EXPECT_EQ(log_->log_end(), Offset(moved));
    EXPECT_EQ(all(), first(moved));
    file(bases_[2]) = good;
  }
  ASSERT_TRUE(log_->close(false));
  kill_and_open();
  ASSERT_TRUE(log_->close(true));
  file(bases_[2])[position_of(bases_[2], bases_[2] + 2) + 6] ^= std::byte{16};
  open({.clean_shutdown = true, .recovery_point = Offset(25)});
  EXPECT_FALSE(log_->fenced());
  EXPECT_FALSE(log_->read(Offset(bases_[2] + 2), Offset(25), 100, true)) << "found where it is read";
  EXPECT_TRUE(log_->fenced());
}

TEST_F(LogRecovery, AnIndexEntryThatLiesSkipsNoRecord) {
  config_.segment_bytes = 100'000;
  open();
  fill(60);
  written_ = all();
  ASSERT_TRUE(log_->close(true));
  const ByteVector good = file(0, FileRole::kOffsetIndex);
  ASSERT_GT(good.size(), 5 * OffsetIndex::kEntryBytes);
  int lies = 0;
  for (const bool compacted : {false, true}) {
    config_.cleanup_compact = compacted;
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
      file(0, FileRole::kOffsetIndex) = good;
      file(0, FileRole::kOffsetIndex)[bit / 8] ^= std::byte{1} << (bit % 8);
      kill_and_open({.clean_shutdown = true, .recovery_point = Offset(60)});
      for (std::int64_t from = 0; from < 60; ++from) {
        const auto slice = log_->read(Offset(from), Offset(60), 1, true);
        ASSERT_TRUE(slice);
        ASSERT_EQ(slice->base_offset, Offset(from)) << "bit " << bit;
      }
      lies += file(0, FileRole::kOffsetIndex) == good ? 1 : 0;
    }
  }
  EXPECT_GT(lies, 0);
}

TEST_F(LogRecovery, GapsOfACompactedLogAreFine) {
  config_.cleanup_compact = true;
  write_segments();
  file(bases_[1]).resize(position_of(bases_[1], bases_[2] - 1));
  kill_and_open({.recovery_point = Offset(bases_[1])});
  EXPECT_EQ(log_->log_end(), Offset(25));
  EXPECT_EQ(all().size(), 24U);
}

TEST_F(LogRecovery, TouchesOnlyWhatLiesAboveTheRecoveryPoint) {
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

TEST_F(LogRecovery, ACleanStopIsTrustedWholly) {
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

TEST_F(LogRecovery, DamageBehindACleanStopIsFound) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  file(bases_[2]).resize(file(bases_[2]).size() - 5);
  open({.clean_shutdown = true, .recovery_point = Offset(25)});
  EXPECT_TRUE(log_->fenced());
}

TEST_F(LogRecovery, WhatWasPutBehindTheEndOfAClosedLogIsCut) {
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

struct IndexDamage {
  const char* name;
  void (*apply)(ByteVector& index, std::size_t entry);
};

TEST_F(LogRecovery, DamagedAndMissingIndexesAreMadeAnewAfterACleanStop) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  const IndexDamage damages[] = {
      {"a zeroed tail", [](ByteVector& index, std::size_t entry) { index.resize(index.size() + 10 * entry); }},
      {"an entry cut", [](ByteVector& index, std::size_t) { index.pop_back(); }},
      {"garbage", [](ByteVector& index, std::size_t) { std::ranges::fill(index, std::byte{0xA5}); }},
      {"larger than the log", [](ByteVector& index, std::size_t) { index.assign(5'000 * 24, std::byte{1}); }},
  };
  for (const std::int64_t base : bases_) {
    for (const auto [role, entry] : {std::pair(FileRole::kOffsetIndex, 8U), std::pair(FileRole::kTimeIndex, 12U)}) {
      const ByteVector good = file(base, role);
      for (const IndexDamage& damage : damages) {
        SCOPED_TRACE(::testing::Message() << path(Offset(base), role) << " " << damage.name);
        damage.apply(file(base, role), entry);
        kill_and_open({.clean_shutdown = true, .recovery_point = Offset(25)});
        ASSERT_EQ(all(), written_);
        record::Scratch scratch;
        ASSERT_EQ(log_->offset_for_timestamp(written_[13].timestamp, scratch).value()->offset, Offset(13));
        ASSERT_EQ(log_->max_timestamp(scratch).value()->offset, Offset(24));
        log_->release_idle_resources();
        if (base != bases_[2]) {
          ASSERT_EQ(file(base, role), good);
        }
        file(base, role) = good;
      }
      ASSERT_TRUE(fs_->remove_file(path(Offset(base), role)));
      kill_and_open({.clean_shutdown = true, .recovery_point = Offset(25)});
      ASSERT_TRUE(has_line("made anew"));
      ASSERT_EQ(all(), written_);
      log_->release_idle_resources();
    }
  }
}

TEST_F(LogRecovery, AnIndexOfAnotherSegmentIsNotBelieved) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  OffsetIndex wrong(Offset(0));
  wrong.append(Offset(3), 150);  // in order and inside the log, but no batch begins there
  file(0, FileRole::kOffsetIndex) = to_vector(wrong.bytes());
  open({.clean_shutdown = true, .recovery_point = Offset(25)});
  EXPECT_EQ(all(), written_);
}

TEST_F(LogRecovery, DamageInUseFences) {
  write_segments();
  stop_and_open();
  file(0)[position_of(0, 2) + 8] = std::byte{0x7f};  // the length of a batch in a closed segment
  const auto read = log_->read(Offset(2), Offset(25), 100, true);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind(), ErrorKind::kTruncated);
  EXPECT_TRUE(log_->fenced());
  EXPECT_EQ(append(*log_, make_batch({})).error().refusal, AppendRefusal::kFenced);
}

TEST_F(LogRecovery, LeftoversOfInterruptedWorkAreCleared) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  const std::string directory = std::string(kDirectory) + "/";
  fs_->put(directory + "00000000000000000000.log.deleted", ByteVector(10));
  fs_->put(directory + "00000000000000000500.log.cleaned", ByteVector(10));
  fs_->put(directory + "00000000000000000600.log.swap", ByteVector(10));  // of a split that did not end
  fs_->put(directory + "00000000000000000700.index", ByteVector(8));
  fs_->put(directory + "notes.txt", ByteVector(3));
  fs_->put(directory + "5.log", ByteVector(3));
  fs_->put(directory + "00000000000000000000-0000000000.checkpoint.deleted", ByteVector(3));
  fs_->put(directory + "partition.metadata", ByteVector(3));
  open({.clean_shutdown = true, .recovery_point = Offset(25)});
  EXPECT_EQ(all(), written_);
  const auto left = names();
  for (const char* gone : {"00000000000000000000.log.deleted", "00000000000000000500.log.cleaned",
                           "00000000000000000600.log.swap", "00000000000000000700.index"}) {
    EXPECT_THAT(left, Not(Contains(gone)));
    EXPECT_TRUE(has_line(gone)) << gone;
  }
  for (const char* kept :
       {"notes.txt", "5.log", "00000000000000000000-0000000000.checkpoint.deleted", "partition.metadata"}) {
    EXPECT_THAT(left, Contains(kept));
  }
  EXPECT_TRUE(has_line("notes.txt: not a file of a log, left alone"));
  EXPECT_FALSE(has_line("partition.metadata"));
}

TEST_F(LogRecovery, AFinishedCompactionIsPutInPlace) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  // Segments 0 and 1 became one, of which only the first batch of each is left.
  ByteVector merged(file(0).begin(), file(0).begin() + static_cast<std::ptrdiff_t>(position_of(0, 1)));
  merged.insert(merged.end(),
                file(bases_[1]).begin() + static_cast<std::ptrdiff_t>(position_of(bases_[1], bases_[2] - 1)),
                file(bases_[1]).end());
  fs_->put(path(Offset(0), FileRole::kLog) + ".swap", merged);
  config_.cleanup_compact = true;
  open({.clean_shutdown = true, .recovery_point = Offset(25)});
  EXPECT_EQ(log_->segment_count(), 2U);
  const auto records = all();
  ASSERT_EQ(records.size(), 2U + static_cast<std::size_t>(25 - bases_[2]));
  EXPECT_EQ(records[1].offset, Offset(bases_[2] - 1));
  EXPECT_TRUE(has_line("put in place"));
}

TEST_F(LogRecovery, ALinkInTheLogsPlaceIsRefused) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  fs_->make_symlink(path(Offset(bases_[1]), FileRole::kLog));
  const auto opened = try_open({.clean_shutdown = true, .recovery_point = Offset(25)});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind(), ErrorKind::kInvalid);
  EXPECT_THAT(logger_.lines, Contains(HasSubstr("a link in the place of a log's file")));
}

TEST_F(LogRecovery, AMissingDirectoryIsRefused) {
  ASSERT_TRUE(fs_->remove_tree(kDirectory));
  EXPECT_EQ(try_open({}).error().kind(), ErrorKind::kNotFound);
}

TEST_F(LogRecovery, AnOldMessageFormatIsRefusedNotCut) {
  open();
  // Magic 1: offset, size, CRC-32, magic, attributes, timestamp, null key, null value.
  ByteVector message(34);
  store_be<std::int32_t>(message.data() + 8, 22);
  message[16] = std::byte{1};
  store_be<std::int64_t>(message.data() + 18, 1'000);
  store_be<std::int32_t>(message.data() + 26, -1);
  store_be<std::int32_t>(message.data() + 30, -1);
  store_be<std::uint32_t>(message.data() + 12, 0xa6f6e129);
  file(0) = message;
  log_.reset();
  const ByteVector torn = message;
  const auto refused = try_open({});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), ErrorKind::kUnsupported);
  EXPECT_EQ(file(0), torn);
  file(0)[12] ^= std::byte{1};  // then it is no message at all
  open();
  EXPECT_EQ(log_->log_end(), Offset(0));
  EXPECT_EQ(log_->open_report().bytes_cut, 34U);
}

TEST_F(LogRecovery, LeaderEpochsAreReadFromTheBatchesIfTheirFileIsNoUse) {
  const std::string epochs = std::string(kDirectory) + "/leader-epoch-checkpoint";
  open();
  fill(5, 1, 1'000, LeaderEpoch(1));
  fill(5, 1, 1'000, LeaderEpoch(4));
  ASSERT_TRUE(log_->close(true));
  EXPECT_EQ(as_text(fs_->content(epochs)), "0\n2\n1 0\n4 5\n");
  for (const char* content : {"0\n3\n1 0\n9 2\n4 5\n", "0\n2\n1 0\n", "1\n0\n", "garbage", "0\n1\n4 x\n"}) {
    fs_->put(epochs, to_vector(as_bytes(content)));
    kill_and_open({.clean_shutdown = true, .recovery_point = Offset(10)});
    EXPECT_TRUE(has_line("leader-epoch-checkpoint")) << content;
    EXPECT_EQ(log_->end_offset_for_epoch(LeaderEpoch(1)), (OffsetAndEpoch{Offset(5), LeaderEpoch(1)})) << content;
    EXPECT_EQ(log_->latest_epoch(), LeaderEpoch(4));
    ASSERT_TRUE(sync(*log_, *fs_));
    EXPECT_EQ(as_text(fs_->content(epochs)), "0\n2\n1 0\n4 5\n");
  }
  ASSERT_TRUE(fs_->remove_file(epochs));
  kill_and_open({.clean_shutdown = true, .recovery_point = Offset(10)});
  EXPECT_EQ(log_->latest_epoch(), LeaderEpoch(4));
}

TEST_F(LogRecovery, AnEpochBehindTheCutTailIsForgotten) {
  open();
  fill(5, 1, 1'000, LeaderEpoch(1));
  fill(5, 1, 1'000, LeaderEpoch(4));
  ASSERT_TRUE(sync(*log_, *fs_));
  file(0).resize(position_of(0, 5));
  kill_and_open();
  EXPECT_EQ(log_->latest_epoch(), LeaderEpoch(1));
  EXPECT_EQ(log_->log_end(), Offset(5));
}

TEST_F(LogRecovery, DamagedAndFutureProducerSnapshotsAreRemoved) {
  open();
  for (std::int32_t i = 0; i < 25; ++i) {
    BatchSpec spec;
    spec.options = {.producer_id = ProducerId(5), .producer_epoch = ProducerEpoch(0), .base_sequence = i};
    ASSERT_TRUE(append(*log_, make_batch(spec)));
  }
  ASSERT_TRUE(log_->close(true));
  fs_->put(path(Offset(900), FileRole::kProducerSnapshot), file(25, FileRole::kProducerSnapshot));
  file(25, FileRole::kProducerSnapshot)[20] ^= std::byte{1};
  open({.clean_shutdown = true, .recovery_point = Offset(25)});
  EXPECT_TRUE(has_line("00000000000000000900.snapshot: removed, the log ends before it"));
  EXPECT_TRUE(has_line("fails its checksum"));
  EXPECT_THAT(names(), Not(Contains("00000000000000000900.snapshot")));
  BatchSpec next;
  next.options = {.producer_id = ProducerId(5), .producer_epoch = ProducerEpoch(0), .base_sequence = 23};
  EXPECT_TRUE(append(*log_, make_batch(next))->duplicate) << "the state was read from the log";
}

TEST_F(LogRecovery, ALogStartAboveTheLogEndBeginsAnewThereAndDeletesNothing) {
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

TEST_F(LogRecovery, AfterACleanStopALogStartAboveTheLogEndIsAWrongCheckpoint) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  open({.clean_shutdown = true, .recovery_point = Offset(25), .log_start = Offset(100)});
  EXPECT_TRUE(log_->fenced());
  EXPECT_EQ(file(0).size(), fs_->content(path(Offset(0), FileRole::kLog)).size());
  open({.clean_shutdown = true, .recovery_point = Offset(25)});
  EXPECT_EQ(all(), written_);
}

TEST_F(LogRecovery, TheRecoveryPointWaitsForTheSyncOfWhatRecoveryWroteAnew) {
  write_segments();
  kill_and_open({.recovery_point = Offset(bases_[1]), .durable_end = Offset(25)});
  EXPECT_EQ(log_->durable_end(), Offset(25)) << "the batches were on the disk";
  EXPECT_EQ(log_->recovery_point(), Offset(bases_[1])) << "the indexes made from them are not";
  const SyncTicket ticket = log_->collect_unsynced();
  ASSERT_TRUE(ticket.run(*fs_));
  log_->on_synced(ticket);
  EXPECT_EQ(log_->recovery_point(), Offset(25));
}

TEST_F(LogRecovery, WhatLiesAboveTheDurableEndIsWrittenAgain) {
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

TEST_F(LogRecovery, AnIndexMadeAnewBelowTheRecoveryPointIsDurableAtOnce) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  ASSERT_TRUE(fs_->remove_file(path(Offset(0), FileRole::kTimeIndex)));
  ASSERT_TRUE(fs_->sync_dir(kDirectory));
  open({.clean_shutdown = true, .recovery_point = Offset(25)});
  EXPECT_EQ(log_->open_report().indexes_rebuilt, 1U);
  EXPECT_FALSE(file(0, FileRole::kTimeIndex).empty());
  EXPECT_THAT(fs_->unsynced(), Not(Contains(HasSubstr("00000000000000000000"))));
  EXPECT_THAT(names(), Not(Contains(HasSubstr(".tmp"))));
}

TEST_F(LogRecovery, AnIndexThatWasNeverFinishedIsRemoved) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  fs_->put(path(Offset(0), FileRole::kTimeIndex) + ".tmp", ByteVector(5));
  open({.clean_shutdown = true, .recovery_point = Offset(25)});
  EXPECT_TRUE(has_line("00000000000000000000.timeindex.tmp: removed"));
  EXPECT_THAT(names(), Not(Contains(HasSubstr(".tmp"))));
}

TEST_F(LogRecovery, TheSegmentBeforeOneThatBeginsAtTheRecoveryPointIsScannedToo) {
  write_segments();
  // As after a roll of which only the batches were on the disk.
  file(bases_[1], FileRole::kTimeIndex).clear();
  file(bases_[1], FileRole::kOffsetIndex).clear();
  kill_and_open({.recovery_point = Offset(bases_[2])});
  EXPECT_EQ(log_->open_report().segments_recovered, 2U);
  EXPECT_FALSE(file(bases_[1], FileRole::kTimeIndex).empty());
  EXPECT_EQ(all(), written_);
}

TEST_F(LogRecovery, EpochsThatBeginAboveTheLogStartAreReadFromTheBatches) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  fs_->put(std::string(kDirectory) + "/leader-epoch-checkpoint", to_vector(as_bytes("0\n1\n0 7\n")));
  open({.clean_shutdown = true, .recovery_point = Offset(25)});
  EXPECT_TRUE(has_line("begins above the log start"));
  EXPECT_EQ(log_->epoch_for_offset(Offset(0)), LeaderEpoch(0));
}

TEST_F(LogRecovery, AFailedReadIsAnErrorNotDamage) {
  write_segments();
  fs_->fail_reads = true;
  log_.reset();
  EXPECT_EQ(try_open({}).error().kind(), ErrorKind::kIo);
  fs_->fail_reads = false;
  open();
  EXPECT_EQ(all(), written_);
}

}  // namespace
}  // namespace moldau::storage::testing
