#include "runtime/testing/manual_shard.h"
#include "runtime/testing/manual_workers.h"
#include "storage/sync/sync_group.h"

#include <gtest/gtest.h>

namespace moldau::storage {
namespace {

class Log final : public SyncClient {
 public:
  explicit Log(SyncGroup& group, std::size_t files = 1) : group_(group), files_(files) {}
  ~Log() override { group_.withdraw(*this); }

  void append() {
    ++written;
    group_.request(*this);
  }

  int written = 0;
  int durable = 0;
  int rounds = 0;
  std::optional<Error> failed;
  Result<> answer;
  bool append_in_end = false;

 private:
  void begin_sync(std::vector<SyncJob>& jobs) override {
    collected_ = written;
    for (std::size_t i = 0; i < files_; ++i) {
      jobs.emplace_back([this] { return answer; });
    }
  }
  void end_sync(Result<> outcome) override {
    ++rounds;
    if (!outcome) {
      failed = outcome.error();
      return;
    }
    durable = collected_;
    if (std::exchange(append_in_end, false)) {
      append();
    }
  }

  SyncGroup& group_;
  std::size_t files_;
  int collected_ = 0;
};

struct SyncGroupTest : ::testing::Test {
  moldau::testing::ManualShard shard;
  moldau::testing::ManualWorkers workers;
};

TEST_F(SyncGroupTest, WhatArrivesInOneTurnIsOneRound) {
  SyncGroup group(shard, workers);
  Log log(group);
  log.append();
  log.append();
  EXPECT_EQ(workers.waiting(), 0U) << "not before the turn ends";
  shard.turn();
  EXPECT_EQ(workers.waiting(), 1U);
  workers.run_all();
  EXPECT_EQ(log.durable, 0);
  shard.turn();
  EXPECT_EQ(log.durable, 2);
  EXPECT_EQ(group.rounds(), 1U);
}

TEST_F(SyncGroupTest, WhatArrivesDuringARoundGoesWithTheNext) {
  SyncGroup group(shard, workers);
  Log log(group);
  log.append();
  shard.turn();
  log.append();
  log.append();
  shard.turn();
  EXPECT_EQ(workers.waiting(), 1U) << "one round in flight";
  workers.run_one();
  shard.turn();
  EXPECT_EQ(log.durable, 1);
  EXPECT_EQ(workers.waiting(), 1U);
  moldau::testing::settle(shard, workers);
  EXPECT_EQ(log.durable, 3);
  EXPECT_EQ(log.rounds, 2);
}

TEST_F(SyncGroupTest, FilesOfManyLogsRunInParallelUpToTheBound) {
  SyncGroup group(shard, workers, 4);
  Log a(group, 3);
  Log b(group, 3);
  Log c(group, 1);
  a.append();
  b.append();
  c.append();
  shard.turn();
  EXPECT_EQ(group.jobs_in_flight(), 4U);
  workers.run_one();
  shard.turn();
  EXPECT_EQ(group.jobs_in_flight(), 4U);
  EXPECT_EQ(a.durable, 0) << "two of its files are open";
  moldau::testing::settle(shard, workers);
  EXPECT_EQ(a.durable + b.durable + c.durable, 3);
}

TEST_F(SyncGroupTest, AFailedSyncIsToldOnceAndNeverTriedAgain) {
  SyncGroup group(shard, workers, 1);
  Log log(group, 3);
  log.answer = fail(ErrorKind::kIo, "sync", 5);
  log.append();
  shard.turn();
  log.append();
  workers.run_one();
  log.answer = {};
  moldau::testing::settle(shard, workers);
  ASSERT_TRUE(log.failed);
  EXPECT_EQ(log.failed->kind(), ErrorKind::kIo);
  EXPECT_EQ(log.rounds, 1);
  EXPECT_EQ(log.durable, 0);
  log.append();
  moldau::testing::settle(shard, workers);
  EXPECT_EQ(log.rounds, 1);
}

TEST_F(SyncGroupTest, AnEmptyRoundEndsAtOnceAndARoundMayAskForTheNext) {
  SyncGroup group(shard, workers);
  Log empty(group, 0);
  empty.append();
  shard.turn();
  EXPECT_EQ(empty.durable, 1);
  Log log(group);
  log.append_in_end = true;
  log.append();
  moldau::testing::settle(shard, workers);
  EXPECT_EQ(log.durable, 2);
}

TEST_F(SyncGroupTest, AWithdrawnClientIsNotCalledAgain) {
  SyncGroup group(shard, workers);
  {
    Log queued(group);
    queued.append();
  }
  shard.turn();
  EXPECT_EQ(workers.waiting(), 0U);
  auto log = std::make_unique<Log>(group, 0);
  log->append();
  shard.turn();
  log.reset();
  moldau::testing::settle(shard, workers);
}

TEST_F(SyncGroupTest, CloseWaitsForWhatWasAskedFor) {
  SyncGroup group(shard, workers, 1);
  Log a(group);
  Log b(group);
  a.append();
  b.append();
  bool idle = false;
  group.close([&idle] { idle = true; });
  shard.turn();
  EXPECT_FALSE(idle);
  moldau::testing::settle(shard, workers);
  EXPECT_TRUE(idle);
  EXPECT_EQ(a.durable + b.durable, 2);
  a.append();
  moldau::testing::settle(shard, workers);
  EXPECT_EQ(a.durable, 1) << "closed";
}

}  // namespace
}  // namespace moldau::storage
