#include "runtime/asio/endpoint_codec.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

namespace moldau::runtime {
namespace {

using AddressList = std::unique_ptr<addrinfo, decltype([](addrinfo* list) { ::freeaddrinfo(list); })>;

Result<std::vector<SocketAddress>> look_up(const Endpoint& endpoint, int flags) {
  std::string host = endpoint.host;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* raw = nullptr;
  const std::string port = std::to_string(endpoint.port);
  const int code = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), port.c_str(), &hints, &raw);
  const AddressList list(raw);
  if (code != 0) {
    return fail(ErrorKind::kNotFound, "host name cannot be resolved", code == EAI_SYSTEM ? errno : 0, code);
  }
  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
    SocketAddress& address = addresses.emplace_back();
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    address.size = entry->ai_addrlen;
  }
  return addresses;
}

SocketAddress any_address(int family, std::uint16_t port) {
  SocketAddress address;
  if (family == AF_INET6) {
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_port = htons(port);
    any.sin6_addr = in6addr_any;
    std::memcpy(&address.storage, &any, sizeof any);
    address.size = sizeof any;
  } else {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(port);
    any.sin_addr.s_addr = htonl(INADDR_ANY);
    std::memcpy(&address.storage, &any, sizeof any);
    address.size = sizeof any;
  }
  return address;
}

}  // namespace

Endpoint to_endpoint(const SocketAddress& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.family() == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address.storage, sizeof v4);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return {text, ntohs(v4.sin_port)};
  }
  if (address.family() == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address.storage, sizeof v6);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      ::inet_ntop(AF_INET, v6.sin6_addr.s6_addr + 12, text, sizeof text);
    } else {
      ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    }
    return {text, ntohs(v6.sin6_port)};
  }
  return {};
}

Endpoint local_endpoint(int descriptor) {
  SocketAddress address;
  return ::getsockname(descriptor, address.get(), &address.size) == 0 ? to_endpoint(address) : Endpoint{};
}

Endpoint peer_endpoint(int descriptor) {
  SocketAddress address;
  return ::getpeername(descriptor, address.get(), &address.size) == 0 ? to_endpoint(address) : Endpoint{};
}

Result<SocketAddress> numeric_address(const Endpoint& endpoint) {
  if (endpoint.host.empty()) {
    return fail(ErrorKind::kNotFound, "no host to connect to");
  }
  MOLDAU_TRY(addresses, look_up(endpoint, AI_NUMERICHOST));
  return addresses.front();
}

Result<std::vector<SocketAddress>> listen_addresses(const Endpoint& endpoint) {
  if (endpoint.host.empty()) {
    return std::vector{any_address(AF_INET6, endpoint.port), any_address(AF_INET, endpoint.port)};
  }
  return look_up(endpoint, AI_PASSIVE);
}

}  // namespace moldau::runtime
