// The first start of a node, and requests that arrive while the broker still looks for the shard of a partition that
// nobody has used.
#include <cstdint>

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

// Of several directories the power cut leaves some formatted and some not.
TEST(FirstUse, AFormatThatACrashInterruptedIsFinishedByTheNextStart) {
  for (std::uint64_t cut = 1; cut <= 90; ++cut) {
    BrokerSettings settings;
    settings.log_dirs = "/data,/data2,/data3";
    Scenario scenario(cut, settings);
    scenario.begin_and_cut_at(cut);
    ASSERT_NO_THROW(scenario.start()) << "power cut at disk call " << cut;
    scenario.create_topic("t");
    EXPECT_EQ(scenario.produce("t", -1, "0").error, protocol::ErrorCode::kNone);
  }
}

}  // namespace
}  // namespace moldau::sim
