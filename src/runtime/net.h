// Sockets as a seam: readiness in, non-blocking moves out. The production world stands on recv, writev and sendfile;
// the simulated one on queues with delay, loss of the peer and half-read frames.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace moldau::runtime {

class File;

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// One piece of a gathered write: bytes in memory or a range of a file (sent without passing through user space).
struct OutRegion {
  Bytes memory;                // used when file is null
  const File* file = nullptr;  // the caller keeps it alive until the bytes are accepted
  std::uint64_t position = 0;
  std::size_t size = 0;  // of either kind
};

// Readiness of one socket. All calls on the socket's shard. Edge: after a call, the handler reads or writes until
// kWouldBlock, or asks again with watch().
class SocketHandler {
 public:
  virtual ~SocketHandler() = default;
  virtual void on_readable() = 0;  // bytes, end of stream or an error wait in try_read
  virtual void on_writable() = 0;
};

enum class IoStatus : std::uint8_t { kOk, kWouldBlock, kClosed };  // kClosed: end of stream or reset

// What the system knows of the other end before anything more is read.
enum class PeerState : std::uint8_t {
  kHere,
  kEnded,  // it sends no more, what it sent may be unread; it may still take answers
  kGone,   // reset: no answer can reach it any more
};

struct IoResult {
  IoStatus status = IoStatus::kOk;
  std::size_t bytes = 0;  // > 0 exactly when kOk
};

// What a socket is while it moves from one shard to another: owns the descriptor, has no handler.
class DetachedSocket {
 public:
  virtual ~DetachedSocket() = default;
};

class Socket {
 public:
  virtual ~Socket() = default;  // closes

  // Sets or replaces who hears of readiness. The handler outlives the socket.
  virtual void set_handler(SocketHandler& handler) = 0;
  // One on_readable / on_writable call will come when the condition holds (at once, in a later event, if it holds now).
  virtual void watch_readable() = 0;
  virtual void watch_writable() = 0;

  // Never blocks. kClosed ends the stream; the owner destroys the socket.
  [[nodiscard]] virtual IoResult try_read(MutableBytes into) = 0;
  // Accepts a prefix of the regions (any number; split as the system needs) and says how many bytes.
  [[nodiscard]] virtual IoResult try_write(std::span<const OutRegion> regions) = 0;
  // For an owner that does not read at present and must not serve the dead: one system call, nothing is consumed.
  [[nodiscard]] virtual PeerState peer_state() const noexcept = 0;

  [[nodiscard]] virtual const Endpoint& local() const noexcept = 0;
  [[nodiscard]] virtual const Endpoint& peer() const noexcept = 0;

  // Gives the connection away; *this is closed for all other calls. No watch may be pending.
  [[nodiscard]] virtual std::unique_ptr<DetachedSocket> detach() = 0;
};

class AcceptHandler {
 public:
  virtual ~AcceptHandler() = default;
  virtual void on_accept(std::unique_ptr<Socket> socket) = 0;
};

class Listener {
 public:
  virtual ~Listener() = default;                                     // stops accepting
  [[nodiscard]] virtual const Endpoint& local() const noexcept = 0;  // the bound port, also when 0 was asked
};

struct ListenOptions {
  int backlog = 50;               // socket.listen.backlog.size
  int receive_buffer_bytes = -1;  // of accepted sockets; negative: the system's
  int send_buffer_bytes = -1;
};

// The network as one shard sees it.
class Network {
 public:
  virtual ~Network() = default;
  // kIo: address in use or not ours.
  [[nodiscard]] virtual Result<std::unique_ptr<Listener>> listen(const Endpoint& at, const ListenOptions& options,
                                                                 AcceptHandler& handler) = 0;
  // Starts to connect (numeric address or resolvable name); the first on_writable says connected, on_readable followed
  // by kClosed from try_read says refused.
  [[nodiscard]] virtual Result<std::unique_ptr<Socket>> connect(const Endpoint& to) = 0;
  // Takes over a connection that another shard detached.
  [[nodiscard]] virtual std::unique_ptr<Socket> attach(std::unique_ptr<DetachedSocket> socket) = 0;
};

}  // namespace moldau::runtime
