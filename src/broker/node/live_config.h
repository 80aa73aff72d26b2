// Follows what AlterConfigs sets for this broker and for all brokers, and tells who has to know that the configuration
// in force is another now. Topics hear of their keys by the image itself (TopicConfigs).
//
// Shard:  home.
// Errors: keys that a start would refuse together are not applied: the log says why, and what was in force stays. No
//         broker that judges changes lets them come so far; a controller that is asked itself does.
// Source: Kafka's DynamicBrokerConfig.updateCurrentConfig, BrokerConfigHandler.
#pragma once

#include <string>
#include <string_view>

#include "base/callback.h"
#include "base/log.h"
#include "broker/config/broker_configs.h"
#include "metadata/loader/metadata_loader.h"

namespace moldau::broker {

class LiveConfig final : public metadata::MetadataPublisher {
 public:
  // `on_change` gets the whole configuration, read anew; what only a start can set is in it as the start set it.
  LiveConfig(const BrokerConfigs& configs, Logger& logger, Function<void(const NodeConfig&)> on_change);

  void on_image(const metadata::ImageUpdate& update) override;

 private:
  [[nodiscard]] bool concerns_us(const metadata::ImageChanges& changes) const;
  void tell(const metadata::ConfigMap& merged) const;
  void tell_key(std::string_view name, const std::string* value) const;

  const BrokerConfigs& configs_;
  Logger& logger_;
  Function<void(const NodeConfig&)> on_change_;
  metadata::ConfigMap merged_;  // in force
};

}  // namespace moldau::broker
