#include "protocol/errors/error_code.h"

#include <gtest/gtest.h>

namespace moldau::protocol {
namespace {

TEST(ErrorCode, HasNameAndReaction) {
  EXPECT_EQ(name(ErrorCode::kUnknownServerError), "UNKNOWN_SERVER_ERROR");
  EXPECT_EQ(name(ErrorCode::kNone), "NONE");
  EXPECT_EQ(name(ErrorCode::kNotLeaderOrFollower), "NOT_LEADER_OR_FOLLOWER");
  EXPECT_EQ(to_wire(ErrorCode::kShareSessionLimitReached), 133);
  EXPECT_TRUE(is_retriable(ErrorCode::kNotLeaderOrFollower));
  EXPECT_TRUE(needs_metadata_refresh(ErrorCode::kNotLeaderOrFollower));
  EXPECT_TRUE(is_retriable(ErrorCode::kCoordinatorLoadInProgress));
  EXPECT_FALSE(needs_metadata_refresh(ErrorCode::kCoordinatorLoadInProgress));
  EXPECT_FALSE(is_retriable(ErrorCode::kTopicAuthorizationFailed));
}

TEST(ErrorCode, EveryCodeHasAMessage) {
  for (std::int16_t code = -1; code <= kErrorCodeMax; ++code) {
    EXPECT_EQ(to_wire(error_from_wire(code)), code);
    EXPECT_FALSE(name(error_from_wire(code)).empty());
    EXPECT_FALSE(default_message(error_from_wire(code)).empty());
  }
}

TEST(ErrorCode, TakesAnUnknownCodeAsUnknownServerError) {
  EXPECT_EQ(error_from_wire(134), ErrorCode::kUnknownServerError);
  EXPECT_EQ(error_from_wire(-2), ErrorCode::kUnknownServerError);
  EXPECT_EQ(error_from_wire(32767), ErrorCode::kUnknownServerError);
}

}  // namespace
}  // namespace moldau::protocol
