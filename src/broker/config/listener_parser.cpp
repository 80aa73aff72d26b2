#include "broker/config/listener_parser.h"

#include <set>

#include "config_schema/config_value.h"

namespace moldau::broker {

std::expected<runtime::Endpoint, std::string> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return std::unexpected("'" + std::string(text) + "' has no port");
  }
  const auto port = config::parse_int(text.substr(colon + 1));
  if (!port || *port < 0 || *port > 65'535) {
    return std::unexpected("'" + std::string(text) + "' has no port between 0 and 65535");
  }
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::unexpected("'" + std::string(text) + "': an IPv6 address stands in brackets");
  }
  return runtime::Endpoint{std::string(host), static_cast<std::uint16_t>(*port)};
}

std::expected<std::vector<NamedEndpoint>, std::string> parse_listeners(std::string_view text) {
  constexpr std::string_view kSeparator = "://";
  std::vector<NamedEndpoint> listeners;
  std::set<std::string> names;
  std::set<std::uint16_t> ports;
  for (const std::string_view item : config::parse_list(text)) {
    const std::size_t at = item.find(kSeparator);
    if (at == std::string_view::npos || at == 0) {
      return std::unexpected("'" + std::string(item) + "' is not NAME://host:port");
    }
    auto endpoint = parse_endpoint(item.substr(at + kSeparator.size()));
    if (!endpoint) {
      return std::unexpected(endpoint.error());
    }
    std::string name(item.substr(0, at));
    for (char& c : name) {
      c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    if (!names.insert(name).second) {
      return std::unexpected("two listeners are named " + name);
    }
    if (endpoint->port != 0 && !ports.insert(endpoint->port).second) {
      return std::unexpected("two listeners have port " + std::to_string(endpoint->port));
    }
    listeners.push_back({std::move(name), *std::move(endpoint)});
  }
  if (listeners.empty()) {
    return std::unexpected("at least one listener is needed");
  }
  return listeners;
}

std::expected<std::map<std::string, std::string, std::less<>>, std::string> parse_protocol_map(std::string_view text) {
  std::map<std::string, std::string, std::less<>> protocols;
  for (const std::string_view item : config::parse_list(text)) {
    const std::size_t colon = item.find(':');
    if (colon == std::string_view::npos) {
      return std::unexpected("'" + std::string(item) + "' is not NAME:PROTOCOL");
    }
    protocols[std::string(config::trim(item.substr(0, colon)))] = std::string(config::trim(item.substr(colon + 1)));
  }
  return protocols;
}

}  // namespace moldau::broker
