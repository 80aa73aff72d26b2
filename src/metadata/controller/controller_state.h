// What the active controller decides on: the image with every record it has appended, committed or not, and the soft
// state of its brokers. Managers read it; only Controller::replay writes the image.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "metadata/controller/config_schema.h"
#include "metadata/controller/heartbeats.h"
#include "metadata/controller/partition_change_builder.h"
#include "metadata/image/image.h"

namespace moldau::metadata {

struct ControllerOptions {
  NodeId node_id = kNoNode;
  std::string cluster_id;
  Instant session_timeout = std::chrono::seconds(9);  // broker.session.timeout.ms
  std::int32_t default_partitions = 1;                // num.partitions
  std::int16_t default_replication_factor = 1;        // default.replication.factor
  std::int32_t static_min_insync_replicas = 1;        // min.insync.replicas of this node's static configuration
  bool delete_topic_enable = true;                    // delete.topic.enable
  std::int16_t kraft_version = 0;                     // of the quorum, in its control records
};

struct ControllerState {
  ControllerState(ControllerOptions o, const ConfigSchema& s, Entropy& e)
      : options(std::move(o)), schema(s), entropy(e), heartbeats(options.session_timeout) {}

  const ControllerOptions options;
  const ConfigSchema& schema;
  Entropy& entropy;
  std::shared_ptr<const Image> image = std::make_shared<const Image>();
  Heartbeats heartbeats;

  // Only valid once the bootstrap records were replayed.
  [[nodiscard]] MetadataVersion version() const { return image->metadata_version().value_or(kMetadataVersionMin); }
  [[nodiscard]] bool is_active(NodeId broker) const noexcept {
    const BrokerRegistration* registration = image->broker(broker);
    return registration != nullptr && registration->active();
  }
  // The value in effect for a topic, dynamic layers included.
  [[nodiscard]] std::optional<std::string> topic_config(std::string_view topic, std::string_view key) const;
  [[nodiscard]] ConfigLayers layers_of_topic(const ConfigMap& topic) const;
  [[nodiscard]] TopicRules rules_of(const Topic& topic) const;
  // As configured, however many replicas there are.
  [[nodiscard]] std::int32_t min_insync_replicas_of(const Topic& topic) const;
};

}  // namespace moldau::metadata
