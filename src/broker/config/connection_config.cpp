#include "broker/config/connection_config.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip_address.h"
#include "broker/config/listener_parser.h"
#include "config_schema/config_value.h"

namespace moldau::broker {
namespace {

constexpr std::string_view kConnections = "max.connections";
constexpr std::string_view kRate = "max.connection.creation.rate";
constexpr std::string_view kPerIp = "max.connections.per.ip";
constexpr std::string_view kOverrides = "max.connections.per.ip.overrides";

std::optional<IpAddress> parse_address(std::string_view host) {
  return IpAddress::parse(host == "localhost" ? "127.0.0.1" : host);
}

void read_overrides(ConfigReader& reader, NodeConfig& config) {
  const std::string text = reader.text(kOverrides, "");
  for (const std::string_view item : config::parse_list(text)) {
    const std::size_t colon = item.rfind(':');
    const auto most = colon == std::string_view::npos ? std::nullopt : config::parse_int(item.substr(colon + 1));
    if (!most || *most < 0) {
      return reader.fail(kOverrides, "'" + std::string(item) + "' is not address:number");
    }
    const auto address = parse_address(config::trim(item.substr(0, colon)));
    if (!address) {
      return reader.fail(kOverrides, "'" + std::string(item) + "' does not begin with an IP address");
    }
    config.connections_per_ip_overrides.insert_or_assign(*address, static_cast<std::size_t>(*most));
  }
}

std::string key_of(const ListenerConfig& listener, std::string_view key) {
  std::string name = "listener.name.";
  for (const char c : listener.name) {
    name.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  }
  return name.append(".").append(key);
}

}  // namespace

void read_connections(ConfigReader& reader, NodeConfig& config) {
  reader.number(kConnections, config.connections_max);
  reader.number(kPerIp, config.connections_per_ip_max);
  read_overrides(reader, config);
  if (config.connections_per_ip_max == 0 && config.connections_per_ip_overrides.empty()) {
    reader.fail(kPerIp, "0 lets nobody in unless " + std::string(kOverrides) + " does");
  }
  reader.number(kRate, config.connection_creation_rate);
  reader.number("socket.receive.buffer.bytes", config.socket_receive_buffer_bytes);
  reader.number("socket.send.buffer.bytes", config.socket_send_buffer_bytes);
  const auto for_clients = std::ranges::count(config.listeners, false, &ListenerConfig::is_controller);
  for (ListenerConfig& listener : config.listeners) {
    listener.connections_max = config.connections_max;
    listener.creation_rate = config.connection_creation_rate;
    reader.number(key_of(listener, kConnections), listener.connections_max);
    reader.number(key_of(listener, kRate), listener.creation_rate);
    listener.is_for_brokers_alone =
        !listener.is_controller && listener.name == config.inter_broker_listener && for_clients > 1;
  }
}

}  // namespace moldau::broker
