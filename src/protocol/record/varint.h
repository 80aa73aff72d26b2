// Zig-zag varints as records use them: read with bounds, written into room that the caller made.
//
// A reader gives the position after the number, or nullptr: the bytes ended, or the number did not (more than 5 bytes,
// 10 for a long). Excess high bits of the last byte are dropped, as Kafka's reader does.
#pragma once

#include <cstddef>
#include <cstdint>

namespace moldau::record {

inline constexpr std::size_t kVarintBytesMax = 5;
inline constexpr std::size_t kVarlongBytesMax = 10;

namespace detail {

template <class Unsigned>
struct Read {
  const std::byte* after;  // or nullptr
  Unsigned value;
};

// Not inlined, and by value: what calls it keeps its numbers in registers.
template <class Unsigned, std::size_t kBytesMax>
[[nodiscard, gnu::noinline]] inline Read<Unsigned> read_long_form(const std::byte* at, const std::byte* end) noexcept {
  Unsigned result = 0;
  const std::size_t left = static_cast<std::size_t>(end - at);
  const std::size_t limit = left < kBytesMax ? left : kBytesMax;
  for (std::size_t i = 0; i < limit; ++i) {
    const auto byte = static_cast<std::uint8_t>(at[i]);
    result |= static_cast<Unsigned>(static_cast<Unsigned>(byte & 0x7f) << (7 * i));
    if (byte < 0x80) {
      return {at + i + 1, result};
    }
  }
  return {nullptr, 0};
}

// One and two bytes, nearly all there are, without a loop.
template <class Unsigned, std::size_t kBytesMax>
[[nodiscard, gnu::always_inline]] inline Read<Unsigned> read_unsigned(const std::byte* at,
                                                                      const std::byte* end) noexcept {
  if (at != end) [[likely]] {
    const auto first = static_cast<std::uint8_t>(at[0]);
    if (first < 0x80) {
      return {at + 1, first};
    }
    if (end - at >= 2) [[likely]] {
      const auto second = static_cast<std::uint8_t>(at[1]);
      if (second < 0x80) [[likely]] {
        return {at + 2, static_cast<Unsigned>((first & 0x7f) | (second << 7))};
      }
    }
  }
  return read_long_form<Unsigned, kBytesMax>(at, end);
}

}  // namespace detail

[[nodiscard, gnu::always_inline]] inline const std::byte* read_varint(const std::byte* at, const std::byte* end,
                                                                      std::int32_t& value) noexcept {
  const auto read = detail::read_unsigned<std::uint32_t, kVarintBytesMax>(at, end);
  if (read.after != nullptr) [[likely]] {
    value = static_cast<std::int32_t>((read.value >> 1) ^ (0 - (read.value & 1)));
  }
  return read.after;
}

[[nodiscard, gnu::always_inline]] inline const std::byte* read_varlong(const std::byte* at, const std::byte* end,
                                                                       std::int64_t& value) noexcept {
  const auto read = detail::read_unsigned<std::uint64_t, kVarlongBytesMax>(at, end);
  if (read.after != nullptr) [[likely]] {
    value = static_cast<std::int64_t>((read.value >> 1) ^ (0 - (read.value & 1)));
  }
  return read.after;
}

// A size that may be any negative number instead, which is then given as -1: less work than its value.
[[nodiscard, gnu::always_inline]] inline const std::byte* read_size(const std::byte* at, const std::byte* end,
                                                                    std::int32_t& size) noexcept {
  const auto read = detail::read_unsigned<std::uint32_t, kVarintBytesMax>(at, end);
  size = (read.value & 1) != 0 ? -1 : static_cast<std::int32_t>(read.value >> 1);
  return read.after;
}

// Writes a varint or varlong (the bytes are the same) and gives the position after it; 1 to 10 bytes.
[[nodiscard]] inline std::byte* write_varlong(std::byte* to, std::int64_t value) noexcept {
  auto raw = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  while (raw >= 0x80) {
    *to++ = static_cast<std::byte>(raw | 0x80);
    raw >>= 7;
  }
  *to++ = static_cast<std::byte>(raw);
  return to;
}

[[nodiscard]] constexpr std::size_t varlong_size(std::int64_t value) noexcept {
  auto raw = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  std::size_t size = 1;
  while (raw >= 0x80) {
    ++size;
    raw >>= 7;
  }
  return size;
}

}  // namespace moldau::record
