#include "broker/net/partial_frames.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moldau::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(PartialFrames, TheLargestIsClosedFirst) {
  EXPECT_THAT(frames_to_close({{1, 64}, {2, 4096}, {3, 512}}, 1), ElementsAre(2));
}

TEST(PartialFrames, ClosingEndsWhenThereIsRoom) {
  EXPECT_THAT(frames_to_close({{1, 64}, {2, 4096}, {3, 512}}, 4097), ElementsAre(2, 3));
  EXPECT_THAT(frames_to_close({{1, 64}, {2, 4096}, {3, 512}}, 4096), ElementsAre(2));
}

TEST(PartialFrames, NoneIsClosedWhileNothingIsMissing) {
  EXPECT_THAT(frames_to_close({{1, 64}, {2, 4096}}, 0), IsEmpty());
}

TEST(PartialFrames, AllAreClosedIfThatIsNotEnough) {
  EXPECT_THAT(frames_to_close({{1, 64}, {2, 4096}}, 1 << 20), ElementsAre(2, 1));
}

TEST(PartialFrames, OfEqualOnesTheOlderConnectionGoesFirst) {
  EXPECT_THAT(frames_to_close({{7, 64}, {3, 64}, {5, 64}}, 65), ElementsAre(3, 5));
}

}  // namespace
}  // namespace moldau::broker
