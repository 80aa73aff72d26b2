// One listener of a node: accepts on the home shard and deals the connections out to all shards in turn. A connection
// moves once more when its first Produce or Fetch shows where its partitions live.
//
// Shard: home. Until open() is called, and while max.connections are open, accepted connections wait unread: clients
// are
//        served late, and are not refused.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "broker/config/node_config.h"
#include "broker/net/connection_quota.h"
#include "broker/net/connection_table.h"
#include "runtime/net.h"

namespace moldau::broker {

class Acceptor final : private runtime::AcceptHandler {
 public:
  // `quota` is the node's; it is gone, or unused, when this is. Of those that wait more than `waiting_max` are refused.
  Acceptor(ListenerConfig listener, ConnectionQuota& quota, std::size_t waiting_max, Logger& logger)
      : listener_(std::move(listener)), quota_(quota), waiting_max_(waiting_max), logger_(logger) {}

  [[nodiscard]] Result<> bind(runtime::Network& network, int backlog);
  // `tables` by shard, the home shard's first.
  void open(std::vector<ConnectionTable*> tables);
  void close();

  [[nodiscard]] const ListenerConfig& config() const noexcept { return listener_; }
  // The bound address: the port that the system chose if 0 was asked for.
  [[nodiscard]] const runtime::Endpoint& local() const { return socket_->local(); }
  // What the cluster is told: the advertised address, or the bound one.
  [[nodiscard]] runtime::Endpoint advertised() const;

 private:
  void on_accept(std::unique_ptr<runtime::Socket> socket) override;
  void admit_waiting();
  void deal_out(std::unique_ptr<runtime::Socket> socket, ConnectionSlot slot);

  ListenerConfig listener_;
  ConnectionQuota& quota_;
  std::size_t waiting_max_;
  Logger& logger_;
  std::unique_ptr<runtime::Listener> socket_;
  std::vector<ConnectionTable*> tables_;
  std::deque<std::unique_ptr<runtime::Socket>> waiting_;
  std::size_t next_ = 0;
  bool asked_for_slot_ = false;
};

}  // namespace moldau::broker
