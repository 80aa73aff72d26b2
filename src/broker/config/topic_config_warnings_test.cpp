#include "broker/config/topic_config_warnings.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "broker/config/config_layers.h"
#include "broker/config/node_config.h"

namespace moldau::broker {
namespace {

class Lines final : public Logger {
 public:
  bool enabled(LogLevel) const noexcept override { return true; }
  void write(LogLevel level, std::string_view, std::string_view text) override {
    EXPECT_EQ(level, LogLevel::kWarn);
    lines.emplace_back(text);
  }
  std::vector<std::string> lines;
};

struct TopicConfigWarningsTest : ::testing::Test {
  static NodeConfig node(std::string_view properties) {
    ConfigLayers layers;
    EXPECT_FALSE(layers.add_properties("server.properties", as_bytes(properties)));
    auto config = make_node_config(layers);
    EXPECT_TRUE(config) << config.error().text;
    return *std::move(config);
  }
  // Sets a topic's key, as the metadata log would, and shows the change to `warnings`.
  void set(TopicConfigWarnings& warnings, const std::string& topic, const std::string& key, const std::string& value) {
    metadata::records::ConfigRecord record;
    record.resource_type = static_cast<std::int8_t>(metadata::ConfigResourceType::kTopic);
    record.resource_name = topic;
    record.name = key;
    record.value = value;
    metadata::Delta delta(image);
    ASSERT_TRUE(delta.replay(record, Offset(offset++)));
    const metadata::ImageChanges changes = delta.changes();
    image = delta.apply({Offset(offset), LeaderEpoch(1), 0});
    warnings.look_at(*image, changes);
  }

  Lines logger;
  std::shared_ptr<const metadata::Image> image = std::make_shared<const metadata::Image>();
  std::int64_t offset = 1;
};

TEST_F(TopicConfigWarningsTest, CompactionIsSaidOnceHoweverManyTopicsAskForIt) {
  const NodeConfig config = node("");
  const TopicConfigs configs(config);
  TopicConfigWarnings warnings(configs, logger);
  warnings.look_at_all(*image);
  set(warnings, "plain", "cleanup.policy", "delete");
  EXPECT_TRUE(logger.lines.empty());
  set(warnings, "changelog", "cleanup.policy", "compact,delete");
  ASSERT_EQ(logger.lines.size(), 1U);
  EXPECT_NE(logger.lines[0].find("changelog"), std::string::npos);
  EXPECT_NE(logger.lines[0].find("cleanup.policy=compact,delete"), std::string::npos);
  set(warnings, "another", "cleanup.policy", "compact");
  warnings.look_at_all(*image);
  EXPECT_EQ(logger.lines.size(), 1U);
}

TEST_F(TopicConfigWarningsTest, TheBrokersOwnDefaultsAreSaidAtTheStart) {
  const NodeConfig config = node("log.cleanup.policy=compact\ncompression.type=lz4\ncompression.lz4.level=3\n");
  EXPECT_TRUE(config.warnings.empty()) << "they are in effect: the topic keys say what is done";
  const TopicConfigs configs(config);
  TopicConfigWarnings warnings(configs, logger);
  warnings.look_at_all(*image);
  EXPECT_EQ(logger.lines.size(), 1U);
  set(warnings, "changelog", "cleanup.policy", "compact");
  EXPECT_EQ(logger.lines.size(), 1U);
}

TEST_F(TopicConfigWarningsTest, UncleanElectionIsAKeyInEffect) {
  EXPECT_TRUE(node("unclean.leader.election.enable=true\n").warnings.empty());
}

}  // namespace
}  // namespace moldau::broker
