// Pieces of an encoded record that builders share: a field is a size, -1 for null, and so many bytes.
//
// Bound:  write_* need field_size() bytes of room; nothing is allocated.
// Source: org.apache.kafka.common.record.DefaultRecord.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "base/bytes.h"
#include "protocol/record/varint.h"

namespace moldau::record {

[[nodiscard]] inline std::size_t field_size(const std::optional<Bytes>& field) noexcept {
  return field ? varlong_size(static_cast<std::int64_t>(field->size())) + field->size() : varlong_size(-1);
}

// Without a size. Each gives where the next byte goes.
[[nodiscard]] inline std::byte* write_raw(std::byte* to, Bytes bytes) noexcept {
  if (!bytes.empty()) {
    std::memcpy(to, bytes.data(), bytes.size());
  }
  return to + bytes.size();
}

[[nodiscard]] inline std::byte* write_field(std::byte* to, const std::optional<Bytes>& field) noexcept {
  to = write_varlong(to, field ? static_cast<std::int64_t>(field->size()) : -1);
  return field ? write_raw(to, *field) : to;
}

// As Java adds and subtracts: any two times have a sum and a difference.
[[nodiscard]] inline std::int64_t wrapping_add(std::int64_t a, std::int64_t b) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
[[nodiscard]] inline std::int64_t wrapping_subtract(std::int64_t a, std::int64_t b) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

}  // namespace moldau::record
