// What may be spent at once, refilled at a rate: what changes of the metadata are held against. Pure.
//
// The bucket is full at first and holds `rate` times the whole window. It may be overdrawn by one expense; nothing more
// is given until it is no more below zero.
// Units:  time is milliseconds since any origin, never back.
// Source: Kafka's TokenBucket and ControllerMutationQuotaManager; KIP-599.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <optional>

#include "broker/quota/rate.h"

namespace moldau::broker {

class TokenBucket {
 public:
  // How long until nothing is owed; zero: something may be spent.
  [[nodiscard]] QuotaTime owed(const QuotaWindow& window, double rate, QuotaTime now) {
    refill(window, rate, now);
    constexpr double kLongest = INT32_MAX;
    return *tokens_ < 0 ? QuotaTime(std::max(1LL, std::llround(std::min(-*tokens_ / rate * 1000, kLongest))))
                        : QuotaTime(0);
  }
  void spend(const QuotaWindow& window, double rate, double tokens, QuotaTime now) {
    refill(window, rate, now);
    *tokens_ -= tokens;
  }
  [[nodiscard]] bool full(const QuotaWindow& window, double rate, QuotaTime now) {
    refill(window, rate, now);
    return *tokens_ >= burst(window, rate);
  }

 private:
  static double burst(const QuotaWindow& window, double rate) {
    return std::chrono::duration<double>(window.whole()).count() * rate;
  }
  void refill(const QuotaWindow& window, double rate, QuotaTime now) {
    const double most = burst(window, rate);
    tokens_ = tokens_ ? std::min(most, *tokens_ + rate * std::chrono::duration<double>(now - refilled_).count()) : most;
    refilled_ = now;
  }

  std::optional<double> tokens_;  // nothing was spent yet
  QuotaTime refilled_{0};
};

}  // namespace moldau::broker
