#include "broker/quota/quota_limits.h"

#include <limits>
#include <map>
#include <utility>

#include <gtest/gtest.h>

#include "metadata/image/client_quotas.h"
#include "metadata/image/delta.h"

namespace moldau::broker {
namespace {

using metadata::QuotaEntity;
using Name = std::optional<std::string>;

const Name kAny;

class QuotaLimitsTest : public ::testing::Test {
 protected:
  void set(const QuotaEntity& entity, const std::string& key, double value) {
    metadata::records::ClientQuotaRecord record;
    for (const auto& [type, name] : entity) {
      auto& part = record.entity.emplace_back();
      part.entity_type = type;
      part.entity_name = name;
    }
    record.key = key;
    record.value = value;
    metadata::Delta delta(image_);
    ASSERT_TRUE(delta.replay(record, Offset(1)));
    image_ = delta.apply({});
  }
  void set(const QuotaEntity& entity, double value) { set(entity, "producer_byte_rate", value); }
  [[nodiscard]] QuotaLimits limits() const { return QuotaLimits(*image_); }
  // The limit of bob's app, and whose usage is counted.
  [[nodiscard]] std::pair<double, std::string> of(std::string_view client_id = "app") const {
    const QuotaLimits made = limits();
    const auto limit = made.of(QuotaKind::kProduce, {"bob", client_id});
    return limit ? std::pair(limit->limit,
                             std::string(limit->counted_as.user) + "/" + std::string(limit->counted_as.client_id))
                 : std::pair(0.0, std::string("none"));
  }

 private:
  std::shared_ptr<const metadata::Image> image_ = std::make_shared<const metadata::Image>();
};

using Of = std::pair<double, std::string>;

TEST_F(QuotaLimitsTest, Semantics64TheMostSpecificQuotaCounts) {
  EXPECT_TRUE(limits().none());
  EXPECT_EQ(of(), Of(0, "none"));
  set({{"client-id", kAny}}, 8);
  EXPECT_EQ(of(), Of(8, "/app"));
  set({{"client-id", "app"}}, 7);
  EXPECT_EQ(of(), Of(7, "/app"));
  set({{"user", kAny}}, 6);
  EXPECT_EQ(of(), Of(6, "bob/"));
  set({{"user", kAny}, {"client-id", kAny}}, 5);
  EXPECT_EQ(of(), Of(5, "bob/app"));
  set({{"user", kAny}, {"client-id", "app"}}, 4);
  EXPECT_EQ(of(), Of(4, "bob/app"));
  set({{"user", "bob"}}, 3);
  EXPECT_EQ(of(), Of(3, "bob/"));
  set({{"user", "bob"}, {"client-id", kAny}}, 2);
  EXPECT_EQ(of(), Of(2, "bob/app"));
  set({{"user", "bob"}, {"client-id", "app"}}, 1);
  EXPECT_EQ(of(), Of(1, "bob/app"));
  EXPECT_EQ(of("other"), Of(2, "bob/other"));
  EXPECT_EQ(of(""), Of(3, "bob/")) << "an empty client id has the quotas of its user only";
}

TEST_F(QuotaLimitsTest, AnEmptyClientIdHasNoQuotaOfClients) {
  set({{"client-id", kAny}}, 8);
  set({{"user", "bob"}, {"client-id", kAny}}, 2);
  EXPECT_EQ(of(""), Of(0, "none"));
  set({{"user", kAny}}, 6);
  EXPECT_EQ(of(""), Of(6, "bob/"));
}

TEST_F(QuotaLimitsTest, KindsAreApart) {
  set({{"user", "bob"}}, "consumer_byte_rate", 5);
  set({{"user", "bob"}}, "request_percentage", 50);
  set({{"user", "bob"}}, "controller_mutation_rate", 0.5);
  const QuotaLimits made = limits();
  EXPECT_TRUE(made.none(QuotaKind::kProduce));
  EXPECT_FALSE(made.none(QuotaKind::kFetch));
  EXPECT_EQ(made.of(QuotaKind::kFetch, {"bob", ""})->limit, 5);
  EXPECT_EQ(made.of(QuotaKind::kRequest, {"bob", ""})->limit, 50);
  EXPECT_EQ(made.of(QuotaKind::kMutation, {"bob", ""})->limit, 0.5);
}

TEST_F(QuotaLimitsTest, AddressesHaveRates) {
  set({{"ip", "192.0.2.1"}}, "connection_creation_rate", 5);
  QuotaLimits made = limits();
  EXPECT_TRUE(made.none());
  EXPECT_EQ(made.connection_rate(*IpAddress::parse("::ffff:192.0.2.1")), 5);
  EXPECT_EQ(made.connection_rate(*IpAddress::parse("192.0.2.2")), std::nullopt);
  set({{"ip", kAny}}, "connection_creation_rate", 9);
  made = limits();
  EXPECT_EQ(made.connection_rate(*IpAddress::parse("192.0.2.1")), 5);
  EXPECT_EQ(made.connection_rate(*IpAddress::parse("192.0.2.2")), 9);
}

TEST_F(QuotaLimitsTest, WhatARecordShouldNotHoldIsNoLimit) {
  set({{"user", "bob"}}, std::numeric_limits<double>::quiet_NaN());
  set({{"user", kAny}}, std::numeric_limits<double>::infinity());
  set({{"client-id", kAny}}, -1);
  set({{"ip", "no-address"}}, "connection_creation_rate", 5);
  set({{"group", "g"}}, 5);
  set({}, 5);
  set({{"user", "bob"}}, "no.such.key", 5);
  EXPECT_TRUE(limits().none());
}

}  // namespace
}  // namespace moldau::broker
