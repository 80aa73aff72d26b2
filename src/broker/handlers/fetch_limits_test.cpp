#include "broker/handlers/fetch_limits.h"

#include <gtest/gtest.h>

namespace moldau::broker {
namespace {

TEST(FetchLimits, Semantics32TheFirstBatchGoesOutWholeHoweverLarge) {
  FetchLimits limits(10);
  EXPECT_EQ(limits.take(500, 500, 10), 500U);
  EXPECT_EQ(limits.take(500, 100, 1000), 0U);
}

TEST(FetchLimits, Semantics32ALaterPartitionMayBeCutInsideABatch) {
  FetchLimits limits(100);
  EXPECT_EQ(limits.take(60, 20, 1000), 60U);
  EXPECT_EQ(limits.take(60, 20, 1000), 40U);
}

TEST(FetchLimits, Semantics32ALaterFirstBatchThatDoesNotFitGivesNothing) {
  FetchLimits limits(100);
  EXPECT_EQ(limits.take(90, 20, 1000), 90U);
  EXPECT_EQ(limits.take(60, 20, 1000), 0U);
}

TEST(FetchLimits, WhatDoesNotFitIntoALimitAboveNothingIsDropped) {
  FetchLimits limits(100);
  EXPECT_FALSE(limits.drops(500, 10)) << "the first batch goes out whole";
  EXPECT_EQ(limits.take(50, 50, 50), 50U);
  EXPECT_TRUE(limits.drops(51, 1000));
  EXPECT_FALSE(limits.drops(50, 1000));
  EXPECT_FALSE(limits.drops(50, 0)) << "nothing is asked for";
}

TEST(FetchLimits, Semantics33ThePartitionLimitBoundsWhatFollowsTheFirstBatch) {
  FetchLimits limits(1000);
  EXPECT_EQ(limits.take(500, 50, 200), 200U);
}

TEST(FetchLimits, APartitionWithNothingLeavesTheFirstBatchToTheNext) {
  FetchLimits limits(10);
  EXPECT_EQ(limits.take(0, 0, 10), 0U);
  EXPECT_EQ(limits.take(50, 50, 10), 50U);
}

}  // namespace
}  // namespace moldau::broker
