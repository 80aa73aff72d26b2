// Between Endpoint (text) and socket addresses.
#pragma once

#include <cstdint>
#include <vector>

#include <sys/socket.h>

#include "base/result.h"
#include "runtime/net.h"

namespace moldau::runtime {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] int family() const noexcept { return storage.ss_family; }
};

// An IPv4 peer of a dual-stack socket is written as IPv4: "192.0.2.7", not "::ffff:192.0.2.7".
[[nodiscard]] Endpoint to_endpoint(const SocketAddress& address);
[[nodiscard]] Endpoint local_endpoint(int descriptor);
[[nodiscard]] Endpoint peer_endpoint(int descriptor);

// Numeric addresses only ("127.0.0.1", "::1", "[::1]"); kNotFound for a name.
[[nodiscard]] Result<SocketAddress> numeric_address(const Endpoint& endpoint);
// Where to listen: numeric or a resolvable name; an empty host means every address, IPv6 and IPv4 where the machine has
// both. Blocks on names.
[[nodiscard]] Result<std::vector<SocketAddress>> listen_addresses(const Endpoint& endpoint);

}  // namespace moldau::runtime
