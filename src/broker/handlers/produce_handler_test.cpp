#include "broker/handlers/produce_handler.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "broker/handlers/testing/made_up_broker.h"
#include "broker/handlers/testing/requests.h"
#include "protocol/messages/produce_response.h"
#include "protocol/record/batch_format.h"
#include "replication/partition/partition.h"
#include "runtime/testing/manual_shard.h"

namespace moldau::broker {
namespace {

using namespace std::chrono_literals;
using protocol::ApiKey;
using protocol::ErrorCode;
using protocol::ProduceRequest;
using protocol::ProduceResponse;
using testing::batch_of;
using testing::MadeUpBroker;
using testing::MemoryClient;
using testing::produce_to;

constexpr std::int16_t kVersion = 11;  // with names; leaders and endpoints since 10
constexpr std::int16_t kAll = -1;

struct ProduceHandlerTest : ::testing::Test {
  void produce(MemoryClient& from, const ByteVector& batch, std::int16_t acks, std::string_view topic = "orders",
               std::int32_t timeout_ms = 30'000) {
    from.send(ApiKey::kProduce, kVersion, produce_to(topic, batch, acks, 0, timeout_ms));
  }
  static ProduceResponse::PartitionProduceResponse only(const std::optional<ProduceResponse>& answer) {
    EXPECT_TRUE(answer.has_value());
    return answer ? answer->responses.at(0).partition_responses.at(0) : ProduceResponse::PartitionProduceResponse{};
  }
  std::optional<ProduceResponse> answer_of(MemoryClient& client) {
    return client.receive<ProduceResponse>(ApiKey::kProduce, kVersion);
  }

  MadeUpBroker broker;
};

TEST_F(ProduceHandlerTest, AcksOneIsAnsweredFromTheLogWithoutTheDisk) {
  broker.add_topic("orders");
  MemoryClient client = broker.connect();
  produce(client, batch_of(3), 1);
  broker.run_turns();  // no disk job has run
  const auto first = only(answer_of(client));
  EXPECT_EQ(first.error_code, 0);
  EXPECT_EQ(first.base_offset, 0);
  EXPECT_EQ(first.log_start_offset, 0);
  produce(client, batch_of(1), 1);
  broker.run_turns();
  EXPECT_EQ(only(answer_of(client)).base_offset, 3);
}

TEST_F(ProduceHandlerTest, AcksAllIsAnsweredOnceTheRecordsAreOnTheDisk) {
  broker.add_topic("orders");
  MemoryClient client = broker.connect();
  produce(client, batch_of(2), kAll);
  broker.run_turns();
  EXPECT_FALSE(client.has_answer());
  EXPECT_EQ(broker.partition("orders").high_watermark(), Offset(2));
  broker.settle();
  const auto answer = only(answer_of(client));
  EXPECT_EQ(answer.error_code, 0);
  EXPECT_EQ(answer.base_offset, 0);
  EXPECT_EQ(broker.operations(), 0U);
}

TEST_F(ProduceHandlerTest, AppendsToAPartitionThatHoldsThemWaitInTheirOrder) {
  broker.add_topic("orders");
  broker.add_topic("others");
  MemoryClient client = broker.connect();
  MemoryClient other = broker.connect();
  produce(client, batch_of(1), kAll);
  broker.settle();
  EXPECT_EQ(only(answer_of(client)).base_offset, 0);
  broker.partition("orders").hold_appends();
  produce(client, batch_of(1), kAll);
  produce(client, batch_of(2), kAll);
  produce(other, batch_of(1), kAll, "others");
  broker.settle();
  EXPECT_FALSE(client.has_answer());
  EXPECT_EQ(only(answer_of(other)).base_offset, 0);
  broker.partition("orders").release_appends();
  broker.settle();
  EXPECT_EQ(only(answer_of(client)).base_offset, 1);
  EXPECT_EQ(only(answer_of(client)).base_offset, 2);
  // A directory that fails meanwhile ends the wait.
  broker.partition("orders").hold_appends();
  produce(client, batch_of(1), kAll);
  broker.settle();
  broker.partition("orders").on_directory_failed();
  broker.settle();
  EXPECT_EQ(only(answer_of(client)).error_code, to_wire(ErrorCode::kKafkaStorageError));
  EXPECT_EQ(broker.operations(), 0U);
}

TEST_F(ProduceHandlerTest, Semantics09AcksZeroIsNotAnswered) {
  broker.add_topic("orders");
  MemoryClient client = broker.connect();
  produce(client, batch_of(2), 0);
  broker.settle();
  EXPECT_FALSE(client.has_answer());
  EXPECT_FALSE(client.closed());
  EXPECT_EQ(broker.partition("orders").log_end(), Offset(2));
}

TEST_F(ProduceHandlerTest, Semantics09AnErrorUnderAcksZeroClosesTheConnection) {
  MemoryClient client = broker.connect();
  produce(client, batch_of(2), 0, "nowhere");
  broker.settle();
  EXPECT_FALSE(client.has_answer());
  EXPECT_TRUE(client.closed());
}

TEST_F(ProduceHandlerTest, Semantics09AcksAreMinusOneZeroOrOne) {
  broker.add_topic("orders");
  MemoryClient client = broker.connect();
  for (const std::int16_t acks : std::initializer_list<std::int16_t>{2, -2}) {
    produce(client, batch_of(1), acks);
    broker.settle();
    EXPECT_EQ(only(answer_of(client)).error_code, to_wire(ErrorCode::kInvalidRequiredAcks));
  }
  EXPECT_EQ(broker.partition("orders").log_end(), Offset(0));
}

TEST_F(ProduceHandlerTest, Semantics01AnswersLeaveInTheOrderOfTheRequests) {
  broker.add_topic("orders");
  MemoryClient client = broker.connect();
  produce(client, batch_of(1), kAll);  // waits for the disk
  produce(client, batch_of(1), 1);     // could be answered at once
  broker.run_turns();
  EXPECT_FALSE(client.has_answer());
  broker.settle();
  EXPECT_EQ(only(answer_of(client)).base_offset, 0);
  EXPECT_EQ(only(answer_of(client)).base_offset, 1);
}

TEST_F(ProduceHandlerTest, Semantics15ATimeoutIsAnsweredAndTheRecordsStay) {
  broker.add_topic("orders");
  broker.set_leader("orders", MadeUpBroker::kSelf, {1, 2});
  MemoryClient client = broker.connect();
  produce(client, batch_of(2), kAll, "orders", 1'000);
  broker.settle();
  EXPECT_FALSE(client.has_answer()) << "the other replica has not fetched it";
  broker.advance(1'001ms);
  const auto answer = only(answer_of(client));
  EXPECT_EQ(answer.error_code, to_wire(ErrorCode::kRequestTimedOut));
  EXPECT_EQ(broker.partition("orders").log_end(), Offset(2));
  EXPECT_EQ(broker.operations(), 0U);
}

TEST_F(ProduceHandlerTest, Semantics15TooFewReplicasRefuseAcksAllOnly) {
  replication::PartitionConfig config;
  config.min_isr = 2;
  broker.add_topic("orders", 1, config);
  broker.set_leader("orders", MadeUpBroker::kSelf, {1});
  MemoryClient client = broker.connect();
  produce(client, batch_of(1), kAll);
  broker.settle();
  EXPECT_EQ(only(answer_of(client)).error_code, to_wire(ErrorCode::kNotEnoughReplicas));
  EXPECT_EQ(broker.partition("orders").log_end(), Offset(0));
  produce(client, batch_of(1), 1);
  broker.settle();
  EXPECT_EQ(only(answer_of(client)).error_code, 0);
}

TEST_F(ProduceHandlerTest, Semantics17ALostLeadershipNamesTheNewLeaderAndWhereItIs) {
  broker.add_topic("orders");
  (void)broker.partition("orders");
  broker.set_leader("orders", MadeUpBroker::kOther, {2});
  MemoryClient client = broker.connect();
  produce(client, batch_of(1), 1);
  broker.settle();
  const auto answer = answer_of(client);
  const auto partition = only(answer);
  EXPECT_EQ(partition.error_code, to_wire(ErrorCode::kNotLeaderOrFollower));
  EXPECT_EQ(partition.current_leader.leader_id, 2);
  EXPECT_EQ(partition.current_leader.leader_epoch, broker.partition("orders").leader_epoch().value());
  ASSERT_EQ(answer->node_endpoints.size(), 1U);
  EXPECT_EQ(answer->node_endpoints[0].node_id, 2);
  EXPECT_EQ(answer->node_endpoints[0].host, "other.example");
  EXPECT_EQ(answer->node_endpoints[0].port, 9092);
}

TEST_F(ProduceHandlerTest, Semantics17LeadershipLostWhileWaitingIsToldTheSame) {
  broker.add_topic("orders");
  broker.set_leader("orders", MadeUpBroker::kSelf, {1, 2});
  MemoryClient client = broker.connect();
  produce(client, batch_of(1), kAll);
  broker.settle();
  EXPECT_FALSE(client.has_answer());
  broker.set_leader("orders", MadeUpBroker::kOther, {2});
  broker.settle();
  const auto answer = answer_of(client);
  EXPECT_EQ(only(answer).error_code, to_wire(ErrorCode::kNotLeaderOrFollower));
  EXPECT_EQ(only(answer).current_leader.leader_id, 2);
  EXPECT_EQ(only(answer).current_leader.leader_epoch, broker.partition("orders").leader_epoch().value());
  EXPECT_EQ(answer->node_endpoints.size(), 1U);
}

TEST_F(ProduceHandlerTest, Semantics18InternalTopicsTakeRecordsFromTheAdministratorsClientOnly) {
  broker.add_topic("__consumer_offsets");
  MemoryClient client = broker.connect();
  const ByteVector batch = batch_of(1);
  for (const std::string_view id : {"test", "", "admin_client", "__admin_client2"}) {
    client.send(ApiKey::kProduce, kVersion, produce_to("__consumer_offsets", batch, 1), id);
    broker.settle();
    EXPECT_EQ(only(answer_of(client)).error_code, to_wire(ErrorCode::kInvalidTopicException)) << id;
  }
  client.send(ApiKey::kProduce, kVersion, produce_to("__consumer_offsets", batch, 1), "__admin_client");
  broker.settle();
  EXPECT_EQ(only(answer_of(client)).error_code, 0);
}

TEST_F(ProduceHandlerTest, Semantics11TheLimitIsThatOfTheBatchAsReceived) {
  replication::PartitionConfig config;
  config.produce.max_message_bytes = 200;
  broker.add_topic("orders", 1, config);
  MemoryClient client = broker.connect();
  produce(client, batch_of(1, 300), 1);
  // Compressed, the same record is small enough.
  produce(client, batch_of(1, 300, {.codec = record::Codec::kGzip}), 1);
  broker.settle();
  EXPECT_EQ(only(answer_of(client)).error_code, to_wire(ErrorCode::kMessageTooLarge));
  EXPECT_EQ(only(answer_of(client)).error_code, 0);
}

TEST_F(ProduceHandlerTest, Semantics14TheBatchIsStoredAsSent) {
  broker.add_topic("orders");
  MemoryClient client = broker.connect();
  const ByteVector sent = batch_of(5, 100, {.codec = record::Codec::kZstd});
  produce(client, sent, 1);
  broker.settle();
  EXPECT_EQ(only(answer_of(client)).error_code, 0);
  const auto read =
      broker.partition("orders").read({.from = Offset(0), .bytes_max = 1 << 20, .at_least_one_batch = true});
  ASSERT_TRUE(read);
  ByteVector stored(read->slice.size);
  ASSERT_EQ(read->slice.file->read_at(read->slice.position, stored), stored.size());
  ByteVector expected = sent;
  store_be(expected.data() + record::kLeaderEpochAt, MadeUpBroker::kFirstEpoch.value());
  EXPECT_EQ(stored, expected) << "the offset is 0 as sent; only the leader epoch is written in";
}

TEST_F(ProduceHandlerTest, Semantics14ATopicsCodecBuildsTheBatchAnew) {
  replication::PartitionConfig config;
  config.produce.compression = record::TargetCompression{record::Codec::kLz4, 9};
  broker.add_topic("orders", 1, config);
  MemoryClient client = broker.connect();
  for (const auto codec : {record::Codec::kZstd, record::Codec::kNone, record::Codec::kLz4}) {
    produce(client, batch_of(5, 100, {.codec = codec}), 1);
  }
  broker.settle();
  for (const std::int64_t offset : {0, 5, 10}) {
    const auto answer = only(answer_of(client));
    EXPECT_EQ(answer.error_code, 0);
    EXPECT_EQ(answer.base_offset, offset);
  }
  const auto read =
      broker.partition("orders").read({.from = Offset(0), .bytes_max = 1 << 20, .at_least_one_batch = true});
  ASSERT_TRUE(read);
  ByteVector stored(read->slice.size);
  ASSERT_EQ(read->slice.file->read_at(read->slice.position, stored), stored.size());
  record::BatchIterator batches(stored);
  for (const std::int64_t offset : {0, 5, 10}) {
    const auto batch = batches.next();
    ASSERT_TRUE(batch && *batch);
    EXPECT_TRUE((*batch)->crc_matches());
    EXPECT_EQ((*batch)->header.base_offset, Offset(offset));
    EXPECT_EQ((*batch)->header.record_count, 5);
    EXPECT_EQ((*batch)->header.codec(), record::Codec::kLz4);
    EXPECT_EQ((*batch)->header.leader_epoch, MadeUpBroker::kFirstEpoch);
  }
}

TEST_F(ProduceHandlerTest, Semantics11TheLimitCountsAgainOfWhatWasBuilt) {
  replication::PartitionConfig config;
  config.produce.max_message_bytes = 200;
  config.produce.compression = record::TargetCompression{record::Codec::kNone, 0};
  broker.add_topic("orders", 1, config);
  MemoryClient client = broker.connect();
  produce(client, batch_of(1, 300, {.codec = record::Codec::kGzip}), 1);
  broker.settle();
  EXPECT_EQ(only(answer_of(client)).error_code, to_wire(ErrorCode::kMessageTooLarge));
  EXPECT_EQ(broker.partition("orders").log_end(), Offset(0));
}

TEST_F(ProduceHandlerTest, APartOnAnotherShardIsAnsweredTheSame) {
  MadeUpBroker two(2);
  two.add_topic("orders");
  MemoryClient first = two.connect(1);
  produce(first, batch_of(1), 1);  // the first user brings the partition to its shard
  two.settle();
  EXPECT_EQ(only(answer_of(first)).base_offset, 0);
  EXPECT_NE(two.context(1).router.local({two.context(1).router.image()->topic("orders")->id, PartitionIndex(0)}),
            nullptr);
  MemoryClient second = two.connect(0);
  produce(second, batch_of(1), kAll);
  two.settle();
  EXPECT_EQ(only(answer_of(second)).base_offset, 1);
}

TEST_F(ProduceHandlerTest, AnAppendOfAClientThatLeftEndsWithItsTimeout) {
  broker.add_topic("orders");
  broker.set_leader("orders", MadeUpBroker::kSelf, {1, 2});
  MemoryClient client = broker.connect();
  produce(client, batch_of(1), kAll, "orders", 1'000);
  broker.settle();
  client.close();
  broker.settle();
  broker.advance(1'001ms);
  EXPECT_EQ(broker.operations(), 0U);
  EXPECT_TRUE(client.closed());
}

// --- several partitions in a request, some of them more than once ---

struct ProduceSeveralTest : ProduceHandlerTest {
  struct Part {
    std::int32_t index;
    const ByteVector* batch;
  };
  static void add(ProduceRequest& request, std::string_view topic, const std::vector<Part>& parts) {
    auto& data = request.topic_data.emplace_back();
    data.name = topic;
    for (const Part& part : parts) {
      data.partition_data.push_back({.index = part.index, .records = wire::Records(*part.batch)});
    }
  }
  ProduceResponse exchange(ProduceRequest& request, std::int16_t acks = 1, std::int16_t version = kVersion) {
    request.acks = acks;
    request.timeout_ms = 30'000;
    client.send(ApiKey::kProduce, version, request);
    broker.settle();
    const auto answer = client.receive<ProduceResponse>(ApiKey::kProduce, version);
    EXPECT_TRUE(answer);
    return answer.value_or(ProduceResponse{});
  }
  static std::vector<std::int16_t> errors(const ProduceResponse& answer) {
    std::vector<std::int16_t> found;
    for (const auto& topic : answer.responses) {
      for (const auto& partition : topic.partition_responses) {
        found.push_back(partition.error_code);
      }
    }
    return found;
  }
  static ByteVector unreadable() {
    ByteVector batch = batch_of(1);
    store_be(batch.data() + 8, std::int32_t{5});  // a length that no batch has
    return batch;
  }
  static ByteVector two_batches() {
    ByteVector both = batch_of(1);
    both.insert(both.end(), both.begin(), both.begin() + static_cast<std::ptrdiff_t>(batch_of(1).size()));
    return both;
  }

  MemoryClient client = broker.connect();
  const ByteVector one = batch_of(1);
  const ByteVector three = batch_of(3);
  const ByteVector bad = unreadable();
  const ByteVector two = two_batches();
  static constexpr std::int16_t kInvalid = to_wire(ErrorCode::kInvalidRecord);
};

TEST_F(ProduceSeveralTest, APartitionNamedTwiceIsAppendedAndAnsweredOnceByItsLastBatch) {
  broker.add_topic("orders", 2);
  ProduceRequest request;
  add(request, "orders", {{0, &one}, {1, &one}, {0, &three}});
  const auto answer = exchange(request, kAll);
  EXPECT_EQ(errors(answer), (std::vector<std::int16_t>{0, 0}));
  EXPECT_EQ(answer.responses.size(), 1U);
  EXPECT_EQ(broker.partition("orders", 0).log_end(), Offset(3));
  EXPECT_EQ(broker.partition("orders", 1).log_end(), Offset(1));
}

TEST_F(ProduceSeveralTest, ATopicNamedTwiceIsOneTopic) {
  broker.add_topic("orders", 2);
  broker.add_topic("others");
  ProduceRequest request;
  add(request, "orders", {{0, &one}});
  add(request, "others", {{0, &one}});
  add(request, "orders", {{1, &one}, {0, &three}});
  const auto answer = exchange(request);
  ASSERT_EQ(answer.responses.size(), 2U);
  EXPECT_EQ(errors(answer), (std::vector<std::int16_t>{0, 0, 0}));
  EXPECT_EQ(broker.partition("orders", 0).log_end(), Offset(3));
  EXPECT_EQ(broker.partition("others", 0).log_end(), Offset(1));
}

TEST_F(ProduceSeveralTest, OfAPartitionNamedTwiceTheBatchThatIsNoneIsAnsweredAndTheOtherKept) {
  broker.add_topic("orders");
  for (const auto& parts : {std::vector<Part>{{0, &one}, {0, &two}}, std::vector<Part>{{0, &two}, {0, &one}}}) {
    ProduceRequest request;
    add(request, "orders", parts);
    EXPECT_EQ(errors(exchange(request)), std::vector{kInvalid});
  }
  EXPECT_EQ(broker.partition("orders", 0).log_end(), Offset(2));
}

TEST_F(ProduceSeveralTest, AnUnreadableBatchRefusesTheWholeRequest) {
  broker.add_topic("orders", 2);
  for (const std::int16_t acks : std::initializer_list<std::int16_t>{1, -2}) {
    ProduceRequest request;
    add(request, "orders", {{0, &one}, {1, &bad}});
    add(request, "nowhere", {{0, &one}});
    EXPECT_EQ(errors(exchange(request, acks)), std::vector<std::int16_t>(3, to_wire(ErrorCode::kCorruptMessage)));
  }
  EXPECT_EQ(broker.partition("orders", 0).log_end(), Offset(0));
}

TEST_F(ProduceSeveralTest, ACodecThatIsNoneRefusesTheWholeRequestBeforeVersion7) {
  broker.add_topic("orders", 2);
  ByteVector odd = batch_of(1);
  store_be(odd.data() + record::kAttributesAt, std::uint16_t{7});
  ProduceRequest request;
  add(request, "orders", {{0, &one}, {1, &odd}});
  add(request, "nowhere", {{0, &odd}});
  const auto failed = std::vector<std::int16_t>(3, to_wire(ErrorCode::kUnknownServerError));
  EXPECT_EQ(errors(exchange(request, -2, 6)), failed);
  EXPECT_EQ(errors(exchange(request, 1, 6)), failed);
  EXPECT_EQ(broker.partition("orders", 0).log_end(), Offset(0));
  EXPECT_EQ(errors(exchange(request, 1, 7)).front(), 0);
}

TEST_F(ProduceSeveralTest, WhatIsNoBatchIsToldBeforeTheAcksAndTheInternalTopic) {
  broker.add_topic("orders");
  broker.add_topic("__consumer_offsets");
  ProduceRequest request;
  add(request, "orders", {{0, &two}});
  add(request, "__consumer_offsets", {{0, &two}});
  EXPECT_EQ(errors(exchange(request, -2)), std::vector(2, kInvalid));
}

TEST_F(ProduceSeveralTest, AMultitudeOfTopicsIsAnsweredInLittleTime) {
  // Looked up one by one in the answer made so far, these would take seconds.
  std::vector<std::string> names;
  for (int i = 0; i < 30'000; ++i) {
    names.push_back("t" + std::to_string(i));
  }
  ProduceRequest request;
  for (const std::string& name : names) {
    add(request, name, {{0, &one}});
  }
  EXPECT_EQ(exchange(request).responses.size(), names.size());
}

// --- appends that take several turns ---

struct ProduceMuchTest : ProduceSeveralTest {
  ProduceMuchTest() {
    broker.add_topic("orders", 4);
    (void)ends();  // asked for, the partitions are made, which takes turns
  }
  void send_much(std::int16_t acks) {
    ProduceRequest request;
    add(request, "orders", {{0, &much}, {1, &much}, {2, &much}, {3, &much}});
    request.acks = acks;
    request.timeout_ms = 30'000;
    client.send(ApiKey::kProduce, kVersion, request);
  }
  [[nodiscard]] std::vector<std::int64_t> ends() {
    std::vector<std::int64_t> found;
    for (std::int32_t i = 0; i < 4; ++i) {
      found.push_back(broker.partition("orders", i).log_end().value());
    }
    return found;
  }
  void turn_until_first_append() {
    auto& shard = static_cast<moldau::testing::ManualShard&>(broker.context().shard);
    for (int turns = 0; turns < 100 && ends()[0] == 0; ++turns) {
      shard.turn();
    }
  }
  // A few KiB that come to more than a turn's work.
  const ByteVector much = batch_of(1, std::size_t{kTurnWorkMax} + 1, {.codec = record::Codec::kGzip});
};

TEST_F(ProduceMuchTest, EachTurnDoesItsShareAndTheAnswerComesOnce) {
  for (const std::int16_t acks : std::initializer_list<std::int16_t>{1, kAll}) {
    const std::int64_t before = ends()[0];
    send_much(acks);
    if (before == 0) {
      turn_until_first_append();
      EXPECT_EQ(ends(), (std::vector<std::int64_t>{1, 0, 0, 0}));
      EXPECT_FALSE(client.has_answer());
    }
    broker.settle();
    const auto answer = answer_of(client);
    ASSERT_TRUE(answer);
    EXPECT_EQ(errors(*answer), std::vector<std::int16_t>(4, 0));
    EXPECT_EQ(ends(), std::vector<std::int64_t>(4, before + 1));
    EXPECT_FALSE(client.has_answer());
    EXPECT_EQ(broker.operations(), 0U);
  }
}

TEST_F(ProduceMuchTest, TheNextOfTheConnectionWaitsAndOthersDoNot) {
  MemoryClient other = broker.connect();
  broker.settle();
  send_much(1);
  produce(client, three, 1);  // to partition 0
  client.send(ApiKey::kProduce, kVersion, testing::produce_to("orders", three, 1, 3));
  turn_until_first_append();
  other.send(ApiKey::kProduce, kVersion, testing::produce_to("orders", one, 1, 3));
  broker.settle();
  EXPECT_EQ(only(answer_of(other)).base_offset, 0) << "between two turns of the first";
  EXPECT_EQ(errors(*answer_of(client)), std::vector<std::int16_t>(4, 0));
  EXPECT_EQ(only(answer_of(client)).base_offset, 1) << "behind what the connection sent before";
  EXPECT_EQ(only(answer_of(client)).base_offset, 2) << "behind that and the other's";
}

TEST_F(ProduceMuchTest, WhatArrivedWholeIsAppendedThoughItsClientLeft) {
  send_much(kAll);
  turn_until_first_append();
  client.close();
  broker.settle();
  EXPECT_EQ(ends(), std::vector<std::int64_t>(4, 1));
  EXPECT_EQ(broker.operations(), 0U);
}

TEST_F(ProduceMuchTest, ABrokerThatEndsInBetweenLeavesTheRest) {
  send_much(kAll);
  turn_until_first_append();
  EXPECT_GT(broker.operations(), 0U);
}

}  // namespace
}  // namespace moldau::broker
