// An IP address as a value: what limits of an address are kept by. An IPv4 address and its IPv4-mapped form are one.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace moldau {

class IpAddress {
 public:
  // "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"; a zone ("fe80::1%eth0") is left out. nullopt: no address.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text) noexcept;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

  struct Hash {
    [[nodiscard]] std::size_t operator()(const IpAddress& address) const noexcept;
  };

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

}  // namespace moldau
