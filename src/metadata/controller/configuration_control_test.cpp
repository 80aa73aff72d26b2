#include <gtest/gtest.h>

#include "metadata/controller/java_order.h"
#include "metadata/controller/testing/driver.h"

namespace moldau::metadata {
namespace {

using testing::Driver;
using testing::ids;

class Configs : public ::testing::Test {
 protected:
  Configs() {
    driver.bring_up(1);
    EXPECT_EQ(driver.create("a", {ids({1})}), ApiError{});
  }
  ErrorCode alter(ConfigResource resource, std::vector<ConfigAlteration> alterations) {
    auto outcome =
        driver.apply(driver.controller.alter_configs({{std::move(resource), std::move(alterations)}}, false));
    return outcome ? outcome->front().error.code : outcome.error().code;
  }
  std::optional<std::string> value(const std::string& key) const {
    const ConfigMap& map = driver.image().config(ConfigResourceType::kTopic, "a");
    const auto found = map.find(key);
    return found == map.end() ? std::nullopt : std::optional(found->second);
  }
  const ConfigResource topic{ConfigResourceType::kTopic, "a"};
  Driver driver;
};

// inventory §6 line 65
TEST_F(Configs, Semantics65SetDeleteAppendSubtract) {
  EXPECT_EQ(alter(topic, {{"retention.ms", ConfigOperation::kSet, "5"}}), ErrorCode::kNone);
  EXPECT_EQ(value("retention.ms"), "5");
  EXPECT_EQ(alter(topic, {{"retention.ms", ConfigOperation::kSet, "5"}}), ErrorCode::kNone);
  EXPECT_TRUE(driver.last.empty()) << "the same value writes nothing";
  EXPECT_EQ(alter(topic, {{"cleanup.policy", ConfigOperation::kAppend, "compact"}}), ErrorCode::kNone);
  EXPECT_EQ(value("cleanup.policy"), "delete,compact") << "appends to the default";
  EXPECT_EQ(alter(topic, {{"cleanup.policy", ConfigOperation::kAppend, "compact"}}), ErrorCode::kNone);
  EXPECT_EQ(value("cleanup.policy"), "delete,compact");
  EXPECT_EQ(alter(topic, {{"cleanup.policy", ConfigOperation::kSubtract, "delete,other"}}), ErrorCode::kNone);
  EXPECT_EQ(value("cleanup.policy"), "compact");
  EXPECT_EQ(alter(topic, {{"retention.ms", ConfigOperation::kAppend, "1"}}), ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter(topic, {{"retention.ms", ConfigOperation::kDelete, std::nullopt}}), ErrorCode::kNone);
  EXPECT_EQ(value("retention.ms"), std::nullopt);
  EXPECT_EQ(alter(topic, {{"retention.ms", ConfigOperation::kDelete, std::nullopt}}), ErrorCode::kNone)
      << "deleting what is absent succeeds";
}

// The broker that a client asks refuses both; whoever asks the controller itself gets what Kafka's does.
TEST_F(Configs, TheLastOfAKeyCountsAndNoValueDeletes) {
  EXPECT_EQ(alter(topic, {{"retention.ms", ConfigOperation::kSet, "1"}, {"retention.ms", ConfigOperation::kSet, "2"}}),
            ErrorCode::kNone);
  EXPECT_EQ(value("retention.ms"), "2");
  EXPECT_EQ(alter(topic, {{"retention.ms", ConfigOperation::kSet, std::nullopt}}), ErrorCode::kNone);
  EXPECT_EQ(value("retention.ms"), std::nullopt);
}

// Were each key searched for in all before it, this would take minutes.
TEST_F(Configs, AHundredThousandKeysAreRefusedAtOnce) {
  std::vector<ConfigAlteration> alterations;
  for (int i = 0; i < 100'000; ++i) {
    alterations.push_back({"key-" + std::to_string(i), ConfigOperation::kSet, ""});
  }
  EXPECT_EQ(alter(topic, std::move(alterations)), ErrorCode::kPolicyViolation);
}

TEST_F(Configs, RefusalsAreForOneResource) {
  EXPECT_EQ(alter(topic, {{"cleanup.policy", ConfigOperation::kAppend, std::nullopt}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(alter(topic, {{"x", static_cast<ConfigOperation>(9), "1"}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(alter(topic, {{"x", ConfigOperation::kSet, "bad"}}), ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter(topic, {{"x", ConfigOperation::kSet, std::string(32'768, 'x')}}), ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter({ConfigResourceType::kTopic, "nobody"}, {{"x", ConfigOperation::kSet, "1"}}),
            ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(alter({ConfigResourceType::kBroker, "7"}, {{"x", ConfigOperation::kSet, "1"}}),
            ErrorCode::kBrokerIdNotRegistered);
  EXPECT_EQ(alter({ConfigResourceType::kBroker, "seven"}, {{"x", ConfigOperation::kSet, "1"}}),
            ErrorCode::kInvalidRequest);
  EXPECT_EQ(alter({ConfigResourceType::kUnknown, "a"}, {{"x", ConfigOperation::kSet, "1"}}),
            ErrorCode::kUnsupportedVersion);
  const auto outcome = driver.apply(
      driver.controller.alter_configs({{topic, {{"x", ConfigOperation::kSet, "bad"}}},
                                       {{ConfigResourceType::kBroker, "1"}, {{"y", ConfigOperation::kSet, "1"}}},
                                       {{ConfigResourceType::kBroker, ""}, {{"y", ConfigOperation::kSet, "1"}}},
                                       {{ConfigResourceType::kBroker, ""}, {{"z", ConfigOperation::kSet, "1"}}}},
                                      false));
  ASSERT_EQ(outcome->size(), 3U);
  EXPECT_EQ((*outcome)[0].error.code, ErrorCode::kInvalidConfig);
  EXPECT_EQ((*outcome)[1].error.code, ErrorCode::kNone);
  EXPECT_EQ((*outcome)[2].error.code, ErrorCode::kInvalidRequest) << "named twice";
  EXPECT_EQ(driver.last.size(), 1U);
}

TEST_F(Configs, ValidateOnlyWritesNothing) {
  const auto decision =
      driver.controller.alter_configs({{topic, {{"retention.ms", ConfigOperation::kSet, "9"}}}}, true);
  EXPECT_TRUE(decision->records.empty());
  EXPECT_FALSE(decision->response.front().error.failed());
}

TEST_F(Configs, BrokersReloadOnEveryAlteration) {
  const ConfigResource broker{ConfigResourceType::kBroker, "1"};
  EXPECT_EQ(alter(broker, {{"x", ConfigOperation::kSet, "1"}}), ErrorCode::kNone);
  EXPECT_EQ(alter(broker, {{"x", ConfigOperation::kSet, "1"}}), ErrorCode::kNone);
  EXPECT_EQ(driver.last.size(), 1U);
}

TEST_F(Configs, UnderElrMinInsyncReplicasBelongsToTheCluster) {
  const ConfigResource cluster{ConfigResourceType::kBroker, ""};
  EXPECT_EQ(alter({ConfigResourceType::kBroker, "1"}, {{"min.insync.replicas", ConfigOperation::kSet, "1"}}),
            ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter(cluster, {{"min.insync.replicas", ConfigOperation::kDelete, std::nullopt}}),
            ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter(cluster, {{"min.insync.replicas", ConfigOperation::kSet, "2"}}), ErrorCode::kNone);
  ASSERT_EQ(driver.last.size(), 2U);
  EXPECT_EQ(std::get<records::ClearElrRecord>(driver.last[1].record).topic_name, "");
  EXPECT_EQ(alter(topic, {{"min.insync.replicas", ConfigOperation::kSet, "1"}}), ErrorCode::kNone);
  EXPECT_EQ(std::get<records::ClearElrRecord>(driver.last[1].record).topic_name, "a");
}

TEST_F(Configs, ClearedElrsAreGone) {
  driver.bring_up(2);
  ASSERT_EQ(driver.create("b", {ids({1, 2})}), ApiError{});
  ASSERT_EQ(driver.set(ConfigResourceType::kTopic, "b", "min.insync.replicas", "2"), ApiError{});
  driver.expire_all_but({1});
  EXPECT_EQ(driver.partition("b").elr, ids({2}));
  ASSERT_EQ(driver.set(ConfigResourceType::kTopic, "b", "min.insync.replicas", "1"), ApiError{});
  EXPECT_TRUE(driver.partition("b").elr.empty());
}

TEST_F(Configs, LegacyReplacesAll) {
  ASSERT_EQ(driver.set(ConfigResourceType::kTopic, "a", "retention.ms", "1"), ApiError{});
  ASSERT_EQ(driver.set(ConfigResourceType::kTopic, "a", "segment.bytes", "2"), ApiError{});
  ASSERT_TRUE(driver.apply(
      driver.controller.alter_configs_legacy({{topic, {{"retention.ms", ConfigOperation::kSet, "3"}}}}, false)));
  EXPECT_EQ(value("retention.ms"), "3");
  EXPECT_EQ(value("segment.bytes"), std::nullopt);
}

// Expected values printed by java.util.HashMap of JDK 17; 14 keys make its table grow.
TEST(JavaOrder, IsThatOfAHashMap) {
  std::vector<std::string_view> keys{"retention.ms",
                                     "cleanup.policy",
                                     "segment.bytes",
                                     "min.insync.replicas",
                                     "max.message.bytes",
                                     "compression.type",
                                     "flush.ms",
                                     "segment.ms",
                                     "retention.bytes",
                                     "index.interval.bytes",
                                     "delete.retention.ms",
                                     "min.compaction.lag.ms",
                                     "preallocate",
                                     "file.delete.delay.ms"};
  const auto itself = [](std::string_view key) { return key; };
  sort_in_java_order(keys, itself);
  EXPECT_EQ(keys,
            (std::vector<std::string_view>{
                "compression.type", "file.delete.delay.ms", "max.message.bytes", "min.compaction.lag.ms",
                "min.insync.replicas", "preallocate", "index.interval.bytes", "retention.bytes", "delete.retention.ms",
                "cleanup.policy", "flush.ms", "retention.ms", "segment.bytes", "segment.ms"}));
  std::vector<std::string_view> few{"segment.bytes", "retention.ms"};
  sort_in_java_order(few, itself);
  EXPECT_EQ(few, (std::vector<std::string_view>{"segment.bytes", "retention.ms"})) << "one bucket: order of insertion";
  EXPECT_EQ(java_string_hash("retention.ms"), static_cast<std::uint32_t>(-1339220362));
}

}  // namespace
}  // namespace moldau::metadata
