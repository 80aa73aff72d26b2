#include "broker/config/config_layers.h"
#include "broker/config/listener_parser.h"
#include "broker/config/node_config.h"

#include <gtest/gtest.h>

namespace moldau::broker {
namespace {

ConfigLayers layers(std::string_view properties, std::initializer_list<std::string_view> settings = {}) {
  ConfigLayers made;
  EXPECT_FALSE(made.add_properties("server.properties", as_bytes(properties)));
  for (const auto setting : settings) {
    EXPECT_FALSE(made.add_setting(setting));
  }
  return made;
}

std::string fault_of(std::string_view properties) {
  const auto config = make_node_config(layers(properties));
  return config ? "" : config.error().text;
}

TEST(NodeConfig, StartsWithoutAnyConfiguration) {
  const auto config = make_node_config(ConfigLayers());
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->node_id, NodeId{1});
  ASSERT_EQ(config->listeners.size(), 2U);
  EXPECT_EQ(config->listeners[0].bind, (runtime::Endpoint{"127.0.0.1", 9092}));
  EXPECT_EQ(config->controller_listener().bind, (runtime::Endpoint{"127.0.0.1", 9093}));
  EXPECT_EQ(config->log_dirs, std::vector<std::string>{"moldau-data"});
  EXPECT_EQ(config->http, (runtime::Endpoint{"127.0.0.1", 9644}));
  EXPECT_TRUE(config->warnings.empty());
}

TEST(NodeConfig, TheMetadataLogLivesInTheFirstLogDirectoryUnlessItHasOneOfItsOwn) {
  const auto config = make_node_config(layers("log.dirs=/a, /b\n"));
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->log_dirs, (std::vector<std::string>{"/a", "/b"}));
  EXPECT_EQ(config->metadata_log_dir, "/a");
  EXPECT_EQ(make_node_config(layers("log.dirs=/a\nmetadata.log.dir=/m\n"))->metadata_log_dir, "/m");
  EXPECT_EQ(make_node_config(layers("log.dirs=/a,/b,/a\n"))->log_dirs, (std::vector<std::string>{"/a", "/b"}));
}

TEST(NodeConfig, QueuedMaxRequestBytesIsTheRequestMemoryUnlessItIsNegative) {
  EXPECT_EQ(make_node_config(layers("queued.max.request.bytes=209715200\n"))->request_memory_bytes, 209715200);
  const auto ours = make_node_config(layers("queued.max.request.bytes=-1\nmoldau.request.memory.bytes=1048576\n"));
  EXPECT_EQ(ours->request_memory_bytes, 1048576);
  EXPECT_EQ(fault_of("queued.max.request.bytes=1000\n"),
            "server.properties:1: queued.max.request.bytes: must be at least socket.request.max.bytes");
}

TEST(NodeConfig, ReadsKafkasServerPropertiesUnchanged) {
  const auto config = make_node_config(
      layers("process.roles=broker,controller\nnode.id=7\ncontroller.quorum.bootstrap.servers=localhost:9093\n"
             "listeners=PLAINTEXT://:9092,CONTROLLER://:9093\nadvertised.listeners=PLAINTEXT://host:9092\n"
             "controller.listener.names=CONTROLLER\n"
             "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL\n"
             "num.network.threads=3\nlog.dirs=/data/kafka\nnum.partitions=4\nlog.retention.hours=24\n"));
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->node_id, NodeId{7});
  EXPECT_EQ(config->partitions_default, 4);
  EXPECT_EQ(config->listeners[0].advertised, (runtime::Endpoint{"host", 9092}));
  EXPECT_EQ(config->set_keys.at("log.retention.hours"), "24");
  ASSERT_EQ(config->warnings.size(), 1U);
  EXPECT_NE(config->warnings[0].find("num.network.threads"), std::string::npos);
}

TEST(NodeConfig, AWrongValueNamesItsFileAndLine) {
  EXPECT_EQ(fault_of("# comment\nnum.partitions=many\n").substr(0, 37), "server.properties:2: num.partitions: ");
  EXPECT_NE(fault_of("num.partitions=0\n"), "");
  EXPECT_NE(fault_of("listeners=PLAINTEXT\n"), "");
  EXPECT_NE(fault_of("listeners=PLAINTEXT://:9092\n"), "");
}

TEST(NodeConfig, AKeyThatWouldOpenTheClusterRefusesTheStart) {
  EXPECT_NE(fault_of("authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n"), "");
  EXPECT_EQ(fault_of("authorizer.class.name=\n"), "");
  EXPECT_NE(fault_of("listeners=SASL_SSL://:9092,CONTROLLER://:9093\n"), "");
  EXPECT_NE(fault_of("listeners=CLIENT://:9092,CONTROLLER://:9093\n"
                     "listener.security.protocol.map=CLIENT:SSL,CONTROLLER:PLAINTEXT\n"),
            "");
}

TEST(NodeConfig, UnknownKeysWarnAndStrongerLayersWin) {
  ConfigLayers all = layers("num.partitions=2\nno.such.key=1\n");
  EXPECT_FALSE(all.add_environment({"KAFKA_NUM_PARTITIONS=3", "PATH=/bin", "KAFKA_HEAP_OPTS=-Xmx1G"}));
  auto config = make_node_config(all);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->partitions_default, 3);
  ASSERT_EQ(config->warnings.size(), 1U);
  EXPECT_NE(config->warnings[0].find("no.such.key"), std::string::npos);
  EXPECT_FALSE(all.add_setting("num.partitions=5"));
  config = make_node_config(all);
  EXPECT_EQ(config->partitions_default, 5);
}

TEST(ConfigLayers, MapsVariablesAsKafkasContainerDoes) {
  EXPECT_EQ(key_of_variable("LOG_RETENTION_MS"), "log.retention.ms");
  EXPECT_EQ(key_of_variable("A__B"), "a_b");
  EXPECT_EQ(key_of_variable("A___B"), "a-b");
}

TEST(ConfigLayers, VariablesAreLinesOfPropertiesAsInKafkasContainer) {
  ConfigLayers all;
  EXPECT_FALSE(
      all.add_environment({R"(KAFKA_LOG_DIRS=  /a\\b\u0041 )", "KAFKA_BROKER_RACK=r\nnum.partitions=9", "KAFKA_X="}));
  EXPECT_EQ(all.find("log.dirs")->value, "/a\\bA ");
  EXPECT_EQ(all.find("broker.rack")->value, "r");
  EXPECT_EQ(all.find("num.partitions")->value, "9");
  EXPECT_EQ(all.find("num.partitions")->origin, "environment KAFKA_BROKER_RACK");
  EXPECT_EQ(all.find("x")->value, "");
  const auto fault = all.add_environment({R"(KAFKA_X=\uno)"});
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->text.substr(0, 21), "environment KAFKA_X: ");
}

TEST(ListenerParser, TakesIpv6InBracketsAndRefusesTwins) {
  const auto parsed = parse_listeners("A://[::1]:1,B://:2");
  ASSERT_TRUE(parsed);
  EXPECT_EQ((*parsed)[0].endpoint, (runtime::Endpoint{"::1", 1}));
  EXPECT_FALSE(parse_listeners("A://x:1,a://y:2"));
  EXPECT_FALSE(parse_listeners("A://x:1,B://y:1"));
  EXPECT_FALSE(parse_listeners("A://::1:1"));
  EXPECT_FALSE(parse_listeners(""));
}

}  // namespace
}  // namespace moldau::broker
