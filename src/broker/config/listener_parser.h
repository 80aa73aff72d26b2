// "PLAINTEXT://host:9092,CONTROLLER://[::1]:9093" and "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT". Pure. Names and
// protocols come out in upper case.
// Source: Kafka's SocketServerConfigs.listenerListToEndPoints, AbstractKafkaConfig.validate and
// listener.security.protocol.map.
#pragma once

#include <cstdint>
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

// Two listeners have one port only if one is an IPv4 and the other an IPv6 address; what is advertised may share ports.
enum class Ports : std::uint8_t { kDistinct, kAny };

using ProtocolMap = std::map<std::string, std::string, std::less<>>;

[[nodiscard]] std::string upper_case(std::string_view text);

// The string of an unexpected result says what is wrong.
[[nodiscard]] std::expected<std::vector<NamedEndpoint>, std::string> parse_listeners(std::string_view text,
                                                                                     Ports ports = Ports::kDistinct);
[[nodiscard]] std::expected<runtime::Endpoint, std::string> parse_endpoint(std::string_view text);
// "" is the empty map. A protocol that Kafka does not know, and a name that stands there twice, are faults.
[[nodiscard]] std::expected<ProtocolMap, std::string> parse_protocol_map(std::string_view text);

}  // namespace moldau::broker
