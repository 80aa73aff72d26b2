#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/testing/log_fixture.h"

namespace moldau::storage::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

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

}  // namespace
}  // namespace moldau::storage::testing
