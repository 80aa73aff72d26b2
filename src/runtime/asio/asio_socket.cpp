#include "runtime/asio/asio_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "runtime/asio/asio_network.h"
#include "runtime/asio/socket_io.h"

namespace moldau::runtime {

using boost::system::error_code;

namespace {

Error cannot_connect(int code) noexcept {
  return {ErrorKind::kIo, "cannot connect", code};
}

Error resolve_failure(const error_code& error) noexcept {
  return {ErrorKind::kNotFound, error == boost::asio::error::host_not_found_try_again
                                    ? "the host name cannot be resolved: no name server answers"
                                    : "the host name cannot be resolved"};
}

}  // namespace

AsioDetachedSocket::~AsioDetachedSocket() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

bool assign_or_close(StreamDescriptor& to, int descriptor) noexcept {
  error_code error;
  to.assign(descriptor, error);
  if (error) {
    ::close(descriptor);
  }
  return !error;
}

void SocketCore::open(int descriptor, Endpoint local, Endpoint peer) {
  local_ = std::move(local);
  peer_ = std::move(peer);
  state_ = assign_or_close(descriptor_, descriptor) ? State::kOpen : State::kFailed;
}

void SocketCore::fail(Endpoint local, Endpoint peer) {
  local_ = std::move(local);
  peer_ = std::move(peer);
  state_ = State::kFailed;
}

void SocketCore::connect(const Endpoint& to) {
  peer_ = to;
  if (auto address = numeric_address(to)) {
    addresses_.push_back(*address);
    try_next_address();
  } else {
    resolve(to);
  }
}

void SocketCore::resolve(const Endpoint& to) {
  resolver_ = std::make_unique<TcpResolver>(shard_.context());
  resolver_->async_resolve(
      to.host, std::to_string(to.port), boost::asio::ip::resolver_base::numeric_service,
      [self = shared_from_this()](const error_code& error, const TcpResolver::results_type& results) {
        if (self->state_ != State::kConnecting) {
          return;
        }
        if (!error) {
          for (const auto& result : results) {
            SocketAddress& address = self->addresses_.emplace_back();
            const auto endpoint = result.endpoint();
            std::memcpy(&address.storage, endpoint.data(), endpoint.size());
            address.size = static_cast<socklen_t>(endpoint.size());
          }
          std::ranges::reverse(self->addresses_);
        } else {
          self->connect_failure_ = resolve_failure(error);
        }
        self->try_next_address();
      });
}

void SocketCore::try_next_address() {
  while (!addresses_.empty()) {
    const SocketAddress address = addresses_.back();
    addresses_.pop_back();
    const int descriptor = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (descriptor < 0) {
      connect_failure_ = cannot_connect(errno);
      continue;
    }
    set_connection_options(descriptor);
    if (::connect(descriptor, address.get(), address.size) != 0 && errno != EINPROGRESS) {
      connect_failure_ = cannot_connect(errno);
      ::close(descriptor);
      continue;
    }
    if (!assign_or_close(descriptor_, descriptor)) {
      connect_failure_ = Error(ErrorKind::kIo, "cannot watch the connection");
      continue;
    }
    descriptor_.async_wait(StreamDescriptor::wait_write, [self = shared_from_this()](const error_code& error) {
      if (!error && self->state_ == State::kConnecting) {
        self->finish_connect();
      }
    });
    return;
  }
  settle(State::kFailed);
}

void SocketCore::finish_connect() {
  int error = 0;
  socklen_t size = sizeof error;
  const int descriptor = descriptor_.native_handle();
  if (::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
    connect_failure_ = cannot_connect(error);
    error_code ignored;
    descriptor_.close(ignored);
    try_next_address();
    return;
  }
  local_ = local_endpoint(descriptor);
  peer_ = peer_endpoint(descriptor);
  settle(State::kOpen);
}

// The attempt to connect is over: what was watched meanwhile starts to count.
void SocketCore::settle(State state) {
  state_ = state;
  resolver_.reset();
  for (const Readiness readiness : {Readiness::kReadable, Readiness::kWritable}) {
    if (watched(readiness)) {
      start_wait(readiness);
    }
  }
}

void SocketCore::close() noexcept {
  handler_ = nullptr;
  state_ = State::kClosed;
  resolver_.reset();
  error_code ignored;
  descriptor_.close(ignored);
}

int SocketCore::release() {
  MOLDAU_ASSERT(state_ != State::kClosed && !read_watched_ && !write_watched_);
  handler_ = nullptr;
  const bool open = std::exchange(state_, State::kClosed) == State::kOpen;
  return open ? descriptor_.release() : -1;
}

void SocketCore::watch(Readiness readiness) {
  MOLDAU_ASSERT(handler_ != nullptr && state_ != State::kClosed);
  if (!std::exchange(watched(readiness), true) && state_ != State::kConnecting) {
    start_wait(readiness);
  }
}

void SocketCore::start_wait(Readiness readiness) {
  if (state_ == State::kFailed) {  // try_read and try_write say the rest
    shard_.add_ready(shared_from_this(), readiness);
    return;
  }
  const auto kind = readiness == Readiness::kReadable ? StreamDescriptor::wait_read : StreamDescriptor::wait_write;
  descriptor_.async_wait(kind, [self = shared_from_this(), readiness](const error_code& error) mutable {
    if (error != boost::asio::error::operation_aborted) {
      AsioShard& shard = self->shard_;
      shard.add_ready(std::move(self), readiness);
    }
  });
}

void SocketCore::on_ready(Readiness readiness) {
  if (handler_ == nullptr || !std::exchange(watched(readiness), false)) {
    return;  // closed or given away after the wait ended
  }
  if (readiness == Readiness::kReadable) {
    handler_->on_readable();
  } else {
    handler_->on_writable();
  }
}

IoResult SocketCore::try_read(MutableBytes into) {
  switch (state_) {
    case State::kOpen: return receive_some(descriptor_.native_handle(), into);
    case State::kConnecting: return {IoStatus::kWouldBlock, 0};
    default: return {IoStatus::kClosed, 0};
  }
}

IoResult SocketCore::try_write(std::span<const OutRegion> regions) {
  switch (state_) {
    case State::kOpen: return send_regions(descriptor_.native_handle(), regions);
    case State::kConnecting: return {IoStatus::kWouldBlock, 0};
    default: return {IoStatus::kClosed, 0};
  }
}

PeerState SocketCore::peer_state() noexcept {
  switch (state_) {
    case State::kOpen: return peer_state_of(descriptor_.native_handle());
    case State::kConnecting: return PeerState::kHere;
    default: return PeerState::kGone;
  }
}

std::unique_ptr<DetachedSocket> AsioSocket::detach() {
  Endpoint local = core_->local();
  Endpoint peer = core_->peer();
  return std::make_unique<AsioDetachedSocket>(core_->release(), std::move(local), std::move(peer));
}

}  // namespace moldau::runtime
