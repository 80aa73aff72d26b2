#include "broker/net/connection_quota.h"

#include <vector>

#include <gtest/gtest.h>

#include "runtime/testing/manual_shard.h"

namespace moldau::broker {
namespace {

using moldau::testing::ManualShard;

TEST(ConnectionQuota, GivesNoMoreSlotsThanTheLimit) {
  ManualShard home;
  ConnectionQuota quota(home, 2);
  auto first = quota.try_open();
  auto second = quota.try_open();
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(quota.try_open());
  first.reset();
  home.turn();
  EXPECT_EQ(quota.open(), 1U);
  EXPECT_TRUE(quota.try_open());
}

TEST(ConnectionQuota, WhoWaitsIsToldInOrderOncePerSlot) {
  ManualShard home;
  ConnectionQuota quota(home, 2);
  auto first = quota.try_open();
  auto second = quota.try_open();
  std::vector<int> told;
  quota.wait([&told] { told.push_back(1); });
  quota.wait([&told] { told.push_back(2); });
  first.reset();
  home.turn();
  EXPECT_EQ(told, std::vector<int>({1}));
  second.reset();
  home.turn();
  EXPECT_EQ(told, std::vector<int>({1, 2}));
}

TEST(ConnectionQuota, ConnectionsLeaveAThirdOfTheDescriptorsToFiles) {
  for (const std::size_t descriptors : {256, 1024, 20'000, 1'000'000}) {
    const ConnectionShares shares = connection_shares(INT32_MAX, descriptors);
    EXPECT_LE(shares.broker + shares.controller + 2 * shares.waiting, descriptors * 7 / 10) << descriptors;
    EXPECT_GE(shares.waiting, 8U);
  }
  EXPECT_EQ(connection_shares(100, 20'000).broker, 100U);
  EXPECT_EQ(connection_shares(100, 20'000).controller, 100U);
}

TEST(ConnectionQuota, ASlotThatMovesCountsOnce) {
  ManualShard home;
  ConnectionQuota quota(home, 2);
  {
    auto slot = quota.try_open();
    ConnectionSlot moved = *std::move(slot);
    ConnectionSlot again;
    again = std::move(moved);
  }
  home.turn();
  EXPECT_EQ(quota.open(), 0U);
}

}  // namespace
}  // namespace moldau::broker
