// Bytes that change behind the broker's back below the durable end: found, said, and not cut away.
#include <gtest/gtest.h>

#include "protocol/messages/fetch_request.h"
#include "protocol/messages/fetch_response.h"
#include "sim/scenario/scenario.h"

namespace moldau::sim {
namespace {

using protocol::ErrorCode;

ErrorCode fetch_error(Scenario& scenario) {
  protocol::FetchRequest request;
  request.max_bytes = 1 << 20;
  auto& topic = request.topics.emplace_back();
  topic.topic = "t";
  auto& partition = topic.partitions.emplace_back();
  partition.partition_max_bytes = 1 << 20;
  ErrorCode error = ErrorCode::kNone;
  scenario.call(request, 12, [&](const protocol::FetchResponse& response) {
    error = protocol::error_from_wire(response.responses.at(0).partitions.at(0).error_code);
  });
  return error;
}

TEST(Damage, BelowTheDurableEndIsFencedAndNotCut) {
  constexpr std::int16_t kAcksAll = -1;
  const std::string path = "/data/t-0/00000000000000000000.log";
  BrokerSettings settings;
  settings.checkpoint_interval = std::chrono::minutes(1);  // the recovery point stays below
  Scenario scenario(1, settings);
  scenario.start();
  scenario.create_topic("t");
  for (std::int64_t offset = 0; offset < 3; ++offset) {
    ASSERT_EQ(scenario.produce("t", kAcksAll, "value").offset, Offset(offset));
  }
  scenario.run_for(std::chrono::seconds(3));  // the durable end reaches its file each second
  scenario.crash(CrashKind::kKill);
  constexpr std::uint64_t kInTheSecondBatch = 140;
  ASSERT_TRUE(scenario.disk().flip_bit(path, kInTheSecondBatch, 3));
  scenario.start();
  EXPECT_EQ(fetch_error(scenario), ErrorCode::kKafkaStorageError);
  EXPECT_EQ(scenario.produce("t", kAcksAll, "more").error, ErrorCode::kKafkaStorageError);
  // Whole again, nothing is missing: nothing was cut.
  scenario.crash(CrashKind::kKill);
  ASSERT_TRUE(scenario.disk().flip_bit(path, kInTheSecondBatch, 3));
  scenario.start();
  EXPECT_EQ(fetch_error(scenario), ErrorCode::kNone);
  EXPECT_EQ(scenario.produce("t", kAcksAll, "more").offset, Offset(3));
}

}  // namespace
}  // namespace moldau::sim
