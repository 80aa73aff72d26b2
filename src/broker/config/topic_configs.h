// What a topic's configuration keys come out as, from the topic's own values down to the defaults, and which values a
// topic may have.
//
// Layers, strongest first: the topic; this node's dynamic values; the cluster's dynamic values; the static
// configuration; the default. Below the topic a key is looked up under its broker synonyms, in order. Source: Kafka's
// KafkaConfigSchema, LogConfig, ControllerConfigurationValidator; inventory §4.2 and §6, 65.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "broker/config/node_config.h"
#include "broker/partitions/partition_router.h"
#include "config_schema/config_key.h"
#include "metadata/controller/config_schema.h"
#include "storage/cleaner/cleaner_config.h"

namespace moldau::broker {

// DescribeConfigs' codes for where a value comes from.
enum class ConfigSource : std::int8_t {
  kTopic = 1,
  kDynamicBroker = 2,
  kDynamicDefaultBroker = 3,
  kStaticBroker = 4,
  kDefault = 5,
  kLogger = 6,
  kClientMetrics = 7,
  kGroup = 8,
};

struct ConfigSynonym {
  std::string name;
  std::optional<std::string> value;  // as the topic key counts it
  ConfigSource source = ConfigSource::kDefault;
  std::optional<std::string> raw;  // as it was written: hours, where the key counts milliseconds
};

class TopicConfigs final : public metadata::ConfigSchema, public PartitionConfigSource {
 public:
  explicit TopicConfigs(const NodeConfig& config);

  // Every layer that has a value for the topic key, strongest first; never empty for a known key.
  [[nodiscard]] std::vector<ConfigSynonym> resolve(const config::ConfigKey& key,
                                                   const metadata::ConfigLayers& layers) const;

  // metadata::ConfigSchema
  [[nodiscard]] bool is_list(metadata::ConfigResourceType type, std::string_view key) const override;
  [[nodiscard]] std::optional<std::string> default_value(metadata::ConfigResourceType type,
                                                         std::string_view key) const override;
  [[nodiscard]] metadata::ApiError validate(const metadata::ConfigResource& resource,
                                            const metadata::ConfigMap& proposed,
                                            const metadata::ConfigMap& existing) const override;
  [[nodiscard]] std::optional<std::string> effective_topic_value(std::string_view key,
                                                                 const metadata::ConfigLayers& layers) const override;
  [[nodiscard]] std::vector<metadata::EffectiveConfig> effective_topic_configs(
      const metadata::ConfigLayers& layers) const override;

  // PartitionConfigSource
  [[nodiscard]] replication::PartitionConfig config_of(const metadata::Image& image,
                                                       std::string_view topic) const override;

  // The cleaner's keys with what was altered while the node runs.
  [[nodiscard]] storage::CleanerConfig cleaner_of(const metadata::Image& image) const;

  // A broker key's value on this node under an image: dynamic of the node, of the cluster, static, Kafka's default; ""
  // if there is none.
  [[nodiscard]] std::string broker_value(const metadata::Image& image, std::string_view key) const;
  // The dynamic layers of a topic under an image.
  [[nodiscard]] metadata::ConfigLayers layers_of(const metadata::Image& image, std::string_view topic) const;

 private:
  // No topic's key, and in force for every log: dynamic as Kafka has it.
  [[nodiscard]] std::int32_t producer_id_expiration_ms(const metadata::ConfigLayers& layers) const;

  const NodeConfig& config_;
  std::string node_name_;
};

}  // namespace moldau::broker
