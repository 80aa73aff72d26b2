#include "runtime/bounded_workers.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "runtime/testing/manual_shard.h"
#include "runtime/testing/manual_workers.h"

namespace moldau::runtime {
namespace {

struct BoundedWorkersTest : ::testing::Test {
  void ask(const std::string& name) {
    bounded->run([this, name] { diary += name; }, shard, [this, name] { diary += "(" + name + ")"; });
  }
  void settle() { moldau::testing::settle(shard, workers); }

  moldau::testing::ManualShard shard;
  moldau::testing::ManualWorkers workers;
  std::string diary;
  std::unique_ptr<BoundedWorkers> bounded = std::make_unique<BoundedWorkers>(workers, shard, 2);
};

TEST_F(BoundedWorkersTest, GivesAtMostSoManyJobsAtATimeInTheirOrder) {
  for (const char* name : {"a", "b", "c", "d"}) {
    ask(name);
  }
  EXPECT_EQ(workers.waiting(), 2U);
  workers.run_one();
  EXPECT_EQ(workers.waiting(), 1U);
  shard.turn();
  EXPECT_EQ(workers.waiting(), 2U);
  settle();
  EXPECT_EQ(diary, "a(a)bc(b)(c)d(d)");
}

TEST_F(BoundedWorkersTest, AStopDropsWhatWaitsAndIsToldWhenTheRestHasReplied) {
  for (const char* name : {"a", "b", "c"}) {
    ask(name);
  }
  bounded->stop([this] { diary += "idle"; });
  ask("late");
  settle();
  EXPECT_EQ(diary, "ab(a)(b)idle");
}

TEST_F(BoundedWorkersTest, AStopWithoutJobsIsToldAtOnce) {
  bounded->stop([this] { diary += "idle"; });
  EXPECT_EQ(diary, "idle");
}

TEST_F(BoundedWorkersTest, JobsInWorkOutliveItAndReplyToNobody) {
  for (const char* name : {"a", "b", "c"}) {
    ask(name);
  }
  bounded.reset();
  settle();
  EXPECT_EQ(diary, "ab");
}

TEST_F(BoundedWorkersTest, AReplyMayTakeItsOwnerAway) {
  bounded->run([] {}, shard, [this] { bounded.reset(); });
  ask("b");
  ask("c");
  settle();
  EXPECT_EQ(diary, "b");
}

}  // namespace
}  // namespace moldau::runtime
