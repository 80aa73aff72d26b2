#include "metadata/controller/feature_control.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <system_error>

#include "base/probe.h"

namespace moldau::metadata {
namespace {

// Of eligible.leader.replicas.version 1; no other level depends on more than the lowest metadata.version.
constexpr MetadataVersion kElrNeeds{23};

// What a process of the cluster says it supports: "" or why it cannot have this level.
template <class Features>
std::string why_not_by(const std::string& who, const Features& features, std::string_view feature, std::int16_t level) {
  const auto found = std::ranges::find_if(features, [&](const auto& range) { return range.name == feature; });
  if (found == features.end()) {
    return level == 0 ? "" : who + " does not support this feature";
  }
  if (level < found->min_supported_version || level > found->max_supported_version) {
    return who + " supports the levels " + std::to_string(found->min_supported_version) + " to " +
           std::to_string(found->max_supported_version);
  }
  return {};
}

bool is_broker_id(const std::string& name) {
  std::int32_t id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  return error == std::errc() && end == name.data() + name.size();
}

records::MetadataRecordAndVersion config_record(const std::string& broker, std::optional<std::string> value) {
  records::ConfigRecord record;
  record.resource_type = static_cast<std::int8_t>(ConfigResourceType::kBroker);
  record.resource_name = broker;
  record.name = kMinInsyncReplicasConfig;
  record.value = std::move(value);
  return {std::move(record), kRecordVersion0};
}

records::MetadataRecordAndVersion level_record(const FeatureUpdate& update) {
  records::FeatureLevelRecord record;
  record.name = update.feature;
  record.feature_level = update.level;
  return {std::move(record), kRecordVersion0};
}

}  // namespace

Decision<> FeatureControl::update(const UpdateFeatures& request) const {
  std::map<std::string_view, const FeatureUpdate*> updates;
  for (const FeatureUpdate& one : request.updates) {
    updates.insert_or_assign(one.feature, &one);
  }
  const auto raised = updates.find(kMetadataVersionFeature);
  const MetadataVersion proposed = raised == updates.end() ? state_.version() : MetadataVersion(raised->second->level);
  ControllerResult<> result;
  result.atomic = true;
  for (const auto& [feature, one] : updates) {
    if (const std::string fault = why_not(*one, proposed); !fault.empty()) {
      return refuse(ErrorCode::kInvalidUpdateVersion, "the level of no feature was changed: " + std::string(feature) +
                                                          " cannot have level " + std::to_string(one->level) + ": " +
                                                          fault);
    }
    if (feature == kElrVersionFeature && one->level > 0) {
      add_elr_safety_records(result.records);
    }
  }
  for (const auto& [feature, one] : updates) {
    if (feature != kKRaftVersionFeature) {
      result.records.push_back(level_record(*one));
    } else if (one->type == kFeatureUpgrade) {
      result.records.push_back({records::NoOpRecord{}, kRecordVersion0});  // an offset for the answer to wait for
    }
  }
  if (request.validate_only) {
    result.records.clear();
  }
  return result;
}

std::int16_t FeatureControl::current_level(std::string_view feature) const noexcept {
  return feature == kKRaftVersionFeature ? state_.options.kraft_version : state_.image->feature_level(feature);
}

std::string FeatureControl::why_not(const FeatureUpdate& update, MetadataVersion proposed) const {
  if (update.type < kFeatureUpgrade || update.type > kFeatureUnsafeDowngrade) {
    return "there is no update type " + std::to_string(update.type);
  }
  if (update.level < 0) {
    return "a level cannot be negative";
  }
  if (std::string fault = why_unsupported(update.feature, update.level); !fault.empty()) {
    return fault;
  }
  const std::int16_t current = current_level(update.feature);
  if (update.level < current && update.type == kFeatureUpgrade) {
    return "it has level " + std::to_string(current) + ", and a downgrade was not asked for";
  }
  if (update.level > current && update.type != kFeatureUpgrade) {
    return "it has level " + std::to_string(current) + ", and a downgrade was asked for";
  }
  if (update.feature == kMetadataVersionFeature) {
    return why_not_metadata_version(update.level);
  }
  if (update.feature == kKRaftVersionFeature) {
    return update.level == current ? "" : "the version of the quorum cannot be changed";
  }
  if (find_supported_feature(update.feature) == nullptr) {
    return "there is no such feature";
  }
  if (update.feature == kElrVersionFeature && update.level > 0 && proposed < kElrNeeds) {
    return "it needs metadata.version " + std::to_string(kElrNeeds.value());
  }
  return {};
}

std::string FeatureControl::why_unsupported(std::string_view feature, std::int16_t level) const {
  const std::string self = "controller " + std::to_string(state_.options.node_id.value());
  if (const SupportedFeature* known = find_supported_feature(feature)) {
    if (level < known->min || level > known->max) {
      return self + " supports the levels " + std::to_string(known->min) + " to " + std::to_string(known->max);
    }
  } else if (level != 0) {
    return self + " does not support this feature";
  }
  for (const auto& broker : state_.image->brokers()) {
    std::string fault =
        why_not_by("broker " + std::to_string(broker.key.value()), broker.value->record().features, feature, level);
    if (!fault.empty()) {
      return fault;
    }
  }
  if (!has_controller_registration(state_.version())) {
    return {};  // what the others support is not known
  }
  for (const auto& controller : state_.image->controllers()) {
    std::string fault = controller.key == state_.options.node_id
                            ? std::string()
                            : why_not_by("controller " + std::to_string(controller.key.value()),
                                         controller.value->features, feature, level);
    if (!fault.empty()) {
      return fault;
    }
  }
  return {};
}

std::string FeatureControl::why_not_metadata_version(std::int16_t level) const {
  const MetadataVersion wanted(level);
  if (wanted < state_.version() && metadata_changed_between(wanted, state_.version())) {
    MOLDAU_PROBE("controller.refused_lossy_downgrade");
    return "a version above it changed the metadata, some of which would be lost";
  }
  return {};
}

void FeatureControl::add_elr_safety_records(RecordBatch& out) const {
  if (!state_.image->config(ConfigResourceType::kBroker, "").contains(kMinInsyncReplicasConfig)) {
    out.push_back(config_record("", std::to_string(state_.options.static_min_insync_replicas)));
  }
  for (const auto& config : state_.image->configs()) {
    if (config.key.type == ConfigResourceType::kBroker && is_broker_id(config.key.name) &&
        config.value->contains(kMinInsyncReplicasConfig)) {
      out.push_back(config_record(config.key.name, std::nullopt));
    }
  }
}

}  // namespace moldau::metadata
