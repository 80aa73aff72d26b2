// Gate: counts operations in flight so that close() can wait for them. Shard-local.
#pragma once

#include <cstdint>
#include <utility>

#include "base/assert.h"
#include "base/callback.h"

namespace moldau::runtime {

// Invariants: G1 no holder enters once close() was called; G2 the closed callback runs once, after the last holder
// left.
class Gate {
 public:
  class Holder {
   public:
    Holder() noexcept = default;
    Holder(Holder&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Holder& operator=(Holder&& other) noexcept {
      std::swap(gate_, other.gate_);
      return *this;
    }
    ~Holder() {
      if (gate_ != nullptr) {
        gate_->leave();
      }
    }
    explicit operator bool() const noexcept { return gate_ != nullptr; }

   private:
    friend class Gate;
    explicit Holder(Gate* gate) noexcept : gate_(gate) {}
    Gate* gate_ = nullptr;
  };

  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate() { MOLDAU_ASSERT(inside_ == 0, static_cast<std::int64_t>(inside_)); }

  // An empty holder (false) when the gate is closing.
  [[nodiscard]] Holder enter() noexcept {
    if (closing_) {
      return {};
    }
    ++inside_;
    return Holder(this);
  }

  // Refuses newcomers; runs `closed` when none is left inside (at once if none is). Call once.
  void close(Callback closed) {
    MOLDAU_ASSERT(!closing_);
    closing_ = true;
    if (inside_ == 0) {
      closed();
    } else {
      on_closed_ = std::move(closed);
    }
  }

  [[nodiscard]] bool closing() const noexcept { return closing_; }
  [[nodiscard]] std::uint64_t inside() const noexcept { return inside_; }

 private:
  void leave() noexcept {
    MOLDAU_ASSERT(inside_ > 0);
    if (--inside_ == 0 && on_closed_) {
      Callback closed = std::move(on_closed_);
      closed();
    }
  }

  std::uint64_t inside_ = 0;
  bool closing_ = false;
  Callback on_closed_;
};

}  // namespace moldau::runtime
