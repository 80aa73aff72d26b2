#include "broker/net/receive_buffer.h"

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

#include "broker/testing/table_rig.h"

namespace moldau::broker::testing {
namespace {

struct QuietPool {
  explicit QuietPool(std::size_t memory = 1024 * kMiB) : pool({.memory_bytes_max = memory}, [] {}) {}
  ChunkPool pool;
};

// Receives `bytes` as a connection does; false when there was no memory for them.
bool receive(ReceiveBuffer& buffer, ChunkPool& pool, Bytes bytes, bool is_oldest = false) {
  while (!bytes.empty()) {
    if (!buffer.make_room(pool, is_oldest)) {
      return false;
    }
    const MutableBytes space = buffer.space();
    const std::size_t count = std::min(space.size(), bytes.size());
    std::memcpy(space.data(), bytes.data(), count);
    buffer.received(count);
    bytes = bytes.subspan(count);
  }
  return true;
}

TEST(ReceiveBuffer, GrowsWithBytesReceivedNeverWithTheAnnouncedSize) {
  QuietPool p;
  ReceiveBuffer buffer;
  ASSERT_TRUE(receive(buffer, p.pool, size_field(100 << 20)));
  EXPECT_EQ(buffer.capacity(), 64 * kKiB);
  const ByteVector piece(16 * kKiB);
  for (std::size_t got = 4; got < 8 * kMiB; got += piece.size()) {
    ASSERT_TRUE(receive(buffer, p.pool, piece));
    EXPECT_LE(buffer.capacity(), std::max(64 * kKiB, 2 * buffer.size()));
  }
}

TEST(ReceiveBuffer, AFrameThatWasCompletedOnceEarnsItsCapacityUpTo2MiB) {
  QuietPool p;
  ReceiveBuffer buffer;
  ASSERT_TRUE(receive(buffer, p.pool, other_frame(kMiB)));
  (void)buffer.take(kMiB);
  buffer.trim(p.pool);
  ASSERT_TRUE(receive(buffer, p.pool, size_field(100 << 20)));
  EXPECT_EQ(buffer.capacity(), 2 * kMiB);

  ReceiveBuffer greedy;
  ASSERT_TRUE(receive(greedy, p.pool, other_frame(32 * kMiB)));
  (void)greedy.take(32 * kMiB);
  greedy.trim(p.pool);
  ASSERT_TRUE(receive(greedy, p.pool, size_field(100 << 20)));
  EXPECT_EQ(greedy.capacity(), ReceiveBuffer::kEarnedBytesMax);
}

TEST(ReceiveBuffer, ReadsTheSizeFieldWithoutMemoryWhileThereIsNone) {
  QuietPool p(8 * kMiB);
  std::vector<ChunkRef> taken;
  while (ChunkRef chunk = p.pool.try_take(kMiB, ChunkPool::Claim::kOrdinary)) {
    taken.push_back(std::move(chunk));
  }
  ReceiveBuffer large;
  EXPECT_TRUE(receive(large, p.pool, size_field(100 << 20)));
  EXPECT_EQ(large.capacity(), 0U);
  EXPECT_EQ(large.announced(), 100 << 20);
  EXPECT_FALSE(large.make_room(p.pool, false)) << "a large frame has no right to the reserve";
  EXPECT_FALSE(large.wants_small());

  ReceiveBuffer small;
  EXPECT_TRUE(receive(small, p.pool, other_frame(200)));
  EXPECT_EQ(small.capacity(), ChunkPool::kChunkBytesMin);
  EXPECT_TRUE(std::ranges::equal(small.bytes(), other_frame(200)));

  ReceiveBuffer largest_small;
  EXPECT_TRUE(receive(largest_small, p.pool, other_frame(64 * kKiB - 4)));
  ReceiveBuffer one_too_large;
  EXPECT_FALSE(receive(one_too_large, p.pool, other_frame(64 * kKiB - 3)));
}

TEST(ReceiveBuffer, TheSizeFieldMayComeByteByByteWithoutMemory) {
  QuietPool p(8 * kMiB);
  ChunkRef all = p.pool.try_take(4 * kMiB, ChunkPool::Claim::kOrdinary);
  std::vector<ChunkRef> taken;
  while (ChunkRef chunk = p.pool.try_take(4 * kKiB, ChunkPool::Claim::kOrdinary)) {
    taken.push_back(std::move(chunk));
  }
  ReceiveBuffer buffer;
  const ByteVector frame = other_frame(1000);
  for (const std::byte byte : frame) {
    ASSERT_TRUE(receive(buffer, p.pool, Bytes(&byte, 1)));
  }
  EXPECT_TRUE(std::ranges::equal(buffer.bytes(), frame));
}

TEST(ReceiveBuffer, TheOldestGoesOnWhateverIsInUse) {
  QuietPool p(8 * kMiB);
  std::vector<ChunkRef> taken;
  while (ChunkRef chunk = p.pool.try_take(kMiB, ChunkPool::Claim::kOrdinary)) {
    taken.push_back(std::move(chunk));
  }
  ReceiveBuffer buffer;
  EXPECT_TRUE(receive(buffer, p.pool, other_frame(32 * kMiB), true));
  EXPECT_EQ(p.pool.beyond_limit_bytes(), buffer.capacity());
}

TEST(ReceiveBuffer, AFewBytesLeftInAHugeChunkMoveToASmallOne) {
  QuietPool p;
  ReceiveBuffer buffer;
  ASSERT_TRUE(receive(buffer, p.pool, other_frame(16 * kMiB)));
  ASSERT_TRUE(receive(buffer, p.pool, size_field(5000)));
  (void)buffer.take(16 * kMiB);
  EXPECT_GE(buffer.capacity(), 16 * kMiB);
  buffer.trim(p.pool);
  EXPECT_EQ(buffer.capacity(), 64 * kKiB);
  EXPECT_EQ(buffer.announced(), 5000);
  EXPECT_EQ(p.pool.in_use_bytes(), 64 * kKiB);
}

TEST(ReceiveBuffer, NothingLeftGivesTheChunkBack) {
  QuietPool p;
  ReceiveBuffer buffer;
  ASSERT_TRUE(receive(buffer, p.pool, other_frame(100)));
  (void)buffer.take(100);
  buffer.trim(p.pool);
  EXPECT_EQ(p.pool.in_use_bytes(), 0U);
}

TEST(ReceiveBuffer, ASmallFrameTakenCopiedHoldsASmallChunk) {
  QuietPool p;
  ReceiveBuffer buffer;
  const ByteVector sent = other_frame(300);
  ASSERT_TRUE(receive(buffer, p.pool, sent));
  const Frame frame = buffer.take_copied(300, p.pool);
  buffer.trim(p.pool);
  EXPECT_TRUE(std::ranges::equal(frame.bytes, Bytes(sent).subspan(4)));
  EXPECT_EQ(p.pool.in_use_bytes(), ChunkPool::kChunkBytesMin);
}

}  // namespace
}  // namespace moldau::broker::testing
