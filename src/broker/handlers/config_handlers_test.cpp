// DescribeConfigs, both ways to alter, and ListConfigResources, with a made-up controller.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "broker/handlers/testing/made_up_broker.h"
#include "protocol/messages/alter_configs_request.h"
#include "protocol/messages/alter_configs_response.h"
#include "protocol/messages/describe_configs_request.h"
#include "protocol/messages/describe_configs_response.h"
#include "protocol/messages/incremental_alter_configs_request.h"
#include "protocol/messages/incremental_alter_configs_response.h"
#include "protocol/messages/list_config_resources_request.h"
#include "protocol/messages/list_config_resources_response.h"

namespace moldau::broker {
namespace {

using metadata::ConfigResourceType;
using protocol::ApiKey;
using protocol::ErrorCode;
using testing::MadeUpBroker;
using testing::MemoryClient;

constexpr auto kSet = static_cast<std::int8_t>(metadata::ConfigOperation::kSet);
constexpr auto kDelete = static_cast<std::int8_t>(metadata::ConfigOperation::kDelete);
constexpr auto kAppend = static_cast<std::int8_t>(metadata::ConfigOperation::kAppend);

class ConfigHandlersTest : public ::testing::Test {
 protected:
  using Altered = protocol::IncrementalAlterConfigsResponse;

  void ask(ConfigResourceType type, std::string_view name, std::string_view key,
           const std::optional<std::string_view>& value, std::int8_t operation = kSet, bool validate_only = false) {
    protocol::IncrementalAlterConfigsRequest request;
    request.validate_only = validate_only;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = static_cast<std::int8_t>(type);
    resource.resource_name = name;
    auto& config = resource.configs.emplace_back();
    config.name = key;
    config.config_operation = operation;
    config.value = value;
    client.send(ApiKey::kIncrementalAlterConfigs, 1, request);
    broker.settle();
  }
  // What is decided without the controller; kNone with a question to it if it is not.
  ErrorCode decided() {
    const auto answer = client.receive<Altered>(ApiKey::kIncrementalAlterConfigs, 1);
    return answer ? protocol::error_from_wire(answer->responses.at(0).error_code) : ErrorCode::kNone;
  }
  ErrorCode alter_logger(std::string_view name, std::string_view key, const std::optional<std::string_view>& value,
                         std::int8_t operation = kSet, bool validate_only = false) {
    ask(ConfigResourceType::kBrokerLogger, name, key, value, operation, validate_only);
    EXPECT_TRUE(broker.controller().alterations.empty()) << "loggers are this broker's own";
    return decided();
  }
  std::vector<std::string> listed(const std::vector<std::int8_t>& types, std::int16_t version = 1) {
    protocol::ListConfigResourcesRequest request;
    request.resource_types = types;
    client.send(ApiKey::kListConfigResources, version, request);
    broker.settle();
    const auto answer = client.receive<protocol::ListConfigResourcesResponse>(ApiKey::kListConfigResources, version);
    EXPECT_TRUE(answer);
    if (answer->error_code != 0) {
      return {"error " + std::to_string(answer->error_code)};
    }
    std::vector<std::string> names;
    for (const auto& resource : answer->config_resources) {
      names.push_back(std::to_string(resource.resource_type) + " " + std::string(resource.resource_name));
    }
    return names;
  }

  MadeUpBroker broker;
  MemoryClient client = broker.connect();
};

TEST_F(ConfigHandlersTest, Semantics65ABrokersKeysAreJudgedBeforeTheControllerIsAsked) {
  ask(ConfigResourceType::kBroker, "1", "num.partitions", "7");
  EXPECT_EQ(decided(), ErrorCode::kInvalidRequest);
  ask(ConfigResourceType::kBroker, "2", "log.segment.bytes", "2000000");
  EXPECT_EQ(decided(), ErrorCode::kInvalidRequest) << "another broker";
  ask(ConfigResourceType::kBroker, "1", "log.segment.bytes", std::nullopt);
  EXPECT_EQ(decided(), ErrorCode::kInvalidRequest) << "no value";
  ask(ConfigResourceType::kUnknown, "1", "a", "b");
  EXPECT_EQ(decided(), ErrorCode::kInvalidRequest);
  EXPECT_TRUE(broker.controller().alterations.empty());
  ask(ConfigResourceType::kBroker, "", "log.segment.bytes", "2000000", kSet, true);
  ASSERT_EQ(broker.controller().alterations.size(), 1U);
  EXPECT_TRUE(broker.controller().alterations[0].request.validate_only);
  EXPECT_FALSE(broker.controller().alterations[0].request.replaces_all);
}

TEST_F(ConfigHandlersTest, AResourceOrAKeyThatIsNamedTwiceIsRefusedWherever) {
  protocol::IncrementalAlterConfigsRequest request;
  for (const std::string_view name : {"a", "b", "a"}) {
    auto& resource = request.resources.emplace_back();
    resource.resource_type = static_cast<std::int8_t>(ConfigResourceType::kTopic);
    resource.resource_name = name;
  }
  for (int i = 0; i < 2; ++i) {
    auto& config = request.resources[1].configs.emplace_back();
    config.name = "retention.ms";
    config.value = "1";
  }
  client.send(ApiKey::kIncrementalAlterConfigs, 1, request);
  broker.settle();
  const auto answer = client.receive<Altered>(ApiKey::kIncrementalAlterConfigs, 1);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->responses.size(), 3U);
  for (const auto& response : answer->responses) {
    EXPECT_EQ(response.error_code, to_wire(ErrorCode::kInvalidRequest));
  }
}

TEST_F(ConfigHandlersTest, Semantics65TheOlderAlterationReplacesAll) {
  protocol::AlterConfigsRequest request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = static_cast<std::int8_t>(ConfigResourceType::kTopic);
  resource.resource_name = "t";
  auto& config = resource.configs.emplace_back();
  config.name = "retention.ms";
  config.value = "5";
  client.send(ApiKey::kAlterConfigs, 2, request);
  broker.settle();
  ASSERT_EQ(broker.controller().alterations.size(), 1U);
  auto& asked = broker.controller().alterations.front();
  EXPECT_TRUE(asked.request.replaces_all);
  asked.reply(std::vector<metadata::ResourceOutcome>{{asked.request.resources.at(0).resource, {}}});
  broker.settle();
  const auto answer = client.receive<protocol::AlterConfigsResponse>(ApiKey::kAlterConfigs, 2);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->responses.at(0).error_code, 0);
}

TEST_F(ConfigHandlersTest, LevelsOfLoggersAreSetHere) {
  EXPECT_EQ(alter_logger("1", "storage", "DEBUG", kSet, true), ErrorCode::kNone);
  EXPECT_FALSE(broker.levels().enabled(LogLevel::kDebug, "storage")) << "only tried";
  EXPECT_EQ(alter_logger("1", "storage", "DEBUG"), ErrorCode::kNone);
  EXPECT_TRUE(broker.levels().enabled(LogLevel::kDebug, "storage"));
  EXPECT_EQ(alter_logger("1", "storage", std::nullopt, kDelete), ErrorCode::kNone);
  EXPECT_FALSE(broker.levels().enabled(LogLevel::kDebug, "storage"));
  EXPECT_EQ(alter_logger("1", "root", std::nullopt, kDelete), ErrorCode::kInvalidRequest);
  EXPECT_EQ(alter_logger("1", "storage", "INFO", kAppend), ErrorCode::kInvalidRequest);
  EXPECT_EQ(alter_logger("1", "storage", "LOUD"), ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter_logger("1", "no.such.logger", "INFO"), ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter_logger("2", "storage", "INFO"), ErrorCode::kInvalidRequest);
  EXPECT_EQ(alter_logger("", "storage", "INFO"), ErrorCode::kInvalidRequest);
}

TEST_F(ConfigHandlersTest, ATypeThatIsNotThereFailsTheWholeDescription) {
  broker.add_topic("t");
  protocol::DescribeConfigsRequest request;
  for (const std::int8_t type : {std::int8_t{2}, std::int8_t{99}}) {
    auto& resource = request.resources.emplace_back();
    resource.resource_type = type;
    resource.resource_name = "t";
  }
  client.send(ApiKey::kDescribeConfigs, 4, request);
  broker.settle();
  const auto answer = client.receive<protocol::DescribeConfigsResponse>(ApiKey::kDescribeConfigs, 4);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->results.at(0).error_code, to_wire(ErrorCode::kInvalidRequest));
  EXPECT_EQ(answer->results.at(1).error_code, to_wire(ErrorCode::kInvalidRequest));
}

TEST_F(ConfigHandlersTest, ResourcesAreListedByType) {
  broker.add_topic("t");
  broker.set_config(ConfigResourceType::kGroup, "g", "consumer.session.timeout.ms", "50000");
  broker.set_config(ConfigResourceType::kClientMetrics, "m", "interval.ms", "1000");
  EXPECT_EQ(listed({}, 0), std::vector<std::string>({"16 m"}));
  EXPECT_EQ(listed({}), std::vector<std::string>({"32 g", "16 m", "8 1", "8 2", "4 1", "4 2", "2 t"}));
  EXPECT_EQ(listed({2, 32}), std::vector<std::string>({"32 g", "2 t"}));
  EXPECT_EQ(listed({2, 1}), std::vector<std::string>({"error 35"}));
  MemoryClient second = broker.connect(0, "SECOND");
  std::swap(client, second);
  EXPECT_EQ(listed({4}), std::vector<std::string>({"4 1"})) << "the other broker has no such listener";
}

}  // namespace
}  // namespace moldau::broker
