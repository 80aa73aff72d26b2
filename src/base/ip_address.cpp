#include "base/ip_address.h"

#include <algorithm>
#include <charconv>
#include <functional>

namespace moldau {
namespace {

constexpr std::size_t kGroups = 8;

// Digits only, no sign, at most `digits_max` of them. A decimal zero leads no other digit: some read it as octal.
std::optional<std::uint32_t> parse_number(std::string_view text, int base, std::size_t digits_max) noexcept {
  std::uint32_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || text.size() > digits_max || (base == 10 && text.size() > 1 && text.front() == '0') ||
      parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// Four decimal bytes.
std::optional<std::uint32_t> parse_v4(std::string_view text) noexcept {
  std::uint32_t address = 0;
  for (int part = 0; part < 4; ++part) {
    const std::size_t dot = text.find('.');
    if ((dot == std::string_view::npos) != (part == 3)) {
      return std::nullopt;
    }
    const auto byte = parse_number(text.substr(0, dot), 10, 3);
    if (!byte || *byte > UINT8_MAX) {
      return std::nullopt;
    }
    address = address << 8 | *byte;
    text.remove_prefix(dot == std::string_view::npos ? text.size() : dot + 1);
  }
  return address;
}

struct Groups {
  std::array<std::uint16_t, kGroups> values{};
  std::size_t count = 0;

  bool add(std::uint32_t value) noexcept {
    if (count == kGroups || value > UINT16_MAX) {
      return false;
    }
    values[count++] = static_cast<std::uint16_t>(value);
    return true;
  }
};

// "1:2:3", or "1:2:192.0.2.1" where an IPv4 tail may stand; "" has no group.
std::optional<Groups> parse_groups(std::string_view text, bool v4_tail_allowed) noexcept {
  Groups groups;
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (colon == std::string_view::npos && v4_tail_allowed && group.find('.') != std::string_view::npos) {
      const auto v4 = parse_v4(group);
      return v4 && groups.add(*v4 >> 16) && groups.add(*v4 & UINT16_MAX) ? std::optional(groups) : std::nullopt;
    }
    const auto value = parse_number(group, 16, 4);
    if (!value || !groups.add(*value)) {
      return std::nullopt;
    }
    if (colon == std::string_view::npos) {
      break;
    }
    text.remove_prefix(colon + 1);
    if (text.empty()) {
      return std::nullopt;  // ends with a colon
    }
  }
  return groups;
}

std::optional<Groups> parse_v6(std::string_view text) noexcept {
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    const auto groups = parse_groups(text, true);
    return groups && groups->count == kGroups ? groups : std::nullopt;
  }
  const auto head = parse_groups(text.substr(0, gap), false);
  const auto tail = parse_groups(text.substr(gap + 2), true);
  if (!head || !tail || head->count + tail->count >= kGroups) {
    return std::nullopt;
  }
  Groups all = *head;
  all.count = kGroups;
  std::copy_n(tail->values.begin(), tail->count, all.values.end() - static_cast<std::ptrdiff_t>(tail->count));
  return all;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) noexcept {
  IpAddress address;
  if (const auto v4 = parse_v4(text)) {
    address.bytes_[10] = address.bytes_[11] = UINT8_MAX;
    for (std::size_t i = 0; i < 4; ++i) {
      address.bytes_[12 + i] = static_cast<std::uint8_t>(*v4 >> (24 - 8 * i));
    }
    return address;
  }
  const auto groups = parse_v6(text.substr(0, text.find('%')));
  if (!groups) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < kGroups; ++i) {
    address.bytes_[2 * i] = static_cast<std::uint8_t>(groups->values[i] >> 8);
    address.bytes_[2 * i + 1] = static_cast<std::uint8_t>(groups->values[i]);
  }
  return address;
}

std::size_t IpAddress::Hash::operator()(const IpAddress& address) const noexcept {
  return std::hash<std::string_view>()(
      std::string_view(reinterpret_cast<const char*>(address.bytes_.data()), address.bytes_.size()));
}

}  // namespace moldau
