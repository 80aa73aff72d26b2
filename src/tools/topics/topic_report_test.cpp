#include "tools/topics/topic_report.h"

#include <gtest/gtest.h>

#include "protocol/errors/error_code.h"

namespace moldau::tools {
namespace {

using protocol::ErrorCode;
using protocol::to_wire;

protocol::MetadataResponse two_topics() {
  protocol::MetadataResponse answer;
  auto& orders = answer.topics.emplace_back();
  orders.name = "orders";
  orders.topic_id = {1, 2};
  for (std::int32_t i = 0; i < 2; ++i) {
    auto& partition = orders.partitions.emplace_back();
    partition.partition_index = i;
    partition.leader_id = i == 0 ? 1 : -1;
    partition.leader_epoch = 4;
    partition.replica_nodes = {1};
    partition.isr_nodes = {1};
  }
  auto& internal = answer.topics.emplace_back();
  internal.name = "__state";
  internal.is_internal = true;
  return answer;
}

TEST(TopicReport, ListsInTheOrderOfNamesWithoutInternalTopics) {
  const CommandResult list = report_list(two_topics(), false, false);
  EXPECT_EQ(list.exit_code, kExitDone);
  EXPECT_EQ(list.output,
            "TOPIC   PARTITIONS  REPLICATION  ID\n"
            "orders           2            1  AAAAAAAAAAEAAAAAAAAAAg\n");
  const CommandResult all = report_list(two_topics(), true, true);
  EXPECT_EQ(all.output,
            R"([{"name":"__state","id":"AAAAAAAAAAAAAAAAAAAAAA","partitions":0,"replicationFactor":0,"internal":true},)"
            R"({"name":"orders","id":"AAAAAAAAAAEAAAAAAAAAAg","partitions":2,"replicationFactor":1,"internal":false}])"
            "\n");
}

TEST(TopicReport, AnEmptyClusterSaysWhatToDo) {
  const CommandResult list = report_list({}, false, false);
  EXPECT_EQ(list.exit_code, kExitDone);
  EXPECT_EQ(list.output, "");
  EXPECT_NE(list.errors.find("moldau topic create"), std::string::npos);
  EXPECT_EQ(report_list({}, false, true).output, "[]\n");
}

TEST(TopicReport, DescribesPartitionsAndWhatIsSetOnTheTopic) {
  const TopicOverrides overrides = {{"orders", {{"retention.ms", "1000"}}}};
  const CommandResult described = report_described(two_topics(), overrides, {}, false);
  EXPECT_EQ(described.output,
            "topic orders  id AAAAAAAAAAEAAAAAAAAAAg  partitions 2  replication factor 1\n"
            "  retention.ms=1000\n"
            "  PARTITION  LEADER  EPOCH  REPLICAS  ISR  OFFLINE\n"
            "          0       1      4  1         1    -\n"
            "          1    none      4  1         1    -\n");
  const CommandResult json = report_described(two_topics(), overrides, {"orders"}, true);
  EXPECT_NE(json.output.find(R"("configs":{"retention.ms":"1000"})"), std::string::npos);
  EXPECT_NE(json.output.find(R"({"partition":1,"leader":-1,"leaderEpoch":4,"replicas":[1],"isr":[1],"offline":[]})"),
            std::string::npos);
}

TEST(TopicReport, OnlyWhatIsSetOnTheTopicCountsAsItsConfiguration) {
  protocol::DescribeConfigsResponse answer;
  auto& topic = answer.results.emplace_back();
  topic.resource_name = "orders";
  topic.configs.push_back({.name = "retention.ms", .value = "1000", .config_source = 1});
  topic.configs.push_back({.name = "segment.bytes", .value = "1", .config_source = 5});
  const TopicOverrides overrides = overrides_of(answer);
  ASSERT_EQ(overrides.size(), 1U);
  EXPECT_EQ(overrides.at("orders").size(), 1U);
}

TEST(TopicReport, AlteredTopicsTellTheirPartitions) {
  protocol::CreatePartitionsResponse answer;
  answer.results.push_back({.name = "orders"});
  answer.results.push_back({.name = "bills", .error_code = to_wire(ErrorCode::kInvalidPartitions)});
  const CommandResult altered = report_altered(answer, 5, false);
  EXPECT_EQ(altered.exit_code, kExitRefused);
  EXPECT_EQ(altered.output, "topic orders has 5 partitions now\n");
  EXPECT_TRUE(altered.errors.starts_with("topic bills was not altered: INVALID_PARTITIONS: "));
  EXPECT_NE(altered.errors.find("never taken away"), std::string::npos);
  EXPECT_EQ(report_altered(answer, 5, true).output, R"([{"name":"orders","partitions":5}])"
                                                    "\n");
}

TEST(TopicReport, ARefusalIsALineWithTheBrokersWordsAndOurHint) {
  protocol::CreateTopicsResponse answer;
  auto& refused = answer.topics.emplace_back();
  refused.name = "orders";
  refused.error_code = to_wire(ErrorCode::kTopicAlreadyExists);
  refused.error_message = "it is there";
  auto& made = answer.topics.emplace_back();
  made.name = "more";
  const CommandResult result = report_created(answer, false, false);
  EXPECT_EQ(result.exit_code, kExitRefused);
  EXPECT_EQ(result.output, "created topic more\n");
  EXPECT_EQ(result.errors,
            "topic orders was not created: TOPIC_ALREADY_EXISTS: it is there "
            "(choose another name, or pass --if-not-exists)\n");
  EXPECT_EQ(report_created(answer, true, false).exit_code, kExitDone);
}

TEST(TopicReport, DeletingWhatIsNotThereIsARefusalUnlessAllowed) {
  protocol::DeleteTopicsResponse answer;
  auto& refused = answer.responses.emplace_back();
  refused.name = "gone";
  refused.error_code = to_wire(ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(report_deleted(answer, false, false).exit_code, kExitRefused);
  const CommandResult allowed = report_deleted(answer, true, false);
  EXPECT_EQ(allowed.exit_code, kExitDone);
  EXPECT_EQ(allowed.output, "topic gone does not exist\n");
}

}  // namespace
}  // namespace moldau::tools
