#include "http/server.h"

#include <algorithm>
#include <optional>

#include <gtest/gtest.h>

#include "sim/world/simulation.h"

namespace moldau::http {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 9644;
constexpr std::string_view kBig = "/big";
constexpr std::size_t kBigBytes = std::size_t{1} << 20;

// Serves /now, /later (answers when told) and /big.
class ServingNode final : public sim::NodeProgram {
 public:
  ServingNode(runtime::World world, std::vector<Reply>& waiting)
      : server_(world.shard(0), world.network(0), world.logger) {
    server_.add("/now", [](const HttpRequest& request, Reply reply) { reply({.body = "now " + request.query}); });
    server_.add("/later", [&waiting](const HttpRequest&, Reply reply) { waiting.push_back(std::move(reply)); });
    server_.add(std::string(kBig),
                [](const HttpRequest&, Reply reply) { reply({.body = std::string(kBigBytes, 'x')}); });
    world.shard(0).post([this] { EXPECT_TRUE(server_.start({"", kPort})); });
  }

 private:
  Server server_;
};

// Sends what it is given and keeps what comes back.
class Client final : private runtime::SocketHandler {
 public:
  Client(runtime::Network& network, std::string request) : out_(std::move(request)) {
    socket_ = network.connect({"node-0", kPort}).value();
    socket_->set_handler(*this);
    socket_->watch_writable();
    socket_->watch_readable();
  }

  std::string in;
  bool closed = false;
  void say(std::string more) {
    out_ += more;
    on_writable();
  }
  void hang_up() {
    socket_.reset();
    closed = true;
  }

 private:
  void on_readable() override {
    for (;;) {
      std::byte space[512];
      const runtime::IoResult got = socket_->try_read(space);
      if (got.status == runtime::IoStatus::kOk) {
        in += as_text(Bytes(space).first(got.bytes));
      } else if (got.status == runtime::IoStatus::kWouldBlock) {
        return socket_->watch_readable();
      } else {
        closed = true;
        return;
      }
    }
  }
  void on_writable() override {
    while (!out_.empty() && !closed) {
      const runtime::OutRegion region{.memory = as_bytes(out_), .file = nullptr, .position = 0, .size = out_.size()};
      const runtime::IoResult result = socket_->try_write(std::span(&region, 1));
      if (result.status != runtime::IoStatus::kOk) {
        return result.status == runtime::IoStatus::kWouldBlock ? socket_->watch_writable() : void();
      }
      out_.erase(0, result.bytes);
    }
  }

  std::string out_;
  std::unique_ptr<runtime::Socket> socket_;
};

class NothingRuns final : public sim::NodeProgram {};

class HttpServers : public testing::TestWithParam<std::uint64_t> {
 protected:
  HttpServers() {
    node_ = sim_.add_node({.shards = 1},
                          [this](runtime::World world) { return std::make_unique<ServingNode>(world, waiting_); });
    peer_ = sim_.add_node({.shards = 1}, [](runtime::World) { return std::make_unique<NothingRuns>(); });
    sim_.start(node_);
    sim_.start(peer_);
    sim_.run_for(10ms);
  }
  ~HttpServers() override {
    clients_.clear();
    waiting_.clear();
  }

  Client& connect(std::string request) {
    clients_.push_back(std::make_unique<Client>(sim_.world(peer_).network(0), std::move(request)));
    return *clients_.back();
  }
  // What a connection that sends this and says no more has got after a second.
  std::string exchange(std::string request) {
    Client& client = connect(std::move(request));
    sim_.run_for(1s);
    return client.in;
  }

  sim::Simulation sim_{{.seed = GetParam()}};
  std::vector<Reply> waiting_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::uint32_t node_ = 0;
  std::uint32_t peer_ = 0;
};

std::size_t count_of(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) {
    ++count;
  }
  return count;
}

TEST_P(HttpServers, AnswersGetAndHead) {
  const std::string got = exchange("GET /now?a=b HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 200 OK\r\n")) << got;
  EXPECT_TRUE(got.ends_with("\r\n\r\nnow a=b")) << got;
  EXPECT_NE(got.find("Content-Length: 7\r\n"), std::string::npos);
  const std::string head = exchange("HEAD /now?a=b HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(head.ends_with("\r\n\r\n")) << head;
  EXPECT_NE(head.find("Content-Length: 7\r\n"), std::string::npos);
}

TEST_P(HttpServers, RefusesOtherMethodsPathsAndWhatIsNoHttp) {
  EXPECT_TRUE(exchange("DELETE /now HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 405 "));
  EXPECT_TRUE(exchange("GET /other HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 404 "));
  Client& noise = connect("\x16\x03\x01\x02 not http\r\n\r\n");
  sim_.run_for(1s);
  EXPECT_TRUE(noise.in.starts_with("HTTP/1.1 400 ")) << noise.in;
  EXPECT_TRUE(noise.closed);
}

TEST_P(HttpServers, ManyRequestsOfOneConnectionAreAnsweredInOrder) {
  std::string requests;
  for (int i = 0; i < 500; ++i) {
    requests += "GET /now?" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  Client& client = connect(requests + "GET /now?last HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(sim_.run_until([&] { return client.closed; }, 60s));
  EXPECT_EQ(count_of(client.in, "HTTP/1.1 200 OK\r\n"), 501U);
  EXPECT_LT(client.in.find("now 17H"), client.in.find("now 18H"));
  EXPECT_TRUE(client.in.ends_with("now last"));
}

TEST_P(HttpServers, ABigAnswerLeavesWhole) {
  Client& client = connect("GET /big HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(sim_.run_until([&] { return client.closed; }, 60s));
  EXPECT_EQ(client.in.size() - client.in.find("\r\n\r\n") - 4, kBigBytes);
}

TEST_P(HttpServers, ALateAnswerFindsItsConnectionOrNobody) {
  Client& patient = connect("GET /later HTTP/1.1\r\nHost: x\r\n\r\nGET /now?next HTTP/1.1\r\nHost: x\r\n\r\n");
  sim_.run_for(1s);
  Client& gone = connect("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  sim_.run_for(1s);
  ASSERT_EQ(waiting_.size(), 2U);
  EXPECT_EQ(patient.in, "");
  gone.hang_up();
  sim_.run_for(31s);  // both are idle: closed
  Client& waits = connect("GET /later HTTP/1.1\r\nHost: x\r\n\r\nGET /now?next HTTP/1.1\r\nHost: x\r\n\r\n");
  sim_.run_for(1s);
  ASSERT_EQ(waiting_.size(), 3U);
  sim_.world(node_).shard(0).post([this] {
    for (Reply& reply : waiting_) {
      reply({.body = "late"});
    }
  });
  sim_.run_for(1s);
  EXPECT_EQ(count_of(waits.in, "HTTP/1.1 200 OK\r\n"), 2U) << waits.in;
  EXPECT_LT(waits.in.find("late"), waits.in.find("now next"));
}

TEST_P(HttpServers, OneConnectionTooManyTakesThePlaceOfTheLongestIdle) {
  Client& busy = connect("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  sim_.run_for(100ms);
  Client& longest = connect("");
  sim_.run_for(100ms);
  for (std::size_t i = 2; i < Server::kConnectionsMax; ++i) {
    connect("");
  }
  sim_.run_for(1s);
  EXPECT_TRUE(exchange("GET /now HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(longest.closed);
  EXPECT_FALSE(busy.closed) << "it waits for us";
  EXPECT_EQ(std::ranges::count_if(clients_, [](const auto& client) { return client->closed; }), 1);
}

TEST_P(HttpServers, WhoSaysNothingIsClosedSoonAndWhoWasServedLater) {
  Client& silent = connect("");
  Client& served = connect("GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
  sim_.run_for(Server::kHeadMax + 2s);
  EXPECT_TRUE(silent.closed);
  EXPECT_FALSE(served.closed);
  sim_.run_for(Server::kIdleMax);
  EXPECT_TRUE(served.closed);
}

TEST_P(HttpServers, ARequestThatComesByteByByteKeepsNoPlace) {
  Client& slow = connect("G");
  for (int i = 0; i < 8; ++i) {
    sim_.run_for(1s);
    if (!slow.closed) {
      slow.say("E");
    }
  }
  EXPECT_TRUE(slow.closed);
}

// The end of the stream is read together with the request, as behind shutdown(SHUT_WR).
TEST_P(HttpServers, ARequestBeforeTheEndOfTheStreamIsServed) {
  Client& client = connect("");
  sim_.run_for(100ms);
  client.say("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  client.hang_up();
  sim_.run_for(1s);
  EXPECT_EQ(waiting_.size(), 1U);
  connect("GET /la").hang_up();
  sim_.run_for(1s);
  EXPECT_EQ(waiting_.size(), 1U);
}

TEST_P(HttpServers, AServerThatGoesTakesItsConnectionsAlong) {
  connect("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  Client& idle = connect("");
  sim_.run_for(1s);
  sim_.kill(node_);
  waiting_.clear();
  sim_.run_for(1s);
  EXPECT_TRUE(idle.closed);
}

INSTANTIATE_TEST_SUITE_P(Seeds, HttpServers, testing::Range<std::uint64_t>(1, 5));

}  // namespace
}  // namespace moldau::http
