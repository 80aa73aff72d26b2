#include "broker/config/connection_config.h"

#include <cstdint>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "broker/config/testing/read_config.h"

namespace moldau::broker {
namespace {

using testing::read;

constexpr std::string_view kTwoListeners =
    "listeners=INTERNAL://127.0.0.1:1,PUBLIC://127.0.0.1:2,CONTROLLER://127.0.0.1:3\n"
    "listener.security.protocol.map=INTERNAL:PLAINTEXT,PUBLIC:PLAINTEXT,CONTROLLER:PLAINTEXT\n"
    "inter.broker.listener.name=INTERNAL\n";

TEST(ConnectionConfig, AListenerHasTheNodesLimitsOrItsOwn) {
  const auto config = read(std::string(kTwoListeners) +
                           "max.connections=100\nmax.connection.creation.rate=50\n"
                           "listener.name.public.max.connections=10\n"
                           "listener.name.public.max.connection.creation.rate=5\n");
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_TRUE(config->warnings.empty());
  EXPECT_EQ(config->find_listener("INTERNAL")->connections_max, 100);
  EXPECT_EQ(config->find_listener("INTERNAL")->creation_rate, 50);
  EXPECT_TRUE(config->find_listener("INTERNAL")->is_for_brokers_alone);
  EXPECT_EQ(config->find_listener("PUBLIC")->connections_max, 10);
  EXPECT_EQ(config->find_listener("PUBLIC")->creation_rate, 5);
  EXPECT_FALSE(config->find_listener("PUBLIC")->is_for_brokers_alone);
}

TEST(ConnectionConfig, TheOnlyListenerForClientsIsHeldToTheNodesLimits) {
  const auto config = read("max.connections=7\n");
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_FALSE(config->find_listener("PLAINTEXT")->is_for_brokers_alone);
}

TEST(ConnectionConfig, AddressesHaveLimitsOfTheirOwn) {
  const auto config =
      read("max.connections.per.ip=3\nmax.connections.per.ip.overrides=10.0.0.1:5, ::1:0,localhost:9\n");
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->connections_per_ip_max, 3);
  const auto& overrides = config->connections_per_ip_overrides;
  ASSERT_EQ(overrides.size(), 3U);
  EXPECT_EQ(overrides.at(*IpAddress::parse("10.0.0.1")), 5U);
  EXPECT_EQ(overrides.at(*IpAddress::parse("::1")), 0U);
  EXPECT_EQ(overrides.at(*IpAddress::parse("127.0.0.1")), 9U);
}

TEST(ConnectionConfig, WhatIsNoLimitRefusesTheStart) {
  for (const std::string_view properties :
       {"max.connections.per.ip=0\n", "max.connections.per.ip.overrides=10.0.0.1\n",
        "max.connections.per.ip.overrides=10.0.0.1:x\n", "max.connections.per.ip.overrides=10.0.0.1:-1\n",
        "max.connections.per.ip.overrides=some.host.example:5\n", "listener.name.plaintext.max.connections=x\n",
        "max.connections=-1\n"}) {
    EXPECT_FALSE(read(properties)) << properties;
  }
  EXPECT_TRUE(read("max.connections.per.ip=0\nmax.connections.per.ip.overrides=127.0.0.1:5\n"));
}

TEST(ConnectionConfig, SocketBuffersAreTheSystemsUnlessSet) {
  const auto config = read("socket.send.buffer.bytes=65536\n");
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->socket_send_buffer_bytes, 65536);
  EXPECT_EQ(config->socket_receive_buffer_bytes, -1);
}

}  // namespace
}  // namespace moldau::broker
