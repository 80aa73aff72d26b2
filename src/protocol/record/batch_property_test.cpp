// What holds for any batch, shown on random ones. A failure prints the seed.

#include <gtest/gtest.h>

#include "protocol/record/testing/batches.h"
#include "protocol/record/validate.h"

namespace moldau::record {
namespace {

using testing::build;
using testing::PlainRecord;
using testing::RandomRecords;

constexpr std::uint64_t kSeeds = 60;
const ValidationRules kRules{.now_ms = 1'000'000, .batch_bytes_max = 64 << 20};

BatchOptions options_of(std::uint64_t seed) {
  RandomRecords random(~seed);
  BatchOptions options{.codec = static_cast<Codec>(seed % (kCodecIdMax + 1))};
  if (options.codec == Codec::kZstd && random.chance(50)) {
    options.compression_level = static_cast<int>(random.below(8)) + 1;
  }
  if (random.chance(30)) {
    options.producer_id = ProducerId(static_cast<std::int64_t>(random.below(1'000)));
    options.producer_epoch = ProducerEpoch(3);
    options.base_sequence = static_cast<std::int32_t>(random.below(1'000));
    options.is_transactional = random.chance(50);
  }
  return options;
}

TEST(BatchProperty, WhatIsBuiltIsWhatIsWalked) {
  Scratch scratch;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    RandomRecords random(seed);
    const std::vector<PlainRecord> records = random.records(random.below(40));
    const ByteVector bytes = build(records, options_of(seed));
    const auto batch = BatchView::parse(bytes);
    ASSERT_TRUE(batch);
    ASSERT_TRUE(batch->crc_matches());
    EXPECT_EQ(testing::walk(*batch, scratch), records);
  }
}

TEST(BatchProperty, WhatIsBuiltIsAcceptedUnchanged) {
  Scratch scratch;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    RandomRecords random(seed);
    const ByteVector bytes = build(random.records(1 + random.below(40)), options_of(seed));
    ByteVector judged = bytes;
    const auto accepted = validate_produced(judged, kRules, scratch);
    ASSERT_TRUE(accepted) << accepted.error().message;
    EXPECT_EQ(judged, bytes);
  }
}

TEST(BatchProperty, AnyFlippedBitUnderTheCrcIsRefused) {
  Scratch scratch;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    RandomRecords random(seed);
    ByteVector bytes = build({random.record()}, options_of(seed));
    for (int i = 0; i < 50; ++i) {
      const std::size_t at = i < 40 ? kAttributesAt + static_cast<std::size_t>(i)
                                    : kAttributesAt + random.below(bytes.size() - kAttributesAt);
      const auto bit = static_cast<std::byte>(1 << random.below(8));
      bytes[at] ^= bit;
      const auto refused = validate_produced(bytes, kRules, scratch);
      ASSERT_FALSE(refused) << at;
      EXPECT_EQ(refused.error().code, protocol::ErrorCode::kCorruptMessage);
      bytes[at] ^= bit;
    }
  }
}

TEST(BatchProperty, ACorrectedCrcIsTheCrcOfTheCorrectedBytes) {
  Scratch scratch;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    RandomRecords random(seed);
    ByteVector bytes = build(random.records(1 + random.below(10)), options_of(seed));
    bytes = testing::with(bytes, kMaxTimestampAt, static_cast<std::int64_t>(random.engine()()));
    ValidationRules rules = kRules;
    rules.timestamp_type = random.chance(50) ? TimestampType::kLogAppendTime : TimestampType::kCreateTime;
    const auto accepted = validate_produced(bytes, rules, scratch);
    ASSERT_TRUE(accepted) << accepted.error().message;
    EXPECT_TRUE(accepted->corrected);
    EXPECT_EQ(accepted->header.crc, crc32c(Bytes(bytes).subspan(kAttributesAt)));
  }
}

TEST(BatchProperty, ConcatenatedBatchesComeApartAgain) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    RandomRecords random(seed);
    ByteVector bytes;
    std::vector<std::size_t> sizes;
    for (std::size_t i = random.below(6); i > 0; --i) {
      const ByteVector batch = build(random.records(random.below(5)), options_of(seed + i));
      bytes.insert(bytes.end(), batch.begin(), batch.end());
      sizes.push_back(batch.size());
    }
    BatchIterator batches(bytes);
    for (const std::size_t size : sizes) {
      const auto batch = batches.next();
      ASSERT_TRUE(batch && *batch);
      EXPECT_EQ((*batch)->bytes.size(), size);
    }
    const auto end = batches.next();
    EXPECT_TRUE(end && !*end);
    EXPECT_TRUE(batches.tail().empty());
  }
}

}  // namespace
}  // namespace moldau::record
