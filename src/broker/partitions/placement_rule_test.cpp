#include "broker/partitions/placement_rule.h"

#include <gtest/gtest.h>

namespace moldau::broker {
namespace {

TEST(PlacementRule, TheFirstPartitionsStayWithTheirUser) {
  PlacementRule rule(2);
  for (std::size_t i = 0; i < PlacementRule::kFreePartitions; ++i) {
    EXPECT_EQ(rule.place(1), 1U);
  }
}

TEST(PlacementRule, OneUserCannotPullEverythingToOneShard) {
  PlacementRule rule(2);
  for (int i = 0; i < 64; ++i) {
    static_cast<void>(rule.place(0));
  }
  EXPECT_EQ(rule.open_on(0) + rule.open_on(1), 64U);
  EXPECT_LE(rule.open_on(0), 48U);  // 1/2 + 1/4 of them
  EXPECT_GE(rule.open_on(0), rule.open_on(1));
}

TEST(PlacementRule, WhatIsRemovedMakesRoom) {
  PlacementRule rule(2);
  for (std::size_t i = 0; i < PlacementRule::kFreePartitions; ++i) {
    static_cast<void>(rule.place(0));
  }
  EXPECT_EQ(rule.place(0), 1U);
  rule.remove(0);
  EXPECT_EQ(rule.place(0), 0U);
}

TEST(PlacementRule, AloneThereIsNoChoice) {
  PlacementRule rule(1);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(rule.place(0), 0U);
  }
}

}  // namespace
}  // namespace moldau::broker
