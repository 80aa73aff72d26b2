#include "metadata/image/metadata_version.h"

#include <algorithm>
#include <array>

namespace moldau::metadata {
namespace {

constexpr std::array<SupportedFeature, 7> kFeatures{{
    {kElrVersionFeature, 0, 1, 1},
    {kGroupVersionFeature, 0, 1, 1},
    {kKRaftVersionFeature, 0, 1, 0},  // lives in the quorum's control records, not among the finalized levels
    {kMetadataVersionFeature, kMetadataVersionMin.value(), kMetadataVersionMax.value(), kMetadataVersionMax.value()},
    {kShareVersionFeature, 0, 1, 1},
    {kStreamsVersionFeature, 0, 1, 1},
    {kTransactionVersionFeature, 0, 2, 2},
}};

// The versions that Kafka marks as changing metadata: 3.3-IV3, 3.4-IV0, 3.5-IV2, 3.6-IV1, 3.6-IV2, 3.7-IV0, 3.7-IV2,
// 4.0-IV1, 4.3-IV0.
constexpr std::array<std::int16_t, 9> kChangingVersions{7, 8, 11, 13, 14, 15, 17, 23, 30};

}  // namespace

std::span<const SupportedFeature> supported_features() noexcept {
  return kFeatures;
}

const SupportedFeature* find_supported_feature(std::string_view name) noexcept {
  const auto found = std::ranges::find(kFeatures, name, &SupportedFeature::name);
  return found == kFeatures.end() ? nullptr : &*found;
}

bool metadata_changed_between(MetadataVersion low, MetadataVersion high) noexcept {
  return std::ranges::any_of(kChangingVersions, [&](std::int16_t v) { return v > low.value() && v <= high.value(); });
}

}  // namespace moldau::metadata
