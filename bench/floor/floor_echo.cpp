// Floor of a request: 180-byte frames echoed over one loopback connection, `--inflight` at a time, by two servers in
// turn: bare epoll, and our production shard (readiness by Asio, bytes by recv and sendmsg). Both read until empty and
// answer a burst with one write. What the second costs beyond the first is the price of the maintained loop.
//
//   floor_echo [--requests 200000] [--inflight 1] [--rounds 3]
#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <vector>

#include <fcntl.h>
#include <sys/epoll.h>

#include <fmt/format.h>

#include "bench/floor/floor.h"
#include "runtime/asio/asio_world.h"
#include "runtime/asio/stream_logger.h"

using namespace moldau;
using namespace moldau::bench;

namespace {

constexpr std::size_t kFrameBytes = 180;

// Keeps `inflight` frames on the way; prints the round trip of a burst.
void run_client(std::uint16_t port, std::uint64_t requests, std::uint64_t inflight, std::string_view name) {
  const int socket = connect_to(port);
  std::vector<char> burst(kFrameBytes * inflight, 'x');
  std::vector<double> trips;
  for (std::uint64_t done = 0; done < requests; done += inflight) {
    const double start = now_s();
    must(static_cast<int>(::send(socket, burst.data(), burst.size(), 0)), "send");
    for (std::size_t got = 0; got < burst.size();) {
      const ssize_t more = ::recv(socket, burst.data() + got, burst.size() - got, 0);
      if (more <= 0) {
        return;
      }
      got += static_cast<std::size_t>(more);
    }
    trips.push_back((now_s() - start) * 1e6);
  }
  std::ranges::sort(trips);
  fmt::print("{:>12}: burst round trip p50 {:.1f} us, p99 {:.1f} us\n", name, trips[trips.size() / 2],
             trips[trips.size() * 99 / 100]);
  ::close(socket);
}

// A server loop over epoll and nothing else.
void serve_epoll(int socket) {
  const int poll = must(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  epoll_event event{EPOLLIN, {}};
  must(::epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event), "epoll_ctl");
  must(::fcntl(socket, F_SETFL, O_NONBLOCK), "fcntl");
  std::vector<char> buffer(256 << 10);
  for (;;) {
    must(::epoll_wait(poll, &event, 1, -1), "epoll_wait");
    std::size_t filled = 0;
    ssize_t got = 0;
    while ((got = ::recv(socket, buffer.data() + filled, buffer.size() - filled, 0)) > 0) {
      filled += static_cast<std::size_t>(got);
    }
    if (filled > 0) {
      must(static_cast<int>(::send(socket, buffer.data(), filled, MSG_NOSIGNAL)), "send");
    }
    if (got == 0) {
      ::close(poll);
      return;
    }
  }
}

// The same on a production shard: reads until empty, answers at the end of the turn.
class EchoConnection final : public runtime::SocketHandler, public runtime::TurnEndHook {
 public:
  EchoConnection(runtime::Shard& shard, std::unique_ptr<runtime::Socket> socket, std::promise<void>& closed)
      : shard_(shard), socket_(std::move(socket)), closed_(closed), buffer_(256 << 10) {
    socket_->set_handler(*this);
    socket_->watch_readable();
  }
  void on_readable() override {
    for (;;) {
      const runtime::IoResult result = socket_->try_read(MutableBytes(buffer_).subspan(filled_));
      if (result.status == runtime::IoStatus::kWouldBlock) {
        socket_->watch_readable();
        shard_.at_turn_end(*this);
        return;
      }
      if (result.status == runtime::IoStatus::kClosed) {
        closed_.set_value();
        return;
      }
      filled_ += result.bytes;
    }
  }
  void on_writable() override {}
  void on_turn_end() override {
    if (filled_ > 0) {
      const runtime::OutRegion region[] = {{Bytes(buffer_).first(filled_), nullptr, 0, filled_}};
      static_cast<void>(socket_->try_write(region));  // a burst fits into the socket's buffer
      filled_ = 0;
    }
  }

 private:
  runtime::Shard& shard_;
  std::unique_ptr<runtime::Socket> socket_;
  std::promise<void>& closed_;
  ByteVector buffer_;
  std::size_t filled_ = 0;
};

struct Acceptor final : runtime::AcceptHandler {
  runtime::Shard& shard;
  std::promise<void> closed;
  std::unique_ptr<EchoConnection> connection;
  explicit Acceptor(runtime::Shard& on) : shard(on) {}
  void on_accept(std::unique_ptr<runtime::Socket> socket) override {
    connection = std::make_unique<EchoConnection>(shard, std::move(socket), closed);
  }
};

double measure_epoll(std::uint64_t requests, std::uint64_t inflight) {
  const LoopbackListener listener;
  const pid_t client = in_child([&] { run_client(listener.port(), requests, inflight, "epoll"); });
  const int socket = listener.accept();
  const double cpu = cpu_s();
  serve_epoll(socket);
  const double used = cpu_s() - cpu;
  ::close(socket);
  wait_for(client);
  return used * 1e6 / static_cast<double>(requests);
}

// The client is forked before the world starts its threads, and told the port through a pipe.
double measure_shard(std::uint64_t requests, std::uint64_t inflight) {
  int pipe[2];
  must(::pipe2(pipe, O_CLOEXEC), "pipe2");
  const pid_t client = in_child([&] {
    std::uint16_t port = 0;
    must(static_cast<int>(::read(pipe[0], &port, sizeof port)), "read");
    run_client(port, requests, inflight, "asio shard");
  });
  runtime::StreamLogger logger(2, runtime::LogFormat::kPlain, LogLevel::kWarn);
  runtime::AsioWorld world({.shards = 1, .workers = 1}, logger);
  runtime::World view = world.view();
  Acceptor acceptor(view.shard(0));
  auto listener = view.network(0).listen({"127.0.0.1", 0}, {.backlog = 16}, acceptor);
  if (!listener) {
    fmt::print(stderr, "cannot listen: {}\n", listener.error().message());
    std::exit(1);
  }
  world.start();
  const double cpu = cpu_s();
  const std::uint16_t port = (*listener)->local().port;
  must(static_cast<int>(::write(pipe[1], &port, sizeof port)), "write");
  acceptor.closed.get_future().get();
  const double used = cpu_s() - cpu;
  if (!world.stop(std::chrono::seconds(5))) {
    std::exit(1);
  }
  acceptor.connection.reset();
  listener->reset();
  wait_for(client);
  ::close(pipe[0]);
  ::close(pipe[1]);
  return used * 1e6 / static_cast<double>(requests);
}

}  // namespace

int main(int count, char** values) {
  const std::uint64_t requests = argument(count, values, "--requests", 200'000);
  const std::uint64_t inflight = std::max<std::uint64_t>(1, argument(count, values, "--inflight", 1));
  for (std::uint64_t round = argument(count, values, "--rounds", 3); round > 0; --round) {
    const double epoll = measure_epoll(requests, inflight);
    const double shard = measure_shard(requests, inflight);
    fmt::print("{} in flight: server CPU a request: epoll {:.2f} us, asio shard {:.2f} us, difference {:+.2f} us\n",
               inflight, epoll, shard, shard - epoll);
  }
  return 0;
}
