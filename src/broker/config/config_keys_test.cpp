#include "broker/config/config_keys.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "broker/config/testing/read_config.h"

namespace moldau::broker {
namespace {

using testing::read;

TEST(ConfigKeys, WhatKeepsSomebodyOutRefusesTheStart) {
  for (const std::string_view properties :
       {"authorizer.class.name=x", "super.users=User:admin", "create.topic.policy.class.name=x",
        "alter.config.policy.class.name=x", "client.quota.callback.class=x", "ssl.client.auth=required",
        "delegation.token.secret.key=x", "principal.builder.class=x", "listener.name.external.ssl.client.auth=required",
        "listener.name.plaintext.ssl.keystore.location=/k", "listener.name.x.sasl.enabled.mechanisms=PLAIN",
        "listener.name.x.scram-sha-256.sasl.jaas.config=secret", "listener.name.x.principal.builder.class=y"}) {
    const auto config = read(properties);
    ASSERT_FALSE(config) << properties;
    EXPECT_NE(config.error().text.find("would open the cluster"), std::string::npos) << config.error().text;
    EXPECT_EQ(config.error().text.find("secret,"), std::string::npos);
  }
  for (const std::string_view properties :
       {"authorizer.class.name=", "super.users=", "ssl.client.auth=none",
        "principal.builder.class=org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder"}) {
    EXPECT_TRUE(read(properties)) << properties;
  }
}

TEST(ConfigKeys, AnUnknownKeyIsNamedWithItsPlaceAndTheKeyThatWasMeant) {
  const auto config = read("# x\nlog.retention.hour=1\n\nzookeeper.connect=z\n");
  ASSERT_TRUE(config) << config.error().text;
  ASSERT_EQ(config->warnings.size(), 1U);
  EXPECT_EQ(config->warnings[0],
            "unknown configuration keys are ignored: log.retention.hour (p:2; did you mean log.retention.hours?), "
            "zookeeper.connect (p:4)");
}

TEST(ConfigKeys, TheNearestKeyIsAFewLettersAway) {
  EXPECT_EQ(nearest_key("num.partitons"), "num.partitions");
  EXPECT_EQ(nearest_key("log_dirs"), "log.dirs");
  EXPECT_EQ(nearest_key("advertized.listener"), "advertised.listeners");
  EXPECT_EQ(nearest_key("no.such.key"), "");
  EXPECT_EQ(nearest_key(""), "");
}

TEST(ConfigKeys, MostKeysOfOneListenerAreWithoutEffect) {
  const auto config = read("listener.name.plaintext.num.network.threads=5\nnum.io.threads=3\n");
  ASSERT_TRUE(config) << config.error().text;
  ASSERT_EQ(config->warnings.size(), 2U);
  EXPECT_EQ(config->warnings[0],
            "known configuration keys without effect here: listener.name.plaintext.num.network.threads: "
            "all listeners share the keys without a listener's name");
  EXPECT_EQ(config->warnings[1],
            "known configuration keys without effect here: num.io.threads: "
            "one thread a core does all of it: moldau.shards says how many");
}

}  // namespace
}  // namespace moldau::broker
