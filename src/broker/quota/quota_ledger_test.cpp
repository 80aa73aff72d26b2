#include "broker/quota/quota_ledger.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>

#include <gtest/gtest.h>

#include "metadata/image/delta.h"

namespace moldau::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A quota of each client id, of the kind that `key` names.
std::shared_ptr<const QuotaLimits> any_client(const std::string& key, double limit) {
  metadata::records::ClientQuotaRecord record;
  record.entity.emplace_back().entity_type = "client-id";
  record.entity.back().entity_name.reset();
  record.key = key;
  record.value = limit;
  metadata::Delta delta(std::make_shared<const metadata::Image>());
  EXPECT_TRUE(delta.replay(record, Offset(1)));
  return std::make_shared<const QuotaLimits>(*delta.apply({}));
}

constexpr QuotaClient kApp{"ANONYMOUS", "app"};

TEST(QuotaLedgerTest, Semantics64WhoHasNoQuotaIsNotCounted) {
  QuotaLedger ledger({});
  EXPECT_EQ(ledger.charge(QuotaKind::kProduce, kApp, 1e12, seconds(1)), QuotaTime(0));
  EXPECT_EQ(ledger.entities(), 0U);
  EXPECT_FALSE(ledger.has_charges());
  EXPECT_EQ(ledger.burst(QuotaKind::kFetch, kApp), std::nullopt);
}

TEST(QuotaLedgerTest, Semantics64WhatIsTakenBackCostsNothing) {
  QuotaLedger ledger({});
  ledger.set_limits(any_client("consumer_byte_rate", 100));
  EXPECT_EQ(ledger.burst(QuotaKind::kFetch, kApp), 1000);
  EXPECT_EQ(ledger.charge(QuotaKind::kFetch, kApp, 2000, seconds(1)), seconds(10));
  ledger.add(QuotaKind::kFetch, kApp, -2000, seconds(1));
  EXPECT_EQ(ledger.charge(QuotaKind::kFetch, kApp, 1000, seconds(1)), QuotaTime(0));
}

TEST(QuotaLedgerTest, Semantics64RequestTimeHoldsOffForASampleAtMost) {
  QuotaLedger ledger({});
  ledger.set_limits(any_client("request_percentage", 1));
  EXPECT_EQ(ledger.charge(QuotaKind::kRequest, kApp, 100'000, seconds(1)), seconds(1));
}

TEST(QuotaLedgerTest, ADebtIsNotForgottenWithItsSample) {
  QuotaLedger ledger({});
  ledger.set_limits(any_client("producer_byte_rate", 100));
  for (int i = 0; i < 10; ++i) {  // ten connections, each a request
    (void)ledger.charge(QuotaKind::kProduce, kApp, 1000, seconds(1));
  }
  EXPECT_EQ(ledger.charge(QuotaKind::kProduce, kApp, 0, seconds(31)), seconds(59)) << "8900 are owed, 3000 made good";
  ledger.expire(seconds(50));
  EXPECT_EQ(ledger.entities(), 1U);
  EXPECT_EQ(ledger.charge(QuotaKind::kProduce, kApp, 0, seconds(90)), QuotaTime(0));
  ledger.expire(seconds(102));
  EXPECT_EQ(ledger.entities(), 0U);
}

TEST(QuotaLedgerTest, ANewLimitCountsForWhatWasUsedBefore) {
  QuotaLedger ledger({});
  ledger.set_limits(any_client("producer_byte_rate", 1000));
  EXPECT_EQ(ledger.charge(QuotaKind::kProduce, kApp, 5000, seconds(1)), QuotaTime(0));
  ledger.set_limits(any_client("producer_byte_rate", 100));
  EXPECT_EQ(ledger.charge(QuotaKind::kProduce, kApp, 0, seconds(1)), seconds(40));
}

TEST(QuotaLedgerTest, OtherLedgersLearnOfWhatWasChargedHere) {
  QuotaLedger here({});
  QuotaLedger there({});
  here.set_limits(any_client("producer_byte_rate", 100));
  there.set_limits(any_client("producer_byte_rate", 100));
  EXPECT_EQ(here.charge(QuotaKind::kProduce, kApp, 600, seconds(1)), QuotaTime(0));
  here.add(QuotaKind::kProduce, kApp, 400, seconds(1));
  const std::vector<QuotaCharge> charges = here.take_charges();
  ASSERT_EQ(charges.size(), 1U) << "one for each entity";
  EXPECT_EQ(charges[0].amount, 1000);
  EXPECT_FALSE(here.has_charges());
  there.merge(charges, seconds(1));
  EXPECT_FALSE(there.has_charges()) << "what was told is not told on";
  EXPECT_EQ(there.charge(QuotaKind::kProduce, kApp, 1000, seconds(1)), seconds(10));
}

TEST(QuotaLedgerTest, EntitiesAreBoundedAndIdleOnesGo) {
  QuotaLedger ledger({.window = {}, .entities_max = 3});
  ledger.set_limits(any_client("producer_byte_rate", 100));
  for (const char* client : {"a", "b", "c", "a", "d"}) {
    ledger.add(QuotaKind::kProduce, {"", client}, 550, seconds(1));
  }
  EXPECT_EQ(ledger.entities(), 3U);
  EXPECT_GT(ledger.charge(QuotaKind::kProduce, {"", "a"}, 0, seconds(1)), QuotaTime(0)) << "was used lately";
  EXPECT_EQ(ledger.charge(QuotaKind::kProduce, {"", "b"}, 0, seconds(1)), QuotaTime(0)) << "made room";
  ledger.expire(seconds(11));
  EXPECT_EQ(ledger.entities(), 3U);
  ledger.expire(seconds(12));
  EXPECT_EQ(ledger.entities(), 0U);
}

// P10. Clients of one quota on several shards send whenever they may; the ledgers tell each other late.
class QuotaProperty : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(QuotaProperty, P10UsageNeverGoesAboveTheLimitTimesTheWindow) {
  std::mt19937_64 random(GetParam());
  const auto between = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  const double limit = std::pow(10.0, between(1, 8));
  const auto shards = static_cast<std::size_t>(between(1, 9));
  const auto clients = static_cast<std::size_t>(between(1, 20));
  const double most = limit * between(0.01, 1.0);  // in one request
  constexpr milliseconds kTell{10};
  constexpr seconds kRun{120};
  const QuotaWindow window;

  std::vector<QuotaLedger> ledgers;
  for (std::size_t i = 0; i < shards; ++i) {
    ledgers.emplace_back(QuotaLedger::Config{});
    ledgers.back().set_limits(any_client("producer_byte_rate", limit));
  }
  std::vector<QuotaTime> free_at(clients, QuotaTime(0));
  std::vector<double> used;  // by step
  for (QuotaTime now{0}; now < kRun; now += kTell) {
    double step = 0;
    for (std::size_t i = 0; i < clients; ++i) {
      if (now < free_at[i]) {
        continue;
      }
      const double amount = between(0, most);
      step += amount;
      free_at[i] = now + ledgers[i % shards].charge(QuotaKind::kProduce, kApp, amount, now);
    }
    used.push_back(step);
    for (QuotaLedger& teller : ledgers) {
      const std::vector<QuotaCharge> charges = teller.take_charges();
      for (QuotaLedger& hearer : ledgers) {
        if (&hearer != &teller) {
          hearer.merge(charges, now);
        }
      }
    }
  }
  // What each client brings before it hears of the limit, on its own shard and from the others.
  const double in_flight = 2 * static_cast<double>(clients) * most;
  const double window_s = std::chrono::duration<double>(window.whole()).count();
  const auto steps = static_cast<std::size_t>(window.whole() / kTell);
  double in_window = 0;
  double all = 0;
  for (std::size_t i = 0; i < used.size(); ++i) {
    all += used[i];
    in_window += used[i] - (i >= steps ? used[i - steps] : 0);
    ASSERT_LE(in_window, limit * (window_s + window_s) + in_flight) << i;
    ASSERT_LE(all, limit * (window_s + 0.01 * static_cast<double>(i + 1)) + in_flight) << i;
  }
  const double run = std::chrono::duration<double>(kRun).count();
  EXPECT_GE(all, limit * run * 0.8) << "who sends as much as it may gets its quota";
}

INSTANTIATE_TEST_SUITE_P(Seeds, QuotaProperty, ::testing::Range<std::uint64_t>(1, 21));

}  // namespace
}  // namespace moldau::broker
