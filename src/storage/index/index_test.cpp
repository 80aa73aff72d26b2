#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/index/offset_index.h"
#include "storage/index/time_index.h"
#include "storage/index/transaction_index.h"

namespace moldau::storage {
namespace {

constexpr std::uint64_t kSeed = 20260131;

TEST(OffsetIndex, LookupEqualsALinearScan) {  // P3
  std::mt19937_64 random(kSeed);
  SCOPED_TRACE(::testing::Message() << "seed " << kSeed);
  for (int round = 0; round < 200; ++round) {
    const Offset base(static_cast<std::int64_t>(random() % 1'000'000));
    OffsetIndex index(base);
    std::vector<OffsetIndex::Entry> model;
    Offset offset = base;
    std::uint32_t position = 0;
    const std::size_t entries = random() % 60;
    for (std::size_t i = 0; i < entries; ++i) {
      offset = offset + static_cast<std::int64_t>(1 + random() % 50);
      position += static_cast<std::uint32_t>(1 + random() % 9000);
      index.append(offset, position);
      model.push_back({offset, position});
    }
    if (random() % 3 == 0) {
      const Offset cut = base + static_cast<std::int64_t>(random() % 1500);
      index.truncate_to(cut);
      std::erase_if(model, [&](const auto& entry) { return entry.offset >= cut; });
    }
    auto parsed = OffsetIndex::parse(to_vector(index.bytes()), base, position + 1ULL);
    ASSERT_TRUE(parsed) << parsed.error().message();
    for (int probe = 0; probe < 50; ++probe) {
      const Offset target = base + static_cast<std::int64_t>(random() % 1600) - 10;
      OffsetIndex::Entry expected{base, 0};
      for (const auto& entry : model) {
        if (entry.offset <= target) {
          expected = entry;
        }
      }
      ASSERT_EQ(parsed->lookup(target), expected);
      const std::uint64_t at = random() % 300'000;
      std::optional<OffsetIndex::Entry> behind;
      for (auto it = model.rbegin(); it != model.rend(); ++it) {
        if (it->position >= at) {
          behind = *it;
        }
      }
      ASSERT_EQ(parsed->first_from_position(at), behind);
    }
  }
}

TEST(OffsetIndex, RefusesWhatCannotBeItsFile) {
  OffsetIndex index(Offset(100));
  index.append(Offset(110), 5000);
  index.append(Offset(120), 10000);
  const ByteVector good = to_vector(index.bytes());
  EXPECT_TRUE(OffsetIndex::parse(good, Offset(100), 10001));
  EXPECT_FALSE(OffsetIndex::parse(good, Offset(100), 10000)) << "an entry beyond the log";
  ByteVector zero_tail = good;
  zero_tail.resize(good.size() + 800);
  EXPECT_EQ(OffsetIndex::parse(zero_tail, Offset(100), 1 << 20).error().detail(), 2) << "a preallocated tail";
  ByteVector torn = good;
  torn.resize(13);
  EXPECT_FALSE(OffsetIndex::parse(torn, Offset(100), 1 << 20));
  ByteVector negative = good;
  negative[0] = std::byte{0x80};
  EXPECT_FALSE(OffsetIndex::parse(negative, Offset(100), 1 << 20));
  EXPECT_TRUE(OffsetIndex::parse({}, Offset(100), 0));
}

TEST(OffsetIndex, WritesKafkasBytes) {
  OffsetIndex index(Offset(1000));
  index.append(Offset(1258), 0x01020304);
  const ByteVector expected = {std::byte{0}, std::byte{0}, std::byte{1}, std::byte{2},
                               std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  EXPECT_TRUE(equal(index.bytes(), expected));
  EXPECT_FALSE(index.can_append(Offset(999)));
  EXPECT_TRUE(index.can_append(Offset(1000 + 0x7fff'ffffLL)));
  EXPECT_FALSE(index.can_append(Offset(1000 + 0x8000'0000LL)));
}

TEST(TimeIndex, LookupEqualsALinearScan) {  // P3
  std::mt19937_64 random(kSeed);
  SCOPED_TRACE(::testing::Message() << "seed " << kSeed);
  for (int round = 0; round < 200; ++round) {
    const Offset base(static_cast<std::int64_t>(random() % 1'000'000));
    TimeIndex index(base);
    std::vector<TimeIndex::Entry> model;
    Offset offset = base;
    for (std::size_t i = 0, n = random() % 60; i < n; ++i) {
      offset = offset + static_cast<std::int64_t>(random() % 50);
      const auto timestamp = static_cast<std::int64_t>(1000 + i * 10 + random() % 30);
      const bool younger = model.empty() || timestamp > model.back().timestamp;
      ASSERT_EQ(index.maybe_append(timestamp, offset), younger);
      if (younger) {
        model.push_back({timestamp, offset});
      }
    }
    const auto parsed = TimeIndex::parse(to_vector(index.bytes()), base);
    ASSERT_TRUE(parsed);
    for (int probe = 0; probe < 50; ++probe) {
      const auto target = static_cast<std::int64_t>(random() % 2000);
      TimeIndex::Entry expected{kNoTimestamp, base};
      for (const auto& entry : model) {
        if (entry.timestamp <= target) {
          expected = entry;
        }
      }
      ASSERT_EQ(parsed->lookup(target), expected);
    }
    const Offset cut = base + static_cast<std::int64_t>(random() % 1500);
    index.truncate_to(cut);
    std::erase_if(model, [&](const auto& entry) { return entry.offset >= cut; });
    ASSERT_EQ(index.count(), model.size());
  }
}

TEST(TimeIndex, KeepsOneSlotForTheClosingEntry) {
  TimeIndex index(Offset(0));
  EXPECT_FALSE(index.full(24));
  index.maybe_append(5, Offset(1));
  EXPECT_TRUE(index.full(24));
  EXPECT_TRUE(index.full(12)) << "no room for any other";
}

TEST(TimeIndex, RefusesDisorder) {
  TimeIndex index(Offset(0));
  index.maybe_append(5, Offset(1));
  index.maybe_append(6, Offset(2));
  ByteVector bytes = to_vector(index.bytes());
  bytes.resize(bytes.size() + 12);
  EXPECT_EQ(TimeIndex::parse(bytes, Offset(0)).error().detail(), 2);
  bytes.resize(25);
  EXPECT_FALSE(TimeIndex::parse(bytes, Offset(0)));
}

TEST(TransactionIndex, FindsWhatTouchesTheRange) {
  TransactionIndex index;
  index.append({ProducerId(1), Offset(10), Offset(20), Offset(15)});
  index.append({ProducerId(2), Offset(15), Offset(30), Offset(31)});
  index.append({ProducerId(3), Offset(40), Offset(50), Offset(51)});
  std::vector<AbortedTxn> found;
  EXPECT_FALSE(index.collect(Offset(0), Offset(100), found));
  EXPECT_EQ(found.size(), 3U);
  found.clear();
  EXPECT_TRUE(index.collect(Offset(21), Offset(31), found)) << "the second transaction closes the range";
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].producer_id, ProducerId(2));
  index.truncate_to(Offset(30));
  EXPECT_EQ(index.entries().size(), 1U);
  const auto parsed = TransactionIndex::parse(index.bytes(), Offset(5));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->entries(), index.entries());
}

TEST(TransactionIndex, RefusesWhatCannotBeItsFile) {
  TransactionIndex index;
  index.append({ProducerId(1), Offset(10), Offset(20), Offset(15)});
  ByteVector bytes = index.bytes();
  EXPECT_FALSE(TransactionIndex::parse(bytes, Offset(21))) << "a marker below the segment";
  bytes.resize(40);
  EXPECT_FALSE(TransactionIndex::parse(bytes, Offset(0)));
  bytes.resize(34);
  bytes[1] = std::byte{1};
  EXPECT_FALSE(TransactionIndex::parse(bytes, Offset(0)));
}

}  // namespace
}  // namespace moldau::storage
