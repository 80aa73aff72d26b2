#include "broker/quota/rate.h"

#include <algorithm>
#include <cmath>

namespace moldau::broker {
namespace {

double seconds(QuotaTime time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

double QuotaWindow::least_seconds() const noexcept {
  return seconds((samples - 1) * sample);
}

void Rate::record(const QuotaWindow& window, double amount, QuotaTime now) {
  if (samples_.empty()) {
    samples_.push_back({.sum = 0, .since = now, .last = now});
  } else if (now - samples_[current_].since >= window.sample) {
    const std::size_t places = static_cast<std::size_t>(window.samples) + 1;
    current_ = (current_ + 1) % places;
    if (current_ >= samples_.size()) {
      samples_.emplace_back();
      current_ = samples_.size() - 1;
    }
    samples_[current_] = {.sum = 0, .since = now, .last = now};
  }
  samples_[current_].sum += amount;
  samples_[current_].last = now;
}

void Rate::drop_old(const QuotaWindow& window, QuotaTime now) {
  for (Sample& sample : samples_) {
    if (now - sample.last >= window.whole()) {
      sample = {.sum = 0, .since = now, .last = now};
    }
  }
}

QuotaTime Rate::measured_over(const QuotaWindow& window, QuotaTime now) const {
  QuotaTime elapsed{0};
  for (const Sample& sample : samples_) {
    elapsed = std::max(elapsed, now - sample.since);
  }
  const auto full = elapsed / window.sample;
  const auto least = static_cast<std::int64_t>(window.samples) - 1;
  if (full < least) {
    elapsed += (least - full) * window.sample;
  }
  return std::max(elapsed, QuotaTime(1));
}

double Rate::measure(const QuotaWindow& window, QuotaTime now) {
  drop_old(window, now);
  double sum = 0;
  for (const Sample& sample : samples_) {
    sum += sample.sum;
  }
  return sum / seconds(measured_over(window, now));
}

QuotaTime Rate::excess(const QuotaWindow& window, double limit, QuotaTime now) {
  const double rate = measure(window, now);
  if (rate <= limit) {
    return QuotaTime(0);
  }
  constexpr double kLongest = INT32_MAX;  // what throttle_time_ms can say
  const auto over = static_cast<double>(measured_over(window, now).count());
  return QuotaTime(std::llround(std::min((rate - limit) / limit * over, kLongest)));
}

}  // namespace moldau::broker
