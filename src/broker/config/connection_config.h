// How many connections a node takes in, and how fast: max.connections, .per.ip and .overrides, the creation rates, and
// what single listeners say of them (`listener.name.<name in lower case>.<key>`).
//
// Rules:  an address is written as a number or as localhost: a host name that means another address tomorrow is no
//         limit. max.connections.per.ip may be 0 only where overrides let somebody in.
// Source: Kafka's SocketServerConfigs and ConnectionQuotas; KafkaConfig.validateValues.
#pragma once

#include "broker/config/config_reader.h"
#include "broker/config/node_config.h"

namespace moldau::broker {

// After read_listeners.
void read_connections(ConfigReader& reader, NodeConfig& config);

}  // namespace moldau::broker
