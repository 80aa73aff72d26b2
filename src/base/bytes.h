// Views of bytes, and big-endian loads and stores: every integer in Kafka's frames and files is big-endian.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace moldau {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;
using ByteVector = std::vector<std::byte>;

[[nodiscard]] inline Bytes as_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

[[nodiscard]] inline std::string_view as_text(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

[[nodiscard]] inline ByteVector to_vector(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

[[nodiscard]] inline bool equal(Bytes a, Bytes b) noexcept {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

// The caller has checked that sizeof(T) bytes are there.
template <class T>
  requires std::is_integral_v<T>
[[nodiscard]] T load_be(const std::byte* from) noexcept {
  std::make_unsigned_t<T> value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1) {
    value = std::byteswap(value);
  }
  return static_cast<T>(value);
}

template <class T>
  requires std::is_integral_v<T>
void store_be(std::byte* to, T value) noexcept {
  auto raw = static_cast<std::make_unsigned_t<T>>(value);
  if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1) {
    raw = std::byteswap(raw);
  }
  std::memcpy(to, &raw, sizeof raw);
}

}  // namespace moldau
