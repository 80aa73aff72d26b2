#include "apps/nearest_name.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace moldau::apps {
namespace {

TEST(NearestNames, CountLettersThatChange) {
  EXPECT_EQ(edit_distance("start", "start"), 0U);
  EXPECT_EQ(edit_distance("strat", "start"), 1U);
  EXPECT_EQ(edit_distance("topics", "topic"), 1U);
  EXPECT_EQ(edit_distance("", "topic"), 5U);
}

TEST(NearestNames, OnlyANearNameIsProposed) {
  const std::vector<std::string> names = {"start", "format", "topic", "random-uuid"};
  EXPECT_EQ(nearest_name("strat", names), "start");
  EXPECT_EQ(nearest_name("topics", names), "topic");
  EXPECT_EQ(nearest_name("fromat", names), "format");
  EXPECT_EQ(nearest_name("random_uuid", names), "random-uuid");
  EXPECT_EQ(nearest_name("begin", names), "");
  EXPECT_EQ(nearest_name("", names), "");
  EXPECT_EQ(nearest_name(std::string(100'000, 's'), names), "");
}

}  // namespace
}  // namespace moldau::apps
