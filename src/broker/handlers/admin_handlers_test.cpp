#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/handlers/testing/made_up_broker.h"
#include "protocol/messages/alter_partition_reassignments_request.h"
#include "protocol/messages/alter_partition_reassignments_response.h"
#include "protocol/messages/create_partitions_request.h"
#include "protocol/messages/create_partitions_response.h"
#include "protocol/messages/describe_quorum_request.h"
#include "protocol/messages/describe_quorum_response.h"
#include "protocol/messages/elect_leaders_request.h"
#include "protocol/messages/elect_leaders_response.h"
#include "protocol/messages/list_partition_reassignments_request.h"
#include "protocol/messages/list_partition_reassignments_response.h"
#include "protocol/messages/unregister_broker_request.h"
#include "protocol/messages/unregister_broker_response.h"
#include "protocol/messages/update_features_request.h"
#include "protocol/messages/update_features_response.h"

namespace moldau::broker {
namespace {

using metadata::ApiError;
using protocol::ApiKey;
using protocol::ErrorCode;
using ::testing::ElementsAre;
using testing::MadeUpBroker;
using testing::MemoryClient;

const ApiError kNotHere{ErrorCode::kNotController, "not here"};

// What only passes through: the controller decides, the handlers translate.
struct AdminHandlersTest : ::testing::Test {
  template <class Request>
  void send(std::int16_t version, const Request& request) {
    client.send(Request::kApiKey, version, request);
    broker.settle();
  }
  template <class Response>
  Response receive(std::int16_t version) {
    broker.settle();
    const auto answer = client.receive<Response>(Response::kApiKey, version);
    EXPECT_TRUE(answer);
    return answer.value_or(Response());
  }

  MadeUpBroker broker;
  MemoryClient client = broker.connect();
};

TEST_F(AdminHandlersTest, CreatePartitionsAsksForCountsAndAssignments) {
  for (std::int16_t version = 0; version <= 3; ++version) {
    protocol::CreatePartitionsRequest request;
    request.validate_only = true;
    request.topics.push_back({.name = "a", .count = 3});
    request.topics.back().assignments.emplace().push_back({.broker_ids = {2, 1}});
    request.topics.push_back({.name = "b", .count = 4, .assignments = std::nullopt});
    send(version, request);
    EXPECT_FALSE(client.has_answer()) << "answered when the controller has";
    auto& asked = broker.controller().additions.back();
    EXPECT_TRUE(asked.request.validate_only);
    EXPECT_EQ(asked.request.topics.at(0).topic, "a");
    EXPECT_EQ(asked.request.topics.at(0).count, 3);
    EXPECT_EQ(asked.request.topics.at(0).assignments->at(0), metadata::to_replicas({2, 1}));
    EXPECT_FALSE(asked.request.topics.at(1).assignments);
    asked.reply(std::vector<metadata::PartitionsAdded>{
        {"b", {}}, {"a", {ErrorCode::kInvalidPartitions, "no"}}, {"c", {ErrorCode::kUnknownTopicOrPartition, ""}}});
    const auto answer = receive<protocol::CreatePartitionsResponse>(version);
    ASSERT_EQ(answer.results.size(), 3U);
    EXPECT_EQ(answer.results[0].name, "b");
    EXPECT_EQ(answer.results[0].error_code, 0);
    EXPECT_EQ(answer.results[0].error_message, std::nullopt);
    EXPECT_EQ(answer.results[1].error_code, to_wire(ErrorCode::kInvalidPartitions));
    EXPECT_EQ(answer.results[1].error_message, "no");
    EXPECT_EQ(answer.results[2].error_message, std::nullopt) << "as Kafka's";
  }
}

TEST_F(AdminHandlersTest, CreatePartitionsWithoutAControllerFailsEachTopic) {
  protocol::CreatePartitionsRequest request;
  request.topics.push_back({.name = "a", .count = 3});
  request.topics.push_back({.name = "b", .count = 3});
  send(3, request);
  broker.controller().additions.at(0).reply(std::unexpected(kNotHere));
  const auto answer = receive<protocol::CreatePartitionsResponse>(3);
  ASSERT_EQ(answer.results.size(), 2U);
  EXPECT_EQ(answer.results[1].name, "b");
  EXPECT_EQ(answer.results[1].error_code, to_wire(ErrorCode::kNotController));
}

TEST_F(AdminHandlersTest, ElectLeadersNamesPartitionsOrAll) {
  protocol::ElectLeadersRequest request;
  request.election_type = 1;
  request.topic_partitions->push_back({.topic = "a", .partitions = {0, 2}});
  send(2, request);
  auto& named = broker.controller().elections.at(0);
  EXPECT_EQ(named.request.type, metadata::kUncleanElection);
  EXPECT_THAT(named.request.topics->at(0).partitions, ElementsAre(PartitionIndex(0), PartitionIndex(2)));
  named.reply(std::vector<metadata::LeadersElected>{
      {"a", {{PartitionIndex(0), {}}, {PartitionIndex(2), {ErrorCode::kElectionNotNeeded, "not needed"}}}}});
  const auto answer = receive<protocol::ElectLeadersResponse>(2);
  EXPECT_EQ(answer.error_code, 0);
  const auto& partitions = answer.replica_election_results.at(0).partition_result;
  EXPECT_EQ(partitions.at(0).error_message, std::nullopt);
  EXPECT_EQ(partitions.at(1).partition_id, 2);
  EXPECT_EQ(partitions.at(1).error_code, to_wire(ErrorCode::kElectionNotNeeded));

  request.election_type = 0;
  request.topic_partitions.reset();
  send(0, request);
  auto& all = broker.controller().elections.at(1);
  EXPECT_EQ(all.request.type, metadata::kPreferredElection);
  EXPECT_FALSE(all.request.topics);
  all.reply(std::vector<metadata::LeadersElected>{{"a", {}}});
  EXPECT_EQ(receive<protocol::ElectLeadersResponse>(0).replica_election_results.at(0).topic, "a");
}

TEST_F(AdminHandlersTest, ElectLeadersOfNothingNeedsNoController) {
  protocol::ElectLeadersRequest request;
  request.election_type = 7;
  send(2, request);
  EXPECT_TRUE(broker.controller().elections.empty());
  EXPECT_EQ(receive<protocol::ElectLeadersResponse>(2).error_code, 0);
}

TEST_F(AdminHandlersTest, ARefusedElectionFailsThePartitionsAndFromTheFirstVersionOnTheWhole) {
  for (std::int16_t version = 0; version <= 2; ++version) {
    protocol::ElectLeadersRequest request;
    request.topic_partitions->push_back({.topic = "a", .partitions = {0}});
    send(version, request);
    broker.controller().elections.back().reply(std::unexpected(ApiError{ErrorCode::kInvalidRequest, "what"}));
    const auto answer = receive<protocol::ElectLeadersResponse>(version);
    EXPECT_EQ(answer.error_code, version == 0 ? 0 : to_wire(ErrorCode::kInvalidRequest));
    EXPECT_EQ(answer.replica_election_results.at(0).partition_result.at(0).error_code,
              to_wire(ErrorCode::kInvalidRequest));
    EXPECT_EQ(answer.replica_election_results.at(0).partition_result.at(0).error_message, "what");
  }
}

TEST_F(AdminHandlersTest, ReassignmentsAreAlteredAndCancelled) {
  protocol::AlterPartitionReassignmentsRequest request;
  request.allow_replication_factor_change = false;
  auto& topic = request.topics.emplace_back();
  topic.name = "a";
  topic.partitions.push_back({.partition_index = 0, .replicas = std::vector<std::int32_t>{2, 1}});
  topic.partitions.push_back({.partition_index = 1, .replicas = std::nullopt});
  send(1, request);
  auto& asked = broker.controller().reassignments.at(0);
  EXPECT_FALSE(asked.request.allow_replication_factor_change);
  EXPECT_EQ(asked.request.topics.at(0).partitions.at(0).replicas, metadata::to_replicas({2, 1}));
  EXPECT_EQ(asked.request.topics.at(0).partitions.at(1).replicas, std::nullopt);
  asked.reply(std::vector<metadata::ReassignmentsAltered>{
      {"a", {{PartitionIndex(0), {}}, {PartitionIndex(1), {ErrorCode::kNoReassignmentInProgress, "none"}}}}});
  const auto answer = receive<protocol::AlterPartitionReassignmentsResponse>(1);
  EXPECT_EQ(answer.error_code, 0);
  EXPECT_EQ(answer.error_message, std::nullopt);
  EXPECT_FALSE(answer.allow_replication_factor_change);
  EXPECT_EQ(answer.responses.at(0).partitions.at(0).error_message, std::nullopt);
  EXPECT_EQ(answer.responses.at(0).partitions.at(1).error_code, to_wire(ErrorCode::kNoReassignmentInProgress));

  request.allow_replication_factor_change = true;  // version 0 knows nothing else
  send(0, request);
  EXPECT_TRUE(broker.controller().reassignments.at(1).request.allow_replication_factor_change);
  broker.controller().reassignments.at(1).reply(std::unexpected(kNotHere));
  const auto refused = receive<protocol::AlterPartitionReassignmentsResponse>(0);
  EXPECT_EQ(refused.error_code, to_wire(ErrorCode::kNotController));
  EXPECT_EQ(refused.error_message, "not here");
  EXPECT_EQ(refused.responses.at(0).partitions.at(1).error_code, to_wire(ErrorCode::kNotController));

  send(1, protocol::AlterPartitionReassignmentsRequest());
  EXPECT_EQ(receive<protocol::AlterPartitionReassignmentsResponse>(1).error_code, 0);
  EXPECT_EQ(broker.controller().reassignments.size(), 2U) << "nothing to decide";
}

TEST_F(AdminHandlersTest, OngoingReassignmentsAreListed) {
  protocol::ListPartitionReassignmentsRequest request;
  send(0, request);
  EXPECT_FALSE(broker.controller().listings.at(0).request.topics);
  broker.controller().listings.at(0).reply(std::vector<metadata::OngoingReassignments>{
      {"a", {{PartitionIndex(3), metadata::to_replicas({2, 1}), metadata::to_replicas({2}), {}}}}});
  const auto answer = receive<protocol::ListPartitionReassignmentsResponse>(0);
  const auto& partition = answer.topics.at(0).partitions.at(0);
  EXPECT_EQ(partition.partition_index, 3);
  EXPECT_THAT(partition.replicas, ElementsAre(2, 1));
  EXPECT_THAT(partition.adding_replicas, ElementsAre(2));
  EXPECT_TRUE(partition.removing_replicas.empty());

  request.topics.emplace().push_back({.name = "b", .partition_indexes = {5}});
  send(0, request);
  EXPECT_EQ(broker.controller().listings.at(1).request.topics->at(0).partitions.at(0), PartitionIndex(5));
  broker.controller().listings.at(1).reply(std::unexpected(kNotHere));
  const auto refused = receive<protocol::ListPartitionReassignmentsResponse>(0);
  EXPECT_EQ(refused.error_code, to_wire(ErrorCode::kNotController));
  EXPECT_EQ(refused.topics.at(0).partitions.at(0).partition_index, 5) << "as Kafka's";
}

TEST_F(AdminHandlersTest, FeaturesAreUpdatedAllOrNone) {
  for (std::int16_t version = 0; version <= 2; ++version) {
    protocol::UpdateFeaturesRequest request;
    request.feature_updates.push_back({.feature = "f", .max_version_level = 2});
    request.feature_updates.back().allow_downgrade = version == 0;
    request.feature_updates.back().upgrade_type = version == 0 ? metadata::kFeatureUpgrade : std::int8_t{3};
    request.validate_only = version > 0;
    send(version, request);
    auto& asked = broker.controller().feature_updates.back();
    EXPECT_EQ(asked.request.validate_only, version > 0);
    EXPECT_EQ(asked.request.updates.at(0).feature, "f");
    EXPECT_EQ(asked.request.updates.at(0).level, 2);
    EXPECT_EQ(asked.request.updates.at(0).type, version == 0 ? metadata::kFeatureUpgrade : 3);
    asked.reply(metadata::Nothing{});
    const auto done = receive<protocol::UpdateFeaturesResponse>(version);
    EXPECT_EQ(done.error_code, 0);
    EXPECT_EQ(done.error_message, std::nullopt);
    EXPECT_EQ(done.results.size(), version <= 1 ? 1U : 0U);

    send(version, request);
    broker.controller().feature_updates.back().reply(std::unexpected(ApiError{ErrorCode::kInvalidUpdateVersion, "no"}));
    const auto refused = receive<protocol::UpdateFeaturesResponse>(version);
    EXPECT_EQ(refused.error_code, to_wire(ErrorCode::kInvalidUpdateVersion));
    EXPECT_EQ(refused.error_message, "no");
    EXPECT_TRUE(refused.results.empty());
  }
}

TEST_F(AdminHandlersTest, ABrokerIsUnregisteredOrNot) {
  protocol::UnregisterBrokerRequest request;
  request.broker_id = 7;
  send(0, request);
  EXPECT_EQ(broker.controller().unregistrations.at(0).request, NodeId(7));
  broker.controller().unregistrations.at(0).reply(metadata::Nothing{});
  EXPECT_EQ(receive<protocol::UnregisterBrokerResponse>(0).error_code, 0);
  send(0, request);
  broker.controller().unregistrations.at(1).reply(std::unexpected(ApiError{ErrorCode::kBrokerIdNotRegistered, "who"}));
  const auto refused = receive<protocol::UnregisterBrokerResponse>(0);
  EXPECT_EQ(refused.error_code, to_wire(ErrorCode::kBrokerIdNotRegistered));
  EXPECT_EQ(refused.error_message, "who");
}

struct DescribeQuorumTest : AdminHandlersTest {
  static protocol::DescribeQuorumRequest about(std::string_view topic, std::int32_t partition = 0) {
    protocol::DescribeQuorumRequest request;
    request.topics.push_back({.topic_name = topic});
    request.topics.back().partitions.push_back({.partition_index = partition});
    return request;
  }
};

TEST_F(DescribeQuorumTest, OtherTopicsHaveNone) {
  for (const auto& request : {about("orders"), about("__cluster_metadata", 1)}) {
    send(2, request);
    const auto answer = receive<protocol::DescribeQuorumResponse>(2);
    const auto& partition = answer.topics.at(0).partitions.at(0);
    EXPECT_EQ(partition.error_code, to_wire(ErrorCode::kUnknownTopicOrPartition));
    EXPECT_EQ(partition.error_message, protocol::default_message(ErrorCode::kUnknownTopicOrPartition));
  }
}

TEST_F(DescribeQuorumTest, OnlyTheLeaderTells) {
  send(2, about("__cluster_metadata"));
  broker.controller().descriptions.at(0)(std::unexpected(ApiError{ErrorCode::kNotLeaderOrFollower, ""}));
  const auto answer = receive<protocol::DescribeQuorumResponse>(2);
  EXPECT_EQ(answer.error_code, 0);
  EXPECT_EQ(answer.topics.at(0).partitions.at(0).error_code, to_wire(ErrorCode::kNotLeaderOrFollower));
  send(1, about("__cluster_metadata"));
  broker.controller().descriptions.at(1)(std::unexpected(kNotHere));
  EXPECT_EQ(receive<protocol::DescribeQuorumResponse>(1).error_code, to_wire(ErrorCode::kNotController));
}

TEST_F(DescribeQuorumTest, TellsVotersAndWhereTheyAre) {
  const auto view = [] {
    QuorumView quorum{.leader = NodeId(1), .leader_epoch = LeaderEpoch(4), .high_watermark = Offset(9)};
    quorum.log_end = Offset(11);
    quorum.voters.push_back({NodeId(1), Uuid{3, 4}, {{"CONTROLLER", "here", 9093}}});
    return quorum;
  };
  for (std::int16_t version = 0; version <= 2; ++version) {
    send(version, about("__cluster_metadata"));
    broker.controller().descriptions.back()(view());
    const auto answer = receive<protocol::DescribeQuorumResponse>(version);
    const auto& partition = answer.topics.at(0).partitions.at(0);
    EXPECT_EQ(partition.leader_id, 1);
    EXPECT_EQ(partition.leader_epoch, 4);
    EXPECT_EQ(partition.high_watermark, 9);
    EXPECT_EQ(partition.current_voters.at(0).log_end_offset, 11);
    EXPECT_EQ(partition.current_voters.at(0).replica_directory_id, version < 2 ? kZeroUuid : (Uuid{3, 4}));
    EXPECT_EQ(answer.nodes.size(), version < 2 ? 0U : 1U);
  }
}

}  // namespace
}  // namespace moldau::broker
