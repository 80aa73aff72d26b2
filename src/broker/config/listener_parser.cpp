#include "broker/config/listener_parser.h"

#include <algorithm>
#include <set>
#include <utility>

#include "config_schema/config_value.h"

namespace moldau::broker {
namespace {

constexpr std::string_view kProtocols[] = {"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"};

bool is_host(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("-%._:").find(c) != std::string_view::npos;
  });
}

bool is_ipv6(std::string_view host) {
  return host.find(':') != std::string_view::npos;  // host names have none
}

bool is_ipv4(std::string_view host) {
  return std::ranges::count(host, '.') == 3 && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool may_share_port(std::string_view a, std::string_view b) {
  return (is_ipv4(a) && is_ipv6(b)) || (is_ipv6(a) && is_ipv4(b));
}

bool port_is_taken(const std::vector<NamedEndpoint>& listeners, const runtime::Endpoint& more) {
  if (more.port == 0) {
    return false;
  }
  int sharing = 0;
  for (const NamedEndpoint& listener : listeners) {
    if (listener.endpoint.port == more.port) {
      if (++sharing > 1 || !may_share_port(listener.endpoint.host, more.host)) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

std::string upper_case(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return upper;
}

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
  if (!is_host(host)) {
    return std::unexpected("'" + std::string(text) + "' has no host name or address before its port");
  }
  return runtime::Endpoint{std::string(host), static_cast<std::uint16_t>(*port)};
}

std::expected<std::vector<NamedEndpoint>, std::string> parse_listeners(std::string_view text, Ports ports) {
  constexpr std::string_view kSeparator = "://";
  std::vector<NamedEndpoint> listeners;
  std::set<std::string> names;
  for (const std::string_view item : config::parse_list(text)) {
    const std::size_t at = item.find(kSeparator);
    if (at == std::string_view::npos || at == 0) {
      return std::unexpected("'" + std::string(item) + "' is not NAME://host:port");
    }
    auto endpoint = parse_endpoint(item.substr(at + kSeparator.size()));
    if (!endpoint) {
      return std::unexpected(endpoint.error());
    }
    std::string name = upper_case(item.substr(0, at));
    if (!names.insert(name).second) {
      return std::unexpected("two listeners are named " + name);
    }
    if (ports == Ports::kDistinct && port_is_taken(listeners, *endpoint)) {
      return std::unexpected("two listeners have port " + std::to_string(endpoint->port));
    }
    listeners.push_back({std::move(name), *std::move(endpoint)});
  }
  if (listeners.empty()) {
    return std::unexpected("at least one listener is needed");
  }
  return listeners;
}

std::expected<ProtocolMap, std::string> parse_protocol_map(std::string_view text) {
  ProtocolMap protocols;
  for (const std::string_view item : config::parse_list(text)) {
    const std::size_t colon = item.rfind(':');
    if (colon == std::string_view::npos) {
      return std::unexpected("'" + std::string(item) + "' is not NAME:PROTOCOL");
    }
    std::string name = upper_case(config::trim(item.substr(0, colon)));
    std::string protocol = upper_case(config::trim(item.substr(colon + 1)));
    if (std::ranges::find(kProtocols, protocol) == std::end(kProtocols)) {
      return std::unexpected("'" + std::string(item) +
                             "' has none of the protocols PLAINTEXT, SSL, SASL_PLAINTEXT and SASL_SSL");
    }
    if (!protocols.emplace(name, std::move(protocol)).second) {
      return std::unexpected("listener " + name + " has two protocols");
    }
  }
  return protocols;
}

}  // namespace moldau::broker
