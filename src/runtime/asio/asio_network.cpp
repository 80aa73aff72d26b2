#include "runtime/asio/asio_network.h"

#include <chrono>
#include <cerrno>
#include <optional>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "runtime/asio/asio_socket.h"
#include "runtime/asio/endpoint_codec.h"

namespace moldau::runtime {
namespace {

using boost::system::error_code;

constexpr int kAcceptsPerTurnMax = 64;  // then the connections already there get their turn
constexpr std::chrono::milliseconds kAcceptRest{100};

void set_flag(int descriptor, int level, int option, int value = 1) noexcept {
  ::setsockopt(descriptor, level, option, &value, sizeof value);
}

class ListenerCore final : public ReadyTarget, public std::enable_shared_from_this<ListenerCore> {
 public:
  ListenerCore(AsioShard& shard, Logger& logger, AcceptHandler& handler)
      : shard_(shard), logger_(logger), handler_(&handler), descriptor_(shard.context()) {}

  [[nodiscard]] bool open(int descriptor) {
    local_ = local_endpoint(descriptor);
    if (!assign_or_close(descriptor_, descriptor)) {
      return false;
    }
    rest_.emplace(shard_.timers(), [this] { watch(); });
    watch();
    return true;
  }

  void close() noexcept {
    handler_ = nullptr;
    rest_.reset();
    error_code ignored;
    descriptor_.close(ignored);
  }

  [[nodiscard]] const Endpoint& local() const noexcept { return local_; }

  void on_ready(Readiness) override {
    for (int i = 0; i < kAcceptsPerTurnMax && handler_ != nullptr; ++i) {
      SocketAddress peer;
      const int descriptor =
          ::accept4(descriptor_.native_handle(), peer.get(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (descriptor >= 0) {
        resting_ = false;
        hand_over(descriptor, to_endpoint(peer));
      } else if (!go_on_after(errno)) {
        return;
      }
    }
    if (handler_ != nullptr) {
      watch();
    }
  }

 private:
  void watch() {
    descriptor_.async_wait(StreamDescriptor::wait_read, [self = shared_from_this()](const error_code& error) mutable {
      if (!error) {
        AsioShard& shard = self->shard_;
        shard.add_ready(std::move(self), Readiness::kReadable);
      }
    });
  }

  void hand_over(int descriptor, Endpoint peer) {
    set_connection_options(descriptor);
    auto core = std::make_shared<SocketCore>(shard_);
    core->open(descriptor, local_endpoint(descriptor), std::move(peer));
    handler_->on_accept(std::make_unique<AsioSocket>(std::move(core)));
  }

  // Whether to call accept again in this turn; otherwise the next wait is arranged.
  bool go_on_after(int code) {
    switch (code) {
      case EAGAIN: watch(); return false;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        // The backlog stays readable: waiting for readiness would spin.
        if (!std::exchange(resting_, true)) {
          log(logger_, LogLevel::kWarn, "net",
              "cannot accept connections on {}:{} (error {}): out of descriptors or memory", local_.host, local_.port,
              code);
        }
        rest_->arm(shard_.clock().now() + kAcceptRest);
        return false;
      default: return true;  // this one connection is gone, or the call was interrupted
    }
  }

  AsioShard& shard_;
  Logger& logger_;
  AcceptHandler* handler_;
  StreamDescriptor descriptor_;
  Endpoint local_;
  std::optional<Timer> rest_;
  bool resting_ = false;
};

class AsioListener final : public Listener {
 public:
  explicit AsioListener(std::shared_ptr<ListenerCore> core) noexcept : core_(std::move(core)) {}
  AsioListener(const AsioListener&) = delete;
  AsioListener& operator=(const AsioListener&) = delete;
  ~AsioListener() override { core_->close(); }
  [[nodiscard]] const Endpoint& local() const noexcept override { return core_->local(); }

 private:
  std::shared_ptr<ListenerCore> core_;
};

// A listening descriptor, or -1 with errno.
int listen_at(const SocketAddress& address, const ListenOptions& options) noexcept {
  const int descriptor = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (descriptor < 0) {
    return -1;
  }
  set_flag(descriptor, SOL_SOCKET, SO_REUSEADDR);
  if (address.family() == AF_INET6) {
    set_flag(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  }
  // Accepted sockets inherit these; a window has to be chosen before the connection is made.
  if (options.receive_buffer_bytes >= 0) {
    set_flag(descriptor, SOL_SOCKET, SO_RCVBUF, options.receive_buffer_bytes);
  }
  if (options.send_buffer_bytes >= 0) {
    set_flag(descriptor, SOL_SOCKET, SO_SNDBUF, options.send_buffer_bytes);
  }
  if (::bind(descriptor, address.get(), address.size) != 0 || ::listen(descriptor, options.backlog) != 0) {
    const int code = errno;
    ::close(descriptor);
    errno = code;
    return -1;
  }
  return descriptor;
}

}  // namespace

void set_connection_options(int descriptor) noexcept {
  set_flag(descriptor, IPPROTO_TCP, TCP_NODELAY);
  set_flag(descriptor, SOL_SOCKET, SO_KEEPALIVE);
}

Result<std::unique_ptr<Listener>> AsioNetwork::listen(const Endpoint& at, const ListenOptions& options,
                                                      AcceptHandler& handler) {
  MOLDAU_TRY(addresses, listen_addresses(at));
  int code = EADDRNOTAVAIL;
  for (const SocketAddress& address : addresses) {
    const int descriptor = listen_at(address, options);
    if (descriptor >= 0) {
      auto core = std::make_shared<ListenerCore>(shard_, logger_, handler);
      if (!core->open(descriptor)) {
        return fail(ErrorKind::kIo, "cannot watch the listening socket", 0, at.port);
      }
      return std::make_unique<AsioListener>(std::move(core));
    }
    code = errno;
    if (code == EADDRINUSE) {
      break;  // do not fall back to one half of a dual-stack address
    }
  }
  return fail(ErrorKind::kIo, "cannot listen", code, at.port);
}

Result<std::unique_ptr<Socket>> AsioNetwork::connect(const Endpoint& to) {
  auto core = std::make_shared<SocketCore>(shard_);
  core->connect(to);
  return std::make_unique<AsioSocket>(std::move(core));
}

std::unique_ptr<Socket> AsioNetwork::attach(std::unique_ptr<DetachedSocket> socket) {
  auto* detached = dynamic_cast<AsioDetachedSocket*>(socket.get());
  MOLDAU_ASSERT(detached != nullptr);
  auto core = std::make_shared<SocketCore>(shard_);
  if (const int descriptor = detached->release(); descriptor >= 0) {
    core->open(descriptor, detached->local(), detached->peer());
  } else {
    core->fail(detached->local(), detached->peer());
  }
  return std::make_unique<AsioSocket>(std::move(core));
}

}  // namespace moldau::runtime
