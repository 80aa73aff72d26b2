// Little-endian integers: gzip's trailer and the frames of lz4. Everything of Kafka's own is big-endian (base/bytes.h).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace moldau::record {

static_assert(std::endian::native == std::endian::little);

// The caller has checked that four bytes are there.
[[nodiscard]] inline std::uint32_t load_le32(const std::byte* from) noexcept {
  std::uint32_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline void append_le32(ByteVector& out, std::uint32_t value) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof value);
}

}  // namespace moldau::record
