#include <gtest/gtest.h>

#include "replication/partition/testing/partition_fixture.h"

namespace moldau::replication {
namespace {

using namespace std::chrono_literals;
using PartitionTest = testing::PartitionFixture;

std::weak_ptr<const runtime::File> file_read_by(Partition& partition) {
  return partition.read(testing::PartitionFixture::from(0))->slice.file;
}

TEST_F(PartitionTest, AnUnusedPartitionKeepsNoOpenFile) {
  open_leader();
  ASSERT_TRUE(append(3));
  settle();
  const auto file = file_read_by(*partition);
  ASSERT_FALSE(file.expired());
  shard.pass(30s);
  partition->release_if_unused_since(shard.clock().now() - 60s);
  EXPECT_FALSE(file.expired()) << "it was used within the minute";
  shard.pass(31s);
  partition->release_if_unused_since(shard.clock().now() - 60s);
  EXPECT_TRUE(file.expired());
  EXPECT_GT(partition->read(from(0))->slice.size, 0U) << "opened again";
  ASSERT_TRUE(append(1));
  settle();
  EXPECT_EQ(partition->durable_end(), Offset(4));
}

TEST_F(PartitionTest, WhatIsUnsyncedIsSyncedBeforeTheFilesOfAnUnusedPartitionGo) {
  open_leader();
  ASSERT_TRUE(append(3, Acks::kLeader));
  const auto file = file_read_by(*partition);
  shard.pass(61s);
  partition->release_if_unused_since(shard.clock().now() - 60s);
  EXPECT_FALSE(file.expired());
  EXPECT_EQ(partition->durable_end(), Offset(0));
  settle();
  EXPECT_EQ(partition->durable_end(), Offset(3));
  partition->release_if_unused_since(shard.clock().now() - 60s);
  EXPECT_TRUE(file.expired());
}

TEST_F(PartitionTest, APollAtTheEndOfTheLogKeepsNoFileOpen) {
  open_leader();
  ASSERT_TRUE(append(3));
  settle();
  const auto file = file_read_by(*partition);
  for (int i = 0; i < 61; ++i) {
    shard.pass(1s);
    ASSERT_TRUE(partition->read(from(3)));
  }
  partition->release_if_unused_since(shard.clock().now() - 60s);
  EXPECT_TRUE(file.expired());
}

TEST_F(PartitionTest, Semantics21AProducerIdleForTooLongIsForgottenAndMayStartAnywhere) {
  PartitionConfig config;
  config.log.producer_id_expiration_ms = 86'400'000;
  open_leader(config);
  const auto produce = [this](std::int32_t sequence) {
    return append(1, Acks::kLeader,
                  {.producer_id = ProducerId(9), .producer_epoch = ProducerEpoch(0), .base_sequence = sequence},
                  AppendOrigin::kClient, kNoLeaderEpoch, shard.clock().wall_ms());
  };
  ASSERT_TRUE(produce(0));
  shard.pass(24h - 1s);
  partition->expire_producers();
  EXPECT_EQ(partition->log()->producer_count(), 1U);
  EXPECT_EQ(produce(5).error().code, protocol::ErrorCode::kOutOfOrderSequenceNumber);
  shard.pass(2s);
  partition->expire_producers();
  EXPECT_EQ(partition->log()->producer_count(), 0U);
  EXPECT_TRUE(produce(5));
}

}  // namespace
}  // namespace moldau::replication
