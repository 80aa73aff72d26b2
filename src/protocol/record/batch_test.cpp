#include "protocol/record/batch.h"

#include <gtest/gtest.h>

#include <limits>

#include "protocol/record/testing/batches.h"

namespace moldau::record {
namespace {

using testing::build;
using testing::PlainRecord;
using testing::with;

constexpr auto kIntMax = std::numeric_limits<std::int32_t>::max();

TEST(Sequence, WrapsToZeroBehindTheGreatest) {
  EXPECT_EQ(increment_sequence(5, 3), 8);
  EXPECT_EQ(increment_sequence(kIntMax, 0), kIntMax);
  EXPECT_EQ(increment_sequence(kIntMax, 1), 0);
  EXPECT_EQ(increment_sequence(kIntMax - 1, 4), 2);
  EXPECT_EQ(decrement_sequence(0, 1), kIntMax);
  EXPECT_EQ(decrement_sequence(2, 4), kIntMax - 1);
  EXPECT_EQ(decrement_sequence(8, 3), 5);
}

TEST(BatchHeader, StoresAndLoadsEachField) {
  const BatchHeader header{.base_offset = Offset(0x0102030405060708),
                           .length = 49,
                           .leader_epoch = LeaderEpoch(0x11121314),
                           .crc = 0xa1a2a3a4,
                           .attributes = 0x007f,
                           .last_offset_delta = 0x21222324,
                           .base_timestamp = 0x3132333435363738,
                           .max_timestamp = 0x4142434445464748,
                           .producer_id = ProducerId(0x5152535455565758),
                           .producer_epoch = ProducerEpoch(0x6162),
                           .base_sequence = 0x71727374,
                           .record_count = 0x01020304};
  ByteVector bytes(kBatchHeaderBytes);
  header.store(bytes.data());
  const auto parsed = BatchHeader::parse(bytes);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed, header);
  EXPECT_EQ(bytes[kMagicAt], std::byte{2});
  EXPECT_EQ(bytes[kLastOffsetDeltaAt], std::byte{0x21});
  EXPECT_EQ(bytes[kProducerEpochAt], std::byte{0x61});
}

TEST(BatchHeader, ReadsTheAttributes) {
  BatchHeader header;
  EXPECT_EQ(header.codec(), Codec::kNone);
  EXPECT_FALSE(header.is_compressed() || header.is_transactional() || header.is_control() ||
               header.has_delete_horizon() || header.has_producer_id());
  header.attributes = 0x7c;
  header.producer_id = ProducerId(0);
  EXPECT_EQ(header.codec(), Codec::kZstd);
  EXPECT_EQ(header.timestamp_type(), TimestampType::kLogAppendTime);
  EXPECT_TRUE(header.is_compressed() && header.is_transactional() && header.is_control() &&
              header.has_delete_horizon() && header.has_producer_id());
  header.attributes = 5;
  EXPECT_EQ(header.codec(), std::nullopt);
}

TEST(BatchHeader, GivesTimesAndSequences) {
  BatchHeader header{.last_offset_delta = 4, .base_timestamp = 100, .max_timestamp = 700, .base_sequence = kIntMax - 1};
  EXPECT_EQ(header.timestamp_at(-5), 95);
  EXPECT_EQ(header.last_sequence(), 2);
  header.attributes = kLogAppendTimeBit;
  EXPECT_EQ(header.timestamp_at(-5), 700);
  header.base_sequence = kNoSequence;
  EXPECT_EQ(header.last_sequence(), kNoSequence);
}

TEST(BatchHeader, HostileOffsetsAndTimesWrap) {
  const BatchHeader header{.base_offset = Offset(std::numeric_limits<std::int64_t>::max()),
                           .last_offset_delta = 1,
                           .base_timestamp = std::numeric_limits<std::int64_t>::max()};
  EXPECT_EQ(header.last_offset().value(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(header.timestamp_at(1), std::numeric_limits<std::int64_t>::min());
}

TEST(BatchView, RefusesWhatIsNoBatch) {
  const ByteVector good = build({PlainRecord{}});
  EXPECT_EQ(BatchView::parse(Bytes(good).first(kBytesUpToMagic - 1)).error().kind(), ErrorKind::kTruncated);
  EXPECT_EQ(BatchView::parse(Bytes(good).first(kBatchHeaderBytes - 1)).error().kind(), ErrorKind::kTruncated);
  EXPECT_EQ(BatchView::parse(Bytes(good).first(good.size() - 1)).error().kind(), ErrorKind::kTruncated);
  const auto damaged = [&good](std::size_t at, auto value) {
    ByteVector bytes = good;
    store_be(bytes.data() + at, value);
    return BatchView::parse(bytes).error().kind();
  };
  EXPECT_EQ(damaged(kMagicAt, std::int8_t{0}), ErrorKind::kUnsupported);
  EXPECT_EQ(damaged(kMagicAt, std::int8_t{1}), ErrorKind::kUnsupported);
  EXPECT_EQ(damaged(kMagicAt, std::int8_t{3}), ErrorKind::kCorrupt);
  EXPECT_EQ(damaged(kMagicAt, std::int8_t{-1}), ErrorKind::kCorrupt);
  EXPECT_EQ(damaged(kLengthAt, 48), ErrorKind::kCorrupt);
  EXPECT_EQ(damaged(kLengthAt, -1), ErrorKind::kCorrupt);
  EXPECT_EQ(damaged(kLengthAt, kIntMax), ErrorKind::kTruncated);
}

TEST(BatchIterator, GivesEachBatchAndThePartialTail) {
  ByteVector bytes = build({PlainRecord{.value = "a"}});
  const std::size_t first = bytes.size();
  const ByteVector second = build({PlainRecord{.value = "bb"}}, {.base_offset = Offset(1)});
  bytes.insert(bytes.end(), second.begin(), second.end());
  const std::size_t whole = bytes.size();
  bytes.insert(bytes.end(), second.begin(), second.end() - 1);

  BatchIterator batches(bytes);
  auto batch = batches.next();
  ASSERT_TRUE(batch && *batch);
  EXPECT_EQ((*batch)->bytes.size(), first);
  batch = batches.next();
  ASSERT_TRUE(batch && *batch);
  EXPECT_EQ((*batch)->header.base_offset, Offset(1));
  EXPECT_TRUE((*batch)->crc_matches());
  for (int i = 0; i < 2; ++i) {
    batch = batches.next();
    ASSERT_TRUE(batch);
    EXPECT_FALSE(*batch);
    EXPECT_EQ(batches.position(), whole);
    EXPECT_EQ(batches.tail().size(), second.size() - 1);
  }
}

TEST(BatchIterator, StopsAtDamage) {
  ByteVector bytes = build({PlainRecord{}});
  const std::size_t first = bytes.size();
  bytes.resize(first + 30, std::byte{0});  // a length of 0
  BatchIterator batches(bytes);
  ASSERT_TRUE(batches.next());
  for (int i = 0; i < 2; ++i) {
    const auto batch = batches.next();
    ASSERT_FALSE(batch);
    EXPECT_EQ(batch.error().kind(), ErrorKind::kCorrupt);
    EXPECT_EQ(batches.position(), first);
  }
}

TEST(BatchIterator, EmptyBytesHoldNoBatch) {
  BatchIterator batches(Bytes{});
  const auto batch = batches.next();
  ASSERT_TRUE(batch);
  EXPECT_FALSE(*batch);
}

TEST(NextFrame, NamesWhatStandsThere) {
  const ByteVector good = build({PlainRecord{}});
  EXPECT_EQ(next_frame(good).framing, Framing::kBatch);
  EXPECT_EQ(next_frame(good).size_bytes, good.size());
  EXPECT_EQ(next_frame(Bytes(good).first(11)).framing, Framing::kPartial);
  EXPECT_EQ(next_frame(Bytes(good).first(16)).framing, Framing::kPartial);
  EXPECT_EQ(next_frame(with(good, kMagicAt, std::int8_t{1})).magic, 1);
  EXPECT_EQ(next_frame(with(good, kMagicAt, std::int8_t{3})).framing, Framing::kCorrupt);
  ByteVector damaged = good;
  store_be(damaged.data() + kLengthAt, 13);
  EXPECT_EQ(next_frame(Bytes(damaged).first(12)).framing, Framing::kCorrupt);
  store_be(damaged.data() + kLengthAt, kIntMax);  // size + 12 does not fit an int32
  EXPECT_EQ(next_frame(damaged).framing, Framing::kPartial);
}

}  // namespace
}  // namespace moldau::record
