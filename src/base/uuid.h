// Kafka's Uuid: 128 bits, printed as 22 characters of URL-safe base64 without padding.
// Source: org.apache.kafka.common.Uuid.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace moldau {

struct Uuid {
  std::uint64_t high = 0;  // the most significant bits, first on the wire
  std::uint64_t low = 0;

  [[nodiscard]] constexpr bool is_zero() const noexcept { return high == 0 && low == 0; }
  [[nodiscard]] std::string to_string() const;

  // kInvalid: not 22 characters of the alphabet. Java's decoder ignores the last four bits, and so do we.
  [[nodiscard]] static Result<Uuid> parse(std::string_view text);

  // A version 4 UUID made of 128 random bits.
  [[nodiscard]] static constexpr Uuid from_random_bits(std::uint64_t high, std::uint64_t low) noexcept {
    return {(high & ~std::uint64_t{0xF000}) | 0x4000, (low & 0x3FFF'FFFF'FFFF'FFFF) | 0x8000'0000'0000'0000};
  }

  friend constexpr auto operator<=>(const Uuid&, const Uuid&) noexcept = default;
};

inline constexpr Uuid kZeroUuid{};                 // "no id"; as a directory id: MIGRATING
inline constexpr Uuid kUnassignedDirectory{0, 1};  // also the topic id of __cluster_metadata
inline constexpr Uuid kLostDirectory{0, 2};
inline constexpr Uuid kMetadataTopicId{0, 1};

}  // namespace moldau

template <>
struct std::hash<moldau::Uuid> {
  std::size_t operator()(const moldau::Uuid& id) const noexcept {
    return static_cast<std::size_t>(id.high ^ (id.low * 0x9E37'79B9'7F4A'7C15));
  }
};
