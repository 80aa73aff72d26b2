// The connections of one shard: takes in accepted and handed-over sockets, closes idle ones, shares out the request
// memory, and destroys what has closed.
//
// Shard:      one per shard. The tables know each other only to hand connections over, by value.
// Invariants: T1 a connection is destroyed at the end of a turn, never inside its own call.
//             T2 when memory came back, what was received elsewhere goes first, then the one frame that may go on
//             whatever
//                is in use, then the small frames, then the others, the smallest first: a frame that announces much
//                waits behind those that will be done sooner, until it is the oldest.
//             T3 bytes on the way to another shard count in the memory of the one they left until they found room.
//             T4 answers that wait for their peers take at most as much memory as requests may: beyond that no frame is
//                started that could be answered at length (Connection C8), and who has taken nothing for kDeafMax is
//                closed, the longest first, until half of it is free. What was started before may exceed it by its one
//                answer.
// Bounds:     connections by their slots (ConnectionQuota), request memory (ChunkPool), idle_max.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <set>
#include <string>
#include <tuple>
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
  static constexpr std::chrono::seconds kDeafMax{1};

  struct Config {
    std::size_t frame_bytes_max = std::size_t{100} << 20;           // socket.request.max.bytes
    std::chrono::milliseconds idle_max = std::chrono::minutes(10);  // connections.max.idle.ms
    ChunkPool::Limits memory;
  };

  ConnectionTable(runtime::Shard& shard, runtime::Network& network, Logger& logger, const Config& config);
  ~ConnectionTable() override;

  // Before the first connection: who handles frames, and the tables of all shards by index (this one included).
  void wire(FrameHandler& handler, std::vector<ConnectionTable*> tables);

  // A connection that was accepted on this shard.
  void add(std::unique_ptr<runtime::Socket> socket, std::string listener_name, ConnectionSlot slot = {});
  // Stops reading everywhere and closes each connection once its started requests are answered; `done` runs when none
  // is left. Call cut_off() to stop waiting.
  void drain(Callback done);
  // Takes no connection and no request any more, and closes all, whatever is owed: also before their handler goes.
  void cut_off();

  // For ResponseTicket.
  void complete(ConnectionId connection, std::uint64_t sequence, Response response);
  [[nodiscard]] ConnectionInfo* info_of(ConnectionId connection);

  // For Connection. A partly received frame is in the list from its first byte on, the oldest first.
  [[nodiscard]] std::list<Connection*>::iterator add_partial(Connection& connection);
  void remove_partial(std::list<Connection*>::iterator place);
  // True for the one partly received frame that may go on whatever is in use.
  [[nodiscard]] bool may_exceed(const Connection& connection) const noexcept;
  void on_stalled(Connection& connection);
  void on_closed(Connection& connection);
  // Answers in memory that have not left: of one connection, before and now.
  void on_answers_changed(std::size_t before, std::size_t now);
  [[nodiscard]] bool has_room_for_answers() const noexcept { return answer_bytes_ <= config_.memory.memory_bytes_max; }
  // The connection has a frame that may start once there is room.
  void wait_for_answers(ConnectionId connection);
  // `beyond_limit`: `received` comes from the chunk that was, and is given back by now.
  void hand_over(std::uint32_t to_shard, std::unique_ptr<runtime::DetachedSocket> socket, ConnectionInfo info,
                 ByteVector received, bool beyond_limit);

  [[nodiscard]] std::size_t size() const noexcept { return connections_.size(); }
  [[nodiscard]] std::uint64_t opened_total() const noexcept { return opened_total_; }
  [[nodiscard]] std::uint64_t closed_idle_total() const noexcept { return closed_idle_total_; }
  [[nodiscard]] std::uint64_t closed_slow_total() const noexcept { return closed_slow_total_; }
  [[nodiscard]] std::uint64_t closed_deaf_total() const noexcept { return closed_deaf_total_; }
  [[nodiscard]] std::size_t answer_bytes() const noexcept { return answer_bytes_; }
  [[nodiscard]] const ChunkPool& chunks() const noexcept { return chunks_; }
  [[nodiscard]] runtime::Shard& shard() noexcept { return shard_; }

 private:
  // A connection from another shard that has not found room for its bytes yet.
  struct Arrival {
    std::uint32_t from_shard = 0;
    std::unique_ptr<runtime::DetachedSocket> socket;
    ConnectionInfo info;
    ByteVector received;
    bool beyond_limit = false;  // there
  };
  using Stalled = std::set<std::tuple<std::int32_t, runtime::MonoTime, ConnectionId>>;  // by announced size, then age

  [[nodiscard]] static Stalled::value_type stalled_key(const Connection& connection);
  [[nodiscard]] Stalled& stalled_of(const Connection& connection) noexcept;

  void on_turn_end() override;
  void insert(std::unique_ptr<runtime::Socket> socket, ConnectionInfo info, Bytes received);
  void arrive(Arrival arrival);
  [[nodiscard]] bool try_adopt(Arrival& arrival);
  [[nodiscard]] bool anyone_waits() const noexcept;
  void go_on_at_turn_end();
  void resume_waiting();
  void resume_starting();
  void resume_oldest();
  void resume(Stalled& stalled);
  [[nodiscard]] std::size_t bytes_missing() const;
  void close_slow_partials();
  void close_deaf();
  void sweep();

  runtime::Shard& shard_;
  runtime::Network& network_;
  Logger& logger_;
  Config config_;
  FrameHandler* handler_ = nullptr;
  std::vector<ConnectionTable*> tables_;
  ChunkPool chunks_;
  std::unordered_map<ConnectionId, std::unique_ptr<Connection>> connections_;
  std::vector<ConnectionId> closed_;  // destroyed at the end of the turn
  std::list<Connection*> partials_;   // by partial_since
  std::deque<Arrival> arrivals_;      // by arrival
  Stalled stalled_small_;             // wait for the reserve
  Stalled stalled_;                   // the others
  runtime::MonoTime slow_checked_at_{};
  ConnectionId next_id_ = 1;
  std::uint64_t opened_total_ = 0;
  std::uint64_t closed_idle_total_ = 0;
  std::uint64_t closed_slow_total_ = 0;
  std::uint64_t closed_deaf_total_ = 0;
  std::size_t answer_bytes_ = 0;
  std::set<ConnectionId> wait_for_answers_;
  bool room_ = false;  // memory came back since those that wait for it were last tried
  bool judge_slow_ = false;
  bool draining_ = false;
  Callback drained_;
  runtime::Timer sweep_timer_;
};

}  // namespace moldau::broker
