// Quotas as the handlers of the data path, and those that show and change them, act on them.
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "broker/handlers/testing/made_up_broker.h"
#include "broker/handlers/testing/requests.h"
#include "protocol/errors/error_code.h"
#include "protocol/messages/alter_client_quotas_request.h"
#include "protocol/messages/alter_client_quotas_response.h"
#include "protocol/messages/create_topics_request.h"
#include "protocol/messages/create_topics_response.h"
#include "protocol/messages/describe_client_quotas_request.h"
#include "protocol/messages/describe_client_quotas_response.h"
#include "protocol/messages/fetch_response.h"
#include "protocol/messages/metadata_request.h"
#include "protocol/messages/metadata_response.h"
#include "protocol/messages/produce_response.h"
#include "replication/partition/partition.h"

namespace moldau::broker {
namespace {

using namespace std::chrono_literals;
using protocol::AlterClientQuotasRequest;
using protocol::AlterClientQuotasResponse;
using protocol::ApiKey;
using protocol::DescribeClientQuotasRequest;
using protocol::DescribeClientQuotasResponse;
using protocol::ErrorCode;
using protocol::FetchResponse;
using protocol::ProduceResponse;
using testing::batch_of;
using testing::MadeUpBroker;
using testing::MemoryClient;

const metadata::QuotaEntity kAnyClient{{"client-id", std::nullopt}};
constexpr std::int16_t kProduceVersion = 11;
constexpr std::int16_t kFetchVersion = 12;

struct QuotaTest : ::testing::Test {
  void produce(std::int16_t acks = 1, std::size_t value_bytes = 1000) {
    client.send(ApiKey::kProduce, kProduceVersion, testing::produce_to("orders", batch_of(1, value_bytes), acks));
    broker.settle();
  }
  std::optional<ProduceResponse> produced() {
    return client.receive<ProduceResponse>(ApiKey::kProduce, kProduceVersion);
  }
  FetchResponse fetch(MemoryClient& from, const testing::FetchTermsOfTest& terms = {}) {
    from.send(ApiKey::kFetch, kFetchVersion, testing::fetch_from("orders", {0}, terms));
    broker.settle();
    const auto answer = from.receive<FetchResponse>(ApiKey::kFetch, kFetchVersion);
    EXPECT_TRUE(answer);
    return answer.value_or(FetchResponse{});
  }
  static std::size_t bytes_of(const FetchResponse& answer) {
    const auto& data = answer.responses.at(0).partitions.at(0);
    return data.records ? data.records->size_bytes() : 0;
  }
  [[nodiscard]] Offset log_end() { return broker.partition("orders").log()->log_end(); }

  MadeUpBroker broker;
  MemoryClient client = broker.connect();
};

TEST_F(QuotaTest, Semantics64AProduceOverItsQuotaIsAnsweredAtOnceAndTheNextOneWaits) {
  broker.add_topic("orders");
  broker.set_quota(kAnyClient, "producer_byte_rate", 100);
  produce();  // some 1100 bytes, of 1000 in the window
  const auto first = produced();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->responses.at(0).partition_responses.at(0).error_code, 0) << "it is appended all the same";
  EXPECT_GT(first->throttle_time_ms, 500);
  EXPECT_LT(first->throttle_time_ms, 3000);
  produce();
  EXPECT_FALSE(produced());
  EXPECT_EQ(log_end(), Offset(1));
  broker.advance(std::chrono::milliseconds(first->throttle_time_ms));
  broker.settle();
  EXPECT_TRUE(produced());
  EXPECT_EQ(log_end(), Offset(2));
}

TEST_F(QuotaTest, Semantics64OneClientsQuotaHoldsOffNoOther) {
  broker.add_topic("orders");
  broker.set_quota(kAnyClient, "producer_byte_rate", 100);
  produce(1, 5000);
  EXPECT_GT(produced()->throttle_time_ms, 0);
  MemoryClient other = broker.connect();
  other.send(ApiKey::kProduce, kProduceVersion, testing::produce_to("orders", batch_of(1), 1), "other");
  broker.settle();
  const auto answer = other.receive<ProduceResponse>(ApiKey::kProduce, kProduceVersion);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->throttle_time_ms, 0);
}

TEST_F(QuotaTest, Semantics09RequestTimeIsNotChargedForAcksZero) {
  broker.add_topic("orders");
  broker.set_quota(kAnyClient, "request_percentage", 0.001);
  broker.set_cost_of_work(100ms);
  for (int i = 0; i < 3; ++i) {
    produce(0);
  }
  EXPECT_EQ(log_end(), Offset(3));
  EXPECT_FALSE(client.has_answer());
  client = broker.connect();
  produce(1);
  const auto charged = produced();
  ASSERT_TRUE(charged);
  EXPECT_EQ(charged->throttle_time_ms, 1000);
}

TEST_F(QuotaTest, Semantics09BytesOfAcksZeroHoldOffWithoutAnAnswer) {
  broker.add_topic("orders");
  broker.set_quota(kAnyClient, "producer_byte_rate", 100);
  produce(0, 2000);
  produce(0, 10);
  EXPECT_EQ(log_end(), Offset(1));
  EXPECT_FALSE(client.closed());
  broker.advance(60s);
  broker.settle();
  EXPECT_EQ(log_end(), Offset(2));
}

TEST_F(QuotaTest, Semantics33AFetchBringsNoMoreThanTheWindowOfItsQuota) {
  broker.add_topic("orders");
  for (int i = 0; i < 4; ++i) {
    produce();
    ASSERT_TRUE(produced());
  }
  broker.set_quota(kAnyClient, "consumer_byte_rate", 250);
  // The window of 10 s is filled to the brim, and what comes around the records is a little too much: as in Kafka.
  const FetchResponse too_much = fetch(client);
  EXPECT_TRUE(too_much.responses.empty());
  EXPECT_GT(too_much.throttle_time_ms, 0);
  EXPECT_LT(too_much.throttle_time_ms, 500);
  broker.advance(500ms);
  broker.settle();
  EXPECT_EQ(bytes_of(fetch(client)), 2500U);
}

TEST_F(QuotaTest, Semantics64AFetchOverItsQuotaIsEmptyAndCostsNothing) {
  broker.add_topic("orders");
  produce();
  ASSERT_TRUE(produced());
  broker.set_quota(kAnyClient, "consumer_byte_rate", 200);  // two answers of some 1130 bytes are too many
  EXPECT_GT(bytes_of(fetch(client)), 0U);
  const FetchResponse held_off = fetch(client);
  EXPECT_EQ(held_off.error_code, 0);
  EXPECT_TRUE(held_off.responses.empty());
  EXPECT_GT(held_off.throttle_time_ms, 0);
  broker.advance(std::chrono::milliseconds(held_off.throttle_time_ms));
  broker.settle();
  client.send(ApiKey::kFetch, kFetchVersion, testing::fetch_from("orders", {1}));
  broker.settle();
  const auto nothing_new = client.receive<FetchResponse>(ApiKey::kFetch, kFetchVersion);
  ASSERT_TRUE(nothing_new);
  EXPECT_EQ(nothing_new->throttle_time_ms, 0) << "the empty answer counted nothing";
}

TEST_F(QuotaTest, Semantics64AFetchThatIsHeldOffLeavesItsSessionAsItWas) {
  broker.add_topic("orders");
  produce();
  ASSERT_TRUE(produced());
  const FetchResponse opened = fetch(client, {.session_epoch = 0});
  ASSERT_NE(opened.session_id, 0);
  broker.set_quota(kAnyClient, "consumer_byte_rate", 100);  // the answer has some 1130 bytes
  client.send(ApiKey::kFetch, kFetchVersion,
              testing::fetch_from("orders", {0}, {.session_id = opened.session_id, .session_epoch = 1}));
  broker.settle();
  const auto held_off = client.receive<FetchResponse>(ApiKey::kFetch, kFetchVersion);
  ASSERT_TRUE(held_off);
  EXPECT_EQ(held_off->session_id, opened.session_id);
  EXPECT_TRUE(held_off->responses.empty());
  broker.set_quota(kAnyClient, "consumer_byte_rate", 1'000'000);
  broker.advance(std::chrono::milliseconds(held_off->throttle_time_ms));
  broker.settle();
  protocol::FetchRequest next = testing::fetch_with({.session_id = opened.session_id, .session_epoch = 2});
  client.send(ApiKey::kFetch, kFetchVersion, next);
  broker.settle();
  const auto answer = client.receive<FetchResponse>(ApiKey::kFetch, kFetchVersion);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error_code, 0);
  EXPECT_GT(bytes_of(*answer), 0U);
}

TEST_F(QuotaTest, Semantics64EveryRequestCostsItsTime) {
  broker.set_quota(kAnyClient, "request_percentage", 1);
  broker.set_cost_of_work(1s);
  client.send(ApiKey::kMetadata, 9, protocol::MetadataRequest{});
  broker.settle();
  const auto answer = client.receive<protocol::MetadataResponse>(ApiKey::kMetadata, 9);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->throttle_time_ms, 1000);
}

TEST_F(QuotaTest, Semantics64AMutationThatIsHeldOffIsToldSo) {
  protocol::CreateTopicsRequest request;
  request.topics.push_back({.name = "t", .num_partitions = 1, .replication_factor = 1});
  for (const std::int16_t version : {std::int16_t{5}, std::int16_t{6}}) {
    client.send(ApiKey::kCreateTopics, version, request);
    broker.settle();
    const metadata::MutationAsker& asker = broker.controller().askers.back();
    EXPECT_EQ(asker.client_id, "test");
    EXPECT_EQ(asker.strict, version >= 6);
    std::vector<metadata::TopicCreated> refused{{.name = "t", .error = {ErrorCode::kThrottlingQuotaExceeded, "later"}}};
    broker.controller().creations.back().reply(Metered<std::vector<metadata::TopicCreated>>(std::move(refused), 700ms));
    broker.settle();
    const auto answer = client.receive<protocol::CreateTopicsResponse>(ApiKey::kCreateTopics, version);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->throttle_time_ms, 700);
    EXPECT_EQ(answer->topics.at(0).error_code, to_wire(ErrorCode::kThrottlingQuotaExceeded));
    broker.advance(700ms);
    broker.settle();
  }
}

struct DescribeQuotasTest : QuotaTest {
  DescribeQuotasTest() {
    broker.set_quota({{"user", "bob"}}, "producer_byte_rate", 5);
    broker.set_quota({{"user", "bob"}, {"client-id", std::nullopt}}, "request_percentage", 0.5);
    broker.set_quota({{"ip", "192.0.2.1"}}, "connection_creation_rate", 7);
  }
  DescribeClientQuotasResponse describe(const DescribeClientQuotasRequest& request) {
    client.send(ApiKey::kDescribeClientQuotas, 1, request);
    broker.settle();
    const auto answer = client.receive<DescribeClientQuotasResponse>(ApiKey::kDescribeClientQuotas, 1);
    EXPECT_TRUE(answer);
    return answer.value_or(DescribeClientQuotasResponse{});
  }
};

TEST_F(DescribeQuotasTest, Semantics64EntitiesAreShownWithTheirDefaultsAndValues) {
  EXPECT_EQ(describe({}).entries->size(), 3U);
  DescribeClientQuotasRequest users;
  users.components.push_back({.entity_type = "user", .match_type = 0, .match = "bob"});
  const DescribeClientQuotasResponse answer = describe(users);
  EXPECT_EQ(answer.error_code, 0);
  ASSERT_TRUE(answer.entries);
  ASSERT_EQ(answer.entries->size(), 2U);
  for (const auto& entry : *answer.entries) {
    if (entry.entity.size() == 2) {
      EXPECT_EQ(entry.entity[0].entity_type, "client-id");
      EXPECT_EQ(entry.entity[0].entity_name, std::nullopt);
      EXPECT_EQ(entry.values.at(0).key, "request_percentage");
      EXPECT_EQ(entry.values.at(0).value, 0.5);
    }
  }
  users.strict = true;
  EXPECT_EQ(describe(users).entries->size(), 1U);
}

TEST_F(DescribeQuotasTest, AFilterThatCannotBeIsRefused) {
  const auto refusal = [&](std::vector<protocol::describe_client_quotas_request::ComponentData> components) {
    DescribeClientQuotasRequest request;
    request.components = std::move(components);
    const DescribeClientQuotasResponse answer = describe(request);
    EXPECT_FALSE(answer.entries);
    EXPECT_TRUE(answer.error_message);
    return static_cast<ErrorCode>(answer.error_code);
  };
  EXPECT_EQ(refusal({{.entity_type = "", .match_type = 2}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal({{.entity_type = "group", .match_type = 2}}), ErrorCode::kUnsupportedVersion);
  EXPECT_EQ(refusal({{.entity_type = "user", .match_type = 0, .match = std::nullopt}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal({{.entity_type = "user", .match_type = 1, .match = "x"}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal({{.entity_type = "user", .match_type = 2, .match = "x"}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal({{.entity_type = "user", .match_type = 3, .match = std::nullopt}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal({{.entity_type = "user", .match_type = 2, .match = std::nullopt},
                     {.entity_type = "user", .match_type = 1, .match = std::nullopt}}),
            ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal({{.entity_type = "user", .match_type = 2, .match = std::nullopt},
                     {.entity_type = "ip", .match_type = 2, .match = std::nullopt}}),
            ErrorCode::kInvalidRequest);
}

TEST_F(QuotaTest, Semantics64ChangesAreTheControllersAndAnsweredForEachEntity) {
  AlterClientQuotasRequest request;
  request.validate_only = true;
  auto& entry = request.entries.emplace_back();
  entry.entity.push_back({.entity_type = "user", .entity_name = "bob"});
  entry.entity.push_back({.entity_type = "client-id", .entity_name = std::nullopt});
  entry.ops.push_back({.key = "producer_byte_rate", .value = 5, .remove = false});
  entry.ops.push_back({.key = "request_percentage", .value = 9, .remove = true});
  client.send(ApiKey::kAlterClientQuotas, 1, request);
  broker.settle();
  ASSERT_EQ(broker.controller().quotas.size(), 1U);
  EXPECT_EQ(broker.controller().quota_validations, std::vector<bool>{true});
  const metadata::QuotaAlteration& asked = broker.controller().quotas[0].request.at(0);
  EXPECT_EQ(asked.entity, (metadata::QuotaEntity{{"user", "bob"}, {"client-id", std::nullopt}}));
  ASSERT_EQ(asked.operations.size(), 2U);
  EXPECT_EQ(asked.operations[0].value, 5);
  EXPECT_EQ(asked.operations[1].value, std::nullopt);
  broker.controller().quotas[0].reply(
      std::vector<metadata::QuotaOutcome>{{asked.entity, {ErrorCode::kInvalidRequest, "no"}}});
  broker.settle();
  const auto answer = client.receive<AlterClientQuotasResponse>(ApiKey::kAlterClientQuotas, 1);
  ASSERT_TRUE(answer);
  const auto& refused = answer->entries.at(0);
  EXPECT_EQ(refused.error_code, to_wire(ErrorCode::kInvalidRequest));
  EXPECT_EQ(refused.error_message, "no");
  EXPECT_EQ(refused.entity.at(0).entity_type, "client-id");
  EXPECT_EQ(refused.entity.at(0).entity_name, std::nullopt);
  EXPECT_EQ(refused.entity.at(1).entity_name, "bob");
}

}  // namespace
}  // namespace moldau::broker
