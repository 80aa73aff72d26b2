#include <algorithm>
#include <cerrno>
#include <functional>
#include <future>
#include <optional>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "runtime/asio/asio_world.h"
#include "runtime/asio/stream_logger.h"
#include "runtime/connect_failure.h"
#include "runtime/testing/scratch_directory.h"

namespace moldau::runtime {
namespace {

using std::chrono::seconds;

// A connection driven by lambdas.
struct Peer : SocketHandler {
  std::unique_ptr<Socket> socket;
  std::function<void(Peer&)> readable;
  std::function<void(Peer&)> writable;
  std::string received;
  bool closed = false;

  void own(std::unique_ptr<Socket> given) {
    socket = std::move(given);
    socket->set_handler(*this);
  }
  void on_readable() override {
    if (readable) {
      readable(*this);
    }
  }
  void on_writable() override {
    if (writable) {
      writable(*this);
    }
  }
  // Reads all there is, then watches again.
  void read_all() {
    ByteVector buffer(64 << 10);
    for (;;) {
      const IoResult result = socket->try_read(buffer);
      if (result.status == IoStatus::kWouldBlock) {
        socket->watch_readable();
        return;
      }
      if (result.status == IoStatus::kClosed) {
        closed = true;
        return;
      }
      received += as_text(Bytes(buffer).first(result.bytes));
    }
  }
};

OutRegion memory_region(std::string_view text) {
  return {as_bytes(text), nullptr, 0, text.size()};
}

// What is left of `regions` after `bytes` were accepted.
std::vector<OutRegion> rest_of(std::vector<OutRegion> regions, std::size_t bytes) {
  while (bytes > 0) {
    OutRegion& first = regions.front();
    const std::size_t step = std::min(bytes, first.size);
    bytes -= step;
    if (step == first.size) {
      regions.erase(regions.begin());
      continue;
    }
    first.size -= step;
    first.position += step;
    if (first.file == nullptr) {
      first.memory = first.memory.subspan(step);
    }
  }
  return regions;
}

class AsioNetworks : public ::testing::Test, public AcceptHandler {
 protected:
  AsioNetworks() { world_.start(); }
  ~AsioNetworks() override { EXPECT_TRUE(world_.stop(seconds(5))); }

  void on_accept(std::unique_ptr<Socket> socket) override { accepted_(std::move(socket)); }

  template <class Body>
  auto on_shard(std::size_t index, Body body) {
    std::promise<decltype(body())> promise;
    auto future = promise.get_future();
    view_.shard(index).post([&] { promise.set_value(body()); });
    return future.get();
  }
  Endpoint listen(const Endpoint& at, std::function<void(std::unique_ptr<Socket>)> accepted) {
    return on_shard(0, [&] {
      accepted_ = std::move(accepted);
      auto listener = view_.network(0).listen(at, {}, *this);
      EXPECT_TRUE(listener) << listener.error().message();
      listener_ = std::move(*listener);
      return listener_->local();
    });
  }
  void TearDown() override {
    on_shard(0, [&] {
      listener_.reset();
      server_.socket.reset();
      client_.socket.reset();
      return 0;
    });
  }

  StreamLogger logger_{2, LogFormat::kPlain, LogLevel::kError};
  std::function<void(std::unique_ptr<Socket>)> accepted_;
  std::unique_ptr<Listener> listener_;
  Peer server_;
  Peer client_;
  AsioWorld world_{{.shards = 2, .workers = 1}, logger_};
  World view_ = world_.view();
};

TEST_F(AsioNetworks, EchoesOverIpv4AndIpv6) {
  for (const std::string host : {"127.0.0.1", "::1", "localhost", ""}) {
    SCOPED_TRACE(host);
    client_.received.clear();
    server_.received.clear();
    const Endpoint at = listen({host, 0}, [&](std::unique_ptr<Socket> socket) {
      EXPECT_EQ(socket->local().port, listener_->local().port);
      server_.own(std::move(socket));
      server_.readable = [](Peer& peer) {
        peer.read_all();
        const OutRegion region[] = {memory_region(peer.received)};
        EXPECT_EQ(peer.socket->try_write(region).bytes, peer.received.size());
      };
      server_.socket->watch_readable();
    });
    std::promise<std::string> answer;
    on_shard(0, [&] {
      client_.own(view_.network(0).connect({host.empty() ? "127.0.0.1" : host, at.port}).value());
      client_.writable = [](Peer& peer) {
        const OutRegion regions[] = {memory_region("hel"), memory_region("lo")};
        EXPECT_EQ(peer.socket->try_write(regions).bytes, 5U);
        peer.socket->watch_readable();
      };
      client_.readable = [&](Peer& peer) {
        peer.read_all();
        if (peer.received.size() == 5) {
          answer.set_value(peer.received);
        }
      };
      client_.socket->watch_writable();
      return 0;
    });
    EXPECT_EQ(answer.get_future().get(), "hello");
    EXPECT_EQ(on_shard(0, [&] { return server_.socket->peer() == client_.socket->local(); }), true);
    TearDown();
  }
}

TEST_F(AsioNetworks, ManyRegionsOfMemoryAndFileArriveInOrderThroughASlowPeer) {
  const moldau::testing::ScratchDirectory directory;
  std::string file_text(3 << 20, ' ');
  for (std::size_t i = 0; i < file_text.size(); ++i) {
    file_text[i] = static_cast<char>('a' + i * 31 % 26 + (i >> 12) % 3);
  }
  const std::shared_ptr<File> file = view_.fs.open(directory / "file", OpenMode::kCreateNew).value();
  const Bytes pieces[] = {as_bytes(file_text)};
  ASSERT_TRUE(file->write_at(0, pieces));

  std::vector<std::string> texts;
  std::vector<OutRegion> regions;
  std::string expected;
  texts.reserve(3000);
  for (std::size_t i = 0; i < 3000; ++i) {  // far more than one call takes
    texts.push_back("<" + std::to_string(i) + ">");
    regions.push_back(memory_region(texts.back()));
    expected += texts.back();
    if (i % 150 == 7) {
      const std::size_t position = i * 100;
      regions.push_back({{}, file.get(), position, 700'000});
      expected += file_text.substr(position, 700'000);
    }
    if (i % 700 == 0) {
      regions.push_back({});  // empty regions are legal
    }
  }

  int partial = 0;
  const Endpoint at = listen({"127.0.0.1", 0}, [&](std::unique_ptr<Socket> socket) {
    server_.own(std::move(socket));
    server_.writable = [&](Peer& peer) {
      while (!regions.empty()) {
        const IoResult result = peer.socket->try_write(regions);
        if (result.status != IoStatus::kOk) {
          ASSERT_EQ(result.status, IoStatus::kWouldBlock);
          ++partial;
          peer.socket->watch_writable();
          return;
        }
        regions = rest_of(std::move(regions), result.bytes);
      }
      peer.socket.reset();  // a close behind the last byte
    };
    server_.socket->watch_writable();
  });
  std::promise<void> ended;
  on_shard(0, [&] {
    client_.own(view_.network(0).connect(at).value());
    client_.readable = [&](Peer& peer) {
      ByteVector buffer(50'000);
      const IoResult result = peer.socket->try_read(buffer);  // one short read each time
      if (result.status == IoStatus::kClosed) {
        ended.set_value();
        return;
      }
      peer.received += as_text(Bytes(buffer).first(result.bytes));
      peer.socket->watch_readable();
    };
    client_.socket->watch_readable();
    return 0;
  });
  ended.get_future().get();
  EXPECT_EQ(client_.received.size(), expected.size());
  EXPECT_TRUE(client_.received == expected);
  EXPECT_GT(partial, 0);
}

TEST_F(AsioNetworks, AFileShorterThanItsRegionEndsTheStream) {
  const moldau::testing::ScratchDirectory directory;
  const std::shared_ptr<File> file = view_.fs.open(directory / "file", OpenMode::kCreateNew).value();
  const Bytes pieces[] = {as_bytes("short")};
  ASSERT_TRUE(file->write_at(0, pieces));
  std::promise<std::vector<IoStatus>> statuses;
  const Endpoint at = listen({"127.0.0.1", 0}, [&](std::unique_ptr<Socket> socket) {
    server_.own(std::move(socket));
    const OutRegion region[] = {{{}, file.get(), 0, 10}};
    const OutRegion rest[] = {{{}, file.get(), 5, 5}};
    const IoResult first = server_.socket->try_write(region);
    EXPECT_EQ(first.bytes, 5U);
    statuses.set_value({first.status, server_.socket->try_write(rest).status});
  });
  on_shard(0, [&] {
    client_.own(view_.network(0).connect(at).value());
    return 0;
  });
  EXPECT_EQ(statuses.get_future().get(), (std::vector{IoStatus::kOk, IoStatus::kClosed}));
}

TEST_F(AsioNetworks, ARefusedConnectionReadsAsClosedAndKnowsWhy) {
  const Endpoint at = listen({"127.0.0.1", 0}, [](std::unique_ptr<Socket>) {});
  on_shard(0, [&] {
    listener_.reset();
    return 0;
  });
  for (const Endpoint& to : {at, Endpoint{"no-such-host.invalid", 9092}}) {
    const bool is_refused = to == at;
    std::promise<bool> refused;
    on_shard(0, [&] {
      client_.own(view_.network(0).connect(to).value());
      client_.readable = [&](Peer& peer) {
        peer.read_all();
        const auto why = dynamic_cast<const ConnectFailure&>(*peer.socket).connect_failure();
        EXPECT_TRUE(why);
        EXPECT_EQ(why->kind(), is_refused ? ErrorKind::kIo : ErrorKind::kNotFound);
        EXPECT_EQ(why->os_error(), is_refused ? ECONNREFUSED : 0);
        refused.set_value(peer.closed);
      };
      client_.socket->watch_readable();
      return 0;
    });
    EXPECT_TRUE(refused.get_future().get());
    on_shard(0, [&] {
      client_.socket.reset();
      return 0;
    });
  }
}

TEST_F(AsioNetworks, KnowsWithoutReadingThatThePeerHasEndedOrIsGone) {
  const Endpoint at = listen({"127.0.0.1", 0}, [](std::unique_ptr<Socket>) {});
  for (const bool reset : {false, true}) {
    SCOPED_TRACE(reset);
    std::promise<void> accepted;
    on_shard(0, [&] {
      accepted_ = [&](std::unique_ptr<Socket> socket) {
        server_.own(std::move(socket));
        accepted.set_value();
      };
      return 0;
    });
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{
        .sin_family = AF_INET, .sin_port = htons(at.port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    ASSERT_EQ(::connect(client, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    ASSERT_EQ(::send(client, "unread", 6, 0), 6);
    accepted.get_future().get();
    EXPECT_EQ(on_shard(0, [&] { return server_.socket->peer_state(); }), PeerState::kHere);
    ASSERT_EQ(::shutdown(client, SHUT_WR), 0);
    EXPECT_EQ(on_shard(0, [&] { return server_.socket->peer_state(); }), PeerState::kEnded);
    const linger at_once{.l_onoff = reset ? 1 : 0, .l_linger = 0};
    ASSERT_EQ(::setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    ::close(client);
    EXPECT_EQ(on_shard(0, [&] { return server_.socket->peer_state(); }), reset ? PeerState::kGone : PeerState::kEnded);
    on_shard(0, [&] {
      ByteVector buffer(6);
      EXPECT_EQ(server_.socket->try_read(buffer).bytes, 6U);
      server_.socket.reset();
      return 0;
    });
  }
}

TEST_F(AsioNetworks, SaysWhyItCannotListen) {
  const Endpoint at = listen({"127.0.0.1", 0}, [](std::unique_ptr<Socket>) {});
  on_shard(1, [&] {
    EXPECT_EQ(view_.network(1).listen(at, {}, *this).error().os_error(), EADDRINUSE);
    EXPECT_EQ(view_.network(1).listen({"192.0.2.1", 0}, {}, *this).error().os_error(), EADDRNOTAVAIL);
    EXPECT_EQ(view_.network(1).listen({"no-such-host.invalid", 0}, {}, *this).error().kind(), ErrorKind::kNotFound);
    return 0;
  });
}

TEST_F(AsioNetworks, AConnectionMovesToAnotherShardWithItsUnreadBytes) {
  std::promise<bool> read;
  Peer moved;
  const Endpoint at = listen({"127.0.0.1", 0}, [&](std::unique_ptr<Socket> socket) {
    server_.own(std::move(socket));
    server_.readable = [&](Peer& peer) {
      ByteVector buffer(2);
      ASSERT_EQ(peer.socket->try_read(buffer).bytes, 2U);
      EXPECT_EQ(as_text(buffer), "he");
      std::unique_ptr<DetachedSocket> detached = peer.socket->detach();
      peer.socket.reset();
      view_.shard(1).post([&, detached = std::move(detached)]() mutable {
        moved.own(view_.network(1).attach(std::move(detached)));
        moved.readable = [&](Peer& there) {
          there.read_all();
          read.set_value(view_.shard(1).is_current());
        };
        moved.socket->watch_readable();
      });
    };
    server_.socket->watch_readable();
  });
  on_shard(0, [&] {
    client_.own(view_.network(0).connect(at).value());
    client_.writable = [](Peer& peer) {
      const OutRegion region[] = {memory_region("hello")};
      EXPECT_EQ(peer.socket->try_write(region).bytes, 5U);
    };
    client_.socket->watch_writable();
    return 0;
  });
  EXPECT_TRUE(read.get_future().get());
  EXPECT_EQ(moved.received, "llo");
  EXPECT_TRUE(on_shard(1, [&] {
    const bool same_peer = moved.socket->local().port == at.port;
    moved.socket.reset();
    return same_peer;
  }));
}

TEST_F(AsioNetworks, ASocketMayDieInItsOwnCallbackWithWaitsInFlight) {
  std::promise<void> gone;
  const Endpoint at = listen({"127.0.0.1", 0}, [&](std::unique_ptr<Socket> socket) {
    server_.own(std::move(socket));
    server_.writable = [&](Peer& peer) { peer.socket.reset(); };
    server_.socket->watch_readable();
    server_.socket->watch_writable();
  });
  on_shard(0, [&] {
    client_.own(view_.network(0).connect(at).value());
    client_.readable = [&](Peer& peer) {
      peer.read_all();
      peer.socket.reset();
      gone.set_value();
    };
    client_.socket->watch_writable();
    client_.socket->watch_readable();
    return 0;
  });
  gone.get_future().get();
  EXPECT_TRUE(client_.closed);
}

// Connects without the world: a blocking socket of the test's own.
int plain_connect(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return descriptor;
}

TEST_F(AsioNetworks, RestsWithoutSpinningWhenDescriptorsRunOutAndGoesOnLater) {
  std::promise<void> first;
  std::promise<void> second;
  int count = 0;
  const Endpoint at = listen({"127.0.0.1", 0}, [&](std::unique_ptr<Socket> socket) {
    (++count == 1 ? server_ : client_).own(std::move(socket));  // keeps its descriptor
    (count == 1 ? first : second).set_value();
  });
  const int warm = plain_connect(at.port);
  first.get_future().get();

  const int waiting = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  const int next = ::dup(warm);  // the lowest free descriptor
  ::close(next);
  rlimit none = old;
  none.rlim_cur = static_cast<rlim_t>(next);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(at.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(waiting, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  rusage before{};
  rusage after{};
  ::getrusage(RUSAGE_SELF, &before);
  auto accepted = second.get_future();
  EXPECT_EQ(accepted.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  ::getrusage(RUSAGE_SELF, &after);
  const auto used = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1'000'000 + after.ru_utime.tv_usec -
                    before.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_stime.tv_usec;
  EXPECT_LT(used, 10'000);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
  accepted.get();
  ::close(waiting);
  ::close(warm);
}

}  // namespace
}  // namespace moldau::runtime
