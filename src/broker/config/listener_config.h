// The listeners of a node: their names, addresses and protocols, what is told about them, and who uses which.
//
// Rules of Kafka, each a fault here: a listener without a security protocol in the map (a map that is set has to name
// the
//         controller's too; without one, controller names are PLAINTEXT as long as nothing asks for SSL or SASL); a
//         controller name that is no listener; an advertised name that is no listener; 0.0.0.0 advertised; an
//         inter-broker listener that is not advertised to brokers. Ours: every protocol but PLAINTEXT.
// Source: Kafka's AbstractKafkaConfig.effectiveListenerSecurityProtocolMap and interBrokerListenerName, and
//         KafkaConfig.effectiveAdvertisedBrokerListeners and validateValues.
#pragma once

#include "broker/config/config_reader.h"
#include "broker/config/node_config.h"

namespace moldau::broker {

// Fills config.listeners, config.controller_name and config.inter_broker_listener.
void read_listeners(ConfigReader& reader, NodeConfig& config);

// Judges controller.quorum.voters and controller.quorum.bootstrap.servers, which can name this node alone: a node of
// this release is a quorum of one. After read_listeners; a voter's address may become the controller's advertised one.
void read_quorum(ConfigReader& reader, NodeConfig& config);

}  // namespace moldau::broker
