// How many connections the broker, or the controller, of a node may have at a time: `max.connections`, over all
// listeners of that kind and all shards.
//
// Shard:      home, but for ConnectionSlot, which may end on any shard.
// Invariants: Q1 slots in use never exceed the limit; Q2 who waits is told once for each slot that came back, in the
//             order of asking.
// Source:     Kafka's ConnectionQuotas. Same: at the limit new connections wait, accepted and unread. Difference: the
//             listener between brokers has no privilege yet.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "base/callback.h"
#include "runtime/shard.h"

namespace moldau::broker {

struct ConnectionCount;

// The right of one connection to exist. It moves along with the connection and gives itself back when it ends, by a
// message to the home shard. It may outlive the quota.
class ConnectionSlot {
 public:
  ConnectionSlot() noexcept = default;  // of a connection that nobody counts
  ConnectionSlot(ConnectionSlot&& other) noexcept = default;
  ConnectionSlot& operator=(ConnectionSlot other) noexcept {
    std::swap(count_, other.count_);
    return *this;
  }
  ~ConnectionSlot();

 private:
  friend class ConnectionQuota;
  explicit ConnectionSlot(std::shared_ptr<ConnectionCount> count) noexcept : count_(std::move(count)) {}
  std::shared_ptr<ConnectionCount> count_;
};

// How many descriptors sockets may take of those that the process may open. About a third stays for files: a log that
// cannot be opened stops the node, so no crowd of connections may come that far.
struct ConnectionShares {
  std::size_t broker = 0;
  std::size_t controller = 0;
  std::size_t waiting = 0;  // for a slot, of each listener
};
[[nodiscard]] ConnectionShares connection_shares(std::size_t connections_max, std::size_t descriptors_max) noexcept;

class ConnectionQuota {
 public:
  ConnectionQuota(runtime::Shard& home, std::size_t connections_max);
  ~ConnectionQuota();
  ConnectionQuota(const ConnectionQuota&) = delete;
  ConnectionQuota& operator=(const ConnectionQuota&) = delete;

  // Empty at the limit.
  [[nodiscard]] std::optional<ConnectionSlot> try_open();
  // `on_slot` runs once, when a slot has come back; never after the quota has gone.
  void wait(Callback on_slot);

  [[nodiscard]] std::size_t open() const noexcept;
  [[nodiscard]] std::size_t connections_max() const noexcept { return connections_max_; }

 private:
  std::size_t connections_max_;
  std::shared_ptr<ConnectionCount> count_;
};

}  // namespace moldau::broker
