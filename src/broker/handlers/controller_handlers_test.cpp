#include <gtest/gtest.h>

#include "broker/handlers/quorum_handlers.h"
#include "broker/handlers/testing/made_up_broker.h"
#include "broker/handlers/topic_handlers.h"
#include "protocol/messages/create_topics_request.h"
#include "protocol/messages/create_topics_response.h"
#include "protocol/messages/delete_topics_request.h"
#include "protocol/messages/delete_topics_response.h"
#include "protocol/messages/describe_quorum_request.h"
#include "protocol/messages/describe_quorum_response.h"
#include "protocol/messages/incremental_alter_configs_request.h"
#include "protocol/messages/incremental_alter_configs_response.h"
#include "protocol/messages/init_producer_id_request.h"
#include "protocol/messages/init_producer_id_response.h"

namespace moldau::broker {
namespace {

using metadata::ApiError;
using protocol::ApiKey;
using protocol::CreateTopicsRequest;
using protocol::CreateTopicsResponse;
using protocol::DeleteTopicsRequest;
using protocol::DeleteTopicsResponse;
using protocol::DescribeQuorumRequest;
using protocol::DescribeQuorumResponse;
using protocol::ErrorCode;
using protocol::InitProducerIdRequest;
using protocol::InitProducerIdResponse;
using testing::MadeUpBroker;
using testing::MemoryClient;

// What only passes through: the controller decides, the handler translates.
struct ControllerHandlersTest : ::testing::Test {
  void create(std::initializer_list<std::string_view> names, std::int16_t version = 7) {
    CreateTopicsRequest request;
    for (const std::string_view name : names) {
      auto& topic = request.topics.emplace_back();
      topic.name = name;
      topic.num_partitions = 3;
      topic.replication_factor = 1;
      topic.configs.push_back({.name = "retention.ms", .value = "5"});
    }
    client.send(ApiKey::kCreateTopics, version, request);
    broker.settle();
  }
  std::optional<InitProducerIdResponse> init(std::optional<std::string_view> transactional_id,
                                             std::int64_t producer_id = -1, std::int16_t epoch = -1) {
    InitProducerIdRequest request;
    request.transactional_id = transactional_id;
    request.producer_id = producer_id;
    request.producer_epoch = epoch;
    client.send(ApiKey::kInitProducerId, 4, request);
    broker.settle();
    return take_producer();
  }
  std::optional<InitProducerIdResponse> take_producer() {
    return client.receive<InitProducerIdResponse>(ApiKey::kInitProducerId, 4);
  }

  MadeUpBroker broker;
  MemoryClient client = broker.connect();
};

TEST_F(ControllerHandlersTest, Semantics08ACreatedTopicShowsItsConfigurationWithoutSecrets) {
  create({"orders"});
  ASSERT_EQ(broker.controller().creations.size(), 1U);
  const metadata::TopicCreation& asked = broker.controller().creations[0].request.topics.at(0);
  EXPECT_EQ(asked.name, "orders");
  EXPECT_EQ(asked.partitions, 3);
  EXPECT_EQ(asked.configs.at(0).value, "5");
  EXPECT_FALSE(client.has_answer()) << "answered when the controller has";

  metadata::TopicCreated created{.name = "orders", .id = Uuid{1, 2}, .partitions = 3, .replication_factor = 1};
  created.configs = {{.name = "a", .value = "1"}, {.name = "secret", .value = "x", .sensitive = true}};
  broker.controller().creations[0].reply(std::vector{created});
  broker.settle();
  const auto answer = client.receive<CreateTopicsResponse>(ApiKey::kCreateTopics, 7);
  ASSERT_TRUE(answer);
  const auto& topic = answer->topics.at(0);
  EXPECT_EQ(topic.error_code, 0);
  EXPECT_EQ(topic.topic_id, (Uuid{1, 2}));
  EXPECT_EQ(topic.num_partitions, 3);
  EXPECT_EQ(topic.configs->at(0).value, "1");
  EXPECT_EQ(topic.configs->at(1).value, std::nullopt);
}

TEST_F(ControllerHandlersTest, Semantics08OneRefusedTopicDoesNotFailTheOthers) {
  create({"good", "bad"}, 5);
  broker.controller().creations.at(0).reply(
      std::vector<metadata::TopicCreated>{{.name = "good", .id = Uuid{1, 2}, .partitions = 3, .replication_factor = 1},
                                          {.name = "bad", .error = {ErrorCode::kInvalidTopicException, "no"}}});
  broker.settle();
  const auto answer = client.receive<CreateTopicsResponse>(ApiKey::kCreateTopics, 5);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->topics.at(0).error_code, 0);
  EXPECT_EQ(answer->topics.at(0).error_message, std::nullopt);
  EXPECT_EQ(answer->topics.at(1).error_code, to_wire(ErrorCode::kInvalidTopicException));
  EXPECT_EQ(answer->topics.at(1).error_message, "no");
  EXPECT_EQ(answer->topics.at(1).num_partitions, -1);
}

TEST_F(ControllerHandlersTest, AControllerThatCannotDecideFailsEveryTopicByName) {
  create({"a", "b"});
  broker.controller().creations.at(0).reply(std::unexpected(ApiError{ErrorCode::kNotController, "not here"}));
  broker.settle();
  const auto created = client.receive<CreateTopicsResponse>(ApiKey::kCreateTopics, 7);
  ASSERT_TRUE(created);
  ASSERT_EQ(created->topics.size(), 2U);
  EXPECT_EQ(created->topics[1].name, "b");
  EXPECT_EQ(created->topics[1].error_code, to_wire(ErrorCode::kNotController));

  DeleteTopicsRequest request;
  request.topics.push_back({.name = "a"});
  request.topics.push_back({.name = std::nullopt, .topic_id = Uuid{5, 5}});
  client.send(ApiKey::kDeleteTopics, 6, request);
  broker.settle();
  broker.controller().deletions.at(0).reply(std::unexpected(ApiError{ErrorCode::kRequestTimedOut, ""}));
  broker.settle();
  const auto deleted = client.receive<DeleteTopicsResponse>(ApiKey::kDeleteTopics, 6);
  ASSERT_TRUE(deleted);
  ASSERT_EQ(deleted->responses.size(), 2U);
  EXPECT_EQ(deleted->responses[0].name, "a");
  EXPECT_EQ(deleted->responses[1].name, std::nullopt);
  EXPECT_EQ(deleted->responses[1].topic_id, (Uuid{5, 5}));
  EXPECT_EQ(deleted->responses[1].error_code, to_wire(ErrorCode::kRequestTimedOut));
  EXPECT_EQ(deleted->responses[1].error_message, std::nullopt);
}

// Were each decision searched for in all of them, this would take minutes.
TEST_F(ControllerHandlersTest, EveryAlteredResourceFindsItsOwnDecisionHoweverMany) {
  constexpr std::size_t kResources = 100'000;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kResources; ++i) {
    names.push_back("topic-" + std::to_string(i));
  }
  protocol::IncrementalAlterConfigsRequest request;
  for (const std::string& name : names) {
    auto& resource = request.resources.emplace_back();
    resource.resource_type = static_cast<std::int8_t>(metadata::ConfigResourceType::kTopic);
    resource.resource_name = name;
  }
  client.send(ApiKey::kIncrementalAlterConfigs, 1, request);
  broker.settle();
  ASSERT_EQ(broker.controller().alterations.size(), 1U);
  auto& asked = broker.controller().alterations.front();
  std::vector<metadata::ResourceOutcome> outcomes;
  for (std::size_t i = kResources; i-- > 1;) {  // in another order, and without the first
    outcomes.push_back(
        {asked.request.resources[i].resource, i % 2 == 1 ? ApiError{ErrorCode::kInvalidConfig, ""} : ApiError{}});
  }
  asked.reply(std::move(outcomes));
  broker.settle();
  const auto answer = client.receive<protocol::IncrementalAlterConfigsResponse>(ApiKey::kIncrementalAlterConfigs, 1);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->responses.size(), kResources);
  EXPECT_EQ(answer->responses[0].error_code, to_wire(ErrorCode::kUnknownServerError));
  EXPECT_EQ(answer->responses[1].error_code, to_wire(ErrorCode::kInvalidConfig));
  EXPECT_EQ(answer->responses[2].error_code, 0);
  EXPECT_EQ(answer->responses[kResources - 1].resource_name, names.back());
}

TEST_F(ControllerHandlersTest, Semantics22AProducerWithoutATransactionalIdGetsANewIdAndEpochZero) {
  EXPECT_EQ(init(std::nullopt), std::nullopt) << "the block is being asked for";
  broker.controller().producers.at(0)(ProducerId(4'000));
  broker.settle();
  const auto answer = take_producer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error_code, 0);
  EXPECT_EQ(answer->producer_id, 4'000);
  EXPECT_EQ(answer->producer_epoch, 0);
}

TEST_F(ControllerHandlersTest, Semantics22WhatCannotBeIsRefusedWithoutTheController) {
  EXPECT_EQ(init("")->error_code, to_wire(ErrorCode::kInvalidRequest));
  EXPECT_EQ(init(std::nullopt, 5, -1)->error_code, to_wire(ErrorCode::kInvalidRequest));
  EXPECT_EQ(init(std::nullopt, -1, 5)->error_code, to_wire(ErrorCode::kInvalidRequest));
  EXPECT_TRUE(broker.controller().producers.empty());
}

TEST_F(ControllerHandlersTest, ARefusedProducerHasNoId) {
  EXPECT_EQ(init(std::nullopt), std::nullopt);
  broker.controller().producers.at(0)(std::unexpected(ApiError{ErrorCode::kCoordinatorLoadInProgress, ""}));
  broker.settle();
  const auto answer = take_producer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error_code, to_wire(ErrorCode::kCoordinatorLoadInProgress));
  EXPECT_EQ(answer->producer_id, -1);
  EXPECT_EQ(answer->producer_epoch, -1);
}

TEST_F(ControllerHandlersTest, AClientThatLeftIsNotAnswered) {
  EXPECT_EQ(init(std::nullopt), std::nullopt);
  client.close();
  broker.settle();
  broker.controller().producers.at(0)(ProducerId(1));
  broker.settle();
  EXPECT_TRUE(client.closed());
}

TEST_F(ControllerHandlersTest, TheQuorumsNodesAreNamedWithTheirListeners) {
  DescribeQuorumRequest request;
  request.topics.emplace_back().topic_name = "__cluster_metadata";
  request.topics[0].partitions.emplace_back();
  client.send(ApiKey::kDescribeQuorum, 2, request);
  broker.settle();
  ASSERT_EQ(broker.controller().descriptions.size(), 1U);
  const std::string host(200, 'h');
  QuorumView view{.leader = NodeId(3), .leader_epoch = LeaderEpoch(7)};
  for (const std::int32_t id : {3, 4}) {
    view.voters.push_back({.id = NodeId(id), .listeners = {{.name = "CONTROLLER", .host = host, .port = 9093}}});
  }
  broker.controller().descriptions[0](std::move(view));
  broker.settle();
  const auto answer = client.receive<DescribeQuorumResponse>(ApiKey::kDescribeQuorum, 2);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->nodes.size(), 2U);
  for (const auto& node : answer->nodes) {
    ASSERT_EQ(node.listeners.size(), 1U);
    EXPECT_EQ(node.listeners[0].name, "CONTROLLER");
    EXPECT_EQ(node.listeners[0].host, host);
  }
  EXPECT_EQ(answer->nodes[1].node_id, 4);
}

}  // namespace
}  // namespace moldau::broker
