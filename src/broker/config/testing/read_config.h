// For tests: the configuration that one properties file makes, or its fault.
#pragma once

#include <expected>
#include <string_view>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "broker/config/config_layers.h"
#include "broker/config/node_config.h"

namespace moldau::broker::testing {

inline std::expected<NodeConfig, ConfigFault> read(std::string_view properties) {
  ConfigLayers layers;
  EXPECT_FALSE(layers.add_properties("p", as_bytes(properties)));
  return make_node_config(layers);
}

}  // namespace moldau::broker::testing
