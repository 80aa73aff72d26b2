// One TCP connection of a shard: readiness through Asio, bytes through socket_io.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include "runtime/asio/asio_shard.h"
#include "runtime/asio/endpoint_codec.h"
#include "runtime/connect_failure.h"
#include "runtime/net.h"

namespace moldau::runtime {

// With the concrete executor: the type-erased default costs an allocation and two virtual calls a wait.
using StreamDescriptor = boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;
using TcpResolver = boost::asio::ip::basic_resolver<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

// False, and the descriptor is closed, if the kernel refuses to watch it.
[[nodiscard]] bool assign_or_close(StreamDescriptor& to, int descriptor) noexcept;

class AsioDetachedSocket final : public DetachedSocket {
 public:
  AsioDetachedSocket(int descriptor, Endpoint local, Endpoint peer) noexcept
      : descriptor_(descriptor), local_(std::move(local)), peer_(std::move(peer)) {}
  AsioDetachedSocket(const AsioDetachedSocket&) = delete;
  AsioDetachedSocket& operator=(const AsioDetachedSocket&) = delete;
  ~AsioDetachedSocket() override;

  [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }
  [[nodiscard]] const Endpoint& local() const noexcept { return local_; }
  [[nodiscard]] const Endpoint& peer() const noexcept { return peer_; }

 private:
  int descriptor_;
  Endpoint local_;
  Endpoint peer_;
};

// What a socket shares with the waits in flight, which may end after the socket is gone.
class SocketCore final : public ReadyTarget, public std::enable_shared_from_this<SocketCore> {
 public:
  explicit SocketCore(AsioShard& shard) : shard_(shard), descriptor_(shard.context()) {}

  // A connected descriptor; one that cannot be watched becomes a socket that is closed.
  void open(int descriptor, Endpoint local, Endpoint peer);
  // Numeric or by name; the outcome is told through readiness.
  void connect(const Endpoint& to);
  // A connection that broke before it got here.
  void fail(Endpoint local, Endpoint peer);
  void close() noexcept;
  // -1 if the connection is broken.
  [[nodiscard]] int release();

  void set_handler(SocketHandler& handler) noexcept { handler_ = &handler; }
  void watch(Readiness readiness);
  [[nodiscard]] IoResult try_read(MutableBytes into);
  [[nodiscard]] IoResult try_write(std::span<const OutRegion> regions);
  [[nodiscard]] PeerState peer_state() noexcept;
  [[nodiscard]] std::optional<Error> connect_failure() const noexcept {
    return state_ == State::kFailed ? connect_failure_ : std::nullopt;
  }
  [[nodiscard]] const Endpoint& local() const noexcept { return local_; }
  [[nodiscard]] const Endpoint& peer() const noexcept { return peer_; }

  void on_ready(Readiness readiness) override;

 private:
  enum class State : std::uint8_t { kConnecting, kOpen, kFailed, kClosed };

  [[nodiscard]] bool& watched(Readiness readiness) noexcept {
    return readiness == Readiness::kReadable ? read_watched_ : write_watched_;
  }
  void start_wait(Readiness readiness);
  void resolve(const Endpoint& to);
  void try_next_address();
  void finish_connect();
  void settle(State state);

  AsioShard& shard_;
  StreamDescriptor descriptor_;
  SocketHandler* handler_ = nullptr;
  Endpoint local_;
  Endpoint peer_;
  std::vector<SocketAddress> addresses_;  // still to be tried, last first
  std::unique_ptr<TcpResolver> resolver_;
  std::optional<Error> connect_failure_;  // of the last address that was tried
  State state_ = State::kConnecting;
  bool read_watched_ = false;
  bool write_watched_ = false;
};

class AsioSocket final : public Socket, public ConnectFailure {
 public:
  explicit AsioSocket(std::shared_ptr<SocketCore> core) noexcept : core_(std::move(core)) {}
  AsioSocket(const AsioSocket&) = delete;
  AsioSocket& operator=(const AsioSocket&) = delete;
  ~AsioSocket() override { core_->close(); }

  void set_handler(SocketHandler& handler) override { core_->set_handler(handler); }
  void watch_readable() override { core_->watch(Readiness::kReadable); }
  void watch_writable() override { core_->watch(Readiness::kWritable); }
  [[nodiscard]] IoResult try_read(MutableBytes into) override { return core_->try_read(into); }
  [[nodiscard]] IoResult try_write(std::span<const OutRegion> regions) override { return core_->try_write(regions); }
  [[nodiscard]] PeerState peer_state() const noexcept override { return core_->peer_state(); }
  [[nodiscard]] const Endpoint& local() const noexcept override { return core_->local(); }
  [[nodiscard]] const Endpoint& peer() const noexcept override { return core_->peer(); }
  [[nodiscard]] std::unique_ptr<DetachedSocket> detach() override;
  [[nodiscard]] std::optional<Error> connect_failure() const noexcept override { return core_->connect_failure(); }

 private:
  std::shared_ptr<SocketCore> core_;
};

}  // namespace moldau::runtime
