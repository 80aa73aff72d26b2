// Sockets whose other end is in the test's hand: what is sent arrives when the test says so, in pieces as it likes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "runtime/net.h"
#include "runtime/testing/manual_shard.h"

namespace moldau::broker::testing {

using moldau::testing::ManualShard;

class FakeSocket;

// The peer of one FakeSocket. Shared by the two, so either may go first.
class FakePeer {
 public:
  // Bytes on their way to the socket.
  void send(Bytes bytes);
  // End of stream behind what was sent.
  void end();
  // The connection is reset: reads and writes fail from now on.
  void reset();
  // What one read gives at most, and how much the socket takes before it blocks.
  void set_read_max(std::size_t bytes) noexcept { read_max_ = bytes; }
  void set_window(std::size_t bytes);

  [[nodiscard]] const ByteVector& received() const noexcept { return received_; }
  [[nodiscard]] ByteVector take_received();
  [[nodiscard]] bool closed_by_owner() const noexcept { return closed_; }  // the socket was destroyed
  [[nodiscard]] std::size_t unread() const noexcept { return incoming_.size() - read_at_; }

 private:
  friend class FakeSocket;
  friend class FakeDetachedSocket;
  void notify();

  FakeSocket* socket_ = nullptr;
  ByteVector incoming_;
  std::size_t read_at_ = 0;  // in incoming_
  ByteVector received_;
  std::size_t read_max_ = SIZE_MAX;
  std::size_t window_ = SIZE_MAX;
  bool ended_ = false;
  bool reset_ = false;
  bool closed_ = false;
};

class FakeSocket final : public runtime::Socket {
 public:
  FakeSocket(ManualShard& shard, std::shared_ptr<FakePeer> peer);
  FakeSocket(const FakeSocket&) = delete;
  FakeSocket& operator=(const FakeSocket&) = delete;
  ~FakeSocket() override;

  void set_handler(runtime::SocketHandler& handler) override { handler_ = &handler; }
  void watch_readable() override;
  void watch_writable() override;
  [[nodiscard]] runtime::IoResult try_read(MutableBytes into) override;
  [[nodiscard]] runtime::IoResult try_write(std::span<const runtime::OutRegion> regions) override;
  [[nodiscard]] runtime::PeerState peer_state() const noexcept override;
  [[nodiscard]] const runtime::Endpoint& local() const noexcept override { return local_; }
  [[nodiscard]] const runtime::Endpoint& peer() const noexcept override { return remote_; }
  [[nodiscard]] std::unique_ptr<runtime::DetachedSocket> detach() override;

 private:
  friend class FakePeer;
  void notify();

  ManualShard& shard_;
  std::shared_ptr<FakePeer> peer_;  // null once detached
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  runtime::SocketHandler* handler_ = nullptr;
  runtime::Endpoint local_{.host = "127.0.0.1", .port = 9092};
  runtime::Endpoint remote_{.host = "127.0.0.1", .port = 40000};
  bool read_watched_ = false;
  bool write_watched_ = false;
};

class FakeDetachedSocket final : public runtime::DetachedSocket {
 public:
  explicit FakeDetachedSocket(std::shared_ptr<FakePeer> peer) : peer_(std::move(peer)) {}
  ~FakeDetachedSocket() override;
  FakeDetachedSocket(const FakeDetachedSocket&) = delete;
  FakeDetachedSocket& operator=(const FakeDetachedSocket&) = delete;
  [[nodiscard]] std::shared_ptr<FakePeer> release() noexcept { return std::move(peer_); }

 private:
  std::shared_ptr<FakePeer> peer_;
};

// Attaches what another shard detached; nothing listens or connects here.
class FakeNetwork final : public runtime::Network {
 public:
  explicit FakeNetwork(ManualShard& shard) : shard_(shard) {}

  [[nodiscard]] Result<std::unique_ptr<runtime::Listener>> listen(const runtime::Endpoint& at,
                                                                  const runtime::ListenOptions& options,
                                                                  runtime::AcceptHandler& handler) override;
  [[nodiscard]] Result<std::unique_ptr<runtime::Socket>> connect(const runtime::Endpoint& to) override;
  [[nodiscard]] std::unique_ptr<runtime::Socket> attach(std::unique_ptr<runtime::DetachedSocket> socket) override;

 private:
  ManualShard& shard_;
};

}  // namespace moldau::broker::testing
