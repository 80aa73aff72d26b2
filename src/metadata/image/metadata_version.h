// The feature levels of Kafka 4.3, and what each metadata.version changes in the records that are written.
//
// Source: Kafka's MetadataVersion and Feature. Differences: none.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/strong.h"

namespace moldau::metadata {

// The level of the feature metadata.version.
using MetadataVersion = Strong<struct MetadataVersionTag, std::int16_t>;

inline constexpr MetadataVersion kMetadataVersionMin{7};   // 3.3-IV3
inline constexpr MetadataVersion kMetadataVersionMax{30};  // 4.3-IV0

inline constexpr std::string_view kMetadataVersionFeature = "metadata.version";
inline constexpr std::string_view kKRaftVersionFeature = "kraft.version";
inline constexpr std::string_view kElrVersionFeature = "eligible.leader.replicas.version";
inline constexpr std::string_view kGroupVersionFeature = "group.version";
inline constexpr std::string_view kShareVersionFeature = "share.version";
inline constexpr std::string_view kStreamsVersionFeature = "streams.version";
inline constexpr std::string_view kTransactionVersionFeature = "transaction.version";

struct SupportedFeature {
  std::string_view name;
  std::int16_t min = 0;
  std::int16_t max = 0;
  std::int16_t initial = 0;  // the level that formatting a new 4.3 directory finalizes; 0: none
};

// By name.
[[nodiscard]] std::span<const SupportedFeature> supported_features() noexcept;
// Null if this release does not know the feature.
[[nodiscard]] const SupportedFeature* find_supported_feature(std::string_view name) noexcept;

[[nodiscard]] constexpr bool has_metadata_transactions(MetadataVersion v) noexcept {
  return v.value() >= 13;
}
[[nodiscard]] constexpr bool has_controller_registration(MetadataVersion v) noexcept {
  return v.value() >= 15;
}
[[nodiscard]] constexpr bool has_directory_assignment(MetadataVersion v) noexcept {
  return v.value() >= 17;
}
[[nodiscard]] constexpr bool has_eligible_leader_replicas(MetadataVersion v) noexcept {
  return v.value() >= 23;
}
[[nodiscard]] constexpr bool has_cordoned_directories(MetadataVersion v) noexcept {
  return v.value() >= 30;
}
// Before 3.6 a shrunk ISR had to raise the leader epoch (KAFKA-15021).
[[nodiscard]] constexpr bool raises_leader_epoch_on_isr_shrink(MetadataVersion v) noexcept {
  return v.value() < 12;
}

[[nodiscard]] constexpr std::int16_t register_broker_record_version(MetadataVersion v) noexcept {
  return v.value() >= 30 ? 4 : v.value() >= 17 ? 3 : v.value() >= 8 ? 2 : 1;
}
[[nodiscard]] constexpr std::int16_t partition_record_version(MetadataVersion v) noexcept {
  return has_eligible_leader_replicas(v) ? 2 : has_directory_assignment(v) ? 1 : 0;
}
[[nodiscard]] constexpr std::int16_t partition_change_record_version(MetadataVersion v) noexcept {
  return partition_record_version(v);
}

// Some version in (low, high] changed the metadata itself, so that a downgrade from high to low would lose some.
[[nodiscard]] bool metadata_changed_between(MetadataVersion low, MetadataVersion high) noexcept;

}  // namespace moldau::metadata
