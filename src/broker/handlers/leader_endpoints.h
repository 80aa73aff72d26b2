// Tells a client that asked the wrong broker who leads, and where that broker is (KIP-951): Produce v10+, Fetch v16+.
//
// A replica that refused says who leads; where none could be asked, or leadership was lost while the request waited,
// the metadata says it.
#pragma once

#include <algorithm>
#include <vector>

#include "broker/handlers/shard_context.h"
#include "metadata/image/image.h"

namespace moldau::broker {

class LeaderEndpoints {
 public:
  // Fills the response's currentLeader; an unknown leader stays -1. `registration` is the partition's, or null.
  template <class CurrentLeader>
  void name(CurrentLeader& current, NodeId leader, LeaderEpoch epoch,
            const metadata::PartitionRegistration* registration) {
    if (leader == kNoNode && registration != nullptr) {
      leader = registration->leader;
      epoch = registration->leader_epoch;
    }
    current.leader_id = leader.value();
    current.leader_epoch = epoch.value();
    if (leader != kNoNode && std::find(leaders_.begin(), leaders_.end(), leader) == leaders_.end()) {
      leaders_.push_back(leader);
    }
  }

  // Adds the endpoints of the leaders named so far that are alive. `connection` may be null: the client has gone.
  // The response's strings are views into the router's present image.
  template <class Response>
  void add_to(Response& response, const ShardContext& context, const ConnectionInfo* connection) const {
    for (const NodeId leader : leaders_) {
      if (const auto address = live_address_of(context, leader, connection)) {
        response.node_endpoints.push_back(
            {.node_id = leader.value(), .host = address->host, .port = address->port, .rack = address->rack});
      }
    }
  }

 private:
  std::vector<NodeId> leaders_;  // each once; bounded by the cluster
};

}  // namespace moldau::broker
