// The connections of one shard: takes in accepted and handed-over sockets, closes idle ones, shares out the request
// memory, and destroys what has closed.
//
// Shard:      one per shard. The tables know each other only to hand connections over, by value.
// Invariants: T1 a connection is destroyed at the end of a turn, never inside its own call.
//             T2 stalled connections are resumed oldest partial frame first, when memory came back.
// Bounds:     connections_max of the shard (`max.connections`), request memory (ChunkPool), idle_max.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/log.h"
#include "broker/net/chunk_pool.h"
#include "broker/net/connection.h"
#include "broker/net/response.h"
#include "runtime/net.h"
#include "runtime/shard.h"

namespace moldau::broker {

class ConnectionTable final : private runtime::TurnEndHook {
 public:
  struct Config {
    std::size_t frame_bytes_max = std::size_t{100} << 20;           // socket.request.max.bytes
    std::chrono::milliseconds idle_max = std::chrono::minutes(10);  // connections.max.idle.ms
    std::size_t connections_max = SIZE_MAX;                         // max.connections
    ChunkPool::Limits memory;
  };

  ConnectionTable(runtime::Shard& shard, runtime::Network& network, Logger& logger, const Config& config);
  ~ConnectionTable() override;

  // Before the first connection: who handles frames, and the tables of all shards by index (this one included).
  void wire(FrameHandler& handler, std::vector<ConnectionTable*> tables);

  // A connection that was accepted on this shard.
  void add(std::unique_ptr<runtime::Socket> socket, std::string listener_name);
  // Stops reading everywhere and closes each connection once its started requests are answered; `done` runs when none
  // is left. Call cut_off() to stop waiting.
  void drain(Callback done);
  void cut_off();

  // For ResponseTicket.
  void complete(ConnectionId connection, std::uint64_t sequence, Response response);
  [[nodiscard]] ConnectionInfo* info_of(ConnectionId connection);

  // For Connection.
  [[nodiscard]] ChunkPool::Claim claim_of(const Connection& connection, std::size_t bytes);
  void on_stalled(Connection& connection);
  void on_closed(Connection& connection);
  void hand_over(std::uint32_t to_shard, std::unique_ptr<runtime::DetachedSocket> socket, ConnectionInfo info,
                 ByteVector received);

  [[nodiscard]] std::size_t size() const noexcept { return connections_.size(); }
  [[nodiscard]] std::uint64_t opened_total() const noexcept { return opened_total_; }
  [[nodiscard]] std::uint64_t closed_idle_total() const noexcept { return closed_idle_total_; }
  [[nodiscard]] std::uint64_t closed_slow_total() const noexcept { return closed_slow_total_; }
  [[nodiscard]] const ChunkPool& chunks() const noexcept { return chunks_; }
  [[nodiscard]] runtime::Shard& shard() noexcept { return shard_; }

 private:
  void on_turn_end() override;
  void insert(std::unique_ptr<runtime::Socket> socket, ConnectionInfo info, Bytes received);
  void adopt(std::unique_ptr<runtime::DetachedSocket> socket, ConnectionInfo info, const ByteVector& received);
  void resume_stalled();
  void close_slow_partials();
  void sweep_idle();
  [[nodiscard]] Connection* oldest_partial();

  runtime::Shard& shard_;
  runtime::Network& network_;
  Logger& logger_;
  Config config_;
  FrameHandler* handler_ = nullptr;
  std::vector<ConnectionTable*> tables_;
  ChunkPool chunks_;
  std::unordered_map<ConnectionId, std::unique_ptr<Connection>> connections_;
  std::vector<ConnectionId> closed_;  // destroyed at the end of the turn
  std::vector<ConnectionId> stalled_;
  ConnectionId next_id_ = 1;
  std::uint64_t opened_total_ = 0;
  std::uint64_t closed_idle_total_ = 0;
  std::uint64_t closed_slow_total_ = 0;
  bool room_ = false;  // memory came back since stalled connections were last resumed
  bool draining_ = false;
  Callback drained_;
  runtime::Timer sweep_timer_;
};

}  // namespace moldau::broker
