#include "sim/checker/compacted_topic.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace moldau::sim {
namespace {

// Key 0 at offsets 0 and 2, deleted at 3; key 1 at 1. Sent at 1,000 ms, one a millisecond.
class CompactedTopicTest : public ::testing::Test {
 protected:
  CompactedTopicTest() {
    for (std::size_t i = 0; i < sent_.size(); ++i) {
      checker_.on_acked(checker_.on_sent(sent_[i]), 1, Offset(static_cast<std::int64_t>(i)), true, kEra);
    }
  }

  bool read(const std::vector<std::uint64_t>& offsets, std::int64_t now_ms, Era era = kEra) {
    checker_.begin_reading(Offset(0), Offset(4), era);
    for (const std::uint64_t at : offsets) {
      read_one(at, at);
    }
    return checker_.end_reading(now_ms, era);
  }
  void read_one(std::uint64_t at, std::uint64_t number) {
    const Upsert& upsert = sent_[number];
    const std::string key = CompactedTopic::key_of(upsert.key);
    const auto value = CompactedTopic::value_of(number, upsert);
    checker_.on_read(Offset(static_cast<std::int64_t>(at)), number, as_bytes(key),
                     value ? std::optional(Bytes(*value)) : std::nullopt, upsert.timestamp);
  }

  static constexpr Era kEra{.life = 1, .power_cuts = 0};
  std::vector<Upsert> sent_{{.key = 0, .timestamp = 1'000},
                            {.key = 1, .timestamp = 1'001},
                            {.key = 0, .timestamp = 1'002},
                            {.key = 0, .tombstone = true, .timestamp = 1'003}};
  std::vector<std::string> faults_;
  CompactedTopic::Report report_{[this](std::string line) { faults_.push_back(std::move(line)); }};
  CompactedTopic checker_{report_, {.delete_retention_ms = 100, .min_compaction_lag_ms = 50, .idempotent = true}};
};

TEST_F(CompactedTopicTest, WhatIsSupersededMayGoOnceItIsOldEnough) {
  EXPECT_TRUE(read({0, 1, 2, 3}, 1'010));
  EXPECT_TRUE(read({1, 3}, 1'060));
  EXPECT_TRUE(read({1}, 1'200)) << "so may the tombstone";
  EXPECT_TRUE(faults_.empty());
}

TEST_F(CompactedTopicTest, NothingYoungGoes) {
  EXPECT_TRUE(read({1, 2, 3}, 1'010));
  EXPECT_EQ(faults_.size(), 1U);
}

TEST_F(CompactedTopicTest, ALostKeyCountsWhenTheNextReadingSaysItToo) {
  EXPECT_FALSE(read({3}, 1'200));
  EXPECT_TRUE(faults_.empty());
  EXPECT_FALSE(read({3}, 1'200));
  EXPECT_EQ(faults_.size(), 1U);
}

TEST_F(CompactedTopicTest, ATombstoneStaysForAWhileAndThenNothingComesBack) {
  EXPECT_FALSE(read({1}, 1'090));
  EXPECT_FALSE(read({0, 1}, 1'200));
  EXPECT_EQ(faults_.size(), 1U);
  EXPECT_TRUE(read({1}, 1'300));
}

TEST_F(CompactedTopicTest, OffsetsAndContentsAreKept) {
  checker_.begin_reading(Offset(0), Offset(4), kEra);
  read_one(0, 1);
  read_one(1, 1);
  read_one(3, 3);
  EXPECT_TRUE(checker_.end_reading(1'200, kEra));
  EXPECT_EQ(faults_.size(), 2U) << "another record at 0, and one that is there twice";
}

TEST_F(CompactedTopicTest, APowerCutMayTakeWhatWasNotSynced) {
  const Era later{.life = 2, .power_cuts = 1};
  checker_.on_acked(checker_.on_sent({.key = 1, .timestamp = 1'004}), 1, Offset(4), false, kEra);
  EXPECT_EQ(checker_.acked_end(kEra), Offset(5));
  EXPECT_EQ(checker_.acked_end(later), Offset(4));
  EXPECT_TRUE(read({1, 3}, 1'200, later));
  EXPECT_TRUE(faults_.empty());
}

}  // namespace
}  // namespace moldau::sim
