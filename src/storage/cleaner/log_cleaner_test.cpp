#include "storage/cleaner/log_cleaner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/record/batch_builder.h"
#include "runtime/testing/manual_shard.h"
#include "runtime/testing/manual_workers.h"
#include "storage/testing/log_kit.h"
#include "storage/testing/memory_fs.h"

namespace moldau::storage::testing {
namespace {

using ::moldau::testing::ManualShard;
using ::moldau::testing::ManualWorkers;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

// Logs that all live on the cleaner's shard.
class Logs final : public LogRegister {
 public:
  struct Entry {
    std::unique_ptr<Log> log;
    Offset last_stable{0};
  };

  void survey(const LogSurvey& survey, Function<void(std::vector<SurveyedLog>)> done) override {
    ++surveys;
    std::vector<SurveyedLog> found;
    for (auto& [id, entry] : all) {
      if (paused.contains(id)) {
        continue;
      }
      if (auto seen = survey.look(id, *entry.log, entry.last_stable)) {
        found.push_back(*std::move(seen));
      }
    }
    done(std::move(found));
  }
  void with_log(const TopicIdPartition& id, Function<void(Log&, Offset)> use, Function<void(bool)> done) override {
    const auto found = all.find(id);
    if (found != all.end()) {
      use(*found->second.log, found->second.last_stable);
    }
    done(found != all.end());
  }

  std::map<TopicIdPartition, Entry> all;
  std::set<TopicIdPartition> paused;
  int surveys = 0;
};

class LogCleanerTest : public ::testing::Test {
 protected:
  LogCleanerTest() {
    EXPECT_TRUE(fs_.make_dirs("/data"));
    config_.cleanup_compact = true;
    config_.cleanup_delete = false;
    cleaner_config_.backoff = 100ms;
  }

  static TopicIdPartition id_of(int number) { return {Uuid{0, static_cast<std::uint64_t>(number)}, PartitionIndex(0)}; }
  static TopicPartition name_of(int number) { return {"t" + std::to_string(number), PartitionIndex(0)}; }
  static std::string directory_of(int number) { return "/data/t" + std::to_string(number) + "-0"; }

  // `dirty` closed segments in which the same key is written twice, and an active one.
  Log& make(int number, int dirty, const LogConfig& config) {
    EXPECT_TRUE(fs_.make_dirs(directory_of(number)));
    auto log = Log::open({fs_, logger_, random_}, directory_of(number), name_of(number), config, {});
    EXPECT_TRUE(log);
    Logs::Entry& entry = logs_.all[id_of(number)];
    entry.log = *std::move(log);
    for (int i = 0; i < dirty; ++i) {
      write(*entry.log);
      write(*entry.log);
      EXPECT_TRUE(entry.log->roll(0));
    }
    write(*entry.log);
    EXPECT_TRUE(sync(*entry.log, fs_));
    entry.last_stable = entry.log->log_end();
    return *entry.log;
  }
  Log& make(int number, int dirty) { return make(number, dirty, config_); }
  void write(Log& log) {
    record::BatchBuilder builder;
    builder.append({.timestamp = 1, .key = as_bytes("key"), .value = as_bytes("value")});
    ASSERT_TRUE(append(log, *builder.build()));
  }
  void begin(PartitionOffsets found = {}) {
    cleaner_ = std::make_unique<LogCleaner>(
        LogCleaner::Environment{fs_, shard_, workers_, logger_, logs_}, cleaner_config_,
        [this](const std::string& directory, const Error& error) { failed_.push_back(directory + error.message()); });
    cleaner_->adopt("/data", std::move(found));
    cleaner_->start();
  }
  void pass(std::chrono::nanoseconds by) {
    shard_.pass(by);
    settle(shard_, workers_);
  }
  // Until nothing happens within a backoff.
  void work() {
    for (int i = 0; i < 50; ++i) {
      pass(50ms);
    }
  }
  std::string checkpoint() {
    return std::string(
        as_text(runtime::read_file(fs_, "/data/cleaner-offset-checkpoint", 1'000).value_or(ByteVector{})));
  }

  ManualShard shard_;
  ManualWorkers workers_;
  MemoryFileSystem fs_;
  RememberingLogger logger_;
  SeededRandom random_{1};
  LogConfig config_;
  CleanerConfig cleaner_config_;
  Logs logs_;
  std::vector<std::string> failed_;
  std::unique_ptr<LogCleaner> cleaner_;
};

TEST_F(LogCleanerTest, CleansTheDirtiestFirstAndSaysUpToWhere) {
  config_.min_cleanable_dirty_ratio = 0.1;
  make(1, 4);
  make(2, 4);
  make(3, 0);
  begin({{name_of(1), Offset(4)}});
  pass(100ms);
  work();
  const auto first =
      std::ranges::find_if(logger_.lines, [](const auto& line) { return line.contains("compacted up to"); });
  ASSERT_NE(first, logger_.lines.end());
  EXPECT_THAT(*first, HasSubstr("t2-0: compacted up to offset 8 (dirty from 0)"));
  EXPECT_EQ(checkpoint(), "0\n2\nt1 0 8\nt2 0 8\n");
  EXPECT_EQ(logs_.all.at(id_of(2)).log->segment_count(), 2U);
  EXPECT_EQ(cleaner_->metrics().passes, 2U);
  EXPECT_EQ(cleaner_->metrics().jobs, 0U);
  EXPECT_EQ(cleaner_->metrics().dirty_ratio_max, 0.0);
  EXPECT_TRUE(failed_.empty());
}

TEST_F(LogCleanerTest, LeavesALogAloneThatIsNotDirtyEnough) {
  config_.min_cleanable_dirty_ratio = 0.9;
  make(1, 4);
  begin({{name_of(1), Offset(4)}});
  work();
  EXPECT_EQ(cleaner_->metrics().passes, 0U);
  EXPECT_NEAR(cleaner_->metrics().dirty_ratio_max, 0.5, 0.01);
  EXPECT_GE(logs_.surveys, 20);
}

TEST_F(LogCleanerTest, IsOffIfItIsNotEnabled) {
  cleaner_config_.enable = false;
  make(1, 4);
  begin();
  work();
  EXPECT_EQ(logs_.surveys, 0);
  cleaner_config_.enable = true;
  cleaner_->on_config(cleaner_config_);
  work();
  EXPECT_EQ(cleaner_->metrics().passes, 1U);
}

TEST_F(LogCleanerTest, SetsALogAsideThatCannotBeCompactedAndTriesAgain) {
  make(1, 2);
  make(2, 2);
  ByteVector& bytes = fs_.content(directory_of(1) + "/00000000000000000000.log");
  bytes.back() ^= std::byte{1};
  begin();
  work();
  ASSERT_EQ(cleaner_->metrics().set_aside.size(), 1U);
  EXPECT_EQ(cleaner_->metrics().set_aside[0].name, name_of(1));
  EXPECT_THAT(cleaner_->metrics().set_aside[0].reason, HasSubstr("checksum"));
  EXPECT_GT(cleaner_->metrics().set_aside[0].dirty_bytes, 0U);
  EXPECT_THAT(logger_.lines, Contains(HasSubstr("t1-0 cannot be compacted: corrupt")));
  EXPECT_EQ(cleaner_->metrics().passes, 1U) << "the other log is cleaned meanwhile";
  const auto entries = fs_.list(directory_of(1)).value();
  EXPECT_TRUE(std::ranges::none_of(entries, [](const auto& entry) { return entry.name.ends_with(".cleaned"); }));
  pass(LogCleaner::kRetryMin);
  work();
  EXPECT_EQ(cleaner_->metrics().failures, 2U);
  EXPECT_EQ(cleaner_->metrics().set_aside[0].delay, 2 * LogCleaner::kRetryMin);
  bytes.back() ^= std::byte{1};
  pass(2 * LogCleaner::kRetryMin);
  work();
  EXPECT_TRUE(cleaner_->metrics().set_aside.empty());
  EXPECT_EQ(cleaner_->metrics().passes, 2U);
}

TEST_F(LogCleanerTest, AFullDiskSetsTheLogAsideAFailedSyncTakesTheDirectory) {
  make(1, 2);
  fs_.fail_writes = true;
  begin();
  work();
  EXPECT_EQ(cleaner_->metrics().set_aside.size(), 1U);
  EXPECT_TRUE(failed_.empty());
  fs_.fail_writes = false;
  fs_.fail_syncs = true;
  pass(LogCleaner::kRetryMin);
  work();
  ASSERT_FALSE(failed_.empty());
  EXPECT_THAT(failed_[0], HasSubstr("/data"));
}

TEST_F(LogCleanerTest, TheThrottleSpreadsTheWork) {
  cleaner_config_.io_bytes_per_second = 400;
  Log& log = make(1, 4);
  const std::uint64_t bytes = log.size_bytes();
  begin();
  pass(100ms);
  EXPECT_EQ(cleaner_->metrics().jobs, 1U);
  std::chrono::milliseconds waited{0};
  while (cleaner_->metrics().passes == 0 && waited < 1h) {
    pass(50ms);
    waited += 50ms;
  }
  EXPECT_GE(waited.count(), static_cast<std::int64_t>(bytes * 1'000 / 400)) << "indexed and read";
  EXPECT_LE(waited.count(), static_cast<std::int64_t>(bytes * 4'000 / 400));
}

TEST_F(LogCleanerTest, WhoLeavesWaitsForTheSliceAtHand) {
  cleaner_config_.io_bytes_per_second = 1;
  make(1, 4);
  begin();
  pass(100ms);
  ASSERT_EQ(cleaner_->metrics().jobs, 1U);
  logs_.all.erase(id_of(1));
  bool left = false;
  cleaner_->leave(id_of(1), [&] { left = true; });
  settle(shard_, workers_);
  EXPECT_TRUE(left);
  EXPECT_EQ(cleaner_->metrics().jobs, 0U);
  bool other = false;
  cleaner_->leave(id_of(2), [&] { other = true; });
  EXPECT_TRUE(other);
}

// At each step of a job: a log that stays is whole and can be compacted afterwards.
TEST_F(LogCleanerTest, WhoLeavesAndStaysHasItsSwapFinished) {
  config_.segment_bytes = 200;  // a group of its own for each
  for (int steps = 0;; ++steps) {
    fs_ = MemoryFileSystem();
    ASSERT_TRUE(fs_.make_dirs("/data"));
    logs_.all.clear();
    logs_.paused.clear();
    make(1, 4);
    begin();
    shard_.pass(100ms);
    for (int i = 0; i < steps; ++i) {
      if (workers_.waiting() > 0) {
        workers_.run_one();
      }
      shard_.turn();
    }
    bool left = false;
    logs_.paused.insert(id_of(1));
    cleaner_->leave(id_of(1), [&] { left = true; });
    settle(shard_, workers_);
    ASSERT_TRUE(left) << steps;
    const std::uint64_t passes = cleaner_->metrics().passes;
    work();
    ASSERT_EQ(cleaner_->metrics().passes, passes) << "it is left alone, " << steps;
    logs_.paused.clear();
    work();
    EXPECT_EQ(cleaner_->metrics().passes, 1U) << steps;
    EXPECT_EQ(checkpoint(), "0\n1\nt1 0 8\n");
    cleaner_.reset();
    if (passes > 0) {
      EXPECT_GT(steps, 5);
      break;
    }
  }
}

TEST_F(LogCleanerTest, WhatIsKnownOfALogGoesWithItToAnotherDirectory) {
  ASSERT_TRUE(fs_.make_dirs("/more"));
  const auto file = [&](const std::string& directory) {
    const auto content = runtime::read_file(fs_, directory + "/cleaner-offset-checkpoint", 1'000);
    return std::string(as_text(content.value_or(ByteVector{})));
  };
  CleanedOffsets offsets(fs_, shard_, workers_, [](const std::string&, const Error&) {});
  offsets.adopt("/data", {{name_of(1), Offset(5)}});
  offsets.adopt("/more", {{name_of(1), Offset(2)}});  // of an earlier move, back and forth
  bool carried = false;
  offsets.carry(name_of(1), "/more", [&](const Result<>& outcome) { carried = outcome.has_value(); });
  EXPECT_FALSE(carried);
  settle(shard_, workers_);
  EXPECT_TRUE(carried);
  EXPECT_EQ(file("/more"), "0\n1\nt1 0 5\n");
  offsets.forget_elsewhere(name_of(1), "/more");
  settle(shard_, workers_);
  EXPECT_EQ(file("/data"), "0\n0\n");
  EXPECT_EQ(file("/more"), "0\n1\nt1 0 5\n");
  carried = false;
  offsets.carry(name_of(2), "/more", [&](const Result<>& outcome) { carried = outcome.has_value(); });
  EXPECT_TRUE(carried) << "nothing is known";
}

TEST_F(LogCleanerTest, AForgottenNameIsInNoFile) {
  make(1, 2);
  begin({{name_of(7), Offset(3)}});
  work();
  EXPECT_EQ(checkpoint(), "0\n2\nt1 0 4\nt7 0 3\n");
  bool forgotten = false;
  cleaner_->forget(name_of(7), [&](Result<> outcome) { forgotten = outcome.has_value(); });
  EXPECT_FALSE(forgotten);
  settle(shard_, workers_);
  EXPECT_TRUE(forgotten);
  EXPECT_EQ(checkpoint(), "0\n1\nt1 0 4\n");
  forgotten = false;
  cleaner_->forget(name_of(8), [&](Result<> outcome) { forgotten = outcome.has_value(); });
  EXPECT_TRUE(forgotten);
}

TEST_F(LogCleanerTest, ANameIsForgottenInEveryDirectoryAlsoIfOneFailed) {
  ASSERT_TRUE(fs_.make_dirs("/more"));
  std::vector<std::string> failed;
  CleanedOffsets offsets(fs_, shard_, workers_,
                         [&](const std::string& directory, const Error&) { failed.push_back(directory); });
  for (const char* directory : {"/data", "/more"}) {
    offsets.adopt(directory, {{name_of(1), Offset(1)}});
    offsets.set(directory, name_of(2), Offset(2));
  }
  int forgotten = 0;
  offsets.forget(name_of(1), [&](const Result<>& outcome) { forgotten += outcome ? 1 : 10; });
  EXPECT_EQ(forgotten, 0);
  settle(shard_, workers_);
  EXPECT_EQ(forgotten, 1);
  for (const char* directory : {"/data", "/more"}) {
    const auto content = runtime::read_file(fs_, std::string(directory) + "/cleaner-offset-checkpoint", 1'000).value();
    EXPECT_EQ(as_text(content), "0\n1\nt2 0 2\n");
  }
  ASSERT_TRUE(fs_.remove_tree("/more"));
  offsets.forget(name_of(2), [&](const Result<>& outcome) { forgotten += outcome ? 1 : 10; });
  settle(shard_, workers_);
  EXPECT_EQ(forgotten, 11);
  EXPECT_EQ(failed, std::vector<std::string>{"/more"});
}

TEST_F(LogCleanerTest, AStopEndsAtEachStepOfAJob) {
  config_.segment_bytes = 200;  // a group of its own for each
  for (int steps = 0;; ++steps) {
    fs_ = MemoryFileSystem();
    ASSERT_TRUE(fs_.make_dirs("/data"));
    logs_.all.clear();
    Log& log = make(1, 4);
    begin();
    shard_.pass(100ms);
    for (int i = 0; i < steps; ++i) {
      if (workers_.waiting() > 0) {
        workers_.run_one();
      }
      shard_.turn();
    }
    bool stopped = false;
    cleaner_->stop([&] { stopped = true; });
    settle(shard_, workers_);
    ASSERT_TRUE(stopped) << steps;
    const Offset end = log.log_end();
    ASSERT_TRUE(log.close(true)) << steps;
    logs_.all.clear();
    auto again = Log::open({fs_, logger_, random_}, directory_of(1), name_of(1), config_,
                           {.clean_shutdown = true, .recovery_point = end});
    ASSERT_TRUE(again);
    ASSERT_FALSE((*again)->fenced());
    EXPECT_EQ(read_all(**again)->back().offset, end - 1);
    const bool done = cleaner_->metrics().passes > 0;
    cleaner_.reset();
    if (done) {
      EXPECT_GT(steps, 6);
      break;
    }
  }
}

}  // namespace
}  // namespace moldau::storage::testing
