#include "broker/net/receive_rate.h"

#include <gtest/gtest.h>

namespace moldau::broker {
namespace {

runtime::MonoTime at(double seconds) {
  return runtime::MonoTime(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds)));
}

TEST(ReceiveRate, IsNotJudgedBeforeTenSecondsOfReading) {
  ReceiveRate rate;
  rate.start(at(0));
  EXPECT_FALSE(rate.is_slow(at(9.9)));
  EXPECT_TRUE(rate.is_slow(at(10.1)));
}

TEST(ReceiveRate, OneByteASecondIsSlowAndAFullStreamIsNot) {
  ReceiveRate slow;
  ReceiveRate fast;
  slow.start(at(0));
  fast.start(at(0));
  for (int second = 0; second < 15; ++second) {
    slow.received(at(second), 1);
    fast.received(at(second), std::size_t{1} << 20);
  }
  EXPECT_TRUE(slow.is_slow(at(15)));
  EXPECT_FALSE(fast.is_slow(at(15)));
}

TEST(ReceiveRate, TimeInWhichWeDidNotReadDoesNotCount) {
  ReceiveRate rate;
  rate.start(at(0));
  rate.received(at(1), 1);
  rate.pause(at(2));
  rate.resume(at(60));
  EXPECT_FALSE(rate.is_slow(at(65)));
  EXPECT_TRUE(rate.is_slow(at(70)));
}

TEST(ReceiveRate, ALongLifeForgetsItsFastBeginning) {
  ReceiveRate rate;
  rate.start(at(0));
  rate.received(at(0.5), std::size_t{100} << 20);
  EXPECT_FALSE(rate.is_slow(at(10.2)));
  EXPECT_TRUE(rate.is_slow(at(30)));
}

}  // namespace
}  // namespace moldau::broker
