#include "broker/config/listener_config.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "broker/config/testing/read_config.h"
#include "broker/config/listener_parser.h"

namespace moldau::broker {
namespace {

using testing::read;

// "" if a node starts with it.
std::string fault_of(std::string_view properties) {
  const auto config = read(properties);
  return config ? "" : config.error().text;
}

struct Case {
  std::string_view properties;
  std::string_view fault;  // a part of the line; "" if the node starts
};

void check(std::initializer_list<Case> cases) {
  for (const Case& one : cases) {
    const std::string fault = fault_of(one.properties);
    EXPECT_EQ(fault.empty(), one.fault.empty()) << one.properties << "-> " << fault;
    EXPECT_NE(fault.find(one.fault), std::string::npos) << one.properties << "-> " << fault;
  }
}

TEST(Listeners, WhatAsksForSslOrSaslIsNeverServedInTheClear) {
  check({
      {"listeners=external://:9092,CONTROLLER://:9093\ninter.broker.listener.name=external\n"
       "listener.security.protocol.map=external:SASL_SSL,controller:PLAINTEXT\n",
       "listener EXTERNAL asks for SASL_SSL"},
      {"listeners=external://:9092,CONTROLLER://:9093\ninter.broker.listener.name=external\n"
       "listener.security.protocol.map=External:sasl_ssl,controller:plaintext\n",
       "listener EXTERNAL asks for SASL_SSL"},
      {"listeners=EXTERNAL://:9092,CONTROLLER://:9093\ninter.broker.listener.name=EXTERNAL\n"
       "listener.security.protocol.map=CONTROLLER:SSL,EXTERNAL:PLAINTEXT\n",
       "listener CONTROLLER asks for SSL"},
      {"listeners=PLAINTEXT://:9092,SSL://:9094,CONTROLLER://:9093\n", "listener SSL asks for SSL"},
      {"listeners=SASL_PLAINTEXT://:9092,CONTROLLER://:9093\n", "listener SASL_PLAINTEXT asks for SASL_PLAINTEXT"},
      {"listeners=PLAINTEXT://:9092,SSL://:9093\ncontroller.listener.names=SSL\n", "listener SSL asks for SSL"},
      {"listeners=SSL://:9092,CONTROLLER://:9093\nlistener.security.protocol.map=SSL:PLAINTEXT,CONTROLLER:PLAINTEXT\n"
       "inter.broker.listener.name=SSL\n",
       ""},
  });
}

TEST(Listeners, AListenerThatTheMapDoesNotNameIsRefused) {
  check({
      {"listeners=SSL://:9092,CONTROLLER://:9093\nlistener.security.protocol.map=CONTROLLER:PLAINTEXT\n",
       "p:2: listener.security.protocol.map: no security protocol is defined for listener SSL"},
      {"listener.security.protocol.map=PLAINTEXT:PLAINTEXT\n",
       "no security protocol is defined for listener CONTROLLER"},
      {"listener.security.protocol.map=\n", "no security protocol is defined for listener PLAINTEXT"},
      {"listeners=CLIENT://:9092,CONTROLLER://:9093\n", "no security protocol is defined for listener CLIENT"},
      {"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:NONE\n",
       "'CONTROLLER:NONE' has none of the protocols"},
      {"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,plaintext:SSL,CONTROLLER:PLAINTEXT\n",
       "listener PLAINTEXT has two protocols"},
      {"listeners=a://:9092,B://:9094,controller://:9093\ninter.broker.listener.name=b\n"
       "listener.security.protocol.map=A:PLAINTEXT,b:plaintext,Controller:PLAINTEXT,SSL:SSL\n",
       ""},
  });
}

TEST(Listeners, ControllerNamesAreListenersAndInUpperCase) {
  check({
      {"controller.listener.names=KRAFT\n", "p:1: controller.listener.names: none of the listeners is 'KRAFT'"},
      {"controller.listener.names=controller\n", "write it in upper case"},
      {"controller.listener.names=CONTROLLER,OTHER\n", "none of the listeners is 'OTHER'"},
      {"listeners=CONTROLLER://:9093\n", "a listener for clients is needed"},
  });
  const auto two = read(
      "listeners=PLAINTEXT://:9092,OTHER://:9094,CONTROLLER://:9093\ncontroller.listener.names=CONTROLLER,OTHER\n");
  ASSERT_TRUE(two) << two.error().text;
  EXPECT_EQ(two->controller_listener().name, "CONTROLLER");
  EXPECT_TRUE(two->find_listener("OTHER")->is_controller);
}

TEST(Listeners, WhatIsAdvertisedIsAListenerThatClientsCanReach) {
  check({
      {"advertised.listeners=PLAINTEXT://0.0.0.0:9092\n", "p:1: advertised.listeners: 0.0.0.0 is no address"},
      {"advertised.listeners=PLAINTEXT://h:9092,CONTROLLER://0.0.0.0:9093\n", "0.0.0.0 is no address"},
      {"advertised.listeners=PLAINTEXT://h:9092,SASL_SSL://h:9094\n", "SASL_SSL asks for SASL_SSL"},
      {"advertised.listeners=PLAINTEXT://h:9092,CLIENT://h:9094\n"
       "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,CLIENT:PLAINTEXT\n",
       "none of the listeners is CLIENT"},
      {"advertised.listeners=CONTROLLER://h:9092\n", "a listener for clients is needed"},
      {"listeners=PLAINTEXT://0.0.0.0:9092,CONTROLLER://:9093\n", "set advertised.listeners, or leave the host empty"},
      {"listeners=PLAINTEXT://0.0.0.0:9092,CONTROLLER://0.0.0.0:9093\nadvertised.listeners=PLAINTEXT://h:9092\n", ""},
      {"listeners=PLAINTEXT://:9092,CONTROLLER://0.0.0.0:9093\n", ""},
      {"advertised.listeners=PLAINTEXT://h:9093,CONTROLLER://h:9093\n", ""},
  });
}

TEST(Listeners, OnlyWhatIsAdvertisedIsTold) {
  constexpr std::string_view kTwo =
      "listeners=PLAINTEXT://:9092,OTHER://:9094,CONTROLLER://:9093\n"
      "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,OTHER:PLAINTEXT,CONTROLLER:PLAINTEXT\n";
  auto config = read(kTwo);
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_TRUE(config->find_listener("PLAINTEXT")->is_told);
  EXPECT_TRUE(config->find_listener("OTHER")->is_told);
  config = read(std::string(kTwo) + "advertised.listeners=PLAINTEXT://h:1\n");
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->find_listener("PLAINTEXT")->told(), (runtime::Endpoint{"h", 1}));
  EXPECT_FALSE(config->find_listener("OTHER")->is_told);
  EXPECT_TRUE(config->find_listener("CONTROLLER")->is_told);
}

TEST(Listeners, AWildcardIsToldAsTheHostsName) {
  auto config = read("listeners=PLAINTEXT://:9092,CONTROLLER://0.0.0.0:9093\n");
  ASSERT_TRUE(config) << config.error().text;
  for (ListenerConfig& listener : config->listeners) {
    listener.wildcard_host = "node.example";
    EXPECT_EQ(listener.told().host, "node.example");
  }
  EXPECT_FALSE(read("")->listeners[0].tells_wildcard());
}

TEST(Listeners, TheInterBrokerListenerIsOneThatBrokersAreTold) {
  check({
      {"inter.broker.listener.name=CONTROLLER\n", "listener CONTROLLER is the controller's"},
      {"inter.broker.listener.name=OTHER\n", "p:1: inter.broker.listener.name: none of the listeners is named OTHER"},
      {"inter.broker.listener.name=plaintext\n", ""},
      {"inter.broker.listener.name=PLAINTEXT\nsecurity.inter.broker.protocol=PLAINTEXT\n", "only one of it and"},
      {"security.inter.broker.protocol=SSL\n", "this release has PLAINTEXT only"},
      {"listeners=A://:1,CONTROLLER://:2\nlistener.security.protocol.map=A:PLAINTEXT,CONTROLLER:PLAINTEXT\n",
       "p:1: listeners: none is named PLAINTEXT: set inter.broker.listener.name"},
      {"listeners=A://:1,B://:3,CONTROLLER://:2\nadvertised.listeners=A://h:1\ninter.broker.listener.name=B\n"
       "listener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT,CONTROLLER:PLAINTEXT\n",
       "none of the advertised.listeners is named B"},
  });
}

TEST(Quorum, VotersAreThisNodeAlone) {
  check({
      {"controller.quorum.voters=1@localhost:9093\n", ""},
      {"node.id=3\ncontroller.quorum.voters=3@[::1]:9093\n", ""},
      {"controller.quorum.voters=2@localhost:9093\n",
       "p:1: controller.quorum.voters: node 1 is a controller and not among"},
      {"controller.quorum.voters=2@a:9093,3@b:9093\n", "not among them"},
      {"controller.quorum.voters=1@a:9093,2@b:9093,3@c:9093\n", "name 1@a:9093 alone"},
      {"controller.quorum.voters=1@localhost:9999\n", "listener CONTROLLER has port 9093, not 9999"},
      {"controller.quorum.voters=1@0.0.0.0:9093\n", "0.0.0.0 is no address"},
      {"controller.quorum.voters=localhost:9093\n", "must be a list of id@host:port"},
      {"controller.quorum.voters=1@h:19093\nadvertised.listeners=PLAINTEXT://h:9092,CONTROLLER://h:19093\n", ""},
  });
}

TEST(Quorum, AVotersAddressIsWhatTheControllerOnEveryAddressTells) {
  const auto config =
      read("listeners=PLAINTEXT://:9092,CONTROLLER://:9093\ncontroller.quorum.voters=1@node.example:9093\n");
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->controller_listener().told(), (runtime::Endpoint{"node.example", 9093}));
}

TEST(Quorum, BootstrapServersAreThisNodeAlone) {
  check({
      {"controller.quorum.bootstrap.servers=localhost:9093\n", ""},
      {"controller.quorum.bootstrap.servers=localhost:9999\n", ""},
      {"controller.quorum.bootstrap.servers=a:9093,b:9093\n", "it would be a cluster of its own beside the others"},
  });
  EXPECT_TRUE(read("controller.quorum.bootstrap.servers=localhost:9093\n")->warnings.empty());
  const auto other = read("controller.quorum.bootstrap.servers=localhost:9999\n");
  ASSERT_EQ(other->warnings.size(), 1U);
  EXPECT_NE(other->warnings[0].find("localhost:9999"), std::string::npos) << other->warnings[0];
}

TEST(ListenerParser, PortsAreDistinctUnlessOneIsOfIpv4AndOneOfIpv6) {
  EXPECT_TRUE(parse_listeners("A://127.0.0.1:1,B://[::1]:1"));
  EXPECT_FALSE(parse_listeners("A://127.0.0.1:1,B://[::1]:1,C://127.0.0.2:1"));
  EXPECT_FALSE(parse_listeners("A://127.0.0.1:1,B://127.0.0.2:1"));
  EXPECT_FALSE(parse_listeners("A://host:1,B://[::1]:1"));
  EXPECT_TRUE(parse_listeners("A://:0,B://:0"));
  EXPECT_TRUE(parse_listeners("A://h:1,B://h:1", Ports::kAny));
  EXPECT_FALSE(parse_listeners("A://h/:1"));
}

}  // namespace
}  // namespace moldau::broker
