#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/controller/testing/driver.h"

namespace moldau::metadata {
namespace {

using testing::Driver;

constexpr auto kMetadata = kMetadataVersionFeature;

struct UpdateFeaturesTest : ::testing::Test {
  ErrorCode update(std::vector<FeatureUpdate> updates, bool validate_only = false) {
    const auto done = driver.apply(driver.controller.update_features({std::move(updates), validate_only}));
    return done ? ErrorCode::kNone : done.error().code;
  }
  ErrorCode update(std::string_view feature, std::int16_t level, std::int8_t type) {
    return update({{std::string(feature), level, type}});
  }
  std::int16_t level(std::string_view feature) { return driver.image().feature_level(feature); }

  Driver driver;
};

TEST_F(UpdateFeaturesTest, ALevelGoesDownAndUpOnlyAsAsked) {
  EXPECT_EQ(update(kGroupVersionFeature, 0, kFeatureUpgrade), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(update(kGroupVersionFeature, 0, kFeatureSafeDowngrade), ErrorCode::kNone);
  EXPECT_EQ(level(kGroupVersionFeature), 0);
  EXPECT_EQ(update(kGroupVersionFeature, 1, kFeatureSafeDowngrade), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(update(kGroupVersionFeature, 1, kFeatureUnsafeDowngrade), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(update(kGroupVersionFeature, 1, kFeatureUpgrade), ErrorCode::kNone);
  EXPECT_EQ(level(kGroupVersionFeature), 1);
  for (const std::int8_t type : {kFeatureUpgrade, kFeatureSafeDowngrade, kFeatureUnsafeDowngrade}) {
    EXPECT_EQ(update(kGroupVersionFeature, 1, type), ErrorCode::kNone) << "the level that it has";
  }
  EXPECT_EQ(update(kGroupVersionFeature, 1, 0), ErrorCode::kInvalidUpdateVersion) << "no type";
  EXPECT_EQ(update(kGroupVersionFeature, 1, 4), ErrorCode::kInvalidUpdateVersion);
}

TEST_F(UpdateFeaturesTest, LevelsThatNobodyOrNotEverybodySupports) {
  EXPECT_EQ(update(kGroupVersionFeature, 2, kFeatureUpgrade), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(update(kGroupVersionFeature, -1, kFeatureSafeDowngrade), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(update("no.such.feature", 1, kFeatureUpgrade), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(update("no.such.feature", 0, kFeatureUpgrade), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(update(kMetadata, 6, kFeatureSafeDowngrade), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(update(kMetadata, 31, kFeatureUpgrade), ErrorCode::kInvalidUpdateVersion);

  ASSERT_EQ(update(kTransactionVersionFeature, 0, kFeatureSafeDowngrade), ErrorCode::kNone);
  RegisterBroker old = driver.registration(1, 1);
  for (FeatureRange& range : old.features) {
    if (range.name == kTransactionVersionFeature) {
      range.max = 1;
    }
  }
  ASSERT_TRUE(driver.apply(driver.controller.register_broker(old, Offset(99), driver.now)));
  EXPECT_EQ(update(kTransactionVersionFeature, 2, kFeatureUpgrade), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(update(kTransactionVersionFeature, 1, kFeatureUpgrade), ErrorCode::kNone);

  RegisterController other{.controller = NodeId(7), .incarnation_id = {7, 7}, .listeners = {}, .features = {}};
  ASSERT_TRUE(driver.apply(driver.controller.register_controller(other)));
  EXPECT_EQ(update(kTransactionVersionFeature, 1, kFeatureUpgrade), ErrorCode::kInvalidUpdateVersion)
      << "a controller without the feature";
  EXPECT_EQ(update(kTransactionVersionFeature, 0, kFeatureSafeDowngrade), ErrorCode::kNone) << "needs no support";
}

TEST_F(UpdateFeaturesTest, MetadataVersionGoesDownOnlyWhereNothingIsLost) {
  EXPECT_EQ(update(kMetadata, 29, kFeatureSafeDowngrade), ErrorCode::kInvalidUpdateVersion) << "30 changed metadata";
  EXPECT_EQ(update(kMetadata, 29, kFeatureUnsafeDowngrade), ErrorCode::kInvalidUpdateVersion) << "Kafka neither";
  EXPECT_EQ(update(kMetadata, 30, kFeatureUpgrade), ErrorCode::kNone);
  records::FeatureLevelRecord record;
  record.name = kMetadata;
  record.feature_level = 29;
  driver.append({{record, 0}});
  EXPECT_EQ(update(kMetadata, 24, kFeatureUpgrade), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(update(kMetadata, 24, kFeatureSafeDowngrade), ErrorCode::kNone);
  EXPECT_EQ(driver.image().metadata_version(), MetadataVersion(24));
  EXPECT_EQ(update(kMetadata, 30, kFeatureUpgrade), ErrorCode::kNone);
  EXPECT_EQ(driver.image().metadata_version(), MetadataVersion(30));
}

TEST_F(UpdateFeaturesTest, OneFaultRefusesAll) {
  EXPECT_EQ(update({{std::string(kGroupVersionFeature), 0, kFeatureSafeDowngrade},
                    {std::string(kShareVersionFeature), 7, kFeatureUpgrade}}),
            ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(level(kGroupVersionFeature), 1);
  EXPECT_EQ(update({{std::string(kGroupVersionFeature), 7, kFeatureUpgrade},
                    {std::string(kGroupVersionFeature), 0, kFeatureSafeDowngrade}}),
            ErrorCode::kNone)
      << "the last update of a feature counts";
  EXPECT_EQ(level(kGroupVersionFeature), 0);
}

TEST_F(UpdateFeaturesTest, ValidateOnlyWritesNothing) {
  EXPECT_EQ(update({{std::string(kGroupVersionFeature), 0, kFeatureSafeDowngrade}}, true), ErrorCode::kNone);
  EXPECT_EQ(level(kGroupVersionFeature), 1);
  EXPECT_EQ(update({{std::string(kGroupVersionFeature), 9, kFeatureUpgrade}}, true), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(update({}), ErrorCode::kNone);
}

TEST_F(UpdateFeaturesTest, EligibleLeaderReplicasNeedTheirMetadataVersionAndAClusterWideMinimum) {
  ASSERT_EQ(update(kElrVersionFeature, 0, kFeatureSafeDowngrade), ErrorCode::kNone);
  ASSERT_EQ(driver.set(ConfigResourceType::kBroker, "", "min.insync.replicas", std::nullopt), ApiError{});
  driver.bring_up(3);
  ASSERT_EQ(driver.set(ConfigResourceType::kBroker, "3", "min.insync.replicas", "2"), ApiError{});
  EXPECT_EQ(update(kElrVersionFeature, 1, kFeatureUpgrade), ErrorCode::kNone);
  EXPECT_EQ(driver.image().config(ConfigResourceType::kBroker, "").at("min.insync.replicas"), "1");
  EXPECT_FALSE(driver.image().config(ConfigResourceType::kBroker, "3").contains("min.insync.replicas"));
  std::vector<std::string> types;
  for (const auto& record : driver.last) {
    types.emplace_back(records::type_of(record.record).name);
  }
  EXPECT_THAT(types, ::testing::ElementsAre("ConfigRecord", "ConfigRecord", "FeatureLevelRecord"));

  ASSERT_EQ(update(kElrVersionFeature, 0, kFeatureSafeDowngrade), ErrorCode::kNone);
  records::FeatureLevelRecord record;
  record.name = kMetadata;
  record.feature_level = 22;
  driver.append({{record, 0}});
  EXPECT_EQ(update(kElrVersionFeature, 1, kFeatureUpgrade), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(
      update({{std::string(kElrVersionFeature), 1, kFeatureUpgrade}, {std::string(kMetadata), 23, kFeatureUpgrade}}),
      ErrorCode::kNone)
      << "with the version it needs";
}

TEST(UpdateFeatures, TheVersionOfTheQuorumStaysAsItIs) {
  for (const std::int16_t version : {std::int16_t{0}, std::int16_t{1}}) {
    ControllerOptions options;
    options.kraft_version = version;
    Driver driver(options);
    const auto update = [&](std::int16_t level, std::int8_t type) {
      const auto done =
          driver.apply(driver.controller.update_features({{{std::string(kKRaftVersionFeature), level, type}}, false}));
      return done ? ErrorCode::kNone : done.error().code;
    };
    EXPECT_EQ(update(version, kFeatureUpgrade), ErrorCode::kNone);
    EXPECT_EQ(driver.last.size(), 1U) << "a no-op, so that there is an offset to wait for";
    EXPECT_EQ(update(version, kFeatureSafeDowngrade), ErrorCode::kNone);
    EXPECT_TRUE(driver.last.empty());
    EXPECT_EQ(update(static_cast<std::int16_t>(1 - version), kFeatureUpgrade), ErrorCode::kInvalidUpdateVersion);
    EXPECT_EQ(update(static_cast<std::int16_t>(1 - version), kFeatureSafeDowngrade), ErrorCode::kInvalidUpdateVersion);
    EXPECT_EQ(update(2, kFeatureUpgrade), ErrorCode::kInvalidUpdateVersion);
  }
}

}  // namespace
}  // namespace moldau::metadata
