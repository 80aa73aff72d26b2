// Which new connections the broker, or the controller, of a node takes in: ConnectionLimits over all listeners of that
// kind and all shards.
//
// Shard:      home, but for ConnectionSlot, which may end on any shard.
// Invariants: Q1 slots in use never exceed a limit; Q2 who waits is told, in the order of asking, when a slot came back
//             or a limit changed, and asks again.
// Source:     Kafka's ConnectionQuotas. Same: at the limit new connections wait, accepted and unread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "base/callback.h"
#include "base/ip_address.h"
#include "broker/quota/connection_limits.h"
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
    std::swap(listener_, other.listener_);
    std::swap(address_, other.address_);
    return *this;
  }
  ~ConnectionSlot();

 private:
  friend class ConnectionQuota;
  ConnectionSlot(std::shared_ptr<ConnectionCount> count, ConnectionLimits::ListenerIndex listener,
                 const std::optional<IpAddress>& address) noexcept
      : count_(std::move(count)), listener_(listener), address_(address) {}
  std::shared_ptr<ConnectionCount> count_;
  ConnectionLimits::ListenerIndex listener_ = 0;
  std::optional<IpAddress> address_;
};

// How many descriptors sockets may take of those that the process may open. About a third stays for files: a log that
// cannot be opened stops the node, so no crowd of connections may come that far.
struct ConnectionShares {
  std::size_t broker = 0;
  std::size_t controller = 0;
  std::size_t waiting = 0;  // for a slot, of each listener
};
[[nodiscard]] ConnectionShares connection_shares(std::size_t descriptors_max) noexcept;

class ConnectionQuota {
 public:
  using ListenerIndex = ConnectionLimits::ListenerIndex;

  ConnectionQuota(runtime::Shard& home, ConnectionLimits::Config config);
  ~ConnectionQuota();
  ConnectionQuota(const ConnectionQuota&) = delete;
  ConnectionQuota& operator=(const ConnectionQuota&) = delete;

  ListenerIndex add_listener(const ConnectionLimits::Listener& listener);
  // New limits, for the connections to come.
  void set(ConnectionLimits::Config config);
  void set(ListenerIndex listener, const ConnectionLimits::Listener& limits);
  void set_rates(std::shared_ptr<const QuotaLimits> rates);

  // Once for each connection, when it comes to the front of its listener's queue: how long it has to wait.
  [[nodiscard]] QuotaTime arrive(ListenerIndex listener);
  [[nodiscard]] bool has_room(ListenerIndex listener) const;
  struct Admission {
    ConnectionLimits::Judgement judgement;
    ConnectionSlot slot;  // if admitted
  };
  // While there is room.
  [[nodiscard]] Admission admit(ListenerIndex listener, const std::optional<IpAddress>& address);
  // `on_slot` runs once, when there may be room; never after the quota has gone.
  void wait(Callback on_slot);

  [[nodiscard]] runtime::Shard& home() const noexcept;
  [[nodiscard]] const ConnectionLimits& limits() const noexcept;

 private:
  std::shared_ptr<ConnectionCount> count_;
};

}  // namespace moldau::broker
