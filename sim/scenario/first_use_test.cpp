// Requests that arrive while the broker still looks for the shard of a partition that nobody has used.
#include <gtest/gtest.h>

#include "sim/scenario/scenario.h"

namespace moldau::sim {
namespace {

TEST(FirstUse, ProducesOnTheirWayTogetherAreAppendedInTheirOrder) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Scenario scenario(seed);
    scenario.start();
    scenario.create_topic("t");
    const auto produced = scenario.produce_at_once("t", -1, {"0", "1", "2", "3", "4"});
    for (std::size_t i = 0; i < produced.size(); ++i) {
      EXPECT_EQ(produced[i].offset, Offset(static_cast<std::int64_t>(i))) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace moldau::sim
