#include "broker/handlers/describe_topic_partitions_handler.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/handlers/testing/made_up_broker.h"
#include "protocol/messages/describe_topic_partitions_request.h"
#include "protocol/messages/describe_topic_partitions_response.h"

namespace moldau::broker {
namespace {

using protocol::ApiKey;
using protocol::DescribeTopicPartitionsRequest;
using protocol::DescribeTopicPartitionsResponse;
using protocol::ErrorCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::MadeUpBroker;
using testing::MemoryClient;

using Cursor = protocol::describe_topic_partitions_request::Cursor;

struct DescribeTopicPartitionsTest : ::testing::Test {
  static DescribeTopicPartitionsRequest about(const std::vector<std::string_view>& names, std::int32_t limit = 2000) {
    DescribeTopicPartitionsRequest request;
    for (const std::string_view name : names) {
      request.topics.push_back({.name = name});
    }
    request.response_partition_limit = limit;
    return request;
  }
  DescribeTopicPartitionsResponse ask(const DescribeTopicPartitionsRequest& request) {
    client.send(ApiKey::kDescribeTopicPartitions, 0, request);
    broker.settle();
    const auto answer = client.receive<DescribeTopicPartitionsResponse>(ApiKey::kDescribeTopicPartitions, 0);
    EXPECT_TRUE(answer);
    return answer.value_or(DescribeTopicPartitionsResponse());
  }
  // "topic:first-last" for each topic of the answer, then "@topic:partition" for its cursor.
  static std::vector<std::string> shape(const DescribeTopicPartitionsResponse& answer) {
    std::vector<std::string> lines;
    for (const auto& topic : answer.topics) {
      std::string line(topic.name.value_or("(null)"));
      if (topic.error_code != 0) {
        line += "!" + std::to_string(topic.error_code);
      } else if (!topic.partitions.empty()) {
        line += ":" + std::to_string(topic.partitions.front().partition_index) + "-" +
                std::to_string(topic.partitions.back().partition_index);
      }
      lines.push_back(line);
    }
    if (answer.next_cursor) {
      lines.push_back("@" + std::string(answer.next_cursor->topic_name) + ":" +
                      std::to_string(answer.next_cursor->partition_index));
    }
    return lines;
  }

  MadeUpBroker broker{1, {.described_partitions_max = 6}};
  MemoryClient client = broker.connect();
};

TEST_F(DescribeTopicPartitionsTest, TopicsComeByNameOnceEach) {
  broker.add_topic("b", 2);
  const Uuid id = broker.add_topic("a");
  EXPECT_THAT(shape(ask(about({}))), ElementsAre("a:0-0", "b:0-1"));
  const auto answer = ask(about({"b", "missing", "a", "b", "not/a/name"}));
  EXPECT_THAT(shape(answer), ElementsAre("a:0-0", "b:0-1", "missing!3", "not/a/name!17"));
  EXPECT_EQ(answer.topics[0].topic_id, id);
  EXPECT_EQ(answer.topics[2].topic_id, kZeroUuid);
  for (const auto& topic : answer.topics) {
    EXPECT_EQ(topic.topic_authorized_operations, 3576) << "what may be done where nothing is authorized";
  }
}

TEST_F(DescribeTopicPartitionsTest, PartitionsTellLeaderReplicasAndWhoIsAway) {
  broker.add_topic("a");
  broker.set_leader("a", MadeUpBroker::kOther, {2});
  auto partition = ask(about({"a"})).topics.at(0).partitions.at(0);
  EXPECT_EQ(partition.leader_id, 2);
  EXPECT_THAT(partition.replica_nodes, ElementsAre(1, 2));
  EXPECT_THAT(partition.isr_nodes, ElementsAre(2));
  EXPECT_THAT(partition.eligible_leader_replicas.value(), IsEmpty());
  EXPECT_THAT(partition.last_known_elr.value(), IsEmpty());
  EXPECT_THAT(partition.offline_replicas, IsEmpty());
  broker.fence(MadeUpBroker::kOther);
  partition = ask(about({"a"})).topics.at(0).partitions.at(0);
  EXPECT_EQ(partition.leader_id, 2) << "as the metadata says";
  EXPECT_THAT(partition.offline_replicas, ElementsAre(2));
  MemoryClient second = broker.connect(0, "SECOND");
  std::swap(client, second);
  EXPECT_EQ(ask(about({"a"})).topics.at(0).partitions.at(0).leader_id, -1) << "it has no such listener";
}

TEST_F(DescribeTopicPartitionsTest, AFullAnswerSaysWhereToGoOn) {
  broker.add_topic("a", 3);
  broker.add_topic("b", 3);
  broker.add_topic("c", 3);
  EXPECT_THAT(shape(ask(about({}))), ElementsAre("a:0-2", "b:0-2", "@c:0")) << "the broker's own limit";
  EXPECT_THAT(shape(ask(about({}, 4))), ElementsAre("a:0-2", "b:0-0", "@b:1"));
  EXPECT_THAT(shape(ask(about({}, 0))), ElementsAre("a:0-0", "@a:1")) << "one at least";
  EXPECT_THAT(shape(ask(about({}, -5))), ElementsAre("a:0-0", "@a:1"));
  EXPECT_THAT(shape(ask(about({"a", "aa", "b"}, 3))), ElementsAre("a:0-2", "@aa:0"))
      << "to a topic that is not there, if it was named";
}

TEST_F(DescribeTopicPartitionsTest, ACursorGoesOn) {
  broker.add_topic("a", 3);
  broker.add_topic("b", 3);
  const auto from = [&](DescribeTopicPartitionsRequest request, std::string_view topic, std::int32_t partition) {
    request.cursor = Cursor{.topic_name = topic, .partition_index = partition};
    return shape(ask(request));
  };
  EXPECT_THAT(from(about({}), "a", 1), ElementsAre("a:1-2", "b:0-2"));
  EXPECT_THAT(from(about({}), "aa", 1), ElementsAre("b:0-2")) << "a topic that went meanwhile";
  EXPECT_THAT(from(about({"b", "a"}), "b", 2), ElementsAre("b:2-2"));
  EXPECT_THAT(from(about({}), "a", 3), ElementsAre("a", "b:0-2")) << "behind the end";
  EXPECT_THAT(from(about({}), "a", INT32_MAX), ElementsAre("a", "b:0-2"));
  EXPECT_THAT(from(about({}), "z", 0), IsEmpty());
  EXPECT_THAT(from(about({"a", "b"}), "aa", 0), ElementsAre("a!42", "b!42")) << "not among the names";
  EXPECT_THAT(from(about({"a"}), "a", -1), ElementsAre("a!42"));
  EXPECT_THAT(from(about({}), "a", -1), IsEmpty());
}

TEST_F(DescribeTopicPartitionsTest, FollowingTheCursorsTellsEveryPartitionOnce) {
  std::mt19937 random(1);
  std::map<std::string, std::int32_t> partitions;
  for (int i = 0; i < 12; ++i) {
    const std::string name = "t" + std::to_string(i);
    partitions[name] = 1 + static_cast<std::int32_t>(random() % 9);
    broker.add_topic(name, partitions[name]);
  }
  for (std::int32_t limit = 1; limit <= 7; ++limit) {
    std::map<std::string, std::int32_t> told;
    DescribeTopicPartitionsRequest request = about({}, limit);
    std::string topic;
    for (int pages = 0;; ++pages) {
      ASSERT_LT(pages, 200);
      const auto answer = ask(request);
      std::int32_t in_page = 0;
      for (const auto& described : answer.topics) {
        for (const auto& partition : described.partitions) {
          EXPECT_EQ(partition.partition_index, told[std::string(*described.name)]++);
          ++in_page;
        }
      }
      EXPECT_LE(in_page, std::min(limit, 6));
      if (!answer.next_cursor) {
        break;
      }
      topic = answer.next_cursor->topic_name;
      request.cursor = Cursor{.topic_name = topic, .partition_index = answer.next_cursor->partition_index};
    }
    EXPECT_EQ(told, partitions);
  }
}

}  // namespace
}  // namespace moldau::broker
