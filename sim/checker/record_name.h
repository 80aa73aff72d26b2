// The values that the simulated producers write: each is unique, and is known from its name alone, so a checker
// needs no copy to compare with.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace moldau::sim {

// The `number`-th record that `producer` made for `partition`.
struct RecordName {
  std::uint32_t producer = 0;
  std::uint32_t partition = 0;
  std::uint64_t number = 0;
  friend auto operator<=>(const RecordName&, const RecordName&) = default;
};

[[nodiscard]] std::string to_string(const RecordName& name);
// 16 bytes of name, then up to `kPaddingBytesMax` bytes that follow from it.
inline constexpr std::size_t kPaddingBytesMax = 300;
[[nodiscard]] ByteVector value_of(const RecordName& name);
// Nullopt: not, byte for byte, a value that value_of makes.
[[nodiscard]] std::optional<RecordName> name_of(Bytes value);

}  // namespace moldau::sim
