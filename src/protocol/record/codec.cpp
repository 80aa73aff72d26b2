#include "protocol/record/codec.h"

#include <array>

namespace moldau::record {
namespace {

constexpr std::array<std::string_view, kCodecIdMax + 1> kNames{"none", "gzip", "snappy", "lz4", "zstd"};

}  // namespace

std::string_view name(Codec codec) noexcept {
  return kNames[static_cast<std::uint8_t>(codec)];
}

std::optional<Codec> codec_from_name(std::string_view name) noexcept {
  for (std::uint8_t id = 0; id <= kCodecIdMax; ++id) {
    if (kNames[id] == name) {
      return static_cast<Codec>(id);
    }
  }
  return std::nullopt;
}

LevelRange level_range(Codec codec) noexcept {
  switch (codec) {
    case Codec::kGzip: return {.min = 1, .max = 9, .standard = -1};
    case Codec::kLz4: return {.min = 1, .max = 17, .standard = 9};
    case Codec::kZstd: return {.min = -131'072, .max = 22, .standard = 3};
    case Codec::kNone:
    case Codec::kSnappy: break;
  }
  return {};
}

bool is_valid_level(Codec codec, int level) noexcept {
  const LevelRange range = level_range(codec);
  return (level >= range.min && level <= range.max) || level == range.standard;
}

}  // namespace moldau::record
