// How fast one partly received frame arrived over the last ten seconds in which we were willing to read it. Time in
// which the connection was held back for lack of memory does not count against its peer.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "runtime/clock.h"

namespace moldau::broker {

class ReceiveRate {
 public:
  static constexpr std::size_t kSlowBytesPerSecond = std::size_t{64} << 10;
  static constexpr std::size_t kWindowSeconds = 10;

  void start(runtime::MonoTime now) noexcept {
    *this = ReceiveRate();
    resume(now);
  }
  void received(runtime::MonoTime now, std::size_t bytes) noexcept {
    advance(now);
    seconds_[current_] += bytes;
  }
  void pause(runtime::MonoTime now) noexcept {
    advance(now);
    reading_ = false;
  }
  void resume(runtime::MonoTime now) noexcept {
    if (!reading_) {
      reading_ = true;
      since_ = now - into_second_;
    }
  }

  // True only after ten whole seconds of reading.
  [[nodiscard]] bool is_slow(runtime::MonoTime now) noexcept {
    advance(now);
    if (elapsed_seconds_ < kWindowSeconds) {
      return false;
    }
    std::size_t bytes = 0;
    for (const std::size_t second : seconds_) {
      bytes += second;
    }
    return bytes < kSlowBytesPerSecond * kWindowSeconds;
  }

 private:
  void advance(runtime::MonoTime now) noexcept {
    if (!reading_) {
      return;
    }
    if (now - since_ > std::chrono::seconds(kWindowSeconds + 1)) {  // a long silence: the window is empty
      elapsed_seconds_ += kWindowSeconds;
      since_ = now - (now - since_) % std::chrono::seconds(1);
      seconds_.fill(0);
    }
    while (now - since_ >= std::chrono::seconds(1)) {
      since_ += std::chrono::seconds(1);
      ++elapsed_seconds_;
      current_ = (current_ + 1) % seconds_.size();
      seconds_[current_] = 0;
    }
    into_second_ = now - since_;
  }

  std::array<std::size_t, kWindowSeconds + 1> seconds_{};  // ten whole ones and the running one
  std::size_t current_ = 0;
  std::uint64_t elapsed_seconds_ = 0;
  runtime::MonoTime since_{};  // when the running second began
  runtime::MonoTimeline::duration into_second_{};
  bool reading_ = false;
};

}  // namespace moldau::broker
