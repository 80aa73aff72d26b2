// Quotas and slow requests through a real connection and dispatcher.
#include "broker/request/request_accounts.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "broker/request/dispatcher.h"
#include "broker/testing/table_rig.h"
#include "metadata/image/delta.h"
#include "protocol/messages/metadata_request.h"
#include "protocol/messages/metadata_response.h"
#include "runtime/testing/manual_shard.h"

namespace moldau::broker::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class LineLogger final : public Logger {
 public:
  [[nodiscard]] bool enabled(LogLevel level) const noexcept override { return level >= LogLevel::kInfo; }
  void write(LogLevel /*level*/, std::string_view /*area*/, std::string_view text) override {
    lines.emplace_back(text);
  }
  std::vector<std::string> lines;
};

// The shard's time, and what was worked since.
class WorkWatch final : public runtime::Stopwatch {
 public:
  explicit WorkWatch(const runtime::Shard& shard) : shard_(shard) {}
  [[nodiscard]] runtime::MonoTime read() const noexcept override { return shard_.clock().now() + worked; }
  std::chrono::nanoseconds worked{0};

 private:
  const runtime::Shard& shard_;
};

std::shared_ptr<const QuotaLimits> any_client(const std::string& key, double limit) {
  metadata::records::ClientQuotaRecord record;
  record.entity.emplace_back().entity_type = "client-id";
  record.entity.back().entity_name.reset();
  record.key = key;
  record.value = limit;
  metadata::Delta delta(std::make_shared<const metadata::Image>());
  EXPECT_TRUE(delta.replay(record, Offset(1)));
  return std::make_shared<const QuotaLimits>(*delta.apply({}));
}

// Answers Metadata, at once or when told to; each answer costs `work`, and what the test says.
class WorkingHandler final : public Handler {
 public:
  explicit WorkingHandler(WorkWatch& watch) : watch_(watch) {}
  void handle(Request request) override {
    watch_.worked += work;
    if (hold) {
      request.waits_for("the test", may_wait);
      held.push_back(std::move(request));
    } else {
      answer(std::move(request));
    }
  }
  void answer(Request request) {
    if (fetched) {
      held_off = request.charge_fetch(*fetched);
    }
    if (produces) {
      request.charge_produce();
    }
    protocol::MetadataResponse response;
    response.cluster_id = "c";
    request.reply(response);
  }

  std::chrono::nanoseconds work{0};
  bool hold = false;
  milliseconds may_wait{0};
  bool produces = false;
  std::optional<double> fetched;
  bool held_off = false;
  std::vector<Request> held;

 private:
  WorkWatch& watch_;
};

class RequestAccountsTest : public ::testing::Test {
 protected:
  RequestAccountsTest() {
    auto made = std::make_unique<WorkingHandler>(watch);
    handler = made.get();
    dispatcher.add(protocol::ApiKey::kMetadata, std::move(made));
    table.wire(dispatcher, {&table});
    table.add(std::make_unique<FakeSocket>(shard, peer), "PLAINTEXT", {});
    settle();
  }
  ~RequestAccountsTest() override { handler->held.clear(); }

  void settle() {
    do {
      shard.turn();
    } while (!shard.idle());
  }
  // The throttle time of each answer to one request.
  std::vector<std::int32_t> ask(std::string_view client_id = "app", std::int16_t version = 9) {
    wire::Writer writer;
    writer.int32(0);
    protocol::RequestHeader header;
    header.request_api_key = 3;
    header.request_api_version = version;
    header.client_id = client_id;
    const protocol::ApiInfo& api = protocol::api_info(protocol::ApiKey::kMetadata);
    header.encode(writer, api.request_header_version(version));
    protocol::MetadataRequest().encode(writer, version);
    writer.patch_int32(0, static_cast<std::int32_t>(writer.total_bytes() - 4));
    peer->send(std::move(writer).take());
    settle();
    return answers(version);
  }
  std::vector<std::int32_t> answers(std::int16_t version = 9) {
    const ByteVector received = peer->take_received();
    std::vector<std::int32_t> throttles;
    for (const ByteVector& frame : frames_in(received)) {
      wire::Reader reader{Bytes(frame)};
      const protocol::ApiInfo& api = protocol::api_info(protocol::ApiKey::kMetadata);
      EXPECT_TRUE(protocol::ResponseHeader::decode(reader, api.response_header_version(version)));
      const auto response = protocol::MetadataResponse::decode(reader, version);
      EXPECT_TRUE(response);
      throttles.push_back(response ? response->throttle_time_ms : -1);
    }
    return throttles;
  }

  LineLogger logger;
  ManualShard shard;
  WorkWatch watch{shard};
  RequestAccounts accounts{shard, logger, watch, {.quotas = {}, .slow = {.after = milliseconds(100)}}};
  FakeNetwork network{shard};
  std::shared_ptr<FakePeer> peer = std::make_shared<FakePeer>();
  WorkingHandler* handler = nullptr;
  Dispatcher dispatcher{shard, logger, ListenerKind::kBroker, nullptr, &accounts};
  ConnectionTable table{shard, network, logger, {}};
};

using Throttles = std::vector<std::int32_t>;

TEST_F(RequestAccountsTest, Semantics64WithoutQuotasNothingIsCounted) {
  handler->work = seconds(5);
  handler->produces = true;
  handler->fetched = 1e9;
  EXPECT_EQ(ask(), Throttles({0}));
  EXPECT_EQ(accounts.entities(), 0U);
  EXPECT_FALSE(handler->held_off);
}

TEST_F(RequestAccountsTest, Semantics64RequestTimeIsThatOfTheHandler) {
  accounts.set_limits(any_client("request_percentage", 1));
  handler->work = milliseconds(50);  // 5 percent-seconds; 10 are free in the first window
  EXPECT_EQ(ask(), Throttles({0}));
  EXPECT_EQ(ask(), Throttles({0}));
  EXPECT_EQ(ask("other"), Throttles({0})) << "each client id has its own";
  EXPECT_EQ(ask("app"), Throttles({1000})) << "5 s, but a sample at most";
  EXPECT_EQ(accounts.throttled_total(), 1U);
  EXPECT_EQ(ask("app"), Throttles({})) << "muted";
  handler->work = {};
  shard.pass(seconds(1));
  settle();
  EXPECT_EQ(answers().size(), 1U);
}

TEST_F(RequestAccountsTest, Semantics64AnOldVersionIsHeldOffWithoutBeingTold) {
  accounts.set_limits(any_client("request_percentage", 1));
  handler->work = seconds(1);
  EXPECT_EQ(ask("app", 2), Throttles({0}));
  EXPECT_EQ(ask("app", 2), Throttles({}));
}

TEST_F(RequestAccountsTest, Semantics64ProducedBytesAreThoseOfTheFrame) {
  accounts.set_limits(any_client("producer_byte_rate", 1));
  handler->produces = true;
  const Throttles told = ask();  // some 20 bytes in a window of 10 s
  ASSERT_EQ(told.size(), 1U);
  EXPECT_GT(told[0], 5'000);
  EXPECT_LT(told[0], 30'000);
}

TEST_F(RequestAccountsTest, Semantics64AFetchThatIsHeldOffCostsNothing) {
  accounts.set_limits(any_client("consumer_byte_rate", 100));
  handler->fetched = 2000;
  EXPECT_EQ(ask(), Throttles({10'000}));
  EXPECT_TRUE(handler->held_off);
  handler->fetched = 1000;
  shard.pass(seconds(10));
  settle();
  EXPECT_EQ(ask(), Throttles({0}));
  EXPECT_FALSE(handler->held_off);
}

TEST_F(RequestAccountsTest, OtherShardsLearnOfIt) {
  ManualShard other_shard(1);
  RequestAccounts other(other_shard, logger, watch, {});
  accounts.wire({&accounts, &other});
  other.wire({&accounts, &other});
  const auto limits = any_client("producer_byte_rate", 100);
  accounts.set_limits(limits);
  other.set_limits(limits);
  EXPECT_EQ(accounts.charge(QuotaKind::kProduce, "app", 1000), QuotaTime(0));
  shard.pass(RequestAccounts::kTellInterval);
  other_shard.turn();
  EXPECT_EQ(other.charge(QuotaKind::kProduce, "app", 1000), seconds(10));
  other.close();
}

TEST_F(RequestAccountsTest, ASlowRequestIsToldOfWithWhereTheTimeWent) {
  handler->work = milliseconds(99);
  EXPECT_EQ(ask().size(), 1U);
  EXPECT_TRUE(logger.lines.empty());
  watch.worked = {};
  handler->work = milliseconds(150);
  EXPECT_EQ(ask().size(), 1U);
  ASSERT_EQ(logger.lines.size(), 1U);
  const std::string& line = logger.lines[0];
  for (const char* part : {"Metadata v9 took 150.0 ms: 150.0 ms of work", "on PLAINTEXT", "client 'app'", "bytes in"}) {
    EXPECT_NE(line.find(part), std::string::npos) << line;
  }
  watch.worked = {};
  handler->work = {};
  handler->hold = true;
  EXPECT_TRUE(ask().empty());
  shard.pass(milliseconds(500));
  handler->answer(std::move(handler->held.back()));
  handler->held.clear();
  settle();
  ASSERT_EQ(logger.lines.size(), 2U);
  EXPECT_NE(logger.lines[1].find("took 500.0 ms: 500.0 ms of waiting for the test"), std::string::npos)
      << logger.lines[1];
}

TEST_F(RequestAccountsTest, AClientIdMakesNoLineOfItsOwn) {
  handler->work = milliseconds(150);
  ask("a\nb\x1b" + std::string(5'000, 'c'));
  ASSERT_EQ(logger.lines.size(), 1U);
  EXPECT_NE(logger.lines[0].find("client 'a?b?ccc"), std::string::npos) << logger.lines[0];
  EXPECT_LT(logger.lines[0].size(), 400U);
}

TEST_F(RequestAccountsTest, WhatTheClientAskedToWaitIsNotSlow) {
  handler->hold = true;
  handler->may_wait = milliseconds(500);
  EXPECT_TRUE(ask().empty());
  shard.pass(milliseconds(550));
  handler->answer(std::move(handler->held.back()));
  handler->held.clear();
  settle();
  EXPECT_TRUE(logger.lines.empty());
}

TEST_F(RequestAccountsTest, ManySlowRequestsAreAFewLines) {
  handler->work = milliseconds(150);
  for (int i = 0; i < 50; ++i) {
    watch.worked = {};
    ask();
  }
  EXPECT_EQ(logger.lines.size(), static_cast<std::size_t>(SlowRequests::kLinesPerSecondMax));
  EXPECT_EQ(accounts.slow().total(), 50U);
  watch.worked = {};
  shard.pass(seconds(1));
  ask();
  EXPECT_NE(logger.lines.back().find("40 more were not told"), std::string::npos) << logger.lines.back();
}

}  // namespace
}  // namespace moldau::broker::testing
