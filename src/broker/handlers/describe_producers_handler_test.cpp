#include "broker/handlers/describe_producers_handler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/handlers/testing/made_up_broker.h"
#include "broker/handlers/testing/requests.h"
#include "protocol/messages/describe_producers_request.h"
#include "protocol/messages/describe_producers_response.h"
#include "protocol/messages/produce_response.h"
#include "replication/partition/partition.h"

namespace moldau::broker {
namespace {

using protocol::ApiKey;
using protocol::DescribeProducersRequest;
using protocol::DescribeProducersResponse;
using protocol::ErrorCode;
using testing::MadeUpBroker;
using testing::MemoryClient;

struct DescribeProducersTest : ::testing::Test {
  DescribeProducersResponse ask(const std::vector<std::pair<std::string_view, std::vector<std::int32_t>>>& about) {
    DescribeProducersRequest request;
    for (const auto& [topic, partitions] : about) {
      request.topics.push_back({.name = topic, .partition_indexes = partitions});
    }
    client.send(ApiKey::kDescribeProducers, 0, request);
    broker.settle();
    const auto answer = client.receive<DescribeProducersResponse>(ApiKey::kDescribeProducers, 0);
    EXPECT_TRUE(answer);
    return answer.value_or(DescribeProducersResponse());
  }
  void produce(std::int64_t producer, std::int16_t epoch, std::int32_t sequence, int records) {
    record::BatchOptions options;
    options.producer_id = ProducerId(producer);
    options.producer_epoch = ProducerEpoch(epoch);
    options.base_sequence = sequence;
    const ByteVector batch = testing::batch_of(records, 10, options);
    client.send(ApiKey::kProduce, 9, testing::produce_to("t", batch, 1));
    broker.settle();
    ASSERT_TRUE(client.receive<protocol::ProduceResponse>(ApiKey::kProduce, 9));
  }

  MadeUpBroker broker{2};
  MemoryClient client = broker.connect();
};

TEST_F(DescribeProducersTest, TellsTheLastSequenceOfEachProducer) {
  broker.add_topic("t", 2);
  produce(9, 3, 0, 5);
  produce(9, 3, 5, 2);
  produce(4, 0, 0, 1);
  const auto answer = ask({{"t", {0, 1, 0}}});
  const auto& partitions = answer.topics.at(0).partitions;
  ASSERT_EQ(partitions.size(), 3U) << "as asked";
  ASSERT_EQ(partitions[0].active_producers.size(), 2U);
  const auto& four = partitions[0].active_producers[0];
  const auto& nine = partitions[0].active_producers[1];
  EXPECT_EQ(four.producer_id, 4);
  EXPECT_EQ(nine.producer_id, 9);
  EXPECT_EQ(nine.producer_epoch, 3);
  EXPECT_EQ(nine.last_sequence, 6);
  EXPECT_EQ(nine.last_timestamp, 1'001);
  EXPECT_EQ(nine.coordinator_epoch, -1);
  EXPECT_EQ(nine.current_txn_start_offset, -1);
  EXPECT_TRUE(partitions[1].active_producers.empty());
  EXPECT_EQ(partitions[1].error_code, 0);
  EXPECT_EQ(partitions[1].error_message, std::nullopt);
  EXPECT_EQ(partitions[2].active_producers.size(), 2U);
}

TEST_F(DescribeProducersTest, WhatIsNotThereIsSaidSo) {
  broker.add_topic("t");
  const auto answer = ask({{"t", {1, -1}}, {"nobody", {0}}, {"not/a/name", {0}}, {"t", {}}});
  const auto error = [&](std::size_t topic, std::size_t partition) {
    return answer.topics.at(topic).partitions.at(partition).error_code;
  };
  EXPECT_EQ(error(0, 0), to_wire(ErrorCode::kUnknownTopicOrPartition));
  EXPECT_EQ(error(0, 1), to_wire(ErrorCode::kUnknownTopicOrPartition));
  EXPECT_EQ(answer.topics[0].partitions[0].error_message, std::nullopt) << "as Kafka's";
  EXPECT_EQ(error(1, 0), to_wire(ErrorCode::kUnknownTopicOrPartition));
  EXPECT_NE(answer.topics[1].partitions[0].error_message, std::nullopt);
  EXPECT_EQ(error(2, 0), to_wire(ErrorCode::kInvalidTopicException));
  EXPECT_TRUE(answer.topics.at(3).partitions.empty());
}

TEST_F(DescribeProducersTest, AReplicaAnswersWhoeverLeadsAndAFailedDirectoryDoesNot) {
  broker.add_topic("t");
  produce(9, 3, 0, 5);
  broker.set_leader("t", MadeUpBroker::kOther, {2});
  EXPECT_EQ(ask({{"t", {0}}}).topics.at(0).partitions.at(0).active_producers.size(), 1U);
  broker.partition("t").on_directory_failed();
  EXPECT_EQ(ask({{"t", {0}}}).topics.at(0).partitions.at(0).error_code, to_wire(ErrorCode::kKafkaStorageError));
}

}  // namespace
}  // namespace moldau::broker
