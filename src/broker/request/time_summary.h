// Durations of one kind: their number and sum since the start, and how the last of them were distributed. Pure.
//
// Invariants: S1 a quantile is at most a quarter above the true one of the durations that are remembered, and never
//             below; S2 what is remembered is that of the last kWindow to 2 * kWindow.
// Bound:      two tables of kBuckets numbers.
// Source:     what Kafka's metrics show of a Histogram (count, percentiles of the last five minutes or so); ours has a
//             sum besides.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "runtime/clock.h"

namespace moldau::broker {

class TimeSummary {
 public:
  static constexpr std::chrono::minutes kWindow{1};

  void add(std::chrono::nanoseconds time, runtime::MonoTime now) noexcept;

  // What a summary, or several together, say.
  class Values {
   public:
    void add(const TimeSummary& summary, runtime::MonoTime now) noexcept;
    void add(const Values& other) noexcept;
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] std::chrono::nanoseconds sum() const noexcept { return sum_; }
    // An upper bound of the time that this share of the remembered durations did not exceed; 0 if there are none.
    [[nodiscard]] std::chrono::microseconds quantile(double share) const noexcept;

   private:
    friend class TimeSummary;
    std::uint64_t count_ = 0;
    std::chrono::nanoseconds sum_{0};
    std::uint64_t remembered_ = 0;
    std::array<std::uint64_t, 160> buckets_{};
  };

 private:
  // Of microseconds: one each below 4, then four for each power of two, up to 2^40 (twelve days).
  static constexpr std::size_t kBuckets = 160;
  using Buckets = std::array<std::uint32_t, kBuckets>;
  [[nodiscard]] static std::size_t bucket_of(std::uint64_t microseconds) noexcept;
  [[nodiscard]] static std::uint64_t largest_in(std::size_t bucket) noexcept;

  std::uint64_t count_ = 0;
  std::chrono::nanoseconds sum_{0};
  runtime::MonoTime window_began_{};
  Buckets current_{};
  Buckets before_{};
};

}  // namespace moldau::broker
