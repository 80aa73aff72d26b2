#include "metadata/controller/testing/fakes.h"

#include <array>
#include <utility>

namespace moldau::metadata::testing {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kDefaults{{
    {"cleanup.policy", "delete"},
    {"min.insync.replicas", "1"},
    {"retention.ms", "604800000"},
    {"segment.bytes", "1073741824"},
    {"unclean.leader.election.enable", "false"},
}};

}  // namespace

bool FakeSchema::is_list(ConfigResourceType, std::string_view key) const {
  return key == "cleanup.policy";
}

std::optional<std::string> FakeSchema::default_value(ConfigResourceType, std::string_view key) const {
  for (const auto& [name, value] : kDefaults) {
    if (name == key) {
      return std::string(value);
    }
  }
  return std::nullopt;
}

ApiError FakeSchema::validate(const ConfigResource&, const ConfigMap& proposed, const ConfigMap&) const {
  for (const auto& [key, value] : proposed) {
    if (key == "refused" || value == "bad") {
      return {ErrorCode::kInvalidConfig, "refused by the test"};
    }
  }
  return {};
}

std::optional<std::string> FakeSchema::effective_topic_value(std::string_view key, const ConfigLayers& layers) const {
  for (const ConfigMap* layer : {&layers.topic, &layers.node, &layers.cluster}) {
    if (const auto found = layer->find(key); found != layer->end()) {
      return found->second;
    }
  }
  return default_value(ConfigResourceType::kTopic, key);
}

std::vector<EffectiveConfig> FakeSchema::effective_topic_configs(const ConfigLayers& layers) const {
  std::vector<EffectiveConfig> configs;
  for (const auto& [name, value] : kDefaults) {
    const auto found = layers.topic.find(name);
    const bool is_own = found != layers.topic.end();
    configs.push_back({std::string(name), is_own ? found->second : std::string(value),
                       static_cast<std::int8_t>(is_own ? 1 : 5), false, false});
  }
  return configs;
}

Uuid SeededEntropy::uuid() {
  if (!planned.empty()) {
    const Uuid next = planned.front();
    planned.pop_front();
    return next;
  }
  return Uuid::from_random_bits(random_(), random_());
}

}  // namespace moldau::metadata::testing
