#include "broker/node/live_config.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "broker/config/testing/read_config.h"
#include "metadata/image/delta.h"

namespace moldau::broker {
namespace {

class Lines final : public Logger {
 public:
  [[nodiscard]] bool enabled(LogLevel level) const noexcept override { return level >= LogLevel::kInfo; }
  void write(LogLevel /*level*/, std::string_view area, std::string_view text) override {
    lines.push_back(std::string(area) + ": " + std::string(text));
  }
  std::vector<std::string> lines;
};

class LiveConfigTest : public ::testing::Test {
 protected:
  void set(const std::string& broker, const std::string& key, std::optional<std::string> value) {
    metadata::records::ConfigRecord record;
    record.resource_type = static_cast<std::int8_t>(metadata::ConfigResourceType::kBroker);
    record.resource_name = broker;
    record.name = key;
    record.value = std::move(value);
    metadata::Delta delta(image_);
    ASSERT_TRUE(delta.replay(record, Offset{++offset_}));
    const auto before = image_;
    const auto changes = std::make_shared<const metadata::ImageChanges>(delta.changes());
    image_ = delta.apply({.offset = Offset{offset_}});
    live_.on_image({.before = before, .after = image_, .changes = changes});
  }

  const NodeConfig config_ = *testing::read("node.id=1\nmax.connections=100\n");
  const BrokerConfigs configs_{config_};
  Lines logger_;
  std::vector<NodeConfig> heard_;
  LiveConfig live_{configs_, logger_, [this](const NodeConfig& now) { heard_.push_back(now); }};
  std::shared_ptr<const metadata::Image> image_ = std::make_shared<const metadata::Image>();
  std::int64_t offset_ = 0;
};

// inventory §6 line 65
TEST_F(LiveConfigTest, Semantics65WhatChangesIsToldOnceWithTheWholeConfiguration) {
  set("", "max.connections", "50");
  ASSERT_EQ(heard_.size(), 1U);
  EXPECT_EQ(heard_[0].connections_max, 50);
  set("1", "max.connections", "60");
  ASSERT_EQ(heard_.size(), 2U);
  EXPECT_EQ(heard_[1].connections_max, 60);
  set("", "max.connections", "70");
  EXPECT_EQ(heard_.size(), 2U) << "this broker has its own";
  set("1", "max.connections", std::nullopt);
  EXPECT_EQ(heard_.back().connections_max, 70);
  set("", "max.connections", std::nullopt);
  EXPECT_EQ(heard_.back().connections_max, 100) << "what the start read";
  EXPECT_EQ(logger_.lines.at(0), "config: max.connections is 50 now");
}

TEST_F(LiveConfigTest, OfAnotherBrokerNothingIsHeard) {
  set("2", "max.connections", "50");
  EXPECT_TRUE(heard_.empty());
}

TEST_F(LiveConfigTest, AKeyWithoutEffectIsToldWithTheReasonAndNoSecretIsTold) {
  set("", "num.io.threads", "9");
  set("1", "listener.name.plaintext.ssl.key.password", "hidden");
  ASSERT_EQ(logger_.lines.size(), 2U);
  EXPECT_TRUE(logger_.lines[0].starts_with("config: num.io.threads is 9 now, and changes nothing: one thread a core"));
  EXPECT_EQ(logger_.lines[1].find("hidden"), std::string::npos);
}

TEST_F(LiveConfigTest, WhatCannotBeTogetherIsNotApplied) {
  set("1", "log.cleaner.dedupe.buffer.size", "1000");  // asked of the controller itself
  EXPECT_TRUE(heard_.empty());
  ASSERT_EQ(logger_.lines.size(), 1U);
  EXPECT_NE(logger_.lines[0].find("is not applied"), std::string::npos);
  set("1", "max.connections", "5");
  EXPECT_TRUE(heard_.empty());
  set("1", "log.cleaner.dedupe.buffer.size", std::nullopt);
  ASSERT_EQ(heard_.size(), 1U);
  EXPECT_EQ(heard_[0].connections_max, 5);
}

}  // namespace
}  // namespace moldau::broker
