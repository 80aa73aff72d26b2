#include "broker/handlers/partition_inquiry.h"

#include <gtest/gtest.h>

#include "broker/handlers/testing/made_up_broker.h"
#include "broker/handlers/testing/requests.h"
#include "protocol/messages/delete_records_request.h"
#include "protocol/messages/delete_records_response.h"
#include "protocol/messages/list_offsets_request.h"
#include "protocol/messages/list_offsets_response.h"
#include "protocol/messages/offset_for_leader_epoch_request.h"
#include "protocol/messages/offset_for_leader_epoch_response.h"
#include "protocol/messages/produce_response.h"

namespace moldau::broker {
namespace {

using namespace std::chrono_literals;
using protocol::ApiKey;
using protocol::DeleteRecordsRequest;
using protocol::DeleteRecordsResponse;
using protocol::ErrorCode;
using protocol::ListOffsetsRequest;
using protocol::ListOffsetsResponse;
using protocol::OffsetForLeaderEpochRequest;
using protocol::OffsetForLeaderEpochResponse;
using testing::batch_of;
using testing::MadeUpBroker;
using testing::MemoryClient;

struct PartitionInquiryTest : ::testing::Test {
  void append(int records, std::int32_t partition = 0) {
    const ByteVector batch = batch_of(records);
    client.send(ApiKey::kProduce, 11, testing::produce_to("orders", batch, 1, partition));
    broker.settle();
    ASSERT_TRUE(client.receive<protocol::ProduceResponse>(ApiKey::kProduce, 11));
  }
  // Answers of partitions 0, 1, … to one timestamp each.
  ListOffsetsResponse list(const std::vector<std::int64_t>& timestamps, std::int16_t version = 11,
                           std::string_view topic = "orders") {
    ListOffsetsRequest request;
    request.replica_id = -1;
    auto& asked = request.topics.emplace_back();
    asked.name = topic;
    for (std::size_t i = 0; i < timestamps.size(); ++i) {
      asked.partitions.push_back({.partition_index = static_cast<std::int32_t>(i), .timestamp = timestamps[i]});
    }
    client.send(ApiKey::kListOffsets, version, request);
    broker.settle();
    const auto answer = client.receive<ListOffsetsResponse>(ApiKey::kListOffsets, version);
    EXPECT_TRUE(answer);
    return answer.value_or(ListOffsetsResponse{});
  }
  auto list_one(std::int64_t timestamp, std::int16_t version = 11) {
    return list({timestamp}, version).topics.at(0).partitions.at(0);
  }

  MadeUpBroker broker{2};
  MemoryClient client = broker.connect(1);
};

TEST_F(PartitionInquiryTest, Semantics40EverySentinelHasItsOffset) {
  broker.add_topic("orders");
  append(3);
  const auto latest = list_one(-1);
  EXPECT_EQ(latest.offset, 3);
  EXPECT_EQ(latest.timestamp, -1);
  EXPECT_EQ(latest.leader_epoch, MadeUpBroker::kFirstEpoch.value());
  const auto earliest = list_one(-2);
  EXPECT_EQ(earliest.offset, 0);
  EXPECT_EQ(earliest.timestamp, -1);
  EXPECT_EQ(earliest.leader_epoch, MadeUpBroker::kFirstEpoch.value());
  const auto max = list_one(-3);
  EXPECT_EQ(max.offset, 2);
  EXPECT_EQ(max.timestamp, 1'002);
  EXPECT_EQ(list_one(-4).offset, 0);
  for (const std::int64_t tiered : {-5, -6}) {
    EXPECT_EQ(list_one(tiered).offset, -1);
    EXPECT_EQ(list_one(tiered).error_code, 0);
  }
}

TEST_F(PartitionInquiryTest, Semantics40ASentinelThatTheVersionDoesNotKnowIsRefused) {
  broker.add_topic("orders");
  EXPECT_EQ(list_one(-3, 6).error_code, to_wire(ErrorCode::kUnsupportedVersion));
  EXPECT_EQ(list_one(-3, 7).error_code, 0);
  EXPECT_EQ(list_one(-4, 7).error_code, to_wire(ErrorCode::kUnsupportedVersion));
  EXPECT_EQ(list_one(-5, 8).error_code, to_wire(ErrorCode::kUnsupportedVersion));
  EXPECT_EQ(list_one(-6, 10).error_code, to_wire(ErrorCode::kUnsupportedVersion));
  EXPECT_EQ(list_one(-7, 11).error_code, to_wire(ErrorCode::kUnsupportedVersion));
}

TEST_F(PartitionInquiryTest, Semantics41ATimeFindsTheFirstRecordInsideTheBatch) {
  broker.add_topic("orders");
  append(3);
  const auto inside = list_one(1'001);
  EXPECT_EQ(inside.offset, 1);
  EXPECT_EQ(inside.timestamp, 1'001);
  const auto none = list_one(5'000);
  EXPECT_EQ(none.offset, -1);
  EXPECT_EQ(none.timestamp, -1);
  EXPECT_EQ(none.error_code, 0);
}

TEST_F(PartitionInquiryTest, Semantics40APartitionNamedTwiceIsRefusedOnce) {
  broker.add_topic("orders", 2);
  ListOffsetsRequest request;
  request.replica_id = -1;
  auto& asked = request.topics.emplace_back();
  asked.name = "orders";
  for (const std::int32_t partition : {0, 1, 0, 0}) {
    asked.partitions.push_back({.partition_index = partition, .timestamp = -1});
  }
  client.send(ApiKey::kListOffsets, 11, request);
  broker.settle();
  const auto answer = client.receive<ListOffsetsResponse>(ApiKey::kListOffsets, 11);
  ASSERT_TRUE(answer);
  const auto& partitions = answer->topics.at(0).partitions;
  ASSERT_EQ(partitions.size(), 2U);
  EXPECT_EQ(partitions[0].error_code, to_wire(ErrorCode::kInvalidRequest));
  EXPECT_EQ(partitions[1].error_code, 0);
}

TEST_F(PartitionInquiryTest, ListOffsetsAnswersATopicNamedTwiceOnceAndOneWithoutPartitionsNotAtAll) {
  broker.add_topic("orders", 3);
  ListOffsetsRequest request;
  request.replica_id = -1;
  for (const std::int32_t partition : {2, 0, 9, 9}) {
    request.topics.emplace_back().name = "nothing";
    auto& asked = request.topics.emplace_back();
    asked.name = "orders";
    asked.partitions.push_back({.partition_index = partition, .timestamp = -1});
  }
  client.send(ApiKey::kListOffsets, 11, request);
  broker.settle();
  const auto answer = client.receive<ListOffsetsResponse>(ApiKey::kListOffsets, 11);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->topics.size(), 1U);
  const auto& partitions = answer->topics.at(0).partitions;
  ASSERT_EQ(partitions.size(), 3U);
  EXPECT_EQ(partitions[0].partition_index, 2);
  EXPECT_EQ(partitions[1].partition_index, 0);
  EXPECT_EQ(partitions[2].error_code, to_wire(ErrorCode::kInvalidRequest)) << "twice counts before unknown";
}

TEST_F(PartitionInquiryTest, AnIsolationLevelThatIsNoneFailsEveryEntryAsItWasSent) {
  broker.add_topic("orders");
  ListOffsetsRequest request;
  request.replica_id = -1;
  request.isolation_level = 2;
  auto& asked = request.topics.emplace_back();
  asked.name = "orders";
  for (const std::int32_t partition : {0, 0, 7}) {
    asked.partitions.push_back({.partition_index = partition, .timestamp = -1});
  }
  request.topics.emplace_back().name = "nothing";
  client.send(ApiKey::kListOffsets, 11, request);
  broker.settle();
  const auto answer = client.receive<ListOffsetsResponse>(ApiKey::kListOffsets, 11);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->topics.size(), 2U);
  ASSERT_EQ(answer->topics[0].partitions.size(), 3U);
  for (const auto& partition : answer->topics[0].partitions) {
    EXPECT_EQ(partition.error_code, to_wire(ErrorCode::kUnknownServerError));
    EXPECT_EQ(partition.offset, -1);
    EXPECT_EQ(partition.timestamp, -1);
  }
}

// If the name were compared for each partition, this would take a minute.
TEST_F(PartitionInquiryTest, ALongNameIsNotComparedForEveryPartition) {
  ListOffsetsRequest request;
  request.replica_id = -1;
  const std::string name(32'767, 'x');
  auto& asked = request.topics.emplace_back();
  asked.name = name;
  for (std::int32_t partition = 0; partition < 200'000; ++partition) {
    asked.partitions.push_back({.partition_index = partition, .timestamp = -1});
  }
  client.send(ApiKey::kListOffsets, 1, request);
  broker.settle();
  const auto answer = client.receive<ListOffsetsResponse>(ApiKey::kListOffsets, 1);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->topics.at(0).partitions.size(), 200'000U);
}

// Each waits for all of them. Were all questions looked at again at each opening, this would take minutes.
TEST_F(PartitionInquiryTest, QuestionsAboutPartitionsThatAreBeingOpenedAreCountedDown) {
  constexpr std::int32_t kPartitions = 3'000;
  PartitionHome home(broker.context().shard, {&broker.context().router});
  std::vector<TopicIdPartition> ids;
  for (std::int32_t i = 0; i < kPartitions; ++i) {
    ids.push_back({Uuid{7, 7}, PartitionIndex(i)});
    home.expect(ids.back());
  }
  std::size_t answered = 0;
  for (int question = 0; question < 300; ++question) {
    std::vector<TopicIdPartition> asked = ids;
    asked.push_back(ids.front());  // named twice
    home.resolve(std::move(asked), 0, [&](const PartitionHome::Shards& shards) {
      EXPECT_EQ(shards.size(), kPartitions + 1U);
      ++answered;
    });
  }
  while (!ids.empty()) {
    EXPECT_EQ(answered, 0U);
    home.cancel_opening(ids.back());
    ids.pop_back();
  }
  EXPECT_EQ(answered, 300U);
}

TEST_F(PartitionInquiryTest, AQuestionAboutAPartitionThatIsBeingOpenedIsAnsweredWhenTheNodeGivesUp) {
  PartitionHome home(broker.context().shard, {&broker.context().router});
  const std::vector<TopicIdPartition> ids{{Uuid{7, 7}, PartitionIndex(0)}, {Uuid{7, 7}, PartitionIndex(1)}};
  home.expect(ids[0]);
  home.expect(ids[1]);
  int answered = 0;
  home.resolve(ids, 0, [&](const PartitionHome::Shards& shards) {
    EXPECT_EQ(shards, PartitionHome::Shards(2));
    ++answered;
  });
  home.close();
  EXPECT_EQ(answered, 1);
  home.cancel_opening(ids[0]);
  home.cancel_opening(ids[1]);
  EXPECT_EQ(answered, 1);
}

TEST_F(PartitionInquiryTest, AnswersStandInTheRequestsOrderWhateverShardTheyCameFrom) {
  broker.add_topic("orders", 3);
  // Partition 1 belongs to the shard of its first user, the others to this client's.
  MemoryClient other = broker.connect(0);
  const ByteVector batch = batch_of(7);
  other.send(ApiKey::kProduce, 11, testing::produce_to("orders", batch, 1, 1));
  broker.settle();
  append(2, 2);
  const auto answer = list({-1, -1, -1, -1});
  const auto& partitions = answer.topics.at(0).partitions;
  ASSERT_EQ(partitions.size(), 4U);
  EXPECT_EQ(partitions[0].offset, 0);
  EXPECT_EQ(partitions[1].offset, 7);
  EXPECT_EQ(partitions[2].offset, 2);
  EXPECT_EQ(partitions[3].error_code, to_wire(ErrorCode::kUnknownTopicOrPartition));
}

TEST_F(PartitionInquiryTest, ARequestForNothingIsAnswered) {
  client.send(ApiKey::kListOffsets, 11, ListOffsetsRequest{});
  broker.settle();
  const auto answer = client.receive<ListOffsetsResponse>(ApiKey::kListOffsets, 11);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->topics.empty());
  EXPECT_EQ(list({-1}, 11, "nowhere").topics.at(0).partitions.at(0).error_code,
            to_wire(ErrorCode::kUnknownTopicOrPartition));
}

TEST_F(PartitionInquiryTest, Semantics42TheLargestEpochNotAboveTheAskedOneAndItsEnd) {
  broker.add_topic("orders");
  append(3);
  broker.set_leader("orders", MadeUpBroker::kSelf, {1});
  append(2);
  const auto ask = [&](std::int32_t epoch, std::int32_t current) {
    OffsetForLeaderEpochRequest request;
    request.replica_id = -1;
    auto& asked = request.topics.emplace_back();
    asked.topic = "orders";
    asked.partitions.push_back({.partition = 0, .current_leader_epoch = current, .leader_epoch = epoch});
    client.send(ApiKey::kOffsetForLeaderEpoch, 4, request);
    broker.settle();
    const auto answer = client.receive<OffsetForLeaderEpochResponse>(ApiKey::kOffsetForLeaderEpoch, 4);
    EXPECT_TRUE(answer);
    return answer->topics.at(0).partitions.at(0);
  };
  const std::int32_t first = MadeUpBroker::kFirstEpoch.value();
  EXPECT_EQ(ask(first, -1).leader_epoch, first);
  EXPECT_EQ(ask(first, -1).end_offset, 3);
  EXPECT_EQ(ask(first + 1, -1).end_offset, 5);
  EXPECT_EQ(ask(INT32_MIN, -1).leader_epoch, INT32_MIN) << "below the first one: where that begins";
  EXPECT_EQ(ask(INT32_MIN, -1).end_offset, 0);
  EXPECT_EQ(ask(-1, -1).leader_epoch, -1);
  EXPECT_EQ(ask(-1, -1).end_offset, -1);
  EXPECT_EQ(ask(first + 2, -1).end_offset, -1);
  EXPECT_EQ(ask(first + 2, -1).error_code, 0);
  EXPECT_EQ(ask(first, first).error_code, to_wire(ErrorCode::kFencedLeaderEpoch));
  EXPECT_EQ(ask(first, first + 2).error_code, to_wire(ErrorCode::kUnknownLeaderEpoch));
}

struct DeleteRecordsTest : PartitionInquiryTest {
  void send(std::int64_t offset, std::string_view topic = "orders", std::int32_t timeout_ms = 30'000) {
    DeleteRecordsRequest request;
    request.timeout_ms = timeout_ms;
    auto& asked = request.topics.emplace_back();
    asked.name = topic;
    asked.partitions.push_back({.partition_index = 0, .offset = offset});
    client.send(ApiKey::kDeleteRecords, 2, request);
    broker.settle();
  }
  auto take() {
    const auto answer = client.receive<DeleteRecordsResponse>(ApiKey::kDeleteRecords, 2);
    EXPECT_TRUE(answer);
    return answer->topics.at(0).partitions.at(0);
  }
};

TEST_F(DeleteRecordsTest, Semantics43IsAnsweredOnceTheNewStartIsDurable) {
  broker.add_topic("orders");
  append(5);
  send(2);
  EXPECT_FALSE(client.has_answer()) << "the checkpoint has not been written";
  broker.keep_log_starts();
  const auto answer = take();
  EXPECT_EQ(answer.error_code, 0);
  EXPECT_EQ(answer.low_watermark, 2);
  send(-1);
  broker.keep_log_starts();
  EXPECT_EQ(take().low_watermark, 5) << "-1 is the high watermark";
}

TEST_F(DeleteRecordsTest, APartitionNamedTwiceIsDeletedOnceToItsLastOffset) {
  broker.add_topic("orders");
  append(5);
  DeleteRecordsRequest request;
  request.timeout_ms = 30'000;
  request.topics.emplace_back().name = "nothing";
  for (const std::int64_t offset : {99, 4, 2}) {
    auto& asked = request.topics.emplace_back();
    asked.name = "orders";
    asked.partitions.push_back({.partition_index = 0, .offset = offset});
  }
  client.send(ApiKey::kDeleteRecords, 2, request);
  broker.settle();
  broker.keep_log_starts();
  const auto answer = client.receive<DeleteRecordsResponse>(ApiKey::kDeleteRecords, 2);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->topics.size(), 1U);
  ASSERT_EQ(answer->topics[0].partitions.size(), 1U);
  EXPECT_EQ(answer->topics[0].partitions[0].error_code, 0);
  EXPECT_EQ(answer->topics[0].partitions[0].low_watermark, 2);
}

TEST_F(DeleteRecordsTest, Semantics43RefusalsHaveNoLowWatermark) {
  replication::PartitionConfig compacted;
  compacted.log.cleanup_compact = true;
  compacted.log.cleanup_delete = false;
  broker.add_topic("orders");
  broker.add_topic("compacted", 1, compacted);
  append(5);
  const auto refusal = [&](std::int64_t offset, std::string_view topic) {
    send(offset, topic);
    const auto answer = take();
    EXPECT_EQ(answer.low_watermark, -1);
    return answer.error_code;
  };
  EXPECT_EQ(refusal(6, "orders"), to_wire(ErrorCode::kOffsetOutOfRange));
  EXPECT_EQ(refusal(-2, "orders"), to_wire(ErrorCode::kOffsetOutOfRange));
  EXPECT_EQ(refusal(0, "compacted"), to_wire(ErrorCode::kPolicyViolation));
  EXPECT_EQ(refusal(0, "nowhere"), to_wire(ErrorCode::kUnknownTopicOrPartition));
}

TEST_F(DeleteRecordsTest, Semantics43WaitsForTheOtherReplicaUntilTheTimeout) {
  broker.add_topic("orders");
  append(5);
  broker.set_leader("orders", MadeUpBroker::kSelf, {1, 2});
  send(2, "orders", 1'000);
  broker.keep_log_starts();
  EXPECT_FALSE(client.has_answer()) << "the other replica still starts at 0";
  broker.advance(1'001ms);
  EXPECT_EQ(take().error_code, to_wire(ErrorCode::kRequestTimedOut));
}

}  // namespace
}  // namespace moldau::broker
