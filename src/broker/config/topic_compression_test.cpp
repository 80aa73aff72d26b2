// What a topic's compression keys make of the batches that its partitions are sent.
#include "broker/config/topic_configs.h"

#include <map>
#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "broker/config/config_layers.h"
#include "broker/config/node_config.h"
#include "metadata/image/delta.h"
#include "metadata/image/image.h"
#include "protocol/record/batch_rebuilder.h"
#include "replication/partition/partition_types.h"

namespace moldau::broker {
namespace {

using record::Codec;
using record::TargetCompression;

std::optional<TargetCompression> compression_of(std::string_view properties,
                                                const std::map<std::string, std::string>& topic) {
  ConfigLayers layers;
  EXPECT_FALSE(layers.add_properties("server.properties", as_bytes(properties)));
  const auto config = make_node_config(layers);
  EXPECT_TRUE(config) << config.error().text;
  EXPECT_TRUE(config->warnings.empty()) << config->warnings.front();
  metadata::Delta delta(std::make_shared<const metadata::Image>());
  std::int64_t offset = 1;
  for (const auto& [name, value] : topic) {
    metadata::records::ConfigRecord record;
    record.resource_type = static_cast<std::int8_t>(metadata::ConfigResourceType::kTopic);
    record.resource_name = "t";
    record.name = name;
    record.value = value;
    EXPECT_TRUE(delta.replay(record, Offset(offset++)));
  }
  const auto image = delta.apply({Offset(offset), LeaderEpoch(1), 0});
  return TopicConfigs(*config).config_of(*image, "t").produce.compression;
}

TEST(TopicCompression, ProducerMeansAsSent) {
  EXPECT_EQ(compression_of("", {}), std::nullopt);
  EXPECT_EQ(compression_of("compression.type=zstd\n", {{"compression.type", "producer"}}), std::nullopt);
}

TEST(TopicCompression, ACodecHasItsOwnLevelAndNoOther) {
  EXPECT_EQ(compression_of("", {{"compression.type", "uncompressed"}}), (TargetCompression{Codec::kNone, 0}));
  EXPECT_EQ(compression_of("", {{"compression.type", "snappy"}}), (TargetCompression{Codec::kSnappy, 0}));
  EXPECT_EQ(compression_of("", {{"compression.type", "gzip"}}), (TargetCompression{Codec::kGzip, -1}));
  EXPECT_EQ(compression_of("", {{"compression.type", "lz4"}, {"compression.gzip.level", "1"}}),
            (TargetCompression{Codec::kLz4, 9}));
  EXPECT_EQ(compression_of("", {{"compression.type", "zstd"}, {"compression.zstd.level", "-7"}}),
            (TargetCompression{Codec::kZstd, -7}));
}

TEST(TopicCompression, TheBrokersKeysAreTheTopicsDefaults) {
  EXPECT_EQ(compression_of("compression.type=lz4\ncompression.lz4.level=3\n", {}), (TargetCompression{Codec::kLz4, 3}));
  EXPECT_EQ(compression_of("compression.type=lz4\ncompression.gzip.level=5\n", {{"compression.type", "gzip"}}),
            (TargetCompression{Codec::kGzip, 5}));
}

}  // namespace
}  // namespace moldau::broker
