#include "broker/handlers/shard_context.h"

namespace moldau::broker {

bool is_internal_topic(std::string_view name) noexcept {
  return name == "__consumer_offsets" || name == "__transaction_state" || name == "__share_group_state";
}

std::optional<NodeAddress> address_of(const ShardContext& context, const metadata::BrokerRegistration& broker,
                                      const ConnectionInfo& connection) {
  const auto* endpoint = broker.endpoint(connection.listener_name);
  if (endpoint == nullptr) {
    return std::nullopt;
  }
  NodeAddress address{.host = endpoint->host, .port = endpoint->port, .rack = std::nullopt};
  if (broker.id() == context.self && context.limits.advertise_local_address) {
    address.host = connection.local.host;
    address.port = connection.local.port;
  }
  if (broker.rack()) {
    address.rack = *broker.rack();
  }
  return address;
}

std::optional<NodeAddress> live_address_of(const ShardContext& context, NodeId node, const ConnectionInfo* connection) {
  const metadata::BrokerRegistration* broker = context.router.image()->broker(node);
  if (broker == nullptr || broker->fenced() || connection == nullptr) {
    return std::nullopt;
  }
  return address_of(context, *broker, *connection);
}

}  // namespace moldau::broker
