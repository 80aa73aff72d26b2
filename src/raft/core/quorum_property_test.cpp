// Random runs of small clusters; Cluster asserts safety after each action. A failing seed is printed by the assert's
// caller: run the test with --gtest_filter and the seed in MOLDAU_RAFT_SEED to repeat it alone.
#include <cstdlib>

#include <gtest/gtest.h>

#include "raft/core/testing/cluster.h"

namespace moldau::raft {
namespace {

using testing::Cluster;
using testing::Faults;

void run_seeds(std::uint64_t seeds, std::uint32_t voters, std::uint32_t observers, Faults faults, int actions) {
  std::uint64_t first = 1;
  if (const char* only = std::getenv("MOLDAU_RAFT_SEED")) {
    first = std::strtoull(only, nullptr, 10);
    seeds = 1;
  }
  std::size_t committed = 0;
  std::uint64_t elections = 0;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    ::testing::Test::RecordProperty("seed", std::to_string(seed));
    Cluster cluster(seed, voters, observers);
    for (int i = 0; i < actions; ++i) {
      cluster.act(faults);
    }
    ASSERT_TRUE(cluster.heals_within(Millis(60'000))) << "MOLDAU_RAFT_SEED=" << seed << "\n"
                                                      << cluster.describe_nodes();
    committed += cluster.committed();
    elections += cluster.elections();
  }
  // The runs must not be idle: records are committed and leaders change.
  EXPECT_GT(committed, seeds * 3);
  EXPECT_GE(elections, seeds);
  ::testing::Test::RecordProperty("committed", std::to_string(committed));
  ::testing::Test::RecordProperty("elections", std::to_string(elections));
}

TEST(QuorumProperty, ThreeVotersAreSafeOverALossyNetwork) {
  run_seeds(150, 3, 0, {.drop_percent = 20, .duplicate_percent = 20, .crash_permille = 0, .snapshot_permille = 0},
            4'000);
}

TEST(QuorumProperty, ThreeVotersAreSafeThroughCrashesThatLoseUnsyncedBytes) {
  run_seeds(250, 3, 0, {.drop_percent = 10, .duplicate_percent = 15, .crash_permille = 6, .snapshot_permille = 0},
            4'000);
}

TEST(QuorumProperty, VotersAndObserversAreSafeWithSnapshots) {
  run_seeds(150, 3, 2, {.drop_percent = 10, .duplicate_percent = 10, .crash_permille = 4, .snapshot_permille = 15},
            5'000);
}

TEST(QuorumProperty, FiveVotersAreSafe) {
  run_seeds(60, 5, 1, {.drop_percent = 15, .duplicate_percent = 10, .crash_permille = 4, .snapshot_permille = 5},
            6'000);
}

TEST(QuorumProperty, OneVoterIsSafeThroughCrashes) {
  run_seeds(100, 1, 0, {.drop_percent = 0, .duplicate_percent = 0, .crash_permille = 10, .snapshot_permille = 20},
            2'000);
}

}  // namespace
}  // namespace moldau::raft
