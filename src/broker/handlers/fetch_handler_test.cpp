#include "broker/handlers/fetch_handler.h"

#include <gtest/gtest.h>

#include "broker/handlers/testing/made_up_broker.h"
#include "broker/handlers/testing/requests.h"
#include "protocol/messages/fetch_response.h"
#include "protocol/messages/produce_response.h"
#include "replication/partition/partition.h"

namespace moldau::broker {
namespace {

using namespace std::chrono_literals;
using protocol::ApiKey;
using protocol::ErrorCode;
using protocol::FetchRequest;
using protocol::FetchResponse;
using testing::batch_of;
using testing::fetch_from;
using testing::MadeUpBroker;
using testing::MemoryClient;

constexpr std::int16_t kVersion = 12;         // with names
constexpr std::int16_t kVersionWithIds = 17;  // with leaders' endpoints

struct FetchHandlerTest : ::testing::Test {
  void append(const ByteVector& batch, std::int32_t partition = 0, std::string_view topic = "orders") {
    MemoryClient producer = broker.connect();
    producer.send(ApiKey::kProduce, 11, testing::produce_to(topic, batch, 1, partition));
    broker.settle();
    const auto answer = producer.receive<protocol::ProduceResponse>(ApiKey::kProduce, 11);
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->responses.at(0).partition_responses.at(0).error_code, 0);
    producer.close();
    broker.settle();
  }
  void send(const FetchRequest& request, std::int16_t version = kVersion) {
    client.send(ApiKey::kFetch, version, request);
  }
  std::optional<FetchResponse> take(std::int16_t version = kVersion) {
    return client.receive<FetchResponse>(ApiKey::kFetch, version);
  }
  FetchResponse fetch(const FetchRequest& request, std::int16_t version = kVersion) {
    send(request, version);
    broker.settle();
    const auto answer = take(version);
    EXPECT_TRUE(answer);
    return answer.value_or(FetchResponse{});
  }
  static std::size_t bytes_of(const FetchResponse& answer, std::size_t partition = 0) {
    const auto& data = answer.responses.at(0).partitions.at(partition);
    return data.records ? data.records->size_bytes() : 0;
  }

  MadeUpBroker broker;
  MemoryClient client = broker.connect();
};

TEST_F(FetchHandlerTest, Semantics33BatchesAreSentAsStored) {
  broker.add_topic("orders");
  append(batch_of(3));
  append(batch_of(2));
  const auto answer = fetch(fetch_from("orders", {1}));
  const auto& data = answer.responses.at(0).partitions.at(0);
  EXPECT_EQ(data.error_code, 0);
  EXPECT_EQ(data.high_watermark, 5);
  EXPECT_EQ(data.last_stable_offset, 5);
  EXPECT_FALSE(data.aborted_transactions.has_value()) << "null under read_uncommitted";
  ASSERT_TRUE(data.records);
  const ByteVector whole = batch_of(3);
  EXPECT_EQ(bytes_of(answer), whole.size() + batch_of(2).size()) << "the batch that holds the offset comes whole";
}

TEST_F(FetchHandlerTest, Semantics27ReadCommittedListsNoAbortedTransactionAsAnEmptyList) {
  broker.add_topic("orders");
  append(batch_of(1));
  FetchRequest request = fetch_from("orders", {0});
  request.isolation_level = 1;
  const auto answer = fetch(request);
  const auto& data = answer.responses.at(0).partitions.at(0);
  ASSERT_TRUE(data.aborted_transactions.has_value());
  EXPECT_TRUE(data.aborted_transactions->empty());
}

TEST_F(FetchHandlerTest, Semantics35AnAppendWakesTheLongPollInItsTurn) {
  broker.add_topic("orders");
  send(fetch_from("orders", {0}, {.max_wait_ms = 60'000}));
  broker.settle();
  EXPECT_FALSE(client.has_answer());
  append(batch_of(2));  // no time passes
  const auto answer = take();
  ASSERT_TRUE(answer);
  EXPECT_EQ(bytes_of(*answer), batch_of(2).size());
  EXPECT_EQ(broker.operations(), 0U);
}

TEST_F(FetchHandlerTest, Semantics35ThePollWaitsForMinBytesOfAllPartitionsTogether) {
  broker.add_topic("orders", 2);
  const auto size = static_cast<std::int32_t>(batch_of(1).size());
  send(fetch_from("orders", {0, 0}, {.max_wait_ms = 60'000, .min_bytes = size + 1}));
  broker.settle();
  append(batch_of(1), 0);
  EXPECT_FALSE(client.has_answer());
  append(batch_of(1), 1);
  const auto answer = take();
  ASSERT_TRUE(answer);
  EXPECT_EQ(bytes_of(*answer, 0), static_cast<std::size_t>(size));
  EXPECT_EQ(bytes_of(*answer, 1), static_cast<std::size_t>(size));
}

TEST_F(FetchHandlerTest, Semantics35ThePollEndsWithMaxWait) {
  broker.add_topic("orders");
  send(fetch_from("orders", {0}, {.max_wait_ms = 500}));
  broker.settle();
  broker.advance(499ms);
  EXPECT_FALSE(client.has_answer());
  broker.advance(1ms);
  const auto answer = take();
  ASSERT_TRUE(answer);
  EXPECT_EQ(bytes_of(*answer), 0U);
  EXPECT_EQ(answer->responses.at(0).partitions.at(0).error_code, 0);
}

TEST_F(FetchHandlerTest, Semantics35ALostLeadershipEndsThePoll) {
  broker.add_topic("orders");
  send(fetch_from("orders", {0}, {.max_wait_ms = 60'000}));
  broker.settle();
  broker.set_leader("orders", MadeUpBroker::kOther, {2});
  broker.settle();
  const auto answer = take();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->responses.at(0).partitions.at(0).error_code, to_wire(ErrorCode::kNotLeaderOrFollower));
}

TEST_F(FetchHandlerTest, Semantics35ALostLogDirectoryEndsThePoll) {
  broker.add_topic("orders");
  send(fetch_from("orders", {0}, {.max_wait_ms = 60'000}));
  broker.settle();
  broker.partition("orders").on_directory_failed();
  broker.settle();
  const auto answer = take();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->responses.at(0).partitions.at(0).error_code, to_wire(ErrorCode::kKafkaStorageError));
}

TEST_F(FetchHandlerTest, Semantics35DataOnAnOlderSegmentIsNotWaitedFor) {
  replication::PartitionConfig config;
  config.log.segment_bytes = 1'000;
  broker.add_topic("orders", 1, config);
  for (int i = 0; i < 3; ++i) {
    append(batch_of(1, 600));
  }
  ASSERT_EQ(broker.partition("orders").log()->segment_count(), 3U);
  const auto older = fetch(fetch_from("orders", {0}, {.max_wait_ms = 60'000, .min_bytes = 100'000}));
  EXPECT_EQ(bytes_of(older), batch_of(1, 600).size());
  send(fetch_from("orders", {2}, {.max_wait_ms = 60'000, .min_bytes = 100'000}));
  broker.settle();
  EXPECT_FALSE(client.has_answer()) << "the newest segment may still grow";
}

TEST_F(FetchHandlerTest, Semantics34ConsumersStopAtTheHighWatermarkAlsoTheDebuggingOne) {
  broker.add_topic("orders");
  broker.set_leader("orders", MadeUpBroker::kSelf, {1, 2});
  append(batch_of(2));
  const auto consumer = fetch(fetch_from("orders", {0}));
  EXPECT_EQ(bytes_of(consumer), 0U);
  EXPECT_EQ(consumer.responses.at(0).partitions.at(0).high_watermark, 0);
  EXPECT_EQ(fetch(fetch_from("orders", {2})).responses.at(0).partitions.at(0).error_code, 0)
      << "between high watermark and log end: nothing, and no error";
  FetchRequest debugging = fetch_from("orders", {0});
  debugging.replica_id = -2;
  EXPECT_EQ(bytes_of(fetch(debugging)), 0U);
  debugging.isolation_level = 1;
  EXPECT_TRUE(fetch(debugging).responses.at(0).partitions.at(0).aborted_transactions.has_value());
}

TEST_F(FetchHandlerTest, Semantics37ADeletedTopicEndsThePoll) {
  broker.add_topic("orders");
  send(fetch_from("orders", {0}, {.max_wait_ms = 60'000}));
  broker.settle();
  broker.delete_topic("orders");
  broker.settle();
  const auto answer = take();
  ASSERT_TRUE(answer);
  EXPECT_NE(answer->responses.at(0).partitions.at(0).error_code, 0);
}

TEST_F(FetchHandlerTest, Semantics35APollOfAClientThatLeftEndsWithItsWait) {
  broker.add_topic("orders");
  send(fetch_from("orders", {0}, {.max_wait_ms = 60'000}));
  broker.settle();
  EXPECT_EQ(broker.operations(), 1U);
  client.close();
  broker.settle();
  broker.advance(60s);
  EXPECT_EQ(broker.operations(), 0U);
  EXPECT_TRUE(client.closed());
}

TEST_F(FetchHandlerTest, Semantics32MaxBytesCutsAllButTheFirstBatch) {
  broker.add_topic("orders", 2);
  append(batch_of(1, 500), 0);
  append(batch_of(1, 500), 0);
  append(batch_of(1, 500), 1);
  const std::size_t size = batch_of(1, 500).size();
  const auto tight = fetch(fetch_from("orders", {0, 0}, {.max_bytes = 10}));
  EXPECT_EQ(bytes_of(tight, 0), size) << "one whole batch, however large";
  EXPECT_EQ(bytes_of(tight, 1), 0U);
  const auto cut = fetch(fetch_from("orders", {0, 0}, {.max_bytes = static_cast<std::int32_t>(size + 100)}));
  EXPECT_EQ(bytes_of(cut, 0), size + 100) << "a later batch may be cut";
  EXPECT_EQ(bytes_of(cut, 1), 0U) << "nothing is left for the next partition's first batch";
  const auto by_partition = fetch(fetch_from("orders", {0, 0}, {.partition_max_bytes = 100}));
  EXPECT_EQ(bytes_of(by_partition, 0), size);
  EXPECT_EQ(bytes_of(by_partition, 1), 0U);
}

TEST_F(FetchHandlerTest, Semantics33TheBrokersOwnLimitBoundsTheRequests) {
  MadeUpBroker small(1, {.fetch_bytes_max = 700});
  small.add_topic("orders");
  MemoryClient user = small.connect();
  for (int i = 0; i < 3; ++i) {
    const ByteVector batch = batch_of(1, 500);
    user.send(ApiKey::kProduce, 11, testing::produce_to("orders", batch, 1));
    small.settle();
    ASSERT_TRUE(user.receive<protocol::ProduceResponse>(ApiKey::kProduce, 11));
  }
  user.send(ApiKey::kFetch, kVersion, fetch_from("orders", {0}, {.max_bytes = 1 << 20}));
  small.settle();
  const auto answer = user.receive<FetchResponse>(ApiKey::kFetch, kVersion);
  ASSERT_TRUE(answer);
  EXPECT_EQ(bytes_of(*answer), 700U);
}

TEST_F(FetchHandlerTest, Semantics34OffsetsOutsideOfTheLog) {
  broker.add_topic("orders");
  append(batch_of(2));
  EXPECT_EQ(fetch(fetch_from("orders", {3})).responses.at(0).partitions.at(0).error_code,
            to_wire(ErrorCode::kOffsetOutOfRange));
  const auto at_end = fetch(fetch_from("orders", {2}));
  EXPECT_EQ(at_end.responses.at(0).partitions.at(0).error_code, 0);
  EXPECT_EQ(bytes_of(at_end), 0U);
}

TEST_F(FetchHandlerTest, Semantics17ErrorsOfLeadershipNameTheLeaderAndWhereItIs) {
  const Uuid id = broker.add_topic("orders");
  (void)broker.partition("orders");
  broker.set_leader("orders", MadeUpBroker::kOther, {2});
  FetchRequest request = fetch_from("", {0});
  request.topics[0].topic_id = id;
  const auto moved = fetch(request, kVersionWithIds);
  const auto& data = moved.responses.at(0).partitions.at(0);
  EXPECT_EQ(data.error_code, to_wire(ErrorCode::kNotLeaderOrFollower));
  EXPECT_EQ(data.current_leader.leader_id, 2);
  EXPECT_EQ(data.current_leader.leader_epoch, broker.partition("orders").leader_epoch().value());
  ASSERT_EQ(moved.node_endpoints.size(), 1U);
  EXPECT_EQ(moved.node_endpoints[0].host, "other.example");

  broker.set_leader("orders", MadeUpBroker::kSelf, {1});
  request.topics[0].partitions[0].current_leader_epoch = MadeUpBroker::kFirstEpoch.value();
  const auto fenced = fetch(request, kVersionWithIds);
  EXPECT_EQ(fenced.responses.at(0).partitions.at(0).error_code, to_wire(ErrorCode::kFencedLeaderEpoch));
  EXPECT_EQ(fenced.responses.at(0).partitions.at(0).current_leader.leader_id, 1);
  ASSERT_EQ(fenced.node_endpoints.size(), 1U);
  EXPECT_EQ(fenced.node_endpoints[0].host, "self.example");
}

TEST_F(FetchHandlerTest, Semantics36ADivergingEpochEndsTheWaitAndCarriesNoRecords) {
  broker.add_topic("orders");
  append(batch_of(3));
  broker.set_leader("orders", MadeUpBroker::kSelf, {1});
  append(batch_of(1));
  FetchRequest request = fetch_from("orders", {4}, {.max_wait_ms = 60'000});
  request.topics[0].partitions[0].last_fetched_epoch = MadeUpBroker::kFirstEpoch.value();
  request.isolation_level = 1;
  const auto answer = fetch(request);
  const auto& data = answer.responses.at(0).partitions.at(0);
  EXPECT_EQ(data.error_code, 0);
  EXPECT_EQ(data.diverging_epoch.epoch, MadeUpBroker::kFirstEpoch.value());
  EXPECT_EQ(data.diverging_epoch.end_offset, 3);
  EXPECT_EQ(bytes_of(answer), 0U);
  EXPECT_FALSE(data.aborted_transactions.has_value()) << "null also under read_committed: nothing was read";
}

TEST_F(FetchHandlerTest, Semantics37ATopicOfAnotherIdIsUnknown) {
  const Uuid id = broker.add_topic("orders");
  FetchRequest request = fetch_from("", {0});
  request.topics[0].topic_id = Uuid{99, 99};
  EXPECT_EQ(fetch(request, kVersionWithIds).responses.at(0).partitions.at(0).error_code,
            to_wire(ErrorCode::kUnknownTopicId));
  broker.delete_topic("orders");
  broker.settle();
  request.topics[0].topic_id = id;
  EXPECT_EQ(fetch(request, kVersionWithIds).responses.at(0).partitions.at(0).error_code,
            to_wire(ErrorCode::kUnknownTopicId));
}

TEST_F(FetchHandlerTest, ANameThatNoTopicCanHaveIsUnknownAndKeptByNoSession) {
  const std::string name(32'767, 'x');
  const auto answer =
      fetch(fetch_from(name, std::vector<std::int64_t>(100, 0), {.session_epoch = kInitialSessionEpoch}));
  EXPECT_EQ(answer.session_id, kNoSession);
  ASSERT_EQ(answer.responses.size(), 1U);
  ASSERT_EQ(answer.responses[0].partitions.size(), 100U);
  EXPECT_EQ(answer.responses[0].partitions[99].error_code, to_wire(ErrorCode::kUnknownTopicOrPartition));
  EXPECT_EQ(broker.context().sessions.size(), 0U);
}

TEST_F(FetchHandlerTest, APartitionNamedTwiceCountsOnceInItsFirstPlaceWithItsLastValues) {
  broker.add_topic("orders", 2);
  append(batch_of(3));
  FetchRequest request = fetch_from("orders", {0, 0});
  request.topics.push_back(fetch_from("orders", {3}).topics.front());
  const auto answer = fetch(request);
  ASSERT_EQ(answer.responses.size(), 1U);
  ASSERT_EQ(answer.responses[0].partitions.size(), 2U);
  EXPECT_EQ(answer.responses[0].partitions[0].partition_index, 0);
  EXPECT_EQ(bytes_of(answer), 0U) << "from offset 3 there is nothing";
}

TEST_F(FetchHandlerTest, PartitionsThatNobodyKnowsComeAfterThoseThatWereRead) {
  broker.add_topic("orders");
  append(batch_of(1));
  FetchRequest request = fetch_from("absent", {0});
  request.topics[0].partitions[0].partition_max_bytes = -1;  // fails only what is read
  request.topics.push_back(fetch_from("orders", {0, 0}).topics.front());
  const auto answer = fetch(request);
  ASSERT_EQ(answer.responses.size(), 3U);
  EXPECT_EQ(answer.responses[0].topic, "orders");
  EXPECT_EQ(bytes_of(answer), batch_of(1).size());
  EXPECT_EQ(answer.responses[1].topic, "absent");
  EXPECT_EQ(answer.responses[1].partitions.at(0).error_code, to_wire(ErrorCode::kUnknownTopicOrPartition));
  EXPECT_EQ(answer.responses[2].topic, "orders");
  EXPECT_EQ(answer.responses[2].partitions.at(0).partition_index, 1);
  EXPECT_EQ(answer.responses[2].partitions.at(0).error_code, to_wire(ErrorCode::kUnknownTopicOrPartition));
}

TEST_F(FetchHandlerTest, ANegativeLimitFailsOnlyWhereThereIsSomethingToRead) {
  broker.add_topic("orders", 3);
  append(batch_of(1), 0);
  append(batch_of(1), 1);
  FetchRequest request = fetch_from("orders", {0, 1, 99});
  for (auto& partition : request.topics[0].partitions) {
    partition.partition_max_bytes = -1;
  }
  const auto by_partition = fetch(request);
  ASSERT_EQ(by_partition.responses.at(0).partitions.size(), 3U);
  EXPECT_EQ(by_partition.responses[0].partitions[0].error_code, to_wire(ErrorCode::kUnknownServerError));
  EXPECT_EQ(by_partition.responses[0].partitions[1].error_code, to_wire(ErrorCode::kNone)) << "at the end";
  EXPECT_EQ(by_partition.responses[0].partitions[2].error_code, to_wire(ErrorCode::kOffsetOutOfRange));

  FetchRequest whole = fetch_from("orders", {0, 0, 0}, {.max_bytes = -1});
  const auto by_request = fetch(whole);
  EXPECT_EQ(by_request.responses.at(0).partitions.at(0).error_code, to_wire(ErrorCode::kUnknownServerError));
  EXPECT_EQ(by_request.responses[0].partitions.at(1).error_code, to_wire(ErrorCode::kNone)) << "only the first";
  EXPECT_EQ(bytes_of(by_request, 1), batch_of(1).size());
}

TEST_F(FetchHandlerTest, AnIsolationLevelThatIsNoneFailsOnlyWhatIsRead) {
  broker.add_topic("orders");
  FetchRequest request = fetch_from("absent", {0});
  request.isolation_level = 7;
  EXPECT_EQ(fetch(request).error_code, 0);
  request.topics.push_back(fetch_from("orders", {0}).topics.front());
  const auto answer = fetch(request);
  EXPECT_EQ(answer.error_code, to_wire(ErrorCode::kUnknownServerError));
  EXPECT_EQ(answer.responses.at(0).partitions.at(0).error_code, to_wire(ErrorCode::kUnknownServerError));
}

TEST_F(FetchHandlerTest, ALongPollAddsUpWhatItsPartitionsGetOneAfterTheOther) {
  broker.add_topic("orders", 4);
  const ByteVector batch = batch_of(1);
  const auto wanted = static_cast<std::int32_t>(batch.size() * 4);
  send(fetch_from("orders", {0, 0, 0, 0}, {.max_wait_ms = 60'000, .min_bytes = wanted}));
  broker.settle();
  for (const std::int32_t partition : {1, 3, 1}) {
    append(batch, partition);
    EXPECT_FALSE(client.has_answer());
  }
  append(batch, 0);
  const auto answer = take();
  ASSERT_TRUE(answer);
  EXPECT_EQ(bytes_of(*answer, 0), batch.size());
  EXPECT_EQ(bytes_of(*answer, 1), batch.size() * 2);
  EXPECT_EQ(bytes_of(*answer, 2), 0U);
  EXPECT_EQ(bytes_of(*answer, 3), batch.size());
  EXPECT_EQ(broker.operations(), 0U);
}

}  // namespace
}  // namespace moldau::broker
