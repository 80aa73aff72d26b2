#include "broker/partitions/topic_traffic.h"

#include <gtest/gtest.h>

namespace moldau::broker {
namespace {

using protocol::ErrorCode;

const Uuid kTopic{1, 2};
const Uuid kOther{3, 4};

TEST(TopicTraffic, CountsWhatIsAppendedAndFetchedByTopic) {
  TopicTraffic traffic;
  traffic.on_appended(kTopic, 3, 100);
  traffic.on_appended(kTopic, 1, 50);
  traffic.on_fetched(kOther, 70);
  EXPECT_EQ(traffic.topics().at(kTopic).messages_in, 4U);
  EXPECT_EQ(traffic.topics().at(kTopic).bytes_in, 150U);
  EXPECT_EQ(traffic.topics().at(kTopic).produce_requests, 2U);
  EXPECT_EQ(traffic.topics().at(kOther).bytes_out, 70U);
}

TEST(TopicTraffic, WhatKafkaKnowsWellIsNoFailure) {
  TopicTraffic traffic;
  traffic.on_append_refused(kTopic, ErrorCode::kCorruptMessage, 10, record::RejectionCause::kInvalidCrc);
  traffic.on_append_refused(kTopic, ErrorCode::kNotLeaderOrFollower, 10);
  traffic.on_append_refused(kTopic, ErrorCode::kMessageTooLarge, 10);
  EXPECT_EQ(traffic.topics().at(kTopic).produce_failures, 0U);
  EXPECT_EQ(traffic.topics().at(kTopic).invalid_crc, 1U);
  EXPECT_EQ(traffic.topics().at(kTopic).bytes_rejected, 10U);
  traffic.on_append_refused(kTopic, ErrorCode::kInvalidRecord, 10, record::RejectionCause::kNoKey);
  traffic.on_append_refused(kTopic, ErrorCode::kInvalidRecord, 10, record::RejectionCause::kInvalidMagic);
  traffic.on_append_refused(kTopic, ErrorCode::kInvalidTimestamp, 10);
  traffic.on_append_refused(kTopic, ErrorCode::kInvalidRecord, 10, record::RejectionCause::kInvalidOffsetOrSequence);
  EXPECT_EQ(traffic.topics().at(kTopic).produce_failures, 4U);
  EXPECT_EQ(traffic.topics().at(kTopic).produce_requests, 7U);
  EXPECT_EQ(traffic.topics().at(kTopic).no_key, 1U);
  EXPECT_EQ(traffic.topics().at(kTopic).invalid_magic, 1U);
  EXPECT_EQ(traffic.topics().at(kTopic).invalid_offset_or_sequence, 1U);

  traffic.on_read(kTopic, ErrorCode::kOffsetOutOfRange);
  traffic.on_read(kTopic, ErrorCode::kNone);
  EXPECT_EQ(traffic.topics().at(kTopic).fetch_failures, 0U);
  traffic.on_read(kTopic, ErrorCode::kUnknownServerError);
  EXPECT_EQ(traffic.topics().at(kTopic).fetch_failures, 1U);
  EXPECT_EQ(traffic.topics().at(kTopic).fetch_requests, 3U);
}

TEST(TopicTraffic, ADeletedTopicLeavesItsPartOfTheTotal) {
  TopicTraffic traffic;
  traffic.on_appended(kTopic, 3, 100);
  traffic.on_appended(kOther, 1, 20);
  traffic.on_topic_deleted(kTopic);
  traffic.on_topic_deleted(kTopic);
  EXPECT_FALSE(traffic.topics().contains(kTopic));
  EXPECT_EQ(traffic.of_deleted().bytes_in, 100U);
  EXPECT_EQ(traffic.of_deleted().messages_in, 3U);
}

}  // namespace
}  // namespace moldau::broker
