#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/testing/log_recovery_fixture.h"

// Damage that must not be cut away: the log is fenced, or the start refused, and nothing on the disk is changed.

namespace moldau::storage::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

using LogDamage = LogRecoveryFixture;

TEST_F(LogDamage, DamageBelowTheDurableEndFencesAndChangesNothing) {
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

TEST_F(LogDamage, WithoutADurableEndTheRecoveryPointIsTheBound) {
  write_segments();
  file(bases_[2])[position_of(bases_[2], bases_[2]) + 16] = std::byte{9};  // no such magic
  kill_and_open({.recovery_point = Offset(bases_[2] + 2)});
  EXPECT_TRUE(log_->fenced());
  kill_and_open({.recovery_point = Offset(bases_[2])});
  EXPECT_FALSE(log_->fenced());
  EXPECT_EQ(log_->log_end(), Offset(bases_[2]));
}

TEST_F(LogDamage, ALogThatEndsBelowItsDurableEndIsFenced) {
  write_segments();
  file(bases_[2]).resize(position_of(bases_[2], 24));  // the last batch is gone without a trace
  kill_and_open({.durable_end = Offset(25)});
  EXPECT_TRUE(log_->fenced());
  kill_and_open({.recovery_point = Offset(25)});
  EXPECT_TRUE(log_->fenced());
  kill_and_open({.recovery_point = Offset(24), .durable_end = Offset(24)});
  EXPECT_FALSE(log_->fenced());
}

TEST_F(LogDamage, AFencedLogIsFencedAtEveryStart) {
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

TEST_F(LogDamage, AfterACleanStopALogThatEndsElsewhereIsFenced) {
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

TEST_F(LogDamage, AfterACleanStopALogThatBeginsAboveItsStartIsFenced) {
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

TEST_F(LogDamage, ADirectoryWithoutSegmentsIsFencedIfThereWereSome) {
  open();
  kill_and_open({.durable_end = Offset(5)});
  EXPECT_TRUE(log_->fenced());
  ASSERT_TRUE(fs_->remove_file(path(Offset(0), FileRole::kLog)));
  kill_and_open({.durable_end = Offset(5)});
  EXPECT_TRUE(log_->fenced());
  EXPECT_TRUE(has_line("no segment is left"));
}

TEST_F(LogDamage, AReaderThatComesToMissingBatchesClosesTheLog) {
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
TEST_F(LogDamage, GapsThatCompactionLeftAreFineWhateverThePolicyIsNow) {
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
TEST_F(LogDamage, ABatchThatWasMovedUpIsDamage) {
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

TEST_F(LogDamage, GapsOfACompactedLogAreFine) {
  config_.cleanup_compact = true;
  write_segments();
  file(bases_[1]).resize(position_of(bases_[1], bases_[2] - 1));
  kill_and_open({.recovery_point = Offset(bases_[1])});
  EXPECT_EQ(log_->log_end(), Offset(25));
  EXPECT_EQ(all().size(), 24U);
}

TEST_F(LogDamage, DamageBehindACleanStopIsFound) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  file(bases_[2]).resize(file(bases_[2]).size() - 5);
  open({.clean_shutdown = true, .recovery_point = Offset(25)});
  EXPECT_TRUE(log_->fenced());
}

TEST_F(LogDamage, DamageInUseFences) {
  write_segments();
  stop_and_open();
  file(0)[position_of(0, 2) + 8] = std::byte{0x7f};  // the length of a batch in a closed segment
  const auto read = log_->read(Offset(2), Offset(25), 100, true);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind(), ErrorKind::kTruncated);
  EXPECT_TRUE(log_->fenced());
  EXPECT_EQ(append(*log_, make_batch({})).error().refusal, AppendRefusal::kFenced);
}

TEST_F(LogDamage, ALinkInTheLogsPlaceIsRefused) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  fs_->make_symlink(path(Offset(bases_[1]), FileRole::kLog));
  const auto opened = try_open({.clean_shutdown = true, .recovery_point = Offset(25)});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind(), ErrorKind::kInvalid);
  EXPECT_THAT(logger_.lines, Contains(HasSubstr("a link in the place of a log's file")));
}

TEST_F(LogDamage, AMissingDirectoryIsRefused) {
  ASSERT_TRUE(fs_->remove_tree(kDirectory));
  EXPECT_EQ(try_open({}).error().kind(), ErrorKind::kNotFound);
}

TEST_F(LogDamage, AnOldMessageFormatIsRefusedNotCut) {
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

TEST_F(LogDamage, AfterACleanStopALogStartAboveTheLogEndIsAWrongCheckpoint) {
  write_segments();
  ASSERT_TRUE(log_->close(true));
  open({.clean_shutdown = true, .recovery_point = Offset(25), .log_start = Offset(100)});
  EXPECT_TRUE(log_->fenced());
  EXPECT_EQ(file(0).size(), fs_->content(path(Offset(0), FileRole::kLog)).size());
  open({.clean_shutdown = true, .recovery_point = Offset(25)});
  EXPECT_EQ(all(), written_);
}

TEST_F(LogDamage, AFailedReadIsAnErrorNotDamage) {
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
