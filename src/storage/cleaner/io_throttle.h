// IoThrottle: holds what several jobs read and write below one rate, by the pauses that it asks of them.
//
// Invariants: each byte takes 1/rate of a second, one after the other; time that nobody used is not saved up.
// Source:     log.cleaner.io.max.bytes.per.second; Kafka's Throttler. Difference: pauses after every slice of work, not
//             after windows of 300 ms.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "runtime/clock.h"

namespace moldau::storage {

class IoThrottle {
 public:
  static constexpr std::size_t kSliceBytesMin = std::size_t{4} << 10;
  static constexpr std::size_t kSliceBytesMax = std::size_t{4} << 20;

  explicit IoThrottle(double bytes_per_second) noexcept : rate_(std::max(bytes_per_second, 1.0)) {}

  // From now on.
  void set_rate(double bytes_per_second) noexcept { rate_ = std::max(bytes_per_second, 1.0); }

  // A slice of work: about a tenth of a second's worth.
  [[nodiscard]] std::size_t slice_bytes() const noexcept {
    return rate_ / 10 >= static_cast<double>(kSliceBytesMax)
               ? kSliceBytesMax
               : std::max(kSliceBytesMin, static_cast<std::size_t>(rate_ / 10));
  }

  // So many bytes were read and written: work may go on at the time that is returned.
  [[nodiscard]] runtime::MonoTime charge(std::uint64_t bytes, runtime::MonoTime now) noexcept {
    const double nanos = std::min(static_cast<double>(bytes) / rate_ * 1e9, kPauseMax);
    free_at_ = std::max(free_at_, now) + std::chrono::nanoseconds(static_cast<std::int64_t>(nanos));
    return free_at_;
  }

 private:
  static constexpr double kPauseMax = 3600e9;  // an hour: rates of a few bytes are meant as a stop

  double rate_;
  runtime::MonoTime free_at_{};
};

}  // namespace moldau::storage
