#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "metadata/controller/testing/driver.h"
#include "metadata/image/client_quotas.h"

namespace moldau::metadata {
namespace {

using testing::Driver;

const QuotaEntity kBob{{kQuotaUser, "bob"}};
const QuotaEntity kAnyClient{{kQuotaClientId, std::nullopt}};
const QuotaEntity kLoopback{{kQuotaIp, "127.0.0.1"}};

class ClientQuotas : public ::testing::Test {
 protected:
  ClientQuotas() { driver.bring_up(1); }

  std::vector<ErrorCode> alter(const std::vector<QuotaAlteration>& request, bool validate_only = false) {
    driver.last.clear();
    const auto outcomes = driver.apply(driver.controller.alter_client_quotas(request, validate_only));
    std::vector<ErrorCode> codes;
    if (!outcomes) {
      codes.push_back(outcomes.error().code);
      return codes;
    }
    for (const QuotaOutcome& outcome : *outcomes) {
      codes.push_back(outcome.error.code);
    }
    return codes;
  }
  ErrorCode set(const QuotaEntity& entity, const std::string& key, std::optional<double> value) {
    return alter({{entity, {{key, value}}}}).at(0);
  }
  std::optional<double> value(const QuotaEntity& entity, std::string_view key) const {
    const auto* map = driver.image().quotas().find(entity);
    if (map == nullptr) {
      return std::nullopt;
    }
    const auto found = (*map)->find(key);
    return found == (*map)->end() ? std::nullopt : std::optional(found->second);
  }
  Driver driver;
};

TEST_F(ClientQuotas, Semantics64AQuotaIsSetChangedAndRemoved) {
  EXPECT_EQ(set(kBob, "producer_byte_rate", 1000), ErrorCode::kNone);
  EXPECT_EQ(value(kBob, kProducerByteRate), 1000);
  EXPECT_EQ(set(kBob, "producer_byte_rate", 1000), ErrorCode::kNone);
  EXPECT_TRUE(driver.last.empty()) << "the same value writes nothing";
  EXPECT_EQ(set(kBob, "producer_byte_rate", 2000), ErrorCode::kNone);
  EXPECT_EQ(set(kBob, "request_percentage", 0.5), ErrorCode::kNone);
  EXPECT_EQ(value(kBob, kProducerByteRate), 2000);
  EXPECT_EQ(set(kBob, "producer_byte_rate", std::nullopt), ErrorCode::kNone);
  EXPECT_EQ(value(kBob, kProducerByteRate), std::nullopt);
  EXPECT_EQ(value(kBob, kRequestPercentage), 0.5);
  EXPECT_EQ(set(kBob, "request_percentage", std::nullopt), ErrorCode::kNone);
  EXPECT_TRUE(driver.image().quotas().empty());
  EXPECT_EQ(set(kBob, "no.such.key", std::nullopt), ErrorCode::kNone) << "what is not there can be removed";
  EXPECT_TRUE(driver.last.empty());
}

TEST_F(ClientQuotas, BadInput100ValuesThatNoQuotaHas) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double bad : {0.0, -0.0, -1.0, nan, -infinity}) {
    EXPECT_EQ(set(kBob, "consumer_byte_rate", bad), ErrorCode::kInvalidRequest) << bad;
    EXPECT_EQ(set(kBob, "request_percentage", bad), ErrorCode::kInvalidRequest) << bad;
    EXPECT_EQ(set(kLoopback, "connection_creation_rate", bad), ErrorCode::kInvalidRequest) << bad;
  }
  EXPECT_EQ(set(kBob, "consumer_byte_rate", 1.5), ErrorCode::kInvalidRequest);
  EXPECT_EQ(set(kBob, "consumer_byte_rate", 1.0000001), ErrorCode::kNone);
  EXPECT_EQ(set(kBob, "consumer_byte_rate", 1e19), ErrorCode::kInvalidRequest);
  EXPECT_EQ(set(kLoopback, "connection_creation_rate", 2147483648.0), ErrorCode::kInvalidRequest);
  EXPECT_EQ(set(kBob, "controller_mutation_rate", 0.25), ErrorCode::kNone);
  EXPECT_EQ(set(kBob, "no.such.key", 1), ErrorCode::kInvalidRequest);
  EXPECT_EQ(set(kBob, "connection_creation_rate", 1), ErrorCode::kInvalidRequest);
  EXPECT_EQ(set(kLoopback, "producer_byte_rate", 1), ErrorCode::kInvalidRequest);
}

TEST_F(ClientQuotas, EntitiesThatAreNone) {
  for (const QuotaEntity& entity : std::vector<QuotaEntity>{
           {},
           {{"group", "g"}},
           {{kQuotaUser, ""}},
           {{kQuotaUser, "bob"}, {"group", "g"}},
           {{kQuotaUser, "bob"}, {kQuotaIp, "127.0.0.1"}},
           {{kQuotaClientId, std::nullopt}, {kQuotaIp, std::nullopt}},
           {{kQuotaIp, "no-address"}},
       }) {
    EXPECT_EQ(alter({{entity, {{"producer_byte_rate", 5.0}}}}).at(0), ErrorCode::kInvalidRequest);
    EXPECT_TRUE(driver.last.empty());
  }
  EXPECT_EQ(set({{kQuotaIp, std::nullopt}}, "connection_creation_rate", 5), ErrorCode::kNone);
  EXPECT_EQ(set({{kQuotaIp, "2001:db8::1"}}, "connection_creation_rate", 5), ErrorCode::kNone);
  EXPECT_EQ(set({{kQuotaUser, "bob"}, {kQuotaClientId, std::nullopt}}, "producer_byte_rate", 5), ErrorCode::kNone);
}

TEST_F(ClientQuotas, AnEntityThatFailsChangesNothingAndStopsNoOther) {
  EXPECT_EQ(alter({{kBob, {{"producer_byte_rate", 5.0}, {"consumer_byte_rate", -1.0}}},
                   {kAnyClient, {{"producer_byte_rate", 7.0}}}}),
            (std::vector{ErrorCode::kInvalidRequest, ErrorCode::kNone}));
  EXPECT_EQ(value(kBob, kProducerByteRate), std::nullopt);
  EXPECT_EQ(value(kAnyClient, kProducerByteRate), 7);
}

TEST_F(ClientQuotas, WhatIsNamedTwiceIsRefused) {
  EXPECT_EQ(alter({{kBob, {{"producer_byte_rate", 5.0}, {"producer_byte_rate", 5.0}}}}),
            std::vector{ErrorCode::kInvalidRequest});
  EXPECT_EQ(alter({{kBob, {{"producer_byte_rate", 5.0}}}, {kBob, {{"consumer_byte_rate", 6.0}}}}),
            std::vector{ErrorCode::kInvalidRequest});
  EXPECT_EQ(value(kBob, kProducerByteRate), 5) << "the first one counts, whatever is answered, as in Kafka";
  EXPECT_EQ(value(kBob, kConsumerByteRate), std::nullopt);
}

TEST_F(ClientQuotas, ValidationAloneWritesNothing) {
  EXPECT_EQ(alter({{kBob, {{"producer_byte_rate", 5.0}}}, {{}, {}}}, true),
            (std::vector{ErrorCode::kNone, ErrorCode::kInvalidRequest}));
  EXPECT_TRUE(driver.last.empty());
  EXPECT_TRUE(driver.image().quotas().empty());
}

TEST_F(ClientQuotas, ARequestThatNeedsTooManyRecordsIsRefused) {
  std::vector<QuotaAlteration> request;
  for (std::size_t i = 0; i <= kRecordsPerOperationMax; ++i) {
    request.push_back({{{kQuotaUser, "u" + std::to_string(i)}}, {{"producer_byte_rate", 1.0}}});
  }
  EXPECT_EQ(alter(request), std::vector{ErrorCode::kPolicyViolation});
  EXPECT_TRUE(driver.image().quotas().empty());
}

TEST(QuotaFilterTest, Semantics64FiltersAreExactOfADefaultOfATypeAndStrict) {
  const QuotaEntity bob_and_app{{kQuotaUser, "bob"}, {kQuotaClientId, "app"}};
  const QuotaEntity any_user{{kQuotaUser, std::nullopt}};
  QuotaFilter all;
  EXPECT_TRUE(all.matches(kBob));
  EXPECT_TRUE(all.matches(bob_and_app));
  QuotaFilter nothing_else{.strict = true};
  EXPECT_FALSE(nothing_else.matches(kBob));
  QuotaFilter bob{.exact = {{kQuotaUser, "bob"}}};
  EXPECT_TRUE(bob.matches(kBob));
  EXPECT_TRUE(bob.matches(bob_and_app));
  EXPECT_FALSE(bob.matches(any_user));
  bob.strict = true;
  EXPECT_TRUE(bob.matches(kBob));
  EXPECT_FALSE(bob.matches(bob_and_app));
  const QuotaFilter of_default{.exact = {{kQuotaUser, std::nullopt}}};
  EXPECT_TRUE(of_default.matches(any_user));
  EXPECT_FALSE(of_default.matches(kBob));
  const QuotaFilter users{.of_type = {kQuotaUser}, .strict = true};
  EXPECT_TRUE(users.matches(any_user));
  EXPECT_TRUE(users.matches(kBob));
  EXPECT_FALSE(users.matches(bob_and_app));
  EXPECT_FALSE(users.matches(kAnyClient));
}

}  // namespace
}  // namespace moldau::metadata
