#include "broker/request/time_summary.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace moldau::broker {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

runtime::MonoTime at(std::chrono::nanoseconds since_start) {
  return runtime::MonoTime(since_start);
}

TimeSummary::Values values_of(const TimeSummary& summary, std::chrono::nanoseconds now) {
  TimeSummary::Values values;
  values.add(summary, at(now));
  return values;
}

TEST(TimeSummaryTest, SaysNothingOfNothing) {
  const TimeSummary::Values values = values_of(TimeSummary(), seconds(1));
  EXPECT_EQ(values.count(), 0U);
  EXPECT_EQ(values.sum().count(), 0);
  EXPECT_EQ(values.quantile(0.99).count(), 0);
}

TEST(TimeSummaryTest, QuantilesAreAtMostAQuarterAboveTheTrueOnes) {
  std::mt19937_64 random(7);
  for (const double spread : {2.0, 8.0, 17.0}) {  // up to about a minute
    TimeSummary summary;
    std::vector<std::int64_t> times;
    std::exponential_distribution<double> exponent(3.0 / spread);
    for (int i = 0; i < 10'000; ++i) {
      times.push_back(static_cast<std::int64_t>(std::exp(std::min(exponent(random), spread))));
      summary.add(microseconds(times.back()), at(seconds(1)));
    }
    std::ranges::sort(times);
    const TimeSummary::Values values = values_of(summary, seconds(2));
    for (const double share : {0.5, 0.75, 0.95, 0.99, 0.999, 1.0}) {
      const std::int64_t exact = times[static_cast<std::size_t>(share * 10'000) - 1];
      EXPECT_GE(values.quantile(share).count(), exact) << share;
      EXPECT_LE(values.quantile(share).count(), exact + exact / 4 + 1) << share;
    }
  }
}

TEST(TimeSummaryTest, CountAndSumAreOfAllTimeAndQuantilesOfTheLastMinutes) {
  TimeSummary summary;
  summary.add(milliseconds(500), at(seconds(100)));
  EXPECT_GE(values_of(summary, seconds(159)).quantile(0.5), milliseconds(500));
  summary.add(milliseconds(1), at(seconds(170)));  // a new window; the one before still counts
  EXPECT_GE(values_of(summary, seconds(171)).quantile(1.0), milliseconds(500));
  summary.add(milliseconds(1), at(seconds(240)));
  EXPECT_LT(values_of(summary, seconds(241)).quantile(1.0), milliseconds(2));
  EXPECT_EQ(values_of(summary, seconds(600)).quantile(1.0).count(), 0);  // nothing for a long time
  EXPECT_EQ(values_of(summary, seconds(600)).count(), 3U);
  EXPECT_EQ(values_of(summary, seconds(600)).sum(), milliseconds(502));
}

TEST(TimeSummaryTest, SummariesOfSeveralShardsAreOne) {
  TimeSummary here;
  TimeSummary there;
  for (int i = 0; i < 99; ++i) {
    here.add(milliseconds(1), at(seconds(1)));
  }
  there.add(seconds(10), at(seconds(1)));
  TimeSummary::Values values = values_of(here, seconds(2));
  values.add(values_of(there, seconds(2)));
  EXPECT_EQ(values.count(), 100U);
  EXPECT_LT(values.quantile(0.99), milliseconds(2));
  EXPECT_GE(values.quantile(1.0), seconds(10));
}

TEST(TimeSummaryTest, AnyDurationHasItsPlace) {
  TimeSummary summary;
  for (const std::int64_t time : {std::int64_t{-1}, std::int64_t{0}, INT64_MAX}) {
    summary.add(std::chrono::nanoseconds(time), at(seconds(1)));
  }
  EXPECT_GT(values_of(summary, seconds(1)).quantile(1.0), std::chrono::hours(24));
}

}  // namespace
}  // namespace moldau::broker
