// What a node tells of itself when it registers.
#pragma once

#include <deque>
#include <vector>

#include "base/uuid.h"
#include "broker/config/node_config.h"
#include "broker/node/acceptor.h"
#include "broker/node/node_directories.h"
#include "metadata/controller/cluster_control.h"
#include "raft/core/voter_set.h"

namespace moldau::broker {

struct Registrations {
  metadata::RegisterController controller;
  metadata::RegisterBroker broker;
  std::vector<raft::ListenerEndpoint> controller_endpoints;
};

// `acceptors` are bound.
[[nodiscard]] Registrations make_registrations(const NodeConfig& config, const NodeDirectories& directories,
                                               const std::deque<Acceptor>& acceptors, const Uuid& incarnation);

}  // namespace moldau::broker
