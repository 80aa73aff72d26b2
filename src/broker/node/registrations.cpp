#include "broker/node/registrations.h"

#include <utility>

#include "broker/node/controller_options.h"

namespace moldau::broker {
namespace {

metadata::ListenerEndpoint to_metadata(const Acceptor& acceptor) {
  const runtime::Endpoint address = acceptor.advertised();
  return {.name = acceptor.config().name, .host = address.host, .port = address.port, .security_protocol = 0};
}

}  // namespace

Registrations make_registrations(const NodeConfig& config, const NodeDirectories& directories,
                                 const std::deque<Acceptor>& acceptors, const Uuid& incarnation) {
  Registrations made{.controller = {.controller = config.node_id,
                                    .incarnation_id = incarnation,
                                    .listeners = {},
                                    .features = supported_ranges()},
                     .broker = {.broker = config.node_id,
                                .cluster_id = directories.cluster_id,
                                .incarnation_id = incarnation,
                                .listeners = {},
                                .features = supported_ranges(),
                                .rack = config.rack,
                                .is_migrating_zk_broker = false,
                                .log_dirs = directories.ids_of_logs(),
                                .previous_epoch = directories.previous_epoch,
                                .previous_process_is_gone = true},
                     .controller_endpoints = {}};
  for (const Acceptor& acceptor : acceptors) {
    const metadata::ListenerEndpoint endpoint = to_metadata(acceptor);
    if (acceptor.config().is_controller) {
      made.controller.listeners.push_back(endpoint);
      made.controller_endpoints.push_back({endpoint.name, endpoint.host, endpoint.port});
    } else if (acceptor.config().is_told) {
      made.broker.listeners.push_back(endpoint);
    }
  }
  return made;
}

}  // namespace moldau::broker
