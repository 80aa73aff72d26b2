#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "config_schema/config_key.h"
#include "config_schema/config_value.h"

namespace moldau::config {
namespace {

constexpr Scope kScopes[] = {Scope::kBroker, Scope::kTopic, Scope::kGroup, Scope::kClientMetrics};

const ConfigKey& broker(std::string_view name) {
  return *find(Scope::kBroker, name);
}
const ConfigKey& topic(std::string_view name) {
  return *find(Scope::kTopic, name);
}

// Apache Kafka 4.3.1 has as many; our own keys all begin with "moldau.".
TEST(ConfigKey, HasKafkasKeys) {
  const auto kafkas = [](Scope scope) {
    return std::ranges::count_if(keys(scope), [](const ConfigKey& key) { return !key.name.starts_with("moldau."); });
  };
  EXPECT_EQ(kafkas(Scope::kBroker), 363);
  EXPECT_EQ(kafkas(Scope::kTopic), 34);
  EXPECT_EQ(kafkas(Scope::kGroup), 17);
  EXPECT_EQ(kafkas(Scope::kClientMetrics), 3);
  EXPECT_EQ(find(Scope::kBroker, "zookeeper.connect"), nullptr);
  EXPECT_EQ(find(Scope::kTopic, ""), nullptr);
}

TEST(ConfigKey, IsFoundByName) {
  for (const Scope scope : kScopes) {
    for (const ConfigKey& key : keys(scope)) {
      EXPECT_EQ(find(scope, key.name), &key);
      EXPECT_EQ(key.scope, scope);
    }
  }
}

TEST(ConfigKey, KnowsTypeDefaultRangeAndUpdateMode) {
  const ConfigKey& segment = broker("log.segment.bytes");
  EXPECT_EQ(segment.type, Type::kInt);
  EXPECT_EQ(segment.default_value, "1073741824");
  EXPECT_EQ(segment.check.low, 1'048'576);
  EXPECT_EQ(segment.mode, UpdateMode::kClusterWide);
  EXPECT_EQ(segment.importance, Importance::kHigh);
  EXPECT_EQ(broker("listeners").mode, UpdateMode::kPerBroker);
  EXPECT_EQ(broker("log.dirs").mode, UpdateMode::kReadOnly);
  EXPECT_TRUE(broker("log.dirs").default_is_null);
  EXPECT_FALSE(broker("node.id").has_default);
  EXPECT_TRUE(broker("ssl.key.password").is_sensitive());
  EXPECT_TRUE(broker("leader.replication.throttled.rate").dynamic_only);
  EXPECT_TRUE(topic("internal.segment.bytes").internal);
}

TEST(ConfigKey, TopicKeysNameTheBrokerKeysOfTheirDefault) {
  const auto retention = topic("retention.ms").synonyms;
  ASSERT_EQ(retention.size(), 3U);
  EXPECT_EQ(retention[0].broker_key, "log.retention.ms");
  EXPECT_EQ(retention[2].broker_key, "log.retention.hours");
  EXPECT_EQ(retention[2].factor, 3'600'000);
  for (const ConfigKey& key : keys(Scope::kTopic)) {
    for (const Synonym& synonym : key.synonyms) {
      EXPECT_NE(find(Scope::kBroker, synonym.broker_key), nullptr) << synonym.broker_key;
    }
  }
}

TEST(ConfigKey, BrokerKeysForOneThingHaveAPrecedence) {
  const auto order = broker("log.retention.hours").precedence;
  ASSERT_EQ(order.size(), 3U);
  EXPECT_EQ(order[0], "log.retention.ms");
  EXPECT_EQ(order[2], "log.retention.hours");
  EXPECT_EQ(broker("log.flush.interval.ms").precedence.size(), 2U);
  EXPECT_TRUE(broker("log.flush.scheduler.interval.ms").precedence.empty());
}

TEST(ConfigValue, EveryDefaultIsAccepted) {
  for (const Scope scope : kScopes) {
    for (const ConfigKey& key : keys(scope)) {
      if (key.has_default && !key.default_is_null) {
        const char* const refusal = refuse_value(key, key.default_value);
        EXPECT_EQ(refusal, nullptr) << key.name << " = " << key.default_value << ": " << refusal;
      }
    }
  }
}

TEST(ConfigValue, NumbersAreOfTheirTypeAndRange) {
  EXPECT_EQ(refuse_value(broker("log.segment.bytes"), " 1048576 "), nullptr);
  EXPECT_NE(refuse_value(broker("log.segment.bytes"), "1048575"), nullptr);
  EXPECT_NE(refuse_value(broker("log.segment.bytes"), "2147483648"), nullptr);
  EXPECT_NE(refuse_value(broker("log.segment.bytes"), "1g"), nullptr);
  EXPECT_NE(refuse_value(broker("log.segment.bytes"), ""), nullptr);
  EXPECT_EQ(refuse_value(broker("log.retention.bytes"), "-1"), nullptr);
  EXPECT_EQ(refuse_value(broker("log.retention.bytes"), "+9223372036854775807"), nullptr);
  EXPECT_NE(refuse_value(topic("min.cleanable.dirty.ratio"), "1.5"), nullptr);
  EXPECT_EQ(refuse_value(topic("min.cleanable.dirty.ratio"), "1e-1"), nullptr);
  EXPECT_NE(refuse_value(topic("min.cleanable.dirty.ratio"), "0x1"), nullptr);
  EXPECT_NE(refuse_value(topic("compression.gzip.level"), "0"), nullptr);
  EXPECT_EQ(refuse_value(topic("compression.gzip.level"), "-1"), nullptr);
}

TEST(ConfigValue, BooleansIgnoreCase) {
  EXPECT_EQ(parse_boolean(" TRUE\n"), true);
  EXPECT_EQ(parse_boolean("False"), false);
  EXPECT_EQ(parse_boolean("yes"), std::nullopt);
  EXPECT_NE(refuse_value(topic("preallocate"), "1"), nullptr);
}

TEST(ConfigValue, ListsAreSplitAtCommas) {
  EXPECT_TRUE(parse_list("  ").empty());
  EXPECT_EQ(parse_list(" a , b,c ").size(), 3U);
  EXPECT_EQ(parse_list(" a , b,c ")[1], "b");
  EXPECT_EQ(parse_list("a,").size(), 2U);
  EXPECT_EQ(parse_list(",").size(), 2U);
  EXPECT_EQ(refuse_value(topic("cleanup.policy"), "compact, delete"), nullptr);
  EXPECT_EQ(refuse_value(topic("cleanup.policy"), ""), nullptr);
  EXPECT_EQ(refuse_value(topic("cleanup.policy"), "compact,compact"), nullptr) << "counts once";
  EXPECT_NE(refuse_value(topic("cleanup.policy"), "compact,"), nullptr);
  EXPECT_NE(refuse_value(topic("cleanup.policy"), "Compact"), nullptr);
  EXPECT_NE(refuse_value(broker("log.dirs"), ""), nullptr);
}

TEST(ConfigValue, IsShownAsKafkaReadsIt) {
  EXPECT_EQ(shown_value(topic("retention.ms"), " 0070 "), "70");
  EXPECT_EQ(shown_value(topic("preallocate"), "TRUE"), "true");
  EXPECT_EQ(shown_value(topic("min.cleanable.dirty.ratio"), "0.10"), "0.1");
  EXPECT_EQ(shown_value(topic("cleanup.policy"), " delete , compact,delete"), "delete,compact");
  EXPECT_EQ(shown_value(topic("leader.replication.throttled.replicas"), "0:1,0:1"), "0:1,0:1");
  EXPECT_EQ(shown_value(topic("compression.type"), " lz4"), "lz4");
  EXPECT_EQ(shown_value(topic("retention.ms"), "soon"), "soon");
  for (const Scope scope : kScopes) {
    for (const ConfigKey& key : keys(scope)) {
      EXPECT_EQ(shown_value(key, key.default_value), key.default_value) << key.name;
    }
  }
}

TEST(ConfigValue, DoublesLookAsInJava) {
  EXPECT_EQ(shown_double(0), "0.0");
  EXPECT_EQ(shown_double(-0.5), "-0.5");
  EXPECT_EQ(shown_double(100), "100.0");
  EXPECT_EQ(shown_double(0.001), "0.001");
  EXPECT_EQ(shown_double(0.00012), "1.2E-4");
  EXPECT_EQ(shown_double(9'999'999), "9999999.0");
  EXPECT_EQ(shown_double(1e7), "1.0E7");
  EXPECT_EQ(shown_double(1.5e300), "1.5E300");
  EXPECT_EQ(shown_double(1.7976931348623157E308), "1.7976931348623157E308");
}

TEST(ConfigValue, ChoicesKeepTheirCaseOrDoNot) {
  EXPECT_NE(refuse_value(topic("compression.type"), "ZSTD"), nullptr);
  EXPECT_EQ(refuse_value(topic("compression.type"), "zstd"), nullptr);
  EXPECT_EQ(refuse_value(broker("group.consumer.migration.policy"), "uPgRaDe"), nullptr);
  EXPECT_NE(refuse_value(topic("message.timestamp.type"), "createtime"), nullptr);
}

TEST(ConfigValue, NamedFormsAreChecked) {
  const ConfigKey& throttled = topic("leader.replication.throttled.replicas");
  EXPECT_EQ(refuse_value(throttled, "*"), nullptr);
  EXPECT_EQ(refuse_value(throttled, "0:1, 2:3"), nullptr);
  EXPECT_NE(refuse_value(throttled, "0:"), nullptr);
  EXPECT_NE(refuse_value(throttled, "*,0:1"), nullptr);
  const ConfigKey& voters = broker("controller.quorum.voters");
  EXPECT_EQ(refuse_value(voters, "1@a:9093,2@[::1]:9093"), nullptr);
  EXPECT_NE(refuse_value(voters, "a:9093"), nullptr);
  EXPECT_NE(refuse_value(voters, "-1@a:9093"), nullptr);
  EXPECT_NE(refuse_value(voters, "1@a:99999"), nullptr);
  const ConfigKey& reset = *find(Scope::kGroup, "share.auto.offset.reset");
  for (const char* const good :
       {"latest", "earliest", "by_duration:PT1H", "by_duration:P2DT3H4M5.6S", "by_duration:P1D"}) {
    EXPECT_EQ(refuse_value(reset, good), nullptr) << good;
  }
  for (const char* const bad : {"LATEST", "", "by_duration:", "by_duration:P", "by_duration:PT", "by_duration:-PT1H",
                                "by_duration:P1H", "by_duration:PT1.5H", "by_duration:PT1M1H"}) {
    EXPECT_NE(refuse_value(reset, bad), nullptr) << bad;
  }
}

}  // namespace
}  // namespace moldau::config
