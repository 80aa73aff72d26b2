// One listener of a node: accepts on the home shard and deals the connections out to all shards in turn. A connection
// moves once more when its first Produce or Fetch shows where its partitions live.
//
// Shard:  home. Until open() is called, while there is no room for one more, and while they come too fast, accepted
//         connections wait unread: clients are served late, and are not refused. Refused is who has too many from one
//         address, at once, and who comes too fast from one, a little later, so that it does not come at once again.
// Bound:  waiting_max connections wait, and half as many are about to be closed; more are closed at once.
// Source: Kafka's SocketServer.Acceptor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "broker/config/node_config.h"
#include "broker/net/connection_quota.h"
#include "broker/net/connection_table.h"
#include "runtime/net.h"
#include "runtime/timer.h"

namespace moldau::broker {

// Of all listeners of one kind; `descriptors` are those that connections may take.
[[nodiscard]] ConnectionLimits::Config connection_limits(const NodeConfig& config, std::size_t descriptors);

[[nodiscard]] runtime::ListenOptions listen_options(const NodeConfig& config);

class Acceptor final : private runtime::AcceptHandler {
 public:
  // `quota` is the node's; it is gone, or unused, when this is.
  Acceptor(ListenerConfig listener, ConnectionQuota& quota, std::size_t waiting_max, Logger& logger);

  [[nodiscard]] Result<> bind(runtime::Network& network, const runtime::ListenOptions& options);
  // `tables` by shard, the home shard's first.
  void open(std::vector<ConnectionTable*> tables);
  void close();
  // Those of the same listener, changed while it is open.
  void set_limits(const ListenerConfig& listener);

  [[nodiscard]] const ListenerConfig& config() const noexcept { return listener_; }
  // The bound address: the port that the system chose if 0 was asked for.
  [[nodiscard]] const runtime::Endpoint& local() const { return socket_->local(); }
  // What the cluster is told: the advertised address, or the bound one.
  [[nodiscard]] runtime::Endpoint advertised() const;
  [[nodiscard]] std::uint64_t refused_total() const noexcept { return refused_total_; }
  [[nodiscard]] std::size_t open_connections() const { return quota_.limits().open(index_); }

 private:
  // Stays unread until it is closed.
  struct Refused {
    runtime::MonoTime close_at;
    std::unique_ptr<runtime::Socket> socket;
  };

  void on_accept(std::unique_ptr<runtime::Socket> socket) override;
  void admit_waiting();
  void admit_front();
  void go_on();
  void refuse(std::unique_ptr<runtime::Socket> socket, const ConnectionLimits::Judgement& judgement);
  void close_refused();
  void deal_out(std::unique_ptr<runtime::Socket> socket, ConnectionSlot slot);

  ListenerConfig listener_;
  ConnectionQuota& quota_;
  ConnectionQuota::ListenerIndex index_;
  std::size_t waiting_max_;
  Logger& logger_;
  std::unique_ptr<runtime::Listener> socket_;
  std::vector<ConnectionTable*> tables_;
  std::deque<std::unique_ptr<runtime::Socket>> waiting_;
  bool front_counted_ = false;  // in the rates
  bool held_up_ = false;
  runtime::Timer hold_timer_;
  std::vector<Refused> refused_;
  runtime::Timer refused_timer_;
  std::uint64_t refused_total_ = 0;
  std::uint64_t untold_ = 0;  // refusals since the last line about one
  runtime::MonoTime told_at_{};
  std::size_t next_ = 0;
};

}  // namespace moldau::broker
