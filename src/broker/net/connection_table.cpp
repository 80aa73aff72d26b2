#include "broker/net/connection_table.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace moldau::broker {
namespace {
constexpr auto kSweepInterval = std::chrono::seconds(1);
}

ConnectionTable::ConnectionTable(runtime::Shard& shard, runtime::Network& network, Logger& logger, const Config& config)
    : shard_(shard),
      network_(network),
      logger_(logger),
      config_(config),
      chunks_(config.memory,
              [this] {
                room_ = true;
                if (!stalled_.empty()) {
                  shard_.at_turn_end(*this);
                }
              }),
      sweep_timer_(shard.timers(), [this] {
        sweep_idle();
        if (!stalled_.empty()) {
          close_slow_partials();
        }
        sweep_timer_.arm(shard_.clock().now() + kSweepInterval);
      }) {
  sweep_timer_.arm(shard_.clock().now() + kSweepInterval);
}

ConnectionTable::~ConnectionTable() {
  shard_.cancel_turn_end(*this);
  stalled_.clear();
  connections_.clear();
}

void ConnectionTable::wire(FrameHandler& handler, std::vector<ConnectionTable*> tables) {
  handler_ = &handler;
  tables_ = std::move(tables);
}

void ConnectionTable::add(std::unique_ptr<runtime::Socket> socket, std::string listener_name) {
  ConnectionInfo info;
  info.listener_name = std::move(listener_name);
  info.local = socket->local();
  info.peer = socket->peer();
  insert(std::move(socket), std::move(info), {});
}

void ConnectionTable::insert(std::unique_ptr<runtime::Socket> socket, ConnectionInfo info, Bytes received) {
  if (draining_) {
    return;
  }
  if (connections_.size() >= config_.connections_max) {
    log(logger_, LogLevel::kWarn, "net", "refused {}:{}: max.connections ({}) are open", info.peer.host, info.peer.port,
        config_.connections_max);
    return;
  }
  const ConnectionId id = next_id_++;
  ++opened_total_;
  const Connection::Environment environment{shard_, chunks_, *handler_, *this, config_.frame_bytes_max};
  auto& connection = connections_[id];
  connection = std::make_unique<Connection>(environment, id, std::move(socket), std::move(info));
  connection->start(received);
}

void ConnectionTable::complete(ConnectionId connection, std::uint64_t sequence, Response response) {
  if (const auto found = connections_.find(connection); found != connections_.end()) {
    found->second->complete(sequence, std::move(response));
  }
}

ConnectionInfo* ConnectionTable::info_of(ConnectionId connection) {
  const auto found = connections_.find(connection);
  return found == connections_.end() || found->second->closed() ? nullptr : &found->second->info();
}

Connection* ConnectionTable::oldest_partial() {
  Connection* oldest = nullptr;
  for (const auto& [id, connection] : connections_) {
    if (!connection->closed() && connection->partial_capacity() > 0 &&
        (oldest == nullptr || connection->partial_since() < oldest->partial_since() ||
         (connection->partial_since() == oldest->partial_since() && connection->id() < oldest->id()))) {
      oldest = connection.get();
    }
  }
  return oldest;
}

// Only asked when a chunk is needed; the scan for the oldest runs only when memory is short.
ChunkPool::Claim ConnectionTable::claim_of(const Connection& connection, std::size_t bytes) {
  const std::size_t ordinary_max = config_.memory.memory_bytes_max - config_.memory.memory_bytes_max / 8;
  if (chunks_.in_use_bytes() + 2 * bytes <= ordinary_max) {
    return ChunkPool::Claim::kOrdinary;
  }
  if (bytes <= ChunkPool::kChunkBytesMin) {
    return ChunkPool::Claim::kSmall;
  }
  return oldest_partial() == &connection ? ChunkPool::Claim::kOldest : ChunkPool::Claim::kOrdinary;
}

void ConnectionTable::on_stalled(Connection& connection) {
  stalled_.push_back(connection.id());
  close_slow_partials();
}

// Closes partly received frames that arrive too slowly, the largest first, until something came back for each that
// waits.
void ConnectionTable::close_slow_partials() {
  const runtime::MonoTime now = shard_.clock().now();
  std::vector<Connection*> slow;
  for (const auto& [id, connection] : connections_) {
    if (!connection->closed() && connection->partial_capacity() > 0 && connection->partial_is_slow(now)) {
      slow.push_back(connection.get());
    }
  }
  std::sort(slow.begin(), slow.end(), [](const Connection* a, const Connection* b) {
    return a->partial_capacity() != b->partial_capacity() ? a->partial_capacity() > b->partial_capacity()
                                                          : a->id() < b->id();
  });
  const std::size_t ordinary_max = config_.memory.memory_bytes_max - config_.memory.memory_bytes_max / 8;
  std::size_t in_use = chunks_.in_use_bytes();
  for (Connection* connection : slow) {
    if (in_use <= ordinary_max / 2) {
      break;
    }
    in_use -= std::min(in_use, connection->partial_capacity());
    ++closed_slow_total_;
    log(logger_, LogLevel::kWarn, "net",
        "closed {}:{}: its request arrives slower than {} bytes a second while request "
        "memory is short",
        connection->info().peer.host, connection->info().peer.port, ReceiveRate::kSlowBytesPerSecond);
    connection->abandon();
  }
}

void ConnectionTable::on_closed(Connection& connection) {
  closed_.push_back(connection.id());
  shard_.at_turn_end(*this);
}

void ConnectionTable::on_turn_end() {
  for (const ConnectionId id : std::exchange(closed_, {})) {
    handler_->on_connection_closed(id);
    std::erase(stalled_, id);
    connections_.erase(id);
  }
  if (std::exchange(room_, false)) {
    resume_stalled();
  }
  if (draining_ && connections_.empty() && drained_) {
    Callback drained = std::move(drained_);
    drained();
  }
}

void ConnectionTable::resume_stalled() {
  std::vector<ConnectionId> waiting = std::exchange(stalled_, {});
  std::sort(waiting.begin(), waiting.end(), [this](ConnectionId a, ConnectionId b) {
    const auto since_a = connections_.at(a)->partial_since();
    const auto since_b = connections_.at(b)->partial_since();
    return since_a != since_b ? since_a < since_b : a < b;
  });
  for (const ConnectionId id : waiting) {
    connections_.at(id)->resume_receiving();  // stalls again if there is still no room for it
  }
}

void ConnectionTable::sweep_idle() {
  const runtime::MonoTime now = shard_.clock().now();
  for (const auto& [id, connection] : connections_) {
    if (!connection->closed() && !connection->has_unanswered() && now - connection->last_active() > config_.idle_max) {
      ++closed_idle_total_;
      connection->abandon();
    }
  }
}

void ConnectionTable::hand_over(std::uint32_t to_shard, std::unique_ptr<runtime::DetachedSocket> socket,
                                ConnectionInfo info, ByteVector received) {
  MOLDAU_ASSERT(to_shard < tables_.size() && to_shard != shard_.index(), to_shard);
  ConnectionTable* target = tables_[to_shard];
  target->shard().post(
      [target, socket = std::move(socket), info = std::move(info), received = std::move(received)]() mutable {
        target->adopt(std::move(socket), std::move(info), received);
      });
}

void ConnectionTable::adopt(std::unique_ptr<runtime::DetachedSocket> socket, ConnectionInfo info,
                            const ByteVector& received) {
  insert(network_.attach(std::move(socket)), std::move(info), received);
}

void ConnectionTable::drain(Callback done) {
  MOLDAU_ASSERT(!draining_);
  draining_ = true;
  drained_ = std::move(done);
  for (const auto& [id, connection] : connections_) {
    if (!connection->closed()) {
      connection->drain();
    }
  }
  shard_.at_turn_end(*this);
}

void ConnectionTable::cut_off() {
  for (const auto& [id, connection] : connections_) {
    if (!connection->closed()) {
      connection->abandon();
    }
  }
}

}  // namespace moldau::broker
