#include "storage/directory/future_log.h"

#include <gtest/gtest.h>

#include "protocol/record/scratch.h"
#include "protocol/record/testing/batches.h"
#include "protocol/record/validate.h"
#include "runtime/testing/silent_logger.h"
#include "sim/world/sim_disk.h"
#include "storage/directory/log_loader.h"

namespace moldau::storage {
namespace {

class FutureLogTest : public ::testing::Test {
 protected:
  FutureLogTest() {
    EXPECT_TRUE(fs_->make_dirs("/data"));
    EXPECT_TRUE(fs_->make_dirs("/more"));
    config_.cleanup_compact = true;
    config_.cleanup_delete = false;
    original_ = *make_log("/data", {*fs_, logger_, random_}, kName, kTopic, config_, 0);
  }

  static inline const TopicPartition kName{"t", PartitionIndex(0)};
  static constexpr Uuid kTopic{1, 2};

  void write() {
    ByteVector bytes = record::testing::build({{.value = "value"}});
    record::Scratch scratch;
    auto batch = record::validate_produced(bytes, {}, scratch);
    ASSERT_TRUE(original_->append_as_leader(*batch, LeaderEpoch(3), ProducerOrigin::kClient, 1000));
  }
  // What the compaction of another log removed.
  void skip_to(std::int64_t offset) { ASSERT_TRUE(original_->skip_to(Offset(offset), 0)); }

  void expect_equal(const Log& copy) {
    EXPECT_EQ(copy.log_start(), original_->log_start());
    EXPECT_EQ(copy.log_end(), original_->log_end());
    EXPECT_EQ(copy.latest_epoch(), LeaderEpoch(3));
  }
  // Copied, opened again: the same.
  void expect_copied() {
    FutureLog copy({*fs_, logger_, random_}, "/more", kName, kTopic, config_, Uuid{7, ++copies_});
    ASSERT_TRUE(copy.begin(0));
    if (original_->log_start() > Offset(0)) {
      ASSERT_TRUE(copy.restart_at(original_->log_start(), 0));
    }
    for (;;) {
      const auto slice = original_->read(copy.log_end(), original_->log_end(), 1 << 20, true);
      ASSERT_TRUE(slice) << slice.error().message();
      if (slice->empty()) {
        break;
      }
      ASSERT_TRUE(copy.append(*slice, 0));
    }
    ASSERT_TRUE(copy.seal({.start = original_->log_start(), .end = original_->log_end(), .epoch = LeaderEpoch(3)}, 0));
    const auto log = copy.take();
    EXPECT_EQ(log->durable_end(), original_->log_end());
    expect_equal(*log);
    ASSERT_TRUE(log->close(false));
    const auto again = Log::open({*fs_, logger_, random_}, copy.path(), kName, config_,
                                 {.recovery_point = Offset(0), .log_start = original_->log_start()});
    ASSERT_TRUE(again);
    EXPECT_FALSE((*again)->fenced());
    expect_equal(**again);
  }

  sim::SimDisk disk_{sim::SimRandom(1), sim::CrashModel{}};
  std::unique_ptr<runtime::FileSystem> fs_ = disk_.mount();
  SharedRandom random_{1};
  moldau::testing::SilentLogger logger_;
  LogConfig config_;
  std::unique_ptr<Log> original_;
  std::uint64_t copies_ = 0;
};

TEST_F(FutureLogTest, IsTheOriginalsEqual) {
  write();
  write();
  expect_copied();
  ASSERT_TRUE(original_->advance_log_start(Offset(1)));
  expect_copied();
}

TEST_F(FutureLogTest, IsItsEqualAlsoWhereCompactionLeftGaps) {
  skip_to(5);
  write();
  write();
  skip_to(20);
  write();
  expect_copied();
  skip_to(30);
  expect_copied();
}

}  // namespace
}  // namespace moldau::storage
