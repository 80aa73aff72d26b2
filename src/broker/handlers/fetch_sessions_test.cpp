#include "broker/handlers/fetch_sessions.h"

#include <gtest/gtest.h>

#include "broker/handlers/testing/made_up_broker.h"
#include "broker/handlers/testing/requests.h"
#include "protocol/messages/fetch_response.h"
#include "protocol/messages/produce_response.h"

namespace moldau::broker {
namespace {

using namespace std::chrono_literals;
using protocol::ApiKey;
using protocol::ErrorCode;
using protocol::FetchRequest;
using protocol::FetchResponse;
using testing::batch_of;
using testing::fetch_from;
using testing::fetch_with;
using testing::MadeUpBroker;
using testing::MemoryClient;

constexpr std::int16_t kVersion = 12;

// A session made on shard 0 and used by a connection of shard 1.
struct FetchSessionsTest : ::testing::Test {
  FetchSessionsTest() {
    broker.add_topic("orders", 2);
    const auto opened = fetch(home, fetch_from("orders", {0, 0}, {.session_epoch = kInitialSessionEpoch}));
    session = opened.session_id;
    EXPECT_NE(session, kNoSession);
    EXPECT_EQ(SessionIds::shard_of(session, 2), 0U);
  }
  FetchResponse fetch(MemoryClient& from, const FetchRequest& request) {
    from.send(ApiKey::kFetch, kVersion, request);
    broker.settle();
    const auto answer = from.receive<FetchResponse>(ApiKey::kFetch, kVersion);
    EXPECT_TRUE(answer);
    return answer.value_or(FetchResponse{});
  }
  [[nodiscard]] FetchRequest next(std::int32_t epoch, std::int32_t max_wait_ms = 0) const {
    return fetch_with({.max_wait_ms = max_wait_ms, .session_id = session, .session_epoch = epoch});
  }
  void append(std::int32_t partition) {
    const ByteVector batch = batch_of(1);
    MemoryClient producer = broker.connect();
    producer.send(ApiKey::kProduce, 11, testing::produce_to("orders", batch, 1, partition));
    broker.settle();
    ASSERT_TRUE(producer.receive<protocol::ProduceResponse>(ApiKey::kProduce, 11));
  }

  MadeUpBroker broker{2};
  MemoryClient home = broker.connect(0);
  MemoryClient away = broker.connect(1);
  std::int32_t session = kNoSession;
};

TEST_F(FetchSessionsTest, Semantics31ASessionGoesOnFromAConnectionOfAnotherShard) {
  const auto nothing_new = fetch(away, next(1));
  EXPECT_EQ(nothing_new.error_code, 0);
  EXPECT_EQ(nothing_new.session_id, session);
  EXPECT_TRUE(nothing_new.responses.empty());
  append(1);
  const auto news = fetch(away, next(2));
  ASSERT_EQ(news.responses.size(), 1U);
  ASSERT_EQ(news.responses[0].partitions.size(), 1U);
  EXPECT_EQ(news.responses[0].partitions[0].partition_index, 1);
  EXPECT_EQ(news.responses[0].partitions[0].records->size_bytes(), batch_of(1).size());
  const auto back_home = fetch(home, next(3));
  EXPECT_EQ(back_home.error_code, 0) << "the epoch went on";
}

TEST_F(FetchSessionsTest, Semantics31ErrorsAreTheSameFromElsewhere) {
  EXPECT_EQ(fetch(away, next(7)).error_code, to_wire(ErrorCode::kInvalidFetchSessionEpoch));
  EXPECT_EQ(fetch(away, next(1)).error_code, 0);
  FetchRequest unknown = next(1);
  unknown.session_id = session == 1 ? 2 : session - 1;
  EXPECT_EQ(fetch(away, unknown).error_code, to_wire(ErrorCode::kFetchSessionIdNotFound));
}

TEST_F(FetchSessionsTest, Semantics31AFullFetchElsewhereTakesThePlaceOfTheSession) {
  const auto replaced =
      fetch(away, fetch_from("orders", {0}, {.session_id = session, .session_epoch = kInitialSessionEpoch}));
  EXPECT_NE(replaced.session_id, kNoSession);
  EXPECT_NE(replaced.session_id, session);
  EXPECT_EQ(fetch(home, next(1)).error_code, to_wire(ErrorCode::kFetchSessionIdNotFound));
  EXPECT_EQ(broker.context(0).sessions.size(), 0U);
  EXPECT_EQ(broker.context(1).sessions.size(), 1U);
}

TEST_F(FetchSessionsTest, Semantics31AFinalFetchElsewhereClosesTheSession) {
  const auto last = fetch(away, next(kFinalSessionEpoch));
  EXPECT_EQ(last.session_id, kNoSession);
  EXPECT_EQ(broker.context(0).sessions.size(), 0U);
}

TEST_F(FetchSessionsTest, ALongPollWithASessionOfAnotherShardIsWokenByTheAppend) {
  away.send(ApiKey::kFetch, kVersion, next(1, 60'000));
  broker.settle();
  EXPECT_FALSE(away.has_answer());
  append(0);
  const auto answer = away.receive<FetchResponse>(ApiKey::kFetch, kVersion);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->responses.size(), 1U);
  EXPECT_EQ(answer->responses[0].partitions[0].partition_index, 0);
  EXPECT_EQ(broker.operations(), 0U);
}

TEST_F(FetchSessionsTest, AClientThatLeavesWhileItsSessionIsAskedForLeavesNothingBehind) {
  away.send(ApiKey::kFetch, kVersion, next(1, 60'000));
  away.close();
  broker.settle();
  broker.advance(60s);
  EXPECT_EQ(broker.operations(), 0U);
  EXPECT_EQ(fetch(home, next(2)).error_code, 0) << "the request was counted";
}

}  // namespace
}  // namespace moldau::broker
