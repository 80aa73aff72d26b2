// A tail that a reader saw and a crash lost: what the broker tells that reader afterwards.
#include <gtest/gtest.h>

#include "protocol/messages/fetch_request.h"
#include "protocol/messages/fetch_response.h"
#include "protocol/messages/offset_for_leader_epoch_request.h"
#include "protocol/messages/offset_for_leader_epoch_response.h"
#include "protocol/record/batch.h"
#include "sim/scenario/scenario.h"

namespace moldau::sim {
namespace {

using protocol::ErrorCode;

constexpr std::int16_t kAcksLeader = 1;
constexpr std::int16_t kAcksAll = -1;
constexpr std::uint64_t kSeeds = 40;

struct Fetched {
  ErrorCode error = ErrorCode::kNone;
  std::vector<LeaderEpoch> epochs;  // of the records
  LeaderEpoch diverging_epoch = kNoLeaderEpoch;
  Offset diverging_end = kNoOffset;
};

class LostTail : public ::testing::Test {
 protected:
  Fetched fetch(std::int64_t from, LeaderEpoch last_epoch) {
    protocol::FetchRequest request;
    request.min_bytes = 0;
    request.max_bytes = 1 << 20;
    auto& topic = request.topics.emplace_back();
    topic.topic = "t";
    auto& partition = topic.partitions.emplace_back();
    partition.fetch_offset = from;
    partition.last_fetched_epoch = last_epoch.value();
    partition.partition_max_bytes = 1 << 20;
    Fetched fetched;
    scenario->call(request, 12, [&](const protocol::FetchResponse& response) {
      const auto& data = response.responses.at(0).partitions.at(0);
      fetched.error = protocol::error_from_wire(data.error_code);
      fetched.diverging_epoch = LeaderEpoch(data.diverging_epoch.epoch);
      fetched.diverging_end = Offset(data.diverging_epoch.end_offset);
      record::BatchIterator batches(data.records ? data.records->bytes() : Bytes());
      for (auto batch = batches.next(); batch && *batch; batch = batches.next()) {
        fetched.epochs.push_back((*batch)->header.leader_epoch);
      }
    });
    return fetched;
  }

  Offset end_of_epoch(LeaderEpoch epoch) {
    protocol::OffsetForLeaderEpochRequest request;
    auto& topic = request.topics.emplace_back();
    topic.topic = "t";
    auto& partition = topic.partitions.emplace_back();
    partition.leader_epoch = epoch.value();
    Offset end = kNoOffset;
    scenario->call(request, 4, [&](const protocol::OffsetForLeaderEpochResponse& response) {
      EXPECT_EQ(response.topics.at(0).partitions.at(0).error_code, 0);
      EXPECT_EQ(response.topics.at(0).partitions.at(0).leader_epoch, epoch.value());
      end = Offset(response.topics.at(0).partitions.at(0).end_offset);
    });
    return end;
  }

  // One record that is synced, three that are not, all read; then the power goes, and the broker comes back. True if
  // the disk lost some of the three.
  bool lose_a_tail(std::uint64_t seed) {
    scenario = std::make_unique<Scenario>(seed);
    scenario->start();
    scenario->create_topic("t");
    EXPECT_EQ(scenario->produce("t", kAcksAll, "kept").offset, Offset(0));
    for (std::int64_t offset = 1; offset < 4; ++offset) {
      EXPECT_EQ(scenario->produce("t", kAcksLeader, "maybe lost").offset, Offset(offset));
    }
    const Fetched before = fetch(0, kNoLeaderEpoch);
    EXPECT_EQ(before.epochs.size(), 4U);
    old_epoch = before.epochs.empty() ? kNoLeaderEpoch : before.epochs.back();
    scenario->crash(CrashKind::kPowerCut);
    scenario->start();
    kept_end = scenario->log_end("t");
    EXPECT_GE(kept_end, Offset(1)) << "an acknowledged record is lost";
    return kept_end < Offset(4);
  }

  std::unique_ptr<Scenario> scenario;
  LeaderEpoch old_epoch = kNoLeaderEpoch;
  Offset kept_end{0};
};

TEST_F(LostTail, IsShownByOffsetForLeaderEpochAndByFetch) {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    if (!lose_a_tail(seed)) {
      continue;
    }
    ++lost;
    // Others write on, over the offsets that the reader knows.
    for (std::int64_t offset = kept_end.value(); offset < 5; ++offset) {
      ASSERT_EQ(scenario->produce("t", kAcksAll, "new").offset, Offset(offset)) << "seed " << seed;
    }
    // The reader asks where its last epoch ended: before what it has read.
    EXPECT_EQ(end_of_epoch(old_epoch), kept_end) << "seed " << seed;
    // It fetches on and is told the same, and gets no record over the gap.
    const Fetched told = fetch(4, old_epoch);
    EXPECT_EQ(told.error, ErrorCode::kNone) << "seed " << seed;
    EXPECT_EQ(told.diverging_epoch, old_epoch) << "seed " << seed;
    EXPECT_EQ(told.diverging_end, kept_end) << "seed " << seed;
    EXPECT_TRUE(told.epochs.empty()) << "seed " << seed;
    // It goes back to there, and reads what others wrote, under a higher epoch.
    const Fetched after = fetch(kept_end.value(), old_epoch);
    EXPECT_EQ(after.diverging_end, kNoOffset) << "seed " << seed;
    ASSERT_FALSE(after.epochs.empty()) << "seed " << seed;
    EXPECT_GT(after.epochs.front(), old_epoch) << "seed " << seed;
  }
  EXPECT_GE(lost, 5) << "the disk lost too little for this test to mean something";
}

TEST_F(LostTail, IsShownBeforeAnybodyWritesAgain) {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    if (!lose_a_tail(seed)) {
      continue;
    }
    ++lost;
    EXPECT_EQ(end_of_epoch(old_epoch), kept_end) << "seed " << seed;
    const Fetched told = fetch(4, old_epoch);
    EXPECT_EQ(told.diverging_epoch, old_epoch) << "seed " << seed;
    EXPECT_EQ(told.diverging_end, kept_end) << "seed " << seed;
  }
  EXPECT_GE(lost, 5);
}

}  // namespace
}  // namespace moldau::sim
