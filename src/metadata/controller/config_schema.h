// What the controller must know about configuration keys; the config module supplies it.
//
// Source: Kafka's KafkaConfigSchema and ConfigurationValidator.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "metadata/controller/controller_result.h"
#include "metadata/image/image.h"

namespace moldau::metadata {

inline constexpr std::string_view kMinInsyncReplicasConfig = "min.insync.replicas";
inline constexpr std::string_view kUncleanElectionConfig = "unclean.leader.election.enable";
inline constexpr std::string_view kCordonedLogDirsConfig = "cordoned.log.dirs";

// The dynamic layers above the static configuration of this node, strongest first. A topic's key is looked up in the
// broker layers under its broker synonyms (segment.bytes: log.segment.bytes).
struct ConfigLayers {
  const ConfigMap& topic;
  const ConfigMap& node;     // of this controller's node id
  const ConfigMap& cluster;  // of all brokers
};

struct EffectiveConfig {
  std::string name;
  std::optional<std::string> value;
  std::int8_t source = 5;  // of DescribeConfigs: 1 topic, 2 broker, 3 cluster, 4 static, 5 default
  bool read_only = false;
  bool sensitive = false;
};

class ConfigSchema {
 public:
  virtual ~ConfigSchema() = default;

  [[nodiscard]] virtual bool is_list(ConfigResourceType type, std::string_view key) const = 0;
  // Nothing if the key is unknown or has no default.
  [[nodiscard]] virtual std::optional<std::string> default_value(ConfigResourceType type,
                                                                 std::string_view key) const = 0;
  // May `resource` have all of `proposed`? kInvalidConfig and others with a message if not.
  [[nodiscard]] virtual ApiError validate(const ConfigResource& resource, const ConfigMap& proposed,
                                          const ConfigMap& existing) const = 0;
  // Nothing if the key is unknown.
  [[nodiscard]] virtual std::optional<std::string> effective_topic_value(std::string_view key,
                                                                         const ConfigLayers& layers) const = 0;
  // Every topic key that CreateTopics shows, by name.
  [[nodiscard]] virtual std::vector<EffectiveConfig> effective_topic_configs(const ConfigLayers& layers) const = 0;
};

}  // namespace moldau::metadata
