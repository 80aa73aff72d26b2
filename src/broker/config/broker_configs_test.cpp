#include "broker/config/broker_configs.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "broker/config/broker_keys.h"
#include "broker/config/config_description.h"
#include "broker/config/testing/read_config.h"
#include "metadata/image/delta.h"
#include "replication/partition/partition_types.h"

namespace moldau::broker {
namespace {

using metadata::ConfigOperation;
using metadata::ConfigResourceType;
using protocol::ErrorCode;

constexpr std::string_view kStart = "node.id=1\nlog.roll.hours=5\nnum.io.threads=8\n";

class BrokerConfigsTest : public ::testing::Test {
 protected:
  void set(ConfigResourceType type, const std::string& name, const std::string& key, std::optional<std::string> value) {
    metadata::records::ConfigRecord record;
    record.resource_type = static_cast<std::int8_t>(type);
    record.resource_name = name;
    record.name = key;
    record.value = std::move(value);
    metadata::Delta delta(image_);
    ASSERT_TRUE(delta.replay(record, Offset{++offset_}));
    image_ = delta.apply({.offset = Offset{offset_}});
  }
  void set_broker(const std::string& key, std::optional<std::string> value) {
    set(ConfigResourceType::kBroker, "1", key, std::move(value));
  }
  void set_all(const std::string& key, std::optional<std::string> value) {
    set(ConfigResourceType::kBroker, "", key, std::move(value));
  }
  ErrorCode judge(const std::string& broker, const std::string& key, const std::optional<std::string>& value,
                  ConfigOperation operation = ConfigOperation::kSet) const {
    return configs_.judge(*image_, {{ConfigResourceType::kBroker, broker}, {{key, operation, value}}}).code;
  }
  DescribedConfig described(std::string_view key) const {
    const auto configs =
        ConfigDescriber(topics_, configs_).broker(*image_, WantedKeys(std::vector<std::string_view>{key}));
    EXPECT_EQ(configs.size(), 1U) << key;
    return configs.empty() ? DescribedConfig{} : configs.front();
  }

  const NodeConfig config_ = *testing::read(kStart);
  const TopicConfigs topics_{config_};
  const BrokerConfigs configs_{config_};
  std::shared_ptr<const metadata::Image> image_ = std::make_shared<const metadata::Image>();
  std::int64_t offset_ = 0;
};

// inventory §6 line 65
TEST_F(BrokerConfigsTest, Semantics65TheStrongestLayerGivesTheValueAndAllAreNamed) {
  set_all("log.segment.bytes", "3000000");
  EXPECT_EQ(described("log.segment.bytes").value, "3000000");
  EXPECT_EQ(described("log.segment.bytes").source, ConfigSource::kDynamicDefaultBroker);
  set_broker("log.segment.bytes", "2000000");
  const DescribedConfig segment = described("log.segment.bytes");
  EXPECT_EQ(segment.value, "2000000");
  EXPECT_FALSE(segment.read_only);
  ASSERT_EQ(segment.synonyms.size(), 3U);
  EXPECT_EQ(segment.synonyms[0].source, ConfigSource::kDynamicBroker);
  EXPECT_EQ(segment.synonyms[1].source, ConfigSource::kDynamicDefaultBroker);
  EXPECT_EQ(segment.synonyms[2].source, ConfigSource::kDefault);
  EXPECT_EQ(segment.synonyms[2].value, "1073741824");
}

TEST_F(BrokerConfigsTest, Semantics65AStrongerNameOfTheSameThingTakesAWeakerOneAway) {
  EXPECT_EQ(described("log.roll.hours").value, "5");
  set_broker("log.roll.ms", "1000");
  const DescribedConfig hours = described("log.roll.hours");
  EXPECT_EQ(hours.value, "168");
  EXPECT_TRUE(hours.read_only);
  EXPECT_EQ(described("log.roll.ms").value, "1000");
  EXPECT_EQ(described("log.roll.ms").synonyms.size(), 3U);
}

TEST_F(BrokerConfigsTest, Semantics65SecretsAndUnknownKeysAreNotShown) {
  set_broker("no.such.key", "secret");
  set_broker("listener.name.plaintext.ssl.keystore.password", "secret");
  for (const char* const key : {"no.such.key", "listener.name.plaintext.ssl.keystore.password"}) {
    const DescribedConfig config = described(key);
    EXPECT_EQ(config.value, std::nullopt) << key;
    EXPECT_TRUE(config.sensitive) << key;
    EXPECT_EQ(config.synonyms.at(0).value, std::nullopt) << key;
  }
}

TEST_F(BrokerConfigsTest, Semantics65KeysAreJudgedByTheirScope) {
  EXPECT_EQ(judge("1", "log.segment.bytes", "2000000"), ErrorCode::kNone);
  EXPECT_EQ(judge("", "log.segment.bytes", "2000000"), ErrorCode::kNone);
  EXPECT_EQ(judge("1", "num.partitions", "7"), ErrorCode::kInvalidRequest) << "read by the start alone";
  EXPECT_EQ(judge("1", "ssl.keystore.location", "/x"), ErrorCode::kInvalidRequest) << "of a listener only";
  EXPECT_EQ(judge("", "listener.name.plaintext.ssl.keystore.location", "/x"), ErrorCode::kInvalidRequest);
  EXPECT_EQ(judge("1", "listener.name.plaintext.ssl.keystore.location", "/x"), ErrorCode::kNone);
  EXPECT_EQ(judge("", "listener.name.plaintext.max.connections", "5"), ErrorCode::kNone);
  EXPECT_EQ(judge("", "listeners", "PLAINTEXT://:9092"), ErrorCode::kInvalidRequest);
  EXPECT_EQ(judge("1", "no.such.key", "5"), ErrorCode::kNone) << "kept for whoever knows it";
  EXPECT_EQ(judge("1", "no.such.key", "5", ConfigOperation::kAppend), ErrorCode::kInvalidConfig);
  EXPECT_EQ(judge("1", "log.segment.bytes", "5", ConfigOperation::kAppend), ErrorCode::kInvalidConfig);
  EXPECT_EQ(judge("1", "log.cleanup.policy", "compact", ConfigOperation::kAppend), ErrorCode::kNone);
  EXPECT_EQ(judge("1", "log.cleanup.policy", "shred", ConfigOperation::kAppend), ErrorCode::kInvalidRequest);
  EXPECT_EQ(judge("1", "num.partitions", std::nullopt, ConfigOperation::kDelete), ErrorCode::kNone);
}

TEST_F(BrokerConfigsTest, AChangeIsJudgedByWhatIsInForce) {
  EXPECT_EQ(judge("1", "num.io.threads", "16"), ErrorCode::kNone);
  EXPECT_EQ(judge("1", "num.io.threads", "17"), ErrorCode::kInvalidRequest);
  EXPECT_EQ(judge("1", "num.io.threads", "3"), ErrorCode::kInvalidRequest);
  set_broker("num.io.threads", "16");
  EXPECT_EQ(judge("1", "num.io.threads", "32"), ErrorCode::kNone);
  EXPECT_EQ(judge("", "num.io.threads", "1000"), ErrorCode::kNone) << "this broker has its own";
  EXPECT_EQ(judge("", "log.local.retention.ms", "604800001"), ErrorCode::kInvalidRequest);
  EXPECT_EQ(judge("", "log.local.retention.ms", "604800000"), ErrorCode::kNone);
  EXPECT_EQ(judge("1", "cordoned.log.dirs", "/elsewhere"), ErrorCode::kInvalidRequest);
  EXPECT_EQ(judge("1", "cordoned.log.dirs", "*"), ErrorCode::kNone);
  EXPECT_EQ(judge("1", "cordoned.log.dirs", "*,/elsewhere"), ErrorCode::kInvalidRequest);
  EXPECT_EQ(judge("1", "metric.reporters", "no.such.Class"), ErrorCode::kInvalidRequest);
  EXPECT_EQ(judge("1", "max.connections", "0"), ErrorCode::kInvalidRequest);
  EXPECT_EQ(judge("1", "max.connections.per.ip", "0"), ErrorCode::kInvalidRequest);
}

TEST_F(BrokerConfigsTest, WhatAControllerStoredUnaskedCountsForNothing) {
  set_broker("log.segment.bytes", "much");
  set_all("listeners", "PLAINTEXT://:1");
  set_broker("num.partitions", "9");
  EXPECT_EQ(described("log.segment.bytes").value, "1073741824");
  EXPECT_EQ(described("num.partitions").value, "1");
  EXPECT_EQ(topics_.config_of(*image_, "t").log.segment_bytes, 1 << 30);
}

TEST_F(BrokerConfigsTest, TopicsFollowTheBrokersDynamicDefaults) {
  set_all("log.retention.ms", "-5");
  set_all("producer.id.expiration.ms", "1000");
  EXPECT_EQ(topics_.config_of(*image_, "t").log.retention_ms, -1) << "any negative is no bound";
  EXPECT_EQ(topics_.config_of(*image_, "t").log.producer_id_expiration_ms, 1000);
  set_broker("log.retention.ms", "7");
  EXPECT_EQ(topics_.config_of(*image_, "t").log.retention_ms, 7);
}

TEST_F(BrokerConfigsTest, TheDefaultOfAllBrokersShowsWhatIsSetForAll) {
  set_all("log.retention.ms", "100");
  set_broker("log.segment.bytes", "2000000");
  const auto configs = ConfigDescriber(topics_, configs_).all_brokers(*image_, WantedKeys(std::nullopt));
  ASSERT_EQ(configs.size(), 1U);
  EXPECT_EQ(configs[0].name, "log.retention.ms");
  EXPECT_EQ(configs[0].synonyms.size(), 1U);
}

TEST_F(BrokerConfigsTest, AGroupHasTheBrokersValueForADefault) {
  set(ConfigResourceType::kGroup, "g", "consumer.session.timeout.ms", "50000");
  set_all("group.consumer.assignment.interval.ms", "2000");
  const auto configs = ConfigDescriber(topics_, configs_).group(*image_, "g", WantedKeys(std::nullopt));
  const auto find = [&](std::string_view key) { return *std::ranges::find(configs, key, &DescribedConfig::name); };
  EXPECT_EQ(find("consumer.session.timeout.ms").value, "50000");
  EXPECT_EQ(find("consumer.session.timeout.ms").source, ConfigSource::kGroup);
  EXPECT_EQ(find("consumer.assignment.interval.ms").value, "2000");
  EXPECT_EQ(find("consumer.assignment.interval.ms").source, ConfigSource::kDynamicDefaultBroker);
  EXPECT_EQ(find("share.isolation.level").synonyms.at(0).name, "share.isolation.level");
}

TEST(BrokerKeys, AListenersKeyStandsForItsBase) {
  EXPECT_EQ(split_listener_key("listener.name.external.max.connections")->base, "max.connections");
  EXPECT_EQ(split_listener_key("listener.name.external"), std::nullopt);
  EXPECT_EQ(find_broker_key("listener.name.a.scram-sha-256.sasl.jaas.config")->name, "sasl.jaas.config");
  EXPECT_EQ(find_broker_key("listener.name.a.no.such.key"), nullptr);
}

}  // namespace
}  // namespace moldau::broker
