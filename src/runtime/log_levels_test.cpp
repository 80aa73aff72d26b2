#include "runtime/log_levels.h"

#include <gtest/gtest.h>

namespace moldau::runtime {
namespace {

TEST(LogLevels, AnAreaFollowsTheRootUntilItHasALevelOfItsOwn) {
  LogLevels levels(LogThreshold::kInfo);
  EXPECT_FALSE(levels.enabled(LogLevel::kDebug, "storage"));
  EXPECT_TRUE(levels.enabled(LogLevel::kInfo, "storage"));
  levels.set("storage", LogThreshold::kDebug);
  EXPECT_TRUE(levels.enabled(LogLevel::kDebug, "storage"));
  EXPECT_FALSE(levels.enabled(LogLevel::kDebug, "net"));
  EXPECT_TRUE(levels.enabled_somewhere(LogLevel::kDebug));
  levels.set(LogLevels::kRoot, LogThreshold::kError);
  EXPECT_FALSE(levels.enabled(LogLevel::kWarn, "net"));
  EXPECT_FALSE(levels.enabled(LogLevel::kWarn, "an area that nobody named"));
  EXPECT_TRUE(levels.enabled(LogLevel::kDebug, "storage"));
  levels.unset("storage");
  EXPECT_FALSE(levels.enabled(LogLevel::kWarn, "storage"));
  EXPECT_FALSE(levels.enabled_somewhere(LogLevel::kWarn));
  EXPECT_TRUE(levels.enabled_somewhere(LogLevel::kError));
}

TEST(LogLevels, TraceIsDebugAndFatalSilences) {
  LogLevels levels(LogThreshold::kTrace);
  EXPECT_TRUE(levels.enabled(LogLevel::kDebug, "raft"));
  levels.set("raft", LogThreshold::kFatal);
  EXPECT_FALSE(levels.enabled(LogLevel::kError, "raft"));
}

TEST(LogLevels, NamesAreKafkas) {
  EXPECT_EQ(log_threshold_of("WARN"), LogThreshold::kWarn);
  EXPECT_EQ(log_threshold_of("warn"), std::nullopt);
  EXPECT_EQ(log_threshold_of("OFF"), std::nullopt);
  EXPECT_EQ(name_of(LogThreshold::kFatal), "FATAL");
  EXPECT_TRUE(LogLevels::exists("root"));
  EXPECT_TRUE(LogLevels::exists("storage"));
  EXPECT_FALSE(LogLevels::exists("kafka.controller.KafkaController"));
  const LogLevels levels(LogThreshold::kInfo);
  EXPECT_EQ(levels.all().size(), LogLevels::kAreas.size() + 1);
}

}  // namespace
}  // namespace moldau::runtime
