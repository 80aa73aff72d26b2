#include "broker/request/time_summary.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace moldau::broker {
namespace {
constexpr std::size_t kPartsLog2 = 2;  // of each power of two
constexpr std::size_t kParts = std::size_t{1} << kPartsLog2;
}  // namespace

std::size_t TimeSummary::bucket_of(std::uint64_t microseconds) noexcept {
  if (microseconds < kParts) {
    return microseconds;
  }
  const auto power = static_cast<std::size_t>(std::bit_width(microseconds)) - 1;
  const std::size_t part = (microseconds >> (power - kPartsLog2)) & (kParts - 1);
  return std::min((power - kPartsLog2 + 1) * kParts + part, kBuckets - 1);
}

std::uint64_t TimeSummary::largest_in(std::size_t bucket) noexcept {
  if (bucket < kParts) {
    return bucket;
  }
  const std::size_t shift = bucket / kParts - 1;
  return ((kParts + bucket % kParts + 1) << shift) - 1;
}

void TimeSummary::add(std::chrono::nanoseconds time, runtime::MonoTime now) noexcept {
  if (now - window_began_ >= kWindow) {
    before_ = now - window_began_ < 2 * kWindow ? current_ : Buckets{};
    current_ = {};
    window_began_ = now;
  }
  ++count_;
  sum_ += time;
  const auto microseconds = std::chrono::ceil<std::chrono::microseconds>(time).count();
  ++current_[bucket_of(static_cast<std::uint64_t>(std::max<std::int64_t>(microseconds, 0)))];
}

void TimeSummary::Values::add(const TimeSummary& summary, runtime::MonoTime now) noexcept {
  count_ += summary.count_;
  sum_ += summary.sum_;
  const auto age = now - summary.window_began_;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    const std::uint64_t times =
        (age < 2 * kWindow ? std::uint64_t{summary.current_[i]} : 0) + (age < kWindow ? summary.before_[i] : 0);
    buckets_[i] += times;
    remembered_ += times;
  }
}

void TimeSummary::Values::add(const Values& other) noexcept {
  count_ += other.count_;
  sum_ += other.sum_;
  remembered_ += other.remembered_;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    buckets_[i] += other.buckets_[i];
  }
}

std::chrono::microseconds TimeSummary::Values::quantile(double share) const noexcept {
  if (remembered_ == 0) {
    return std::chrono::microseconds(0);
  }
  const auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(remembered_)));
  std::uint64_t passed = 0;
  std::size_t bucket = 0;
  for (; bucket + 1 < kBuckets; ++bucket) {
    passed += buckets_[bucket];
    if (passed >= std::max<std::uint64_t>(rank, 1)) {
      break;
    }
  }
  return std::chrono::microseconds(largest_in(bucket));
}

}  // namespace moldau::broker
