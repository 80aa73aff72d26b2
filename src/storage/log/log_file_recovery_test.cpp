#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/testing/log_recovery_fixture.h"

// Files that recovery makes anew, completes or removes: indexes, epochs, snapshots, leftovers of interrupted work.

namespace moldau::storage::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

using LogFileRecovery = LogRecoveryFixture;

TEST_F(LogFileRecovery, AnEmptySwapReplacesNoSegment) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  fs_->put(path(Offset(0), FileRole::kLog) + ".swap", {});
  fs_->put(path(Offset(0), FileRole::kOffsetIndex) + ".swap", {});
  open({.clean_shutdown = true, .recovery_point = Offset(25)});
  EXPECT_EQ(all(), written_);
  EXPECT_TRUE(has_line("00000000000000000000.log.swap: removed"));
}

TEST_F(LogFileRecovery, AnIndexEntryThatLiesSkipsNoRecord) {
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

struct IndexDamage {
  const char* name;
  void (*apply)(ByteVector& index, std::size_t entry);
};

TEST_F(LogFileRecovery, DamagedAndMissingIndexesAreMadeAnewAfterACleanStop) {
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

TEST_F(LogFileRecovery, AnIndexOfAnotherSegmentIsNotBelieved) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  OffsetIndex wrong(Offset(0));
  wrong.append(Offset(3), 150);  // in order and inside the log, but no batch begins there
  file(0, FileRole::kOffsetIndex) = to_vector(wrong.bytes());
  open({.clean_shutdown = true, .recovery_point = Offset(25)});
  EXPECT_EQ(all(), written_);
}

TEST_F(LogFileRecovery, LeftoversOfInterruptedWorkAreCleared) {
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

TEST_F(LogFileRecovery, AFinishedCompactionIsPutInPlace) {
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

TEST_F(LogFileRecovery, LeaderEpochsAreReadFromTheBatchesIfTheirFileIsNoUse) {
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

TEST_F(LogFileRecovery, DamagedAndFutureProducerSnapshotsAreRemoved) {
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

TEST_F(LogFileRecovery, AnIndexMadeAnewBelowTheRecoveryPointIsDurableAtOnce) {
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

TEST_F(LogFileRecovery, AnIndexThatWasNeverFinishedIsRemoved) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  fs_->put(path(Offset(0), FileRole::kTimeIndex) + ".tmp", ByteVector(5));
  open({.clean_shutdown = true, .recovery_point = Offset(25)});
  EXPECT_TRUE(has_line("00000000000000000000.timeindex.tmp: removed"));
  EXPECT_THAT(names(), Not(Contains(HasSubstr(".tmp"))));
}

TEST_F(LogFileRecovery, EpochsThatBeginAboveTheLogStartAreReadFromTheBatches) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  fs_->put(std::string(kDirectory) + "/leader-epoch-checkpoint", to_vector(as_bytes("0\n1\n0 7\n")));
  open({.clean_shutdown = true, .recovery_point = Offset(25)});
  EXPECT_TRUE(has_line("begins above the log start"));
  EXPECT_EQ(log_->epoch_for_offset(Offset(0)), LeaderEpoch(0));
}

}  // namespace
}  // namespace moldau::storage::testing
