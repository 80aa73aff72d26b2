// A start that has much to recover: what is open serves, the rest follows.
#include <algorithm>
#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "runtime/fs.h"
#include "sim/scenario/scenario.h"

namespace moldau::sim {
namespace {

using protocol::ErrorCode;
using namespace std::chrono_literals;

constexpr std::int16_t kAcksAll = -1;

// Nothing is checkpointed, so that a start after a crash reads everything.
BrokerSettings without_checkpoints() {
  BrokerSettings settings;
  settings.checkpoint_interval = std::chrono::hours(1);
  return settings;
}

// Two large partitions, one for each recovery thread, and a small one that comes behind them; then a crash.
class ServeWhileLoading : public ::testing::Test {
 protected:
  ServeWhileLoading() {
    scenario_.start();
    for (const std::string name : {"large-a", "large-b"}) {
      scenario_.create_topic(name, {{"file.delete.delay.ms", "100"}});
      for (std::int64_t i = 0; i < 20; ++i) {
        EXPECT_EQ(scenario_.produce(name, kAcksAll, std::string(1000, 'x')).offset, Offset(i));
      }
    }
    scenario_.create_topic("small");
    EXPECT_EQ(scenario_.produce("small", kAcksAll, "value").offset, Offset(0));
    scenario_.crash(CrashKind::kPowerCut);
  }

  void start_slowly(std::chrono::nanoseconds read) {
    scenario_.slow_reads() = {.below = "/data/large", .each = read};
    scenario_.start();
    EXPECT_EQ(produce("large-a"), ErrorCode::kNotLeaderOrFollower);
  }
  void start_quickly() {
    scenario_.slow_reads() = {};
    scenario_.start();
  }
  ErrorCode produce(const std::string& name) { return scenario_.produce(name, kAcksAll, "more").error; }
  void expect_whole(const std::string& name) {
    EXPECT_EQ(scenario_.log_start(name), Offset(0));
    EXPECT_EQ(scenario_.log_end(name), Offset(20));
  }

  Scenario scenario_{1, without_checkpoints()};
};

TEST_F(ServeWhileLoading, ASmallPartitionDoesNotWaitForLargeOnes) {
  start_slowly(10s);
  EXPECT_EQ(produce("small"), ErrorCode::kNone);
  EXPECT_EQ(scenario_.log_end("small"), Offset(2));
  EXPECT_EQ(produce("large-b"), ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(scenario_.list_offset_error("large-a"), ErrorCode::kNotLeaderOrFollower);
  scenario_.create_topic("new");
  EXPECT_EQ(produce("new"), ErrorCode::kNone);
  EXPECT_EQ(produce("large-a"), ErrorCode::kNotLeaderOrFollower);
  scenario_.run_for(10min);
  scenario_.slow_reads() = {};
  EXPECT_EQ(scenario_.produce("large-a", kAcksAll, "more").offset, Offset(20));
  expect_whole("large-b");
  EXPECT_TRUE(scenario_.stop());
  start_quickly();
  EXPECT_EQ(scenario_.log_end("large-a"), Offset(21));
  EXPECT_EQ(scenario_.log_end("small"), Offset(2));
}

// What the checkpoints say of a log that is not open yet is kept: the power fails again, in the middle.
TEST_F(ServeWhileLoading, ASecondCrashFindsWhatTheFirstLeft) {
  start_slowly(10s);
  EXPECT_EQ(produce("small"), ErrorCode::kNone);
  scenario_.run_for(5s);
  EXPECT_EQ(produce("large-a"), ErrorCode::kNotLeaderOrFollower);
  scenario_.crash(CrashKind::kPowerCut);
  start_quickly();
  expect_whole("large-a");
  expect_whole("large-b");
  EXPECT_EQ(scenario_.log_end("small"), Offset(2));
}

TEST_F(ServeWhileLoading, AStopLeavesWhatIsNotOpenAsItWas) {
  start_slowly(500ms);
  EXPECT_EQ(produce("small"), ErrorCode::kNone);
  (void)scenario_.stop();
  start_quickly();
  expect_whole("large-a");
  expect_whole("large-b");
  EXPECT_EQ(scenario_.log_end("small"), Offset(2));
}

TEST_F(ServeWhileLoading, ATopicThatIsDeletedMeanwhileGoesAndItsNameCanBeTakenAgain) {
  start_slowly(1s);
  scenario_.delete_topic("large-a");
  scenario_.create_topic("large-a");
  EXPECT_EQ(scenario_.produce("large-a", kAcksAll, "new").offset, Offset(0));
  scenario_.run_for(60s);
  EXPECT_TRUE(scenario_.stop());
  const auto fs = scenario_.disk().mount();
  const auto entries = fs->list("/data").value();
  EXPECT_EQ(std::ranges::count_if(entries, [](const auto& entry) { return entry.name.starts_with("large-a"); }), 1);
}

TEST(ServeWhileLoadingOnTwoDisks, ADiskThatFailsMeanwhileIsAnsweredForWhatItHas) {
  BrokerSettings settings = without_checkpoints();
  settings.log_dirs = "/data/a,/data/b";
  Scenario scenario(2, settings);
  scenario.start();
  for (const std::string name : {"first", "large"}) {
    scenario.create_topic(name);
    EXPECT_EQ(scenario.produce(name, kAcksAll, "value").error, ErrorCode::kNone);
  }
  scenario.crash(CrashKind::kPowerCut);
  ASSERT_TRUE(scenario.disk().mount()->exists("/data/b/large-0").value());
  scenario.slow_reads() = {.below = "/data/b/large", .each = 10s};
  scenario.start();
  EXPECT_EQ(scenario.produce("large", kAcksAll, "value").error, ErrorCode::kNotLeaderOrFollower);
  scenario.disk().fail_below("/data/b");
  scenario.run_for(10min);
  scenario.slow_reads() = {};
  EXPECT_EQ(scenario.failure(), "");
  EXPECT_EQ(scenario.produce("large", kAcksAll, "value").error, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(scenario.produce("first", kAcksAll, "value").offset, Offset(1));
}

}  // namespace
}  // namespace moldau::sim
