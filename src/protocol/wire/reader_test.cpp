#include "protocol/wire/reader.h"

#include <gtest/gtest.h>

#include <initializer_list>

#include "protocol/wire/writer.h"

namespace moldau::wire {
namespace {

ByteVector frame(std::initializer_list<int> values) {
  ByteVector out;
  for (const int value : values) {
    out.push_back(static_cast<std::byte>(value));
  }
  return out;
}

TEST(Reader, ReadsFixedNumbersBigEndian) {
  const ByteVector bytes = frame({0xFF, 0x01, 0x02, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0});
  Reader reader(bytes);
  EXPECT_EQ(reader.int8(), -1);
  EXPECT_EQ(reader.int16(), 0x0102);
  EXPECT_EQ(reader.int32(), static_cast<std::int32_t>(0x80000001));
  EXPECT_EQ(reader.int64(), 0x100);
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.remaining(), 0U);
  EXPECT_EQ(reader.int8(), 0);
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.error().kind(), ErrorKind::kTruncated);
}

TEST(Reader, AnyByteButZeroIsTrue) {
  const ByteVector bytes = frame({0, 1, 2, 255});
  Reader reader(bytes);
  EXPECT_FALSE(reader.boolean());
  EXPECT_TRUE(reader.boolean());
  EXPECT_TRUE(reader.boolean());
  EXPECT_TRUE(reader.boolean());
}

TEST(Reader, KeepsTheFirstErrorAndStandsAtTheEnd) {
  const ByteVector bytes = frame({0, 5, 1});
  Reader reader(bytes);
  EXPECT_EQ(reader.string(false), "");
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.error().kind(), ErrorKind::kTruncated);
  EXPECT_EQ(reader.remaining(), 0U);
  reader.fail(ErrorKind::kInvalid, "later");
  EXPECT_EQ(reader.error().kind(), ErrorKind::kTruncated);
}

TEST(Reader, VarintsEndAfterFiveAndTenBytes) {
  const ByteVector longest = frame({0xFF, 0xFF, 0xFF, 0xFF, 0x0F});
  Reader fits(longest);
  EXPECT_EQ(fits.uvarint(), 0xFFFF'FFFFU);
  EXPECT_TRUE(fits.ok());
  const ByteVector six = frame({0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01});
  Reader refused(six);
  (void)refused.uvarint();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::kInvalid);
  const ByteVector eleven(11, std::byte{0x80});
  Reader refused_long(eleven);
  (void)refused_long.uvarlong();
  EXPECT_FALSE(refused_long.ok());
  const ByteVector cut = frame({0x80, 0x80});
  Reader truncated(cut);
  (void)truncated.uvarint();
  ASSERT_FALSE(truncated.ok());
  EXPECT_EQ(truncated.error().kind(), ErrorKind::kTruncated);
}

TEST(Reader, ZigZagVarintsGoBothWays) {
  for (const std::int64_t value : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1}, std::int64_t{-64},
                                   std::int64_t{64}, std::int64_t{2147483647}, std::int64_t{-2147483648}}) {
    Writer writer;
    writer.varint(static_cast<std::int32_t>(value));
    writer.varlong(value);
    writer.varlong(value * 4'000'000'000 / 2);
    Reader reader(writer.bytes());
    EXPECT_EQ(reader.varint(), value);
    EXPECT_EQ(reader.varlong(), value);
    EXPECT_EQ(reader.varlong(), value * 4'000'000'000 / 2);
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(reader.remaining(), 0U);
  }
}

TEST(Reader, RefusesNullWhereAValueMustBe) {
  const ByteVector classic = frame({0xFF, 0xFF, 0xFF, 0xFF});
  const ByteVector compact = frame({0});
  Reader a(classic);
  (void)a.string(false);
  EXPECT_EQ(a.error().kind(), ErrorKind::kInvalid);
  Reader b(compact);
  (void)b.string(true);
  EXPECT_EQ(b.error().kind(), ErrorKind::kInvalid);
  Reader c(classic);
  (void)c.bytes(false);
  EXPECT_EQ(c.error().kind(), ErrorKind::kInvalid);
  Reader d(compact);
  (void)d.array_of<std::int32_t>(true);
  EXPECT_EQ(d.error().kind(), ErrorKind::kInvalid);
  Reader e(compact);
  EXPECT_EQ(e.nullable_string(true), std::nullopt);
  EXPECT_TRUE(e.ok());
  Reader f(compact);
  EXPECT_TRUE(f.nullable_string(true, false).has_value());
  EXPECT_FALSE(f.ok());
  Reader g(classic);
  EXPECT_EQ(g.nullable_array_of<std::int32_t>(false), std::nullopt);
  EXPECT_TRUE(g.ok());
}

TEST(Reader, RefusesAStringAbove32767Bytes) {
  Writer writer;
  writer.uvarint(32'768 + 1);
  const ByteVector body(40'000, std::byte{'x'});
  writer.raw(body);
  Reader reader(writer.bytes());
  (void)reader.string(true);
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.error().kind(), ErrorKind::kTooLarge);
}

TEST(Reader, AHugeCompactLengthIsTruncatedNotNull) {
  const ByteVector bytes = frame({0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 1, 2, 3});
  Reader reader(bytes);
  EXPECT_TRUE(reader.nullable_bytes(true).has_value());
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.error().kind(), ErrorKind::kTruncated);
}

TEST(Reader, ACountBeyondTheFrameAllocatesNothing) {
  for (const bool compact : {false, true}) {
    Writer writer;
    if (compact) {
      writer.uvarint(2'147'483'647);
    } else {
      writer.int32(2'147'483'647);
    }
    writer.int32(7);
    Reader reader(writer.bytes());
    const std::size_t budget = reader.budget();
    const std::vector<std::int64_t> values = reader.array_of<std::int64_t>(compact);
    EXPECT_EQ(values.capacity(), 0U);
    EXPECT_EQ(reader.budget(), budget);
    ASSERT_FALSE(reader.ok());
    EXPECT_EQ(reader.error().kind(), ErrorKind::kTruncated);
  }
}

struct Wide {
  std::int64_t values[64] = {};
};

TEST(Reader, TheElementBudgetFollowsTheFrame) {
  ByteVector bytes(1'000'000, std::byte{1});
  Writer count;
  count.int32(900'000);
  std::copy(count.bytes().begin(), count.bytes().end(), bytes.begin());
  Reader reader(bytes);
  EXPECT_EQ(reader.budget(), 32U * 1'000'000 + (1U << 20));
  std::vector<Wide> wide;
  EXPECT_TRUE(reader.array(wide, false).empty());  // 900,000 x 512 bytes
  EXPECT_EQ(wide.capacity(), 0U);
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.error().kind(), ErrorKind::kTooLarge);
}

TEST(Reader, TheElementBudgetIsSharedByNestedArrays) {
  Writer writer;
  for (int i = 0; i < 200; ++i) {
    writer.int32(100);
    writer.raw(ByteVector(100, std::byte{0}));
  }
  Reader reader(writer.bytes());
  const std::size_t budget = reader.budget();
  int arrays = 0;
  while (reader.remaining() > 0 && reader.ok()) {
    std::vector<Wide> wide;
    arrays += reader.array(wide, false).empty() ? 0 : 1;
    (void)reader.raw(100);
  }
  EXPECT_EQ(reader.error().kind(), ErrorKind::kTooLarge);
  EXPECT_EQ(arrays, static_cast<int>(budget / (100 * sizeof(Wide))));
}

TEST(Reader, TheElementBudgetHasACeiling) {
  const ByteVector bytes(std::size_t{9} << 20);
  EXPECT_EQ(Reader(bytes).budget(), kBudgetMax);
}

TEST(TaggedFields, AreKeptInOrder) {
  const ByteVector bytes = frame({2, 5, 1, 0xAA, 3, 2, 0xBB, 0xCC, 9});
  Reader reader(bytes);
  UnknownTags tags;
  reader.unknown_tags(tags);
  ASSERT_TRUE(reader.ok());
  ASSERT_EQ(tags.size(), 2U);
  EXPECT_EQ(tags[0].tag, 5U);
  EXPECT_EQ(tags[1].tag, 3U);
  EXPECT_EQ(tags[1].data.size(), 2U);
  EXPECT_EQ(reader.int8(), 9);
  Writer writer;
  writer.uvarint(tags.size());
  writer.unknown_tags(tags);
  EXPECT_TRUE(equal(writer.bytes(), Bytes(bytes).first(8)));
}

TEST(TaggedFields, OwnedTagsEqualByContent) {
  const ByteVector bytes = frame({1, 5, 1, 0xAA});
  OwnedUnknownTags a;
  OwnedUnknownTags b;
  Reader(bytes).unknown_tags(a);
  Reader(bytes).unknown_tags(b);
  EXPECT_EQ(a, b);
  b.add(6, {});
  EXPECT_FALSE(a == b);
  const OwnedUnknownTags copy = b;
  EXPECT_EQ(copy, b);
}

TEST(TaggedFields, MoreThanAThousandAreRefusedBeforeAnyIsRead) {
  for (const std::uint32_t count : {1'000U, 1'001U, 0xFFFF'FFFFU}) {
    Writer writer;
    writer.uvarint(count);
    for (std::uint32_t i = 0; i < 1'001; ++i) {
      writer.uvarint(i);
      writer.uvarint(0);
    }
    Reader reader(writer.bytes());
    UnknownTags tags;
    reader.unknown_tags(tags);
    if (count == 1'000) {
      EXPECT_TRUE(reader.ok());
      EXPECT_EQ(tags.size(), 1'000U);
    } else {
      EXPECT_TRUE(tags.empty());
      ASSERT_FALSE(reader.ok());
      EXPECT_EQ(reader.error().kind(), ErrorKind::kTooLarge);
    }
  }
}

TEST(TaggedFields, AFieldEndsWhereItsSizeSays) {
  // Tag 0 announces two bytes; an int32 does not fit, an int8 leaves one over.
  const ByteVector bytes = frame({1, 0, 2, 7, 8, 9, 9, 9});
  Reader longer(bytes);
  for (TaggedFields tags(longer); tags.next();) {
    (void)longer.int32();
  }
  EXPECT_EQ(longer.error().kind(), ErrorKind::kTruncated);
  Reader shorter(bytes);
  for (TaggedFields tags(shorter); tags.next();) {
    (void)shorter.int8();
  }
  EXPECT_EQ(shorter.error().kind(), ErrorKind::kInvalid);
  Reader last(Bytes(bytes).first(5));  // the same where the field ends with the frame
  for (TaggedFields tags(last); tags.next();) {
    (void)last.int8();
  }
  EXPECT_EQ(last.error().kind(), ErrorKind::kInvalid);
  Reader exact(bytes);
  for (TaggedFields tags(exact); tags.next();) {
    EXPECT_EQ(exact.int16(), 0x0708);
  }
  EXPECT_TRUE(exact.ok());
  EXPECT_EQ(exact.remaining(), 3U);
}

TEST(TaggedFields, ASizeBeyondTheFrameIsTruncated) {
  const ByteVector bytes = frame({1, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F});
  Reader reader(bytes);
  UnknownTags tags;
  reader.unknown_tags(tags);
  EXPECT_EQ(reader.error().kind(), ErrorKind::kTruncated);
  EXPECT_TRUE(tags.empty());
}

}  // namespace
}  // namespace moldau::wire
