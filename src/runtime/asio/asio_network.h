// The Network of one production shard.
#pragma once

#include <memory>

#include "base/log.h"
#include "runtime/asio/asio_shard.h"
#include "runtime/net.h"

namespace moldau::runtime {

// TCP_NODELAY and SO_KEEPALIVE, as Apache Kafka sets them.
void set_connection_options(int descriptor) noexcept;

// Sockets are close-on-exec and non-blocking. Listeners take SO_REUSEADDR. When the process is out of descriptors or
// the kernel out of memory, a listener rests for 100 ms (the peers wait in the backlog) and says so in one warning.
class AsioNetwork final : public Network {
 public:
  AsioNetwork(AsioShard& shard, Logger& logger) noexcept : shard_(shard), logger_(logger) {}

  [[nodiscard]] Result<std::unique_ptr<Listener>> listen(const Endpoint& at, const ListenOptions& options,
                                                         AcceptHandler& handler) override;
  [[nodiscard]] Result<std::unique_ptr<Socket>> connect(const Endpoint& to) override;
  [[nodiscard]] std::unique_ptr<Socket> attach(std::unique_ptr<DetachedSocket> socket) override;

 private:
  AsioShard& shard_;
  Logger& logger_;
};

}  // namespace moldau::runtime
