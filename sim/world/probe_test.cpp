#include "base/probe.h"

#include <gtest/gtest.h>

#include "sim/world/probes.h"

namespace moldau::sim {
namespace {

TEST(Probe, IsCountedByNameInTheSimulator) {
  for (int i = 0; i < 3; ++i) {
    MOLDAU_PROBE("probe_test.loop");
  }
  EXPECT_EQ(probe_hits().at("probe_test.loop"), 3U);
  EXPECT_FALSE(probe_hits().contains("probe_test.never"));
}

}  // namespace
}  // namespace moldau::sim
