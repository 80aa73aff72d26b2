#include "broker/quota/rate.h"

#include <gtest/gtest.h>

#include "broker/quota/token_bucket.h"

namespace moldau::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const QuotaWindow kWindow;  // 11 samples of a second

TEST(RateTest, ASpikeIsHeldOffAsInKafka) {
  constexpr double kLimit = 500;
  Rate rate;
  QuotaTime now = seconds(100);
  for (int i = 0; i < 10; ++i) {
    rate.record(kWindow, 400, now);
    EXPECT_EQ(rate.excess(kWindow, kLimit, now), QuotaTime(0));
    now += seconds(1);
  }
  // 4000 + 2300 in 10.5 s is 600 a second: (600 - 500) / 500 of 10.5 s.
  now += milliseconds(500);
  rate.record(kWindow, 2300, now);
  EXPECT_EQ(rate.excess(kWindow, kLimit, now), milliseconds(2100));
  now += milliseconds(2100);
  for (int i = 0; i < 10; ++i) {
    rate.record(kWindow, 400, now);
    now += seconds(1);
  }
  EXPECT_EQ(rate.excess(kWindow, kLimit, now), QuotaTime(0)) << "the spike's sample has left the window";
}

TEST(RateTest, TheFirstRecordIsTakenOverAllButOneSample) {
  Rate rate;
  rate.record(kWindow, 1000, seconds(5));
  EXPECT_DOUBLE_EQ(rate.measure(kWindow, seconds(5)), 100);
  EXPECT_DOUBLE_EQ(rate.measure(kWindow, milliseconds(5500)), 1000 / 10.5);
  EXPECT_DOUBLE_EQ(rate.measure(kWindow, seconds(16)), 0) << "nothing came for the whole window";
}

TEST(RateTest, WhatIsTakenBackHasNotBeen) {
  Rate rate;
  rate.record(kWindow, 100, seconds(1));
  rate.record(kWindow, 5000, seconds(2));
  rate.record(kWindow, -5000, seconds(2));
  EXPECT_DOUBLE_EQ(rate.measure(kWindow, seconds(2)), 10);
}

TEST(RateTest, OneSampleAndTinyLimitsKeepWithinWhatAnAnswerCanSay) {
  const QuotaWindow one{.samples = 1, .sample = seconds(1)};
  Rate rate;
  rate.record(one, 1e18, seconds(1));
  EXPECT_EQ(rate.excess(one, 1e-9, seconds(1)), QuotaTime(INT32_MAX));
  EXPECT_EQ(one.least_seconds(), 0);
}

TEST(TokenBucketTest, IsFullAtFirstAndOverdrawnByOneExpense) {
  const QuotaWindow window{.samples = 10, .sample = seconds(1)};
  TokenBucket bucket;
  EXPECT_EQ(bucket.owed(window, 5, seconds(1000)), QuotaTime(0));
  bucket.spend(window, 5, 110, seconds(1000));  // it held 50
  EXPECT_EQ(bucket.owed(window, 5, seconds(1000)), seconds(12));
  EXPECT_EQ(bucket.owed(window, 5, seconds(1011)), seconds(1));
  EXPECT_EQ(bucket.owed(window, 5, seconds(1012)), QuotaTime(0));
  EXPECT_FALSE(bucket.full(window, 5, seconds(1021)));
  EXPECT_TRUE(bucket.full(window, 5, seconds(1022)));
  EXPECT_EQ(bucket.owed(window, 5, seconds(5000)), QuotaTime(0));
  bucket.spend(window, 5, 51, seconds(5000));
  EXPECT_EQ(bucket.owed(window, 5, seconds(5000)), milliseconds(200)) << "it never holds more than the whole window";
}

}  // namespace
}  // namespace moldau::broker
