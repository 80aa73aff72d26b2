// The configuration of this broker as it is in force: what the start had, below it what AlterConfigs set for all
// brokers and for this one. Judges changes before they go to the controller, as Kafka's broker does.
//
// Layers, strongest first: this broker's dynamic keys; those of all brokers; the static configuration; the default. A
// key that is set takes the weaker layers' other names of the same thing away (log.roll.ms those of log.roll.hours).
// Shard:  any; reads only what the start fixed and the image that it is given.
// Source: Kafka's DynamicBrokerConfig, ConfigAdminManager, the validateReconfiguration of what is reconfigurable, and
//         KafkaConfig.validateValues.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/config/node_config.h"
#include "metadata/controller/configuration_control.h"
#include "metadata/image/image.h"

namespace moldau::broker {

struct DynamicLayers {
  metadata::ConfigMap node;     // of this broker
  metadata::ConfigMap cluster;  // of all brokers
};

class BrokerConfigs {
 public:
  explicit BrokerConfigs(const NodeConfig& config);

  [[nodiscard]] const std::string& node_name() const noexcept { return node_name_; }
  // What counts of the image.
  [[nodiscard]] DynamicLayers layers_of(const metadata::Image& image) const;
  // What the start was given, broker.id and node.id as one.
  [[nodiscard]] const metadata::ConfigMap& static_keys() const noexcept { return static_keys_; }
  // The default that a start without the key has; nullopt if there is none.
  [[nodiscard]] std::optional<std::string> default_of(std::string_view name) const;

  // The keys that are set, each with the value that counts.
  [[nodiscard]] metadata::ConfigMap merged(const DynamicLayers& layers) const;
  // Of one key of merged(): what is set, else the default.
  [[nodiscard]] std::optional<std::string> value_in(const metadata::ConfigMap& merged, std::string_view name) const;
  // The configuration that they make, as a start would read it; the fault if one would refuse them.
  [[nodiscard]] std::expected<NodeConfig, ConfigFault> read(const metadata::ConfigMap& merged) const;

  // May the resource (this broker's id, or "" for all brokers) be altered so? kInvalidRequest and kInvalidConfig with
  // what is wrong. `whose` was checked to be a broker's.
  [[nodiscard]] metadata::ApiError judge(const metadata::Image& image,
                                         const metadata::ResourceAlterations& wanted) const;
  // The same for AlterConfigs, which replaces all.
  [[nodiscard]] metadata::ApiError judge_replacement(const metadata::Image& image,
                                                     const metadata::ResourceAlterations& wanted) const;
  // "" or this node's id, as an integer; else kInvalidRequest.
  [[nodiscard]] metadata::ApiError judge_name(std::string_view resource) const;

 private:
  [[nodiscard]] metadata::ApiError judge_keys_of(const metadata::Image& image, bool for_one_broker,
                                                 metadata::ConfigMap proposed) const;

  const NodeConfig& config_;
  std::string node_name_;
  metadata::ConfigMap static_keys_;
};

}  // namespace moldau::broker
