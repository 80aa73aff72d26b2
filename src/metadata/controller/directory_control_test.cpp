#include "metadata/controller/directory_control.h"

#include <gtest/gtest.h>

#include "metadata/controller/testing/driver.h"

namespace moldau::metadata {
namespace {

using testing::Driver;

constexpr Uuid kFirst{7, 1};
constexpr Uuid kSecond{7, 2};

struct TwoDirectories : ::testing::Test {
  TwoDirectories() {
    RegisterBroker registration = driver.registration(1, 1);
    registration.log_dirs = {kFirst, kSecond};
    EXPECT_TRUE(driver.apply(driver.controller.register_broker(
        registration, Offset(static_cast<std::int64_t>(driver.log.size())), driver.now)));
    driver.unfence(1);
    EXPECT_EQ(driver.create("a", {{NodeId(1)}}), ApiError{});
  }
  [[nodiscard]] AssignReplicasToDirs request(const Uuid& directory) const {
    return {.broker = NodeId(1),
            .epoch = driver.epoch_of(1),
            .assignments = {{{driver.image().topic("a")->id, PartitionIndex(0)}, directory}}};
  }
  std::vector<ErrorCode> assign(const AssignReplicasToDirs& asked) {
    const auto outcome = driver.apply(driver.controller.assign_replicas_to_dirs(asked));
    return outcome ? *outcome : std::vector{outcome.error().code};
  }

  Driver driver;
};

TEST_F(TwoDirectories, ANewReplicaIsUnassignedUntilItsBrokerTellsWhereItIs) {
  EXPECT_EQ(driver.partition("a").directories, std::vector{kUnassignedDirectory});
  EXPECT_EQ(assign(request(kSecond)), std::vector{ErrorCode::kNone});
  EXPECT_EQ(driver.partition("a").directories, std::vector{kSecond});
  EXPECT_EQ(driver.partition("a").leader, NodeId(1));
  const std::int32_t epoch = driver.partition("a").partition_epoch;
  EXPECT_EQ(assign(request(kSecond)), std::vector{ErrorCode::kNone});
  EXPECT_EQ(driver.partition("a").partition_epoch, epoch) << "nothing changed";
}

TEST_F(TwoDirectories, Semantics62OneThatFailsTakesItsReplicasOutOfService) {
  ASSERT_EQ(driver.create("b", {{NodeId(1)}}), ApiError{});
  ASSERT_EQ(assign(request(kSecond)), std::vector{ErrorCode::kNone});
  BrokerHeartbeat beat = driver.beat(1);
  beat.offline_log_dirs = {kSecond};
  ASSERT_TRUE(driver.apply(driver.controller.heartbeat(beat, driver.now)));
  EXPECT_EQ(driver.partition("a").leader, kNoNode);
  EXPECT_EQ(driver.partition("b").leader, NodeId(1));
  EXPECT_EQ(driver.image().broker(NodeId(1))->directories().size(), 1U);
}

TEST_F(TwoDirectories, AReplicaThatIsSaidToBeInALostOneStopsLeading) {
  EXPECT_EQ(assign(request(kLostDirectory)), std::vector{ErrorCode::kNone});
  EXPECT_EQ(driver.partition("a").directories, std::vector{kLostDirectory});
  EXPECT_EQ(driver.partition("a").leader, kNoNode);
}

TEST_F(TwoDirectories, RefusesWhatIsNotThere) {
  auto asked = request(kFirst);
  asked.assignments[0].partition.partition = PartitionIndex(3);
  EXPECT_EQ(assign(asked), std::vector{ErrorCode::kUnknownTopicOrPartition});
  asked.assignments[0].partition.topic_id = Uuid{1, 99};
  EXPECT_EQ(assign(asked), std::vector{ErrorCode::kUnknownTopicId});
  driver.bring_up(2);
  asked = request(kFirst);
  asked.broker = NodeId(2);
  asked.epoch = driver.epoch_of(2);
  EXPECT_EQ(assign(asked), std::vector{ErrorCode::kNotLeaderOrFollower});
  asked.epoch = BrokerEpoch(12345);
  EXPECT_EQ(assign(asked), std::vector{ErrorCode::kStaleBrokerEpoch});
}

}  // namespace
}  // namespace moldau::metadata
