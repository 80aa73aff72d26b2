// "PLAINTEXT://host:9092,CONTROLLER://[::1]:9093" and "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT". Pure.
// Source: Kafka's SocketServerConfigs.listenerListToEndPoints and listener.security.protocol.map.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/net.h"

namespace moldau::broker {

struct NamedEndpoint {
  std::string name;
  runtime::Endpoint endpoint;
};

// The string of an unexpected result says what is wrong.
[[nodiscard]] std::expected<std::vector<NamedEndpoint>, std::string> parse_listeners(std::string_view text);
[[nodiscard]] std::expected<runtime::Endpoint, std::string> parse_endpoint(std::string_view text);
[[nodiscard]] std::expected<std::map<std::string, std::string, std::less<>>, std::string> parse_protocol_map(
    std::string_view text);

}  // namespace moldau::broker
