#include "client/core/broker_connection.h"

#include <cerrno>

#include <gtest/gtest.h>

#include "protocol/api/response_header.h"
#include "protocol/errors/error_code.h"
#include "protocol/messages/metadata_request.h"
#include "protocol/messages/metadata_response.h"
#include "sim/world/simulation.h"

namespace moldau::client {
namespace {

using namespace std::chrono_literals;
using protocol::ApiKey;

constexpr std::uint16_t kPort = 9092;
constexpr auto kTimeout = 5s;

struct Asked {
  protocol::RequestHeader header;
  std::int16_t version = 0;
};
// What the broker sends back for one request: raw bytes, maybe none.
using Script = Function<ByteVector(const Asked&)>;

// A broker that answers as it is told.
class ScriptedBroker final : public sim::NodeProgram, private runtime::AcceptHandler, private runtime::SocketHandler {
 public:
  ScriptedBroker(runtime::World world, Script& script) : script_(script) {
    listener_ = world.network(0).listen({"", kPort}, {}, *this).value();
  }

 private:
  void on_accept(std::unique_ptr<runtime::Socket> socket) override {
    socket_ = std::move(socket);
    socket_->set_handler(*this);
    socket_->watch_readable();
  }

  void on_readable() override {
    for (;;) {
      std::byte space[512];
      const runtime::IoResult got = socket_->try_read(space);
      if (got.status == runtime::IoStatus::kClosed) {
        return;
      }
      if (got.status == runtime::IoStatus::kWouldBlock) {
        socket_->watch_readable();
        break;
      }
      received_.insert(received_.end(), space, space + got.bytes);
    }
    while (received_.size() >= 4) {
      const auto whole = 4 + static_cast<std::size_t>(load_be<std::int32_t>(received_.data()));
      if (received_.size() < whole) {
        return;
      }
      const ByteVector frame(received_.begin() + 4, received_.begin() + static_cast<std::ptrdiff_t>(whole));
      received_.erase(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(whole));
      wire::Reader reader(frame);
      Asked asked{.header = protocol::decode_request_header(reader).value()};
      asked.version = asked.header.request_api_version;
      const ByteVector answer = script_(asked);
      out_.insert(out_.end(), answer.begin(), answer.end());
    }
    on_writable();
  }

  void on_writable() override {
    while (!out_.empty()) {
      const runtime::OutRegion region{.memory = out_, .file = nullptr, .position = 0, .size = out_.size()};
      const runtime::IoResult result = socket_->try_write(std::span(&region, 1));
      if (result.status != runtime::IoStatus::kOk) {
        return result.status == runtime::IoStatus::kWouldBlock ? socket_->watch_writable() : void();
      }
      out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(result.bytes));
    }
  }

  Script& script_;
  std::unique_ptr<runtime::Listener> listener_;
  std::unique_ptr<runtime::Socket> socket_;
  ByteVector received_;
  ByteVector out_;
};

class NothingRuns final : public sim::NodeProgram {};

template <class Response>
ByteVector answer_to(const Asked& asked, const Response& response, std::int16_t version) {
  wire::Writer writer;
  writer.int32(0);
  protocol::ResponseHeader header;
  header.correlation_id = asked.header.correlation_id;
  header.encode(writer, protocol::api_info(Response::kApiKey).response_header_version(version));
  response.encode(writer, version);
  writer.patch_int32(0, static_cast<std::int32_t>(writer.total_bytes() - 4));
  return to_vector(writer.bytes());
}

ByteVector versions(const Asked& asked, std::int16_t metadata_max = 12) {
  protocol::ApiVersionsResponse response;
  response.api_keys.push_back(
      {.api_key = static_cast<std::int16_t>(ApiKey::kApiVersions), .min_version = 0, .max_version = 4});
  response.api_keys.push_back(
      {.api_key = static_cast<std::int16_t>(ApiKey::kMetadata), .min_version = 0, .max_version = metadata_max});
  response.api_keys.push_back({.api_key = 31'000, .min_version = 0, .max_version = 9});  // of a later release
  return answer_to(asked, response, asked.version);
}

ByteVector metadata(const Asked& asked) {
  protocol::MetadataResponse response;
  response.cluster_id = "a-cluster";
  return answer_to(asked, response, asked.version);
}

bool is_versions(const Asked& asked) {
  return asked.header.request_api_key == static_cast<std::int16_t>(ApiKey::kApiVersions);
}

class BrokerConnections : public testing::TestWithParam<std::uint64_t> {
 protected:
  BrokerConnections() {
    server_ = sim_.add_node({.shards = 1},
                            [this](runtime::World world) { return std::make_unique<ScriptedBroker>(world, script_); });
    client_ = sim_.add_node({.shards = 1}, [](runtime::World) { return std::make_unique<NothingRuns>(); });
    sim_.start(server_);
    sim_.start(client_);
    const runtime::World world = sim_.world(client_);
    connection_ = std::make_unique<BrokerConnection>(
        world.shard(0), world.network(0),
        BrokerConnection::Config{.request_timeout = kTimeout, .requests_in_flight_max = 3});
  }
  ~BrokerConnections() override {
    on_client([this] { connection_.reset(); });
    sim_.run_for(1s);
  }

  void on_client(Callback work) { sim_.world(client_).shard(0).post(std::move(work)); }

  // Runs the task on the client's shard until it ends.
  template <class T>
  T run(Function<runtime::Task<T>()> make) {
    std::optional<T> result;
    on_client([&] { runtime::spawn(make(), [&](T value) { result.emplace(std::move(value)); }); });
    EXPECT_TRUE(sim_.run_until([&] { return result.has_value(); }, 60s)) << "the call never ended";
    return *std::move(result);
  }

  Result<> open(std::uint16_t port = kPort) {
    return run<Result<>>([this, port] { return connection_->open({"node-0", port}); });
  }
  using Asking = Result<Answer<protocol::MetadataResponse>>;
  Asking ask() {
    return run<Asking>([this] { return connection_->call(protocol::MetadataRequest()); });
  }

  sim::Simulation sim_{{.seed = GetParam()}};
  Script script_;
  std::uint32_t server_ = 0;
  std::uint32_t client_ = 0;
  std::unique_ptr<BrokerConnection> connection_;
};

TEST_P(BrokerConnections, TakesTheHighestVersionThatBothSidesHave) {
  std::vector<std::int16_t> asked_versions;
  script_ = [&](const Asked& asked) {
    if (is_versions(asked)) {
      return versions(asked, 9);
    }
    asked_versions.push_back(asked.version);
    return metadata(asked);
  };
  ASSERT_TRUE(open());
  EXPECT_EQ(connection_->version_of(ApiKey::kMetadata), 9);
  EXPECT_FALSE(connection_->is_controller());
  EXPECT_EQ(connection_->version_of(ApiKey::kProduce).error().kind(), ErrorKind::kUnsupported);
  const auto answer = ask();
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->message.cluster_id, "a-cluster");
  EXPECT_EQ(asked_versions, std::vector<std::int16_t>{9});
}

TEST_P(BrokerConnections, AnOlderBrokerIsAskedForItsVersionsInVersionZero) {
  std::vector<std::int16_t> tried;
  script_ = [&](const Asked& asked) {
    tried.push_back(asked.version);
    if (asked.version > 0) {
      protocol::ApiVersionsResponse refusal;
      refusal.error_code = protocol::to_wire(protocol::ErrorCode::kUnsupportedVersion);
      return answer_to(asked, refusal, 0);
    }
    return versions(asked);
  };
  ASSERT_TRUE(open());
  EXPECT_EQ(tried, (std::vector<std::int16_t>{protocol::ApiVersionsRequest::kMaxVersion, 0}));
  EXPECT_TRUE(connection_->version_of(ApiKey::kMetadata));
}

TEST_P(BrokerConnections, ABrokerThatIsSilentTimesOut) {
  script_ = [](const Asked&) { return ByteVector(); };
  const auto before = sim_.now();
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind(), ErrorKind::kTimedOut);
  EXPECT_EQ(explain(opened.error()), "timed out after 5 s");
  EXPECT_GE(sim_.now() - before, kTimeout);
  EXPECT_LT(sim_.now() - before, kTimeout + 1s);
  EXPECT_EQ(ask().error().kind(), ErrorKind::kUnsupported);  // it never said what it has
}

TEST(ExplainedErrors, SayWhatHappenedWithoutKindsAndNumbers) {
  EXPECT_EQ(explain(Error(ErrorKind::kIo, "cannot connect", ECONNREFUSED)), "connection refused");
  EXPECT_EQ(explain(Error(ErrorKind::kIo, "cannot connect", EHOSTUNREACH)), "no route to that address");
  EXPECT_EQ(explain(Error(ErrorKind::kNotFound, "the host name cannot be resolved")),
            "the host name cannot be resolved");
  EXPECT_EQ(explain(Error(ErrorKind::kTimedOut, "no answer", 0, 500)), "timed out after 0.5 s");
  EXPECT_EQ(explain(Error(ErrorKind::kClosed, "the broker closed the connection")), "the broker closed the connection");
}

TEST_P(BrokerConnections, AControllersListenerIsKnownByWhatItHas) {
  script_ = [](const Asked& asked) {
    protocol::ApiVersionsResponse response;
    for (const ApiKey key : {ApiKey::kApiVersions, ApiKey::kVote}) {
      response.api_keys.push_back({.api_key = static_cast<std::int16_t>(key), .min_version = 0, .max_version = 4});
    }
    return answer_to(asked, response, asked.version);
  };
  ASSERT_TRUE(open());
  EXPECT_TRUE(connection_->is_controller());
  EXPECT_EQ(explain(ask().error()), "the broker has no version of Metadata that this program has");
}

TEST_P(BrokerConnections, ARefusedConnectionIsAnError) {
  const auto opened = open(kPort + 1);
  ASSERT_FALSE(opened);
}

TEST_P(BrokerConnections, BytesThatAreNoAnswerEndTheConnection) {
  script_ = [](const Asked&) { return to_vector(as_bytes("HTTP/1.1 400 Bad Request\r\n\r\n")); };
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind(), ErrorKind::kCorrupt);
}

TEST_P(BrokerConnections, AnAnswerToAnotherRequestEndsTheConnection) {
  script_ = [](Asked asked) {
    asked.header.correlation_id += 1;
    return versions(asked);
  };
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind(), ErrorKind::kCorrupt);
}

TEST_P(BrokerConnections, ALostBrokerFailsWhatWaitsAndWhatComesLater) {
  script_ = [this](const Asked& asked) {
    if (is_versions(asked)) {
      return versions(asked);
    }
    sim_.kill(server_);
    return ByteVector();
  };
  ASSERT_TRUE(open());
  EXPECT_EQ(ask().error().kind(), ErrorKind::kClosed);
  EXPECT_EQ(ask().error().kind(), ErrorKind::kClosed);
}

TEST_P(BrokerConnections, ManyRequestsAreAnsweredInTheirOrderAndOneTooManyIsRefused) {
  script_ = [](const Asked& asked) { return is_versions(asked) ? versions(asked) : metadata(asked); };
  ASSERT_TRUE(open());
  std::vector<int> done;
  on_client([&] {
    for (int i = 0; i < 4; ++i) {
      runtime::spawn(connection_->call(protocol::MetadataRequest()), [&done, i](const Asking& answer) {
        EXPECT_EQ(answer.has_value(), i < 3);
        if (answer) {
          EXPECT_EQ(answer->message.cluster_id, "a-cluster");
        }
        done.push_back(i);
      });
    }
  });
  EXPECT_TRUE(sim_.run_until([&] { return done.size() == 4; }, 10s));
  EXPECT_EQ(done, (std::vector<int>{3, 0, 1, 2}));
}

TEST_P(BrokerConnections, ClosingFailsWhatWaits) {
  script_ = [](const Asked& asked) { return is_versions(asked) ? versions(asked) : ByteVector(); };
  ASSERT_TRUE(open());
  std::optional<Asking> answer;
  on_client([&] {
    runtime::spawn(connection_->call(protocol::MetadataRequest()),
                   [&](Asking result) { answer.emplace(std::move(result)); });
    connection_->close();
  });
  EXPECT_TRUE(sim_.run_until([&] { return answer.has_value(); }, 1s));
  EXPECT_EQ(answer->error().kind(), ErrorKind::kClosed);
}

INSTANTIATE_TEST_SUITE_P(Seeds, BrokerConnections, testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace moldau::client
