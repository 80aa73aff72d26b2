#include "metadata/controller/controller_state.h"

#include <algorithm>
#include <charconv>

namespace moldau::metadata {

ConfigLayers ControllerState::layers_of_topic(const ConfigMap& topic) const {
  return {topic, image->config(ConfigResourceType::kBroker, std::to_string(options.node_id.value())),
          image->config(ConfigResourceType::kBroker, "")};
}

std::optional<std::string> ControllerState::topic_config(std::string_view topic, std::string_view key) const {
  return schema.effective_topic_value(key, layers_of_topic(image->config(ConfigResourceType::kTopic, topic)));
}

std::int32_t ControllerState::min_insync_replicas_of(const Topic& topic) const {
  std::int32_t minimum = options.static_min_insync_replicas;
  if (const auto text = topic_config(topic.name, kMinInsyncReplicasConfig)) {
    std::from_chars(text->data(), text->data() + text->size(), minimum);  // validated when it was set
  }
  return minimum;
}

TopicRules ControllerState::rules_of(const Topic& topic) const {
  TopicRules rules;
  rules.version = version();
  rules.elr_enabled = image->elr_enabled();
  const std::int32_t minimum = min_insync_replicas_of(topic);
  const PartitionRegistration* first = topic.partition(PartitionIndex(0));
  rules.min_insync_replicas =
      first == nullptr ? minimum : std::min(minimum, static_cast<std::int32_t>(first->replicas.size()));
  rules.unclean_election = topic_config(topic.name, kUncleanElectionConfig) == "true";
  return rules;
}

}  // namespace moldau::metadata
