// One simulated TCP connection: two ends, a stream in each direction.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <utility>

#include "runtime/net.h"
#include "sim/world/sim_net.h"

namespace moldau::sim {

class SimListenerCore final {
 public:
  SimListenerCore(SimShard& shard, runtime::AcceptHandler& handler, runtime::Endpoint local, std::size_t backlog)
      : shard_(&shard), handler_(&handler), local_(std::move(local)), backlog_(backlog) {}

  SimShard* shard_;
  runtime::AcceptHandler* handler_;  // null once closed
  runtime::Endpoint local_;
  std::size_t backlog_;
  std::size_t waiting_ = 0;  // connections between the handshake and on_accept
};

class SimConnection final : public std::enable_shared_from_this<SimConnection> {
 public:
  enum class Side : std::uint8_t { kClient = 0, kServer = 1 };
  enum class State : std::uint8_t { kConnecting, kOpen, kClosed };  // of one end

  struct End {
    std::uint32_t node = 0;
    const Process* process = nullptr;
    SimShard* shard = nullptr;                  // null while detached
    runtime::SocketHandler* handler = nullptr;  // null when closed or detached
    runtime::Endpoint local;
    runtime::Endpoint peer;
    State state = State::kConnecting;
    bool read_watched = false;
    bool write_watched = false;
    bool broken = false;  // reset or refused: reads and writes say closed
    // The stream towards this end.
    std::deque<std::byte> received;
    std::uint64_t in_flight = 0;
    std::uint64_t buffer_bytes = 0;
    runtime::MonoTime last_arrival{};
    bool end_arrived = false;
  };

  SimConnection(SimNet& net, std::uint64_t id) noexcept : net_(net), id_(id) {}

  [[nodiscard]] End& end(Side side) noexcept { return ends_[static_cast<std::size_t>(side)]; }
  [[nodiscard]] static Side other(Side side) noexcept { return side == Side::kClient ? Side::kServer : Side::kClient; }

  void start(runtime::MonoTime give_up);  // the client's handshake
  void watch(Side side, bool writable);
  [[nodiscard]] runtime::IoResult read(Side side, MutableBytes into);
  [[nodiscard]] runtime::IoResult write(Side side, std::span<const runtime::OutRegion> regions);
  [[nodiscard]] runtime::PeerState peer_state(Side side) const noexcept;
  void close(Side side);
  void reset();                 // both ends, now
  void fall_silent(Side side);  // power cut at that end
  [[nodiscard]] bool dead() const noexcept;

 private:
  [[nodiscard]] std::uint64_t room(Side writer) const noexcept;
  [[nodiscard]] bool readable(const End& end) const noexcept;
  [[nodiscard]] bool writable(Side side) const noexcept;
  void try_handshake(runtime::MonoTime give_up);
  void open_at_server(const std::shared_ptr<SimListenerCore>& listener);
  void refuse();
  // `bytes` empty means end of stream.
  void send(Side to, ByteVector bytes);
  void arrive(Side to, ByteVector bytes, runtime::MonoTime give_up);
  void retransmit(Side to);
  void deliver(Side to, const ByteVector& bytes);
  void break_end(Side side);
  void notify(Side side);
  void schedule(runtime::MonoTime when, Callback event);

  struct Held {
    ByteVector bytes;
    runtime::MonoTime give_up;
  };

  SimNet& net_;
  std::uint64_t id_;
  std::array<End, 2> ends_;
  std::array<std::deque<Held>, 2> held_;  // by receiving side: what a blocked path keeps, in order
};

// Owns one end.
class SimSocket final : public runtime::Socket {
 public:
  SimSocket(std::shared_ptr<SimConnection> connection, SimConnection::Side side) noexcept
      : connection_(std::move(connection)), side_(side) {}
  SimSocket(const SimSocket&) = delete;
  SimSocket& operator=(const SimSocket&) = delete;
  ~SimSocket() override;

  void set_handler(runtime::SocketHandler& handler) override { connection_->end(side_).handler = &handler; }
  void watch_readable() override { connection_->watch(side_, false); }
  void watch_writable() override { connection_->watch(side_, true); }
  [[nodiscard]] runtime::IoResult try_read(MutableBytes into) override { return connection_->read(side_, into); }
  [[nodiscard]] runtime::IoResult try_write(std::span<const runtime::OutRegion> regions) override {
    return connection_->write(side_, regions);
  }
  [[nodiscard]] runtime::PeerState peer_state() const noexcept override { return connection_->peer_state(side_); }
  [[nodiscard]] const runtime::Endpoint& local() const noexcept override { return connection_->end(side_).local; }
  [[nodiscard]] const runtime::Endpoint& peer() const noexcept override { return connection_->end(side_).peer; }
  [[nodiscard]] std::unique_ptr<runtime::DetachedSocket> detach() override;

 private:
  std::shared_ptr<SimConnection> connection_;  // null once detached
  SimConnection::Side side_;
};

class SimDetachedSocket final : public runtime::DetachedSocket {
 public:
  SimDetachedSocket(std::shared_ptr<SimConnection> connection, SimConnection::Side side) noexcept
      : connection_(std::move(connection)), side_(side) {}
  SimDetachedSocket(const SimDetachedSocket&) = delete;
  SimDetachedSocket& operator=(const SimDetachedSocket&) = delete;
  ~SimDetachedSocket() override {
    if (connection_) {
      connection_->close(side_);
    }
  }
  [[nodiscard]] std::unique_ptr<runtime::Socket> attach(SimShard& shard);

 private:
  std::shared_ptr<SimConnection> connection_;
  SimConnection::Side side_;
};

}  // namespace moldau::sim
