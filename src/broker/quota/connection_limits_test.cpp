#include "broker/quota/connection_limits.h"

#include <gtest/gtest.h>

#include "metadata/image/delta.h"

namespace moldau::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Verdict = ConnectionLimits::Verdict;

const std::optional<IpAddress> kHere = IpAddress::parse("127.0.0.1");
const std::optional<IpAddress> kThere = IpAddress::parse("192.0.2.1");
constexpr QuotaTime kNow = seconds(100);

std::shared_ptr<const QuotaLimits> rate_of_any_address(double rate) {
  metadata::records::ClientQuotaRecord record;
  record.entity.emplace_back().entity_type = "ip";
  record.entity.back().entity_name.reset();
  record.key = "connection_creation_rate";
  record.value = rate;
  metadata::Delta delta(std::make_shared<const metadata::Image>());
  EXPECT_TRUE(delta.replay(record, Offset(1)));
  return std::make_shared<const QuotaLimits>(*delta.apply({}));
}

TEST(ConnectionLimitsTest, NodeAndListenerHaveALimitEach) {
  ConnectionLimits limits({.connections_max = 3});
  const auto one = limits.add_listener({.connections_max = 2});
  const auto other = limits.add_listener({});
  EXPECT_EQ(limits.admit(one, kHere, kNow).verdict, Verdict::kAdmitted);
  EXPECT_EQ(limits.admit(one, kHere, kNow).verdict, Verdict::kAdmitted);
  EXPECT_FALSE(limits.has_room(one));
  EXPECT_TRUE(limits.has_room(other));
  EXPECT_EQ(limits.admit(other, kHere, kNow).verdict, Verdict::kAdmitted);
  EXPECT_FALSE(limits.has_room(other));
  limits.leave(one, kHere);
  EXPECT_TRUE(limits.has_room(one));
  EXPECT_TRUE(limits.has_room(other));
}

TEST(ConnectionLimitsTest, TheListenerBetweenBrokersIsHeldUpByItsOwnLimitsOnly) {
  ConnectionLimits limits({.connections_max = 1, .descriptors_max = 3, .creation_rate = 0.1});
  const auto clients = limits.add_listener({});
  const auto brokers = limits.add_listener({.between_brokers = true});
  EXPECT_EQ(limits.arrive(clients, kNow), QuotaTime(0));
  EXPECT_EQ(limits.admit(clients, kHere, kNow).verdict, Verdict::kAdmitted);
  EXPECT_FALSE(limits.has_room(clients));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(limits.arrive(brokers, kNow), QuotaTime(0));
    ASSERT_TRUE(limits.has_room(brokers));
    EXPECT_EQ(limits.admit(brokers, kHere, kNow).verdict, Verdict::kAdmitted);
  }
  EXPECT_FALSE(limits.has_room(brokers)) << "the open files are a limit for all";
}

TEST(ConnectionLimitsTest, AnAddressHasALimitOfItsOwn) {
  ConnectionLimits limits({.per_address_max = 1, .per_address_overrides = {{*kThere, 2}}});
  const auto listener = limits.add_listener({});
  EXPECT_EQ(limits.admit(listener, kHere, kNow).verdict, Verdict::kAdmitted);
  const auto refused = limits.admit(listener, kHere, kNow);
  EXPECT_EQ(refused.verdict, Verdict::kTooMany);
  EXPECT_EQ(refused.most, 1U);
  EXPECT_EQ(limits.open(), 1U) << "who is turned away takes no place";
  EXPECT_EQ(limits.admit(listener, kThere, kNow).verdict, Verdict::kAdmitted);
  EXPECT_EQ(limits.admit(listener, kThere, kNow).verdict, Verdict::kAdmitted);
  EXPECT_EQ(limits.admit(listener, kThere, kNow).verdict, Verdict::kTooMany);
  EXPECT_EQ(limits.admit(listener, std::nullopt, kNow).verdict, Verdict::kAdmitted) << "of no known address";
  limits.leave(listener, kHere);
  EXPECT_EQ(limits.admit(listener, kHere, kNow).verdict, Verdict::kAdmitted);
}

TEST(ConnectionLimitsTest, RatesHoldUpForASampleAtMost) {
  ConnectionLimits limits({.creation_rate = 1});
  const auto listener = limits.add_listener({});
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(limits.arrive(listener, kNow), QuotaTime(0)) << i;
  }
  EXPECT_EQ(limits.arrive(listener, kNow), seconds(1));
  EXPECT_EQ(limits.arrive(listener, kNow), seconds(1)) << "2 s, but a sample at most";
  ConnectionLimits slow_listener({});
  const auto slow = slow_listener.add_listener({.creation_rate = 0.05});
  EXPECT_EQ(slow_listener.arrive(slow, kNow), seconds(1));
}

TEST(ConnectionLimitsTest, WhoComesTooFastIsClosedLaterAndCountsInNoRate) {
  ConnectionLimits limits({.creation_rate = 1});
  limits.set_rates(rate_of_any_address(0.5));
  const auto listener = limits.add_listener({.creation_rate = 1});
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(limits.arrive(listener, kNow), QuotaTime(0));
    EXPECT_EQ(limits.admit(listener, kHere, kNow).verdict, Verdict::kAdmitted);
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(limits.arrive(listener, kNow), QuotaTime(0));
    const auto refused = limits.admit(listener, kHere, kNow);
    EXPECT_EQ(refused.verdict, Verdict::kTooFast);
    EXPECT_EQ(refused.close_after, seconds(1));
  }
  EXPECT_EQ(limits.open(), 5U);
  EXPECT_EQ(limits.admit(listener, kThere, kNow).verdict, Verdict::kAdmitted);
  EXPECT_EQ(limits.admit(listener, kHere, kNow + seconds(11)).verdict, Verdict::kAdmitted);
}

TEST(ConnectionLimitsTest, RatesOfAddressesAreBounded) {
  ConnectionLimits limits({.addresses_max = 1});
  limits.set_rates(rate_of_any_address(0.1));
  const auto listener = limits.add_listener({});
  EXPECT_EQ(limits.admit(listener, kHere, kNow).verdict, Verdict::kAdmitted);
  EXPECT_EQ(limits.admit(listener, kHere, kNow).verdict, Verdict::kTooFast);
  EXPECT_EQ(limits.admit(listener, kThere, kNow).verdict, Verdict::kAdmitted);
  EXPECT_EQ(limits.admit(listener, kHere, kNow).verdict, Verdict::kAdmitted) << "it was forgotten for another";
}

}  // namespace
}  // namespace moldau::broker
