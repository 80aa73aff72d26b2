// What the controller of a node is told of its configuration, and which features this release has.
#pragma once

#include <vector>

#include "broker/config/node_config.h"
#include "broker/handlers/metadata_handler.h"
#include "metadata/controller/cluster_control.h"
#include "metadata/controller/controller_state.h"

namespace moldau::broker {

[[nodiscard]] metadata::ControllerOptions controller_options(const NodeConfig& config, const ClusterIdentity& identity);
[[nodiscard]] std::vector<metadata::FeatureRange> supported_ranges();

}  // namespace moldau::broker
