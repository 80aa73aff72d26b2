// A broker that is asked to stop while it starts.
#include <gtest/gtest.h>

#include "sim/scenario/scenario.h"

namespace moldau::sim {
namespace {

using namespace std::chrono_literals;

// Before the logs are open the directory is as the crash left it: a clean mark would let the next start trust it.
TEST(EarlyStop, LeavesWhatACrashToreToTheNextStart) {
  constexpr std::int16_t kAcksAll = -1;
  constexpr std::int16_t kAcksLeader = 1;
  int early = 0;
  int late = 0;
  for (int delay = 0; delay < 40; ++delay) {
    Scenario scenario(static_cast<std::uint64_t>(delay) + 1);
    scenario.start();
    scenario.create_topic("t");
    ASSERT_EQ(scenario.produce("t", kAcksAll, "kept").offset, Offset(0));
    ASSERT_EQ(scenario.produce("t", kAcksLeader, "torn").offset, Offset(1));
    scenario.crash(CrashKind::kKill);
    constexpr std::uint64_t kInTheSecondBatch = 140;
    ASSERT_TRUE(scenario.disk().flip_bit("/data/t-0/00000000000000000000.log", kInTheSecondBatch, 0));
    scenario.begin();
    scenario.run_for(delay * 3ms);
    ++(scenario.stop() ? late : early);
    scenario.start();
    EXPECT_EQ(scenario.log_end("t"), Offset(1)) << "the torn batch is served, delay " << delay;
    EXPECT_EQ(scenario.produce("t", kAcksAll, "more").offset, Offset(1)) << "delay " << delay;
  }
  EXPECT_GT(early, 0);
  EXPECT_GT(late, 0);
}

// Each step of a start hands on to the next in a turn of its own: none may go on once a stop has begun.
TEST(EarlyStop, MayComeBetweenAnyTwoTurnsOfAStart) {
  for (std::uint64_t events = 0; events < 150; ++events) {
    Scenario scenario(events + 1);
    scenario.begin();
    scenario.run_events(events);
    (void)scenario.stop();
    scenario.start();
  }
}

}  // namespace
}  // namespace moldau::sim
