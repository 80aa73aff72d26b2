#include "apps/bootstrap_servers.h"

#include <utility>

#include <fmt/format.h>

#include "broker/config/listener_parser.h"
#include "config_schema/config_value.h"

namespace moldau::apps {
namespace {

std::expected<runtime::Endpoint, std::string> parse_server(std::string_view text) {
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    return std::unexpected(fmt::format("'{}': write HOST:PORT, without '{}'", text, text.substr(0, scheme + 3)));
  }
  if (!text.contains(':') || text.ends_with(']')) {
    return std::unexpected(fmt::format("'{}' has no port: write HOST:PORT, as in {}:9092", text, text));
  }
  auto at = broker::parse_endpoint(text);
  if (at && at->host.empty()) {
    return std::unexpected(fmt::format("'{}' has no host", text));
  }
  if (at && at->port == 0) {
    return std::unexpected(fmt::format("'{}' has no port between 1 and 65535", text));
  }
  return at;
}

}  // namespace

std::expected<std::vector<runtime::Endpoint>, std::string> parse_bootstrap_servers(std::string_view text) {
  std::vector<runtime::Endpoint> servers;
  for (const std::string_view item : config::parse_list(text)) {
    if (item.empty()) {
      continue;
    }
    auto server = parse_server(item);
    if (!server) {
      return std::unexpected(std::move(server).error());
    }
    servers.push_back(*std::move(server));
  }
  if (servers.empty()) {
    return std::unexpected("it names no broker: write HOST:PORT");
  }
  return servers;
}

std::string text_of(const runtime::Endpoint& at) {
  const bool is_ipv6 = at.host.contains(':');
  return is_ipv6 ? fmt::format("[{}]:{}", at.host, at.port) : fmt::format("{}:{}", at.host, at.port);
}

}  // namespace moldau::apps
