#include "broker/net/connection_quota.h"

#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/testing/manual_shard.h"

namespace moldau::broker {
namespace {

using moldau::testing::ManualShard;

const std::optional<IpAddress> kHere = IpAddress::parse("127.0.0.1");

struct ConnectionQuotaTest : ::testing::Test {
  ConnectionSlot open() {
    EXPECT_TRUE(quota.has_room(listener));
    return quota.admit(listener, kHere).slot;
  }
  ManualShard home;
  ConnectionQuota quota{home, {.connections_max = 2}};
  ConnectionQuota::ListenerIndex listener = quota.add_listener({});
};

TEST_F(ConnectionQuotaTest, GivesNoMoreSlotsThanTheLimit) {
  std::optional<ConnectionSlot> first = open();
  const ConnectionSlot second = open();
  EXPECT_FALSE(quota.has_room(listener));
  first.reset();
  home.turn();
  EXPECT_EQ(quota.limits().open(), 1U);
  EXPECT_TRUE(quota.has_room(listener));
}

TEST_F(ConnectionQuotaTest, WhoWaitsIsToldInOrderAndAsksAgain) {
  std::optional<ConnectionSlot> first = open();
  const ConnectionSlot second = open();
  std::vector<int> told;
  quota.wait([&] {
    told.push_back(1);
    quota.wait([&] { told.push_back(3); });
  });
  quota.wait([&] { told.push_back(2); });
  first.reset();
  home.turn();
  EXPECT_EQ(told, std::vector<int>({1, 2}));
  quota.set({.connections_max = 5});
  EXPECT_EQ(told, std::vector<int>({1, 2, 3}));
}

TEST_F(ConnectionQuotaTest, WhoIsTurnedAwayGetsNoSlot) {
  quota.set({.per_address_max = 1});
  const ConnectionSlot first = open();
  const ConnectionQuota::Admission refused = quota.admit(listener, kHere);
  EXPECT_EQ(refused.judgement.verdict, ConnectionLimits::Verdict::kTooMany);
  home.turn();
  EXPECT_EQ(quota.limits().open(), 1U);
}

TEST(ConnectionShares, ConnectionsLeaveAThirdOfTheDescriptorsToFiles) {
  for (const std::size_t descriptors : {256, 1024, 20'000, 1'000'000}) {
    const ConnectionShares shares = connection_shares(descriptors);
    EXPECT_LE(shares.broker + shares.controller + 2 * shares.waiting, descriptors * 7 / 10) << descriptors;
    EXPECT_GE(shares.waiting, 8U);
  }
}

TEST_F(ConnectionQuotaTest, ASlotThatMovesCountsOnce) {
  {
    ConnectionSlot slot = open();
    ConnectionSlot moved = std::move(slot);
    ConnectionSlot again;
    again = std::move(moved);
  }
  home.turn();
  EXPECT_EQ(quota.limits().open(), 0U);
}

}  // namespace
}  // namespace moldau::broker
