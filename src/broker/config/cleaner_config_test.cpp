#include <string>

#include <gtest/gtest.h>

#include "broker/config/config_layers.h"
#include "broker/config/node_config.h"
#include "broker/config/topic_configs.h"
#include "metadata/image/delta.h"
#include "replication/partition/partition_types.h"

namespace moldau::broker {
namespace {

using metadata::ConfigResourceType;
using namespace std::chrono_literals;

class CleanerConfigTest : public ::testing::Test {
 protected:
  static NodeConfig node(std::string_view properties) {
    ConfigLayers layers;
    EXPECT_FALSE(layers.add_properties("server.properties", as_bytes(properties)));
    auto config = make_node_config(layers);
    EXPECT_TRUE(config) << config.error().text;
    return std::move(config).value();
  }
  void alter(ConfigResourceType type, const std::string& name, const std::string& key, const std::string& value) {
    metadata::records::ConfigRecord record;
    record.resource_type = static_cast<std::int8_t>(type);
    record.resource_name = name;
    record.name = key;
    record.value = value;
    metadata::Delta delta(image_);
    ASSERT_TRUE(delta.replay(record, Offset(offset_++)));
    image_ = delta.apply({Offset(offset_), LeaderEpoch(1), 0});
  }

  std::shared_ptr<const metadata::Image> image_ = std::make_shared<const metadata::Image>();
  std::int64_t offset_ = 1;
};

TEST_F(CleanerConfigTest, ReadsKafkasKeys) {
  const NodeConfig config = node(
      "log.cleaner.enable=false\nlog.cleaner.threads=3\nlog.cleaner.backoff.ms=7\nlog.cleaner.dedupe.buffer.size="
      "4000000\n"
      "log.cleaner.io.buffer.load.factor=0.5\nlog.cleaner.io.buffer.size=2000\nlog.cleaner.io.max.bytes.per.second="
      "1e6\n");
  EXPECT_TRUE(config.warnings.empty());
  EXPECT_EQ(config.cleaner, (storage::CleanerConfig{.enable = false,
                                                    .threads = 3,
                                                    .backoff = 7ms,
                                                    .dedupe_buffer_bytes = 4'000'000,
                                                    .dedupe_load_factor = 0.5,
                                                    .io_buffer_bytes = 2'000,
                                                    .io_bytes_per_second = 1e6}));
  EXPECT_EQ(node("").cleaner, storage::CleanerConfig{});
}

TEST_F(CleanerConfigTest, WhatIsAlteredWhileTheNodeRunsCounts) {
  const NodeConfig config = node("log.cleaner.threads=3\n");
  const TopicConfigs configs(config);
  EXPECT_EQ(configs.cleaner_of(*image_), config.cleaner);
  alter(ConfigResourceType::kBroker, "", "log.cleaner.backoff.ms", "50");
  alter(ConfigResourceType::kBroker, "", "log.cleaner.io.max.bytes.per.second", "1000.5");
  alter(ConfigResourceType::kBroker, "1", "log.cleaner.backoff.ms", "60");
  const storage::CleanerConfig cleaner = configs.cleaner_of(*image_);
  EXPECT_EQ(cleaner.backoff, 60ms) << "the node's own value comes first";
  EXPECT_EQ(cleaner.io_bytes_per_second, 1000.5);
  EXPECT_EQ(cleaner.threads, 3);
}

TEST_F(CleanerConfigTest, StoredValuesThatCannotBeAreIgnored) {
  const TopicConfigs configs(node("log.cleaner.threads=3\n"));
  alter(ConfigResourceType::kBroker, "1", "log.cleaner.threads", "-1");  // as another release may have written
  alter(ConfigResourceType::kBroker, "1", "log.cleaner.io.buffer.load.factor", "much");
  alter(ConfigResourceType::kBroker, "", "log.cleaner.threads", "2");
  const storage::CleanerConfig cleaner = configs.cleaner_of(*image_);
  EXPECT_EQ(cleaner.threads, 2) << "what is set for all counts";
  EXPECT_EQ(cleaner.dedupe_load_factor, storage::CleanerConfig{}.dedupe_load_factor);
  alter(ConfigResourceType::kBroker, "1", "log.cleaner.threads", "0");
  EXPECT_EQ(configs.cleaner_of(*image_).threads, 3);
}

TEST_F(CleanerConfigTest, ADefaultPolicyIsNoReasonToWarn) {
  EXPECT_TRUE(node("log.cleanup.policy=compact\n").warnings.empty());
  EXPECT_TRUE(node("unclean.leader.election.enable=true\n").warnings.empty());
}

TEST_F(CleanerConfigTest, TopicsHaveTheirKeysOrTheBrokersDefaults) {
  const NodeConfig config = node("log.cleaner.delete.retention.ms=5\nlog.cleaner.min.compaction.lag.ms=6\n");
  const TopicConfigs configs(config);
  alter(ConfigResourceType::kTopic, "t", "cleanup.policy", "compact");
  alter(ConfigResourceType::kTopic, "t", "min.cleanable.dirty.ratio", "0.25");
  alter(ConfigResourceType::kTopic, "t", "max.compaction.lag.ms", "7");
  alter(ConfigResourceType::kBroker, "", "log.cleaner.delete.retention.ms", "8");
  const storage::LogConfig log = configs.config_of(*image_, "t").log;
  EXPECT_TRUE(log.cleanup_compact);
  EXPECT_FALSE(log.cleanup_delete);
  EXPECT_EQ(log.min_cleanable_dirty_ratio, 0.25);
  EXPECT_EQ(log.min_compaction_lag_ms, 6);
  EXPECT_EQ(log.max_compaction_lag_ms, 7);
  EXPECT_EQ(log.delete_retention_ms, 8);
}

}  // namespace
}  // namespace moldau::broker
