#include "sim/checker/shrinking_topic.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sim/checker/record_name.h"

namespace moldau::sim {
namespace {

// Ten records of 100 bytes, sent at 1,000 ms, 1,010 ms, …
class ShrinkingTopicTest : public ::testing::Test {
 protected:
  void fill(ShrinkingTopic& topic) {
    for (std::int64_t i = 0; i < 10; ++i) {
      topic.on_acked(topic.on_sent(1'000 + 10 * i), 1, Offset(i), 100);
    }
  }
  static void read(ShrinkingTopic& topic, std::int64_t start) {
    topic.begin_reading(Offset(start), Offset(10));
    for (std::int64_t i = start; i < 10; ++i) {
      const ByteVector value =
          value_of({.producer = kShrinkProducer, .partition = 0, .number = static_cast<std::uint64_t>(i)});
      topic.on_read(Offset(i), value, 1'000 + 10 * i);
    }
    topic.end_reading();
  }

  std::vector<std::string> faults_;
  ShrinkingTopic::Report report_{[this](std::string line) { faults_.push_back(std::move(line)); }};
};

TEST_F(ShrinkingTopicTest, I29RecordsGoWhenTheyAreOlderThanRetention) {
  ShrinkingTopic topic(report_, {.retention_ms = 50});
  fill(topic);
  topic.on_log_start(Offset(2), Offset(0), 1'061);
  EXPECT_TRUE(faults_.empty());
  topic.on_log_start(Offset(2), Offset(0), 1'060);
  EXPECT_EQ(faults_.size(), 1U) << "the record at 1 was sent at 1,010";
}

TEST_F(ShrinkingTopicTest, I29OrWhenEnoughIsLeftWithoutThem) {
  ShrinkingTopic topic(report_, {.retention_bytes = 500});
  fill(topic);
  topic.on_log_start(Offset(5), Offset(0), 1'100);
  topic.on_log_start(Offset(6), Offset(0), 1'100);  // an unanswered batch may have counted
  EXPECT_TRUE(faults_.empty());
  topic.on_log_start(Offset(7), Offset(0), 1'100);
  EXPECT_EQ(faults_.size(), 1U);
}

TEST_F(ShrinkingTopicTest, G11DeletedRecordsStayGone) {
  ShrinkingTopic topic(report_, {});
  fill(topic);
  topic.on_delete_sent(Offset(4));
  topic.on_log_start(Offset(4), Offset(0), 1'100);
  topic.on_deleted(Offset(4));
  topic.on_log_start(Offset(4), topic.deleted(), 1'100);
  EXPECT_TRUE(faults_.empty());
  topic.on_log_start(Offset(3), topic.deleted(), 1'100);
  topic.on_log_start(Offset(5), topic.deleted(), 1'100);
  EXPECT_EQ(faults_.size(), 2U);
}

TEST_F(ShrinkingTopicTest, ListOffsetsByTimeIsWhatAScanGives) {
  ShrinkingTopic topic(report_, {.retention_ms = 50});
  fill(topic);
  read(topic, 2);
  topic.on_offset_for_time(1'030, Offset(3), Offset(2));
  topic.on_offset_for_time(1'031, Offset(4), Offset(2));
  topic.on_offset_for_time(1'000, Offset(2), Offset(2));
  topic.on_offset_for_time(1'000, Offset(4), Offset(5));  // the front went between the two answers
  topic.on_offset_for_time(1'091, kNoOffset, Offset(2));
  EXPECT_TRUE(faults_.empty());
  topic.on_offset_for_time(1'030, Offset(4), Offset(2));
  topic.on_offset_for_time(1'030, Offset(2), Offset(2));
  topic.on_offset_for_time(1'030, kNoOffset, Offset(2));
  topic.on_offset_for_time(1'091, Offset(9), Offset(2));
  EXPECT_EQ(faults_.size(), 4U);
}

TEST_F(ShrinkingTopicTest, WhatIsThereIsWhatWasAcknowledged) {
  ShrinkingTopic topic(report_, {});
  fill(topic);
  read(topic, 0);
  EXPECT_TRUE(faults_.empty());
  topic.begin_reading(Offset(0), Offset(9));
  topic.end_reading();
  EXPECT_EQ(faults_.size(), 2U) << "one is missing at the end, and none was read";
}

}  // namespace
}  // namespace moldau::sim
