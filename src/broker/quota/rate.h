// How much of something came in a second, over a window of samples: what bytes, request time and connections are held
// against. Pure.
//
// A sample covers `sample` from its first record on; those that saw nothing for the whole window are dropped. The rate
// is taken over at least all but one sample, so that the first record of an idle client does not look like a flood.
// Units:  amounts are the caller's; limits are amounts a second; time is milliseconds since any origin, never back.
// Bound:  `samples` + 1 samples of 24 bytes.
// Source: Kafka's Rate, SampledStat, WindowedSum and QuotaUtils; the same numbers.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace moldau::broker {

using QuotaTime = std::chrono::milliseconds;

struct QuotaWindow {
  std::int32_t samples = 11;                   // quota.window.num
  QuotaTime sample = std::chrono::seconds(1);  // quota.window.size.seconds

  [[nodiscard]] QuotaTime whole() const noexcept { return samples * sample; }
  // The seconds that a rate is taken over at least, in seconds.
  [[nodiscard]] double least_seconds() const noexcept;
};

class Rate {
 public:
  // `amount` may be negative: what was recorded is taken back.
  void record(const QuotaWindow& window, double amount, QuotaTime now);
  // Amount a second.
  [[nodiscard]] double measure(const QuotaWindow& window, QuotaTime now);
  // How long to wait, if nothing more comes, until the rate is `limit`; zero at or below it.
  [[nodiscard]] QuotaTime excess(const QuotaWindow& window, double limit, QuotaTime now);

 private:
  struct Sample {
    double sum = 0;
    QuotaTime since{0};
    QuotaTime last{0};
  };

  void drop_old(const QuotaWindow& window, QuotaTime now);
  [[nodiscard]] QuotaTime measured_over(const QuotaWindow& window, QuotaTime now) const;

  std::vector<Sample> samples_;
  std::size_t current_ = 0;
};

}  // namespace moldau::broker
