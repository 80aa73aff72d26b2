#include "broker/net/chunk_pool.h"

#include <vector>

#include <gtest/gtest.h>

#include "broker/testing/table_rig.h"

namespace moldau::broker::testing {
namespace {

using Claim = ChunkPool::Claim;

struct CountedPool {
  explicit CountedPool(std::size_t memory)
      : pool({.memory_bytes_max = memory, .store_bytes_max = kMiB}, [this] { ++rooms; }) {}
  int rooms = 0;
  ChunkPool pool;
};

TEST(ChunkPool, OrdinaryClaimsLeaveOneEighth) {
  CountedPool p(8 * kMiB);
  std::vector<ChunkRef> taken;
  while (ChunkRef chunk = p.pool.try_take(kMiB, Claim::kOrdinary)) {
    taken.push_back(std::move(chunk));
  }
  EXPECT_EQ(p.pool.in_use_bytes(), 7 * kMiB);
  EXPECT_FALSE(p.pool.try_take(4 * kKiB, Claim::kOrdinary));
}

TEST(ChunkPool, TheReserveIsForSmallFramesAndEnds) {
  CountedPool p(8 * kMiB);
  std::vector<ChunkRef> taken;
  while (ChunkRef chunk = p.pool.try_take(kMiB, Claim::kOrdinary)) {
    taken.push_back(std::move(chunk));
  }
  while (ChunkRef chunk = p.pool.try_take(64 * kKiB, Claim::kSmall)) {
    taken.push_back(std::move(chunk));
  }
  EXPECT_EQ(p.pool.in_use_bytes(), 8 * kMiB);
  EXPECT_FALSE(p.pool.try_take(1, Claim::kSmall));
}

TEST(ChunkPool, OneFrameGoesOnBeyondTheLimitAndNoSecond) {
  CountedPool p(8 * kMiB);
  ChunkRef most = p.pool.try_take(4 * kMiB, Claim::kOrdinary);
  ChunkRef oldest = p.pool.try_take(32 * kMiB, Claim::kOldest);
  ASSERT_TRUE(oldest);
  EXPECT_EQ(p.pool.beyond_limit_bytes(), 32 * kMiB);
  EXPECT_FALSE(p.pool.try_take(16 * kMiB, Claim::kOldest)) << "a second frame beyond the limit";
  ChunkRef grown = p.pool.try_take(64 * kMiB, Claim::kOldest, oldest.operator->());
  EXPECT_TRUE(grown) << "the same frame in a bigger chunk";
  oldest.reset();
  EXPECT_FALSE(p.pool.try_take(16 * kMiB, Claim::kOldest));
  grown.reset();
  EXPECT_TRUE(p.pool.try_take(16 * kMiB, Claim::kOldest));
}

TEST(ChunkPool, TheOldestTakesOrdinaryMemoryWhileThereIsSome) {
  CountedPool p(8 * kMiB);
  const ChunkRef oldest = p.pool.try_take(4 * kMiB, Claim::kOldest);
  EXPECT_EQ(p.pool.beyond_limit_bytes(), 0U);
  EXPECT_FALSE(p.pool.try_take(4 * kMiB, Claim::kOrdinary));
}

TEST(ChunkPool, AFrameBeyondTheLimitTakesNothingFromTheOthers) {
  CountedPool p(8 * kMiB);
  const ChunkRef oldest = p.pool.try_take(64 * kMiB, Claim::kOldest);
  EXPECT_TRUE(p.pool.try_take(4 * kMiB, Claim::kOrdinary));
}

TEST(ChunkPool, BytesInTransitCount) {
  CountedPool p(8 * kMiB);
  p.pool.send_off(4 * kMiB, false);
  EXPECT_FALSE(p.pool.try_take(4 * kMiB, Claim::kOrdinary));
  p.pool.arrived(4 * kMiB, false);
  EXPECT_EQ(p.rooms, 1);
  EXPECT_TRUE(p.pool.try_take(4 * kMiB, Claim::kOrdinary));
}

TEST(ChunkPool, ReferencesKeepAChunkAndTheLastGivesItBack) {
  CountedPool p(8 * kMiB);
  ChunkRef first = p.pool.try_take(64 * kKiB, Claim::kOrdinary);
  ChunkRef second = first;
  EXPECT_EQ(first->references(), 2U);
  first.reset();
  EXPECT_EQ(p.rooms, 0);
  second.reset();
  EXPECT_EQ(p.rooms, 1);
  EXPECT_EQ(p.pool.in_use_bytes(), 0U);
}

TEST(ChunkPool, FreeChunksStayWarmUpToTheStore) {
  CountedPool p(64 * kMiB);
  {
    std::vector<ChunkRef> taken;
    for (int i = 0; i < 8; ++i) {
      taken.push_back(p.pool.try_take(256 * kKiB, Claim::kOrdinary));
    }
  }
  EXPECT_EQ(p.pool.stored_bytes(), kMiB);
  ChunkRef reused = p.pool.try_take(256 * kKiB, Claim::kOrdinary);
  EXPECT_EQ(p.pool.stored_bytes(), kMiB - 256 * kKiB);
}

TEST(ChunkPool, AChunkHasAtLeastTheBytesAskedFor) {
  CountedPool p(64 * kMiB);
  EXPECT_EQ(p.pool.try_take(1, Claim::kOrdinary)->capacity(), ChunkPool::kChunkBytesMin);
  EXPECT_EQ(p.pool.try_take(64 * kKiB, Claim::kOrdinary)->capacity(), 64 * kKiB);
  EXPECT_EQ(p.pool.try_take(64 * kKiB + 1, Claim::kOrdinary)->capacity(), 128 * kKiB);
}

}  // namespace
}  // namespace moldau::broker::testing
