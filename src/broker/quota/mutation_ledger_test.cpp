#include "broker/quota/mutation_ledger.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "metadata/image/delta.h"

namespace moldau::broker {
namespace {

using std::chrono::seconds;

std::shared_ptr<const QuotaLimits> any_creator(double limit) {
  metadata::records::ClientQuotaRecord record;
  record.entity.emplace_back().entity_type = "client-id";
  record.entity.back().entity_name.reset();
  record.key = "controller_mutation_rate";
  record.value = limit;
  metadata::Delta delta(std::make_shared<const metadata::Image>());
  EXPECT_TRUE(delta.replay(record, Offset(1)));
  return std::make_shared<const QuotaLimits>(*delta.apply({}));
}

constexpr QuotaClient kCreator{"ANONYMOUS", "app"};

TEST(MutationLedgerTest, Semantics64AStrictQuotaGivesNothingWhileItIsOverdrawn) {
  MutationLedger ledger({});
  EXPECT_TRUE(ledger.take(kCreator, 1e6, true, seconds(1)).given) << "without a quota anything is";
  EXPECT_EQ(ledger.entities(), 0U);
  ledger.set_limits(any_creator(1));
  const auto first = ledger.take(kCreator, 20, true, seconds(1));  // of 11
  EXPECT_TRUE(first.given);
  EXPECT_EQ(first.hold_off, QuotaTime(0)) << "what was given throttles nobody";
  const auto second = ledger.take(kCreator, 1, true, seconds(1));
  EXPECT_FALSE(second.given);
  EXPECT_EQ(second.hold_off, seconds(9));
  EXPECT_FALSE(ledger.take(kCreator, 1, true, seconds(9)).given);
  EXPECT_TRUE(ledger.take(kCreator, 1, true, seconds(10)).given);
}

TEST(MutationLedgerTest, Semantics64ALenientQuotaGivesAlwaysAndHoldsOff) {
  MutationLedger ledger({});
  ledger.set_limits(any_creator(1));
  EXPECT_EQ(ledger.take(kCreator, 11, false, seconds(1)).hold_off, QuotaTime(0));
  const auto over = ledger.take(kCreator, 5, false, seconds(1));
  EXPECT_TRUE(over.given);
  EXPECT_EQ(over.hold_off, seconds(5));
}

TEST(MutationLedgerTest, EntitiesAreBounded) {
  MutationLedger ledger({.window = {}, .entities_max = 2});
  ledger.set_limits(any_creator(1));
  for (const char* client : {"a", "b", "a", "c"}) {
    EXPECT_TRUE(ledger.take({"", client}, 6, true, seconds(1)).given);
  }
  EXPECT_EQ(ledger.entities(), 2U);
  EXPECT_FALSE(ledger.take({"", "a"}, 1, true, seconds(1)).given);
}

class MutationProperty : public ::testing::TestWithParam<std::uint64_t> {};

// In any time: the bucket, what was refilled meanwhile, and one change that overdrew it.
TEST_P(MutationProperty, P10ABucketGivesNoMoreThanItHoldsAndGetsAndOneOverdraft) {
  std::mt19937_64 random(GetParam());
  const auto between = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  const double limit = std::pow(10.0, between(-1, 3));
  const double most = limit * between(0.1, 50);
  MutationLedger ledger({});
  ledger.set_limits(any_creator(limit));
  QuotaTime now{0};
  double given = 0;
  for (int i = 0; i < 5'000; ++i) {
    const double amount = between(0, most);
    const auto taken = ledger.take(kCreator, amount, true, now);
    given += taken.given ? amount : 0;
    EXPECT_TRUE(taken.given || taken.hold_off.count() >= 0);
    const double elapsed = std::chrono::duration<double>(now).count();
    ASSERT_LE(given, limit * (11 + elapsed) + most);
    now += QuotaTime(static_cast<std::int64_t>(between(0, 3'000)));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, MutationProperty, ::testing::Range<std::uint64_t>(1, 21));

}  // namespace
}  // namespace moldau::broker
