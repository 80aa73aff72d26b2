// The compression codecs of record batches, as the low three bits of a batch's attributes name them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace moldau::record {

enum class Codec : std::uint8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };

inline constexpr std::uint8_t kCodecIdMax = 4;  // ids 5 to 7 have no meaning

// nullopt for an id without meaning.
[[nodiscard]] constexpr std::optional<Codec> codec_from_id(std::uint8_t id) noexcept {
  return id <= kCodecIdMax ? std::optional(static_cast<Codec>(id)) : std::nullopt;
}

// "none", "gzip", "snappy", "lz4", "zstd": as compression.type spells them.
[[nodiscard]] std::string_view name(Codec codec) noexcept;
[[nodiscard]] std::optional<Codec> codec_from_name(std::string_view name) noexcept;

// What compression.<codec>.level accepts. Codecs without levels have 0 in all three.
struct LevelRange {
  int min = 0;
  int max = 0;
  int standard = 0;  // valid even where it lies outside [min, max]: gzip's -1
};
[[nodiscard]] LevelRange level_range(Codec codec) noexcept;
[[nodiscard]] bool is_valid_level(Codec codec, int level) noexcept;

}  // namespace moldau::record
