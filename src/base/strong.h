// Strong integers: an Offset is not a LeaderEpoch. Zero cost; arithmetic only where it means something.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace moldau {

// `Tag` makes the type unique and may be incomplete. Comparison and raw access for all; + and - by a plain count.
template <class Tag, class Rep>
class Strong {
 public:
  using rep = Rep;

  constexpr Strong() noexcept = default;
  constexpr explicit Strong(Rep value) noexcept : value_(value) {}

  [[nodiscard]] constexpr Rep value() const noexcept { return value_; }

  friend constexpr auto operator<=>(Strong, Strong) noexcept = default;

  constexpr Strong& operator++() noexcept {
    ++value_;
    return *this;
  }
  friend constexpr Strong operator+(Strong a, Rep count) noexcept { return Strong(static_cast<Rep>(a.value_ + count)); }
  friend constexpr Strong operator-(Strong a, Rep count) noexcept { return Strong(static_cast<Rep>(a.value_ - count)); }
  friend constexpr Rep operator-(Strong a, Strong b) noexcept { return static_cast<Rep>(a.value_ - b.value_); }

 private:
  Rep value_{};
};

}  // namespace moldau

template <class Tag, class Rep>
struct std::hash<moldau::Strong<Tag, Rep>> {
  std::size_t operator()(moldau::Strong<Tag, Rep> id) const noexcept { return std::hash<Rep>{}(id.value()); }
};
