#include "broker/handlers/metadata_handler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/handlers/testing/made_up_broker.h"
#include "protocol/messages/describe_cluster_request.h"
#include "protocol/messages/describe_cluster_response.h"
#include "protocol/messages/metadata_request.h"
#include "protocol/messages/metadata_response.h"

namespace moldau::broker {
namespace {

using protocol::ApiKey;
using protocol::ErrorCode;
using protocol::MetadataRequest;
using protocol::MetadataResponse;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::MadeUpBroker;
using testing::MemoryClient;

struct MetadataHandlerTest : ::testing::Test {
  MetadataResponse ask(MemoryClient& client, const MetadataRequest& request, std::int16_t version = 12) {
    client.send(ApiKey::kMetadata, version, request);
    broker.settle();
    const auto answer = client.receive<MetadataResponse>(ApiKey::kMetadata, version);
    EXPECT_TRUE(answer);
    return answer.value_or(MetadataResponse{});
  }
  static MetadataRequest about(std::initializer_list<std::string_view> names) {
    MetadataRequest request;
    request.topics.emplace();
    for (const std::string_view name : names) {
      request.topics->emplace_back().name = name;
    }
    return request;
  }
  static std::vector<std::string> hosts(const MetadataResponse& answer) {
    std::vector<std::string> hosts;
    for (const auto& node : answer.brokers) {
      hosts.emplace_back(node.host);
    }
    return hosts;
  }

  MadeUpBroker broker;
};

TEST_F(MetadataHandlerTest, Semantics05EndpointsAreThoseOfTheClientsListener) {
  MemoryClient first = broker.connect(0, "PLAINTEXT");
  EXPECT_THAT(hosts(ask(first, about({}))), ElementsAre("self.example", "other.example"));
  MemoryClient second = broker.connect(0, "SECOND");
  EXPECT_THAT(hosts(ask(second, about({}))), ElementsAre("second.self.example"));

  second.send(ApiKey::kDescribeCluster, 1, protocol::DescribeClusterRequest{});
  broker.settle();
  const auto cluster = second.receive<protocol::DescribeClusterResponse>(ApiKey::kDescribeCluster, 1);
  ASSERT_TRUE(cluster);
  ASSERT_EQ(cluster->brokers.size(), 1U);
  EXPECT_EQ(cluster->brokers[0].host, "second.self.example");
}

TEST_F(MetadataHandlerTest, DescribeClusterShowsFencedBrokersOnlyToWhoAsksForThem) {
  broker.fence(MadeUpBroker::kOther);
  MemoryClient client = broker.connect();
  const auto describe = [&](std::int16_t version, bool include_fenced) {
    protocol::DescribeClusterRequest request;
    request.include_fenced_brokers = include_fenced;
    client.send(ApiKey::kDescribeCluster, version, request);
    broker.settle();
    return client.receive<protocol::DescribeClusterResponse>(ApiKey::kDescribeCluster, version).value();
  };
  EXPECT_EQ(describe(1, false).brokers.size(), 1U);
  EXPECT_EQ(describe(2, false).brokers.size(), 1U);
  const auto all = describe(2, true);
  ASSERT_EQ(all.brokers.size(), 2U);
  EXPECT_FALSE(all.brokers[0].is_fenced);
  EXPECT_EQ(all.brokers[1].broker_id, MadeUpBroker::kOther.value());
  EXPECT_TRUE(all.brokers[1].is_fenced);
  EXPECT_EQ(all.controller_id, MadeUpBroker::kSelf.value()) << "a live one";
}

TEST_F(MetadataHandlerTest, DescribeClusterIsForEndpointsOfItsListener) {
  MemoryClient client = broker.connect();
  const auto error = [&](std::int16_t version, std::int8_t type) {
    protocol::DescribeClusterRequest request;
    request.endpoint_type = type;
    client.send(ApiKey::kDescribeCluster, version, request);
    broker.settle();
    return client.receive<protocol::DescribeClusterResponse>(ApiKey::kDescribeCluster, version).value().error_code;
  };
  EXPECT_EQ(error(1, 2), to_wire(ErrorCode::kMismatchedEndpointType));
  EXPECT_EQ(error(1, 3), to_wire(ErrorCode::kUnsupportedEndpointType));
  EXPECT_EQ(error(1, 1), 0);
}

TEST_F(MetadataHandlerTest, Semantics05ALeaderWithoutTheClientsListenerIsSaidSo) {
  broker.add_topic("orders");
  broker.set_leader("orders", MadeUpBroker::kOther, {2});
  MemoryClient client = broker.connect(0, "SECOND");
  const auto partition_in = [&](std::int16_t version) {
    return ask(client, about({"orders"}), version).topics.at(0).partitions.at(0);
  };
  EXPECT_EQ(partition_in(6).error_code, to_wire(ErrorCode::kListenerNotFound));
  EXPECT_EQ(partition_in(6).leader_id, -1);
  EXPECT_EQ(partition_in(5).error_code, to_wire(ErrorCode::kLeaderNotAvailable));
  MemoryClient plain = broker.connect();
  EXPECT_EQ(ask(plain, about({"orders"})).topics.at(0).partitions.at(0).leader_id, 2);
}

TEST_F(MetadataHandlerTest, Semantics06NullMeansAllAndEmptyMeansNoneButInTheFirstVersion) {
  broker.add_topic("b");
  broker.add_topic("a");
  MemoryClient client = broker.connect();
  MetadataRequest all;
  all.topics.reset();
  EXPECT_EQ(ask(client, all).topics.size(), 2U);
  EXPECT_THAT(ask(client, about({})).topics, IsEmpty());
  EXPECT_EQ(ask(client, about({}), 0).topics.size(), 2U);
}

TEST_F(MetadataHandlerTest, Semantics06AnUnknownTopicIsAnsweredAsSuchAndMadeInTheBackground) {
  MemoryClient client = broker.connect();
  const auto answer = ask(client, about({"new", "new", "not/a/name"}));
  ASSERT_EQ(answer.topics.size(), 2U);
  EXPECT_EQ(answer.topics[0].error_code, to_wire(ErrorCode::kUnknownTopicOrPartition));
  EXPECT_EQ(answer.topics[1].error_code, to_wire(ErrorCode::kInvalidTopicException));
  EXPECT_THAT(broker.wanted_topics(), ElementsAre("new"));
  MetadataRequest without = about({"other"});
  without.allow_auto_topic_creation = false;
  EXPECT_EQ(ask(client, without).topics.at(0).error_code, to_wire(ErrorCode::kUnknownTopicOrPartition));
  EXPECT_THAT(broker.wanted_topics(), ElementsAre("new"));
}

}  // namespace
}  // namespace moldau::broker
