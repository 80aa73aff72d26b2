// What DescribeConfigs says of a resource: every key with its value, where the value comes from, and what else would
// have given it one. Values that are secrets are never given out; a key that nobody knows counts as one.
//
// Differences to Kafka: keys come by name; our own keys, which begin with "moldau.", show only where they are set; the
// documentation is ours, and for a key that changes nothing here the reason.
// Source: kafka.server.ConfigHelper; KIP-133, 226, 569, 714, 848; inventory §6, 65.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/config/broker_configs.h"
#include "broker/config/topic_configs.h"
#include "metadata/image/image.h"

namespace moldau::broker {

struct DescribedSynonym {
  std::string name;
  std::optional<std::string> value;
  ConfigSource source = ConfigSource::kDefault;
};

struct DescribedConfig {
  std::string name;
  std::optional<std::string> value;
  ConfigSource source = ConfigSource::kDefault;
  std::int8_t type = 0;  // DescribeConfigs' code; 0: unknown
  bool read_only = false;
  bool sensitive = false;
  std::vector<DescribedSynonym> synonyms;  // strongest first
  std::optional<std::string> documentation;
};

// Of the resource's keys, those that are asked for.
class WantedKeys {
 public:
  // None, or an empty list: all.
  explicit WantedKeys(const std::optional<std::vector<std::string_view>>& keys);
  [[nodiscard]] bool contains(std::string_view key) const;

 private:
  std::vector<std::string_view> sorted_;
};

class ConfigDescriber {
 public:
  ConfigDescriber(const TopicConfigs& topics, const BrokerConfigs& brokers) : topics_(topics), brokers_(brokers) {}

  [[nodiscard]] std::vector<DescribedConfig> topic(const metadata::Image& image, std::string_view name,
                                                   const WantedKeys& wanted) const;
  // Of this broker: as it is in force.
  [[nodiscard]] std::vector<DescribedConfig> broker(const metadata::Image& image, const WantedKeys& wanted) const;
  // What is set for all brokers.
  [[nodiscard]] std::vector<DescribedConfig> all_brokers(const metadata::Image& image, const WantedKeys& wanted) const;
  [[nodiscard]] std::vector<DescribedConfig> group(const metadata::Image& image, std::string_view name,
                                                   const WantedKeys& wanted) const;
  [[nodiscard]] std::vector<DescribedConfig> client_metrics(const metadata::Image& image, std::string_view name,
                                                            const WantedKeys& wanted) const;

 private:
  [[nodiscard]] DescribedConfig broker_key(std::string_view name, const DynamicLayers& layers) const;
  [[nodiscard]] std::vector<DescribedSynonym> broker_synonyms(std::string_view name, const DynamicLayers& layers) const;

  const TopicConfigs& topics_;
  const BrokerConfigs& brokers_;
};

}  // namespace moldau::broker
