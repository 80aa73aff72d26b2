// Which configurations a topic, a group and a client metrics subscription may have: known keys, values that can be
// read, and what several values ask of each other. Broker keys that bound them come from the static configuration.
// Source: Kafka's LogConfig.validate, GroupConfig.validate, ClientMetricsConfigs.validate; KIP-714, KIP-848, KIP-932.
#pragma once

#include <string_view>

#include "broker/config/node_config.h"
#include "metadata/controller/controller_result.h"
#include "metadata/image/image.h"

namespace moldau::broker {

// kInvalidConfig.
[[nodiscard]] metadata::ApiError judge_topic_config(const NodeConfig& node, const metadata::ConfigMap& proposed);
// kInvalidConfig; kInvalidRequest without a name.
[[nodiscard]] metadata::ApiError judge_group_config(const NodeConfig& node, std::string_view group,
                                                    const metadata::ConfigMap& proposed);
// kInvalidRequest for a name that is empty, an unknown key and an interval out of bounds, else kInvalidConfig.
[[nodiscard]] metadata::ApiError judge_client_metrics_config(std::string_view subscription,
                                                             const metadata::ConfigMap& proposed);

// A group's key in the configuration of the broker, which gives its default; "" if it has none.
[[nodiscard]] std::string_view broker_key_of_group_key(std::string_view group_key) noexcept;

}  // namespace moldau::broker
