// Decides the finalized feature levels of the cluster: UpdateFeatures.
//
// All or nothing: one feature that may not have its level refuses the whole request with kInvalidUpdateVersion.
// Source: Kafka's FeatureControlManager, ConfigurationControlManager.updateFeatures, Feature; KIP-584, KIP-778,
// KIP-1022.
//         Error messages are our own. Difference: kraft.version 0 is not raised, because the voters of a static quorum
//         are in the configuration (kInvalidUpdateVersion).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "metadata/controller/controller_state.h"

namespace moldau::metadata {

// With the codes of the request; every other code is unknown.
inline constexpr std::int8_t kFeatureUpgrade = 1;
inline constexpr std::int8_t kFeatureSafeDowngrade = 2;
inline constexpr std::int8_t kFeatureUnsafeDowngrade = 3;

struct FeatureUpdate {
  std::string feature;
  std::int16_t level = 0;  // 0: no longer finalized
  std::int8_t type = kFeatureUpgrade;
};

struct UpdateFeatures {
  std::vector<FeatureUpdate> updates;  // of a feature that is named twice the last one counts
  bool validate_only = false;
};

class FeatureControl {
 public:
  explicit FeatureControl(const ControllerState& state) : state_(state) {}

  // Atomic. With ELR raised: first min.insync.replicas as the cluster's default if there is none, and no broker's own.
  // kInvalidUpdateVersion: an unknown type or feature; a level that this controller, a registered broker or another
  // registered controller does not support; a lower level without a downgrade type, a higher one with it; a feature it
  // depends on is too low; metadata.version lowered over a version that changed the metadata; kraft.version changed.
  [[nodiscard]] Decision<> update(const UpdateFeatures& request) const;

 private:
  [[nodiscard]] std::int16_t current_level(std::string_view feature) const noexcept;
  [[nodiscard]] std::string why_unsupported(std::string_view feature, std::int16_t level) const;
  [[nodiscard]] std::string why_not(const FeatureUpdate& update, MetadataVersion proposed) const;
  [[nodiscard]] std::string why_not_metadata_version(std::int16_t level) const;
  void add_elr_safety_records(RecordBatch& out) const;

  const ControllerState& state_;
};

}  // namespace moldau::metadata
