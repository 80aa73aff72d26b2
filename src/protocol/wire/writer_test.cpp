#include "protocol/wire/writer.h"

#include <gtest/gtest.h>

#include <string>

#include "protocol/wire/reader.h"

namespace moldau::wire {
namespace {

std::string hex(Bytes bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const std::byte byte : bytes) {
    out += kDigits[std::to_integer<int>(byte) >> 4];
    out += kDigits[std::to_integer<int>(byte) & 15];
  }
  return out;
}

TEST(Writer, WritesClassicAndCompactForms) {
  Writer writer(0);
  writer.string("ab", false);
  writer.string("ab", true);
  writer.nullable_string(std::optional<std::string_view>(), false);
  writer.nullable_string(std::optional<std::string>(), true);
  writer.bytes(as_bytes("z"), false);
  writer.bytes(as_bytes("z"), true);
  writer.nullable_bytes(std::optional<Bytes>(), false);
  writer.array_of(std::vector<std::int16_t>{1, 2}, true);
  writer.nullable_array_of(std::optional<std::vector<Uuid>>(), false);
  writer.boolean(true);
  EXPECT_EQ(hex(writer.bytes()),
            "00026162"
            "036162"
            "ffff"
            "00"
            "000000017a"
            "027a"
            "ffffffff"
            "0300010002"
            "ffffffff"
            "01");
}

TEST(Writer, GrowsAndGivesItsBufferAway) {
  Writer writer(1);
  for (int i = 0; i < 10'000; ++i) {
    writer.int32(i);
  }
  EXPECT_EQ(writer.position(), 40'000U);
  ByteVector taken = writer.take();
  EXPECT_EQ(taken.size(), 40'000U);
  EXPECT_EQ(load_be<std::int32_t>(taken.data() + 4 * 9'999), 9'999);
  EXPECT_EQ(writer.position(), 0U);
  const std::size_t capacity = taken.capacity();
  Writer again(std::move(taken));
  again.int8(1);
  EXPECT_GE(again.take().capacity(), capacity);
}

TEST(Writer, PutsTheLengthOfATaggedFieldBeforeItAtAnySize) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{127}, std::size_t{128},
                                 std::size_t{16'383}, std::size_t{16'384}, std::size_t{2'100'000}}) {
    Writer writer;
    const ByteVector content(size, std::byte{0x42});
    const std::size_t begin = writer.begin_tagged_field(3);
    writer.raw(content);
    writer.end_tagged_field(begin);
    writer.int8(7);
    Reader reader(writer.bytes());
    EXPECT_EQ(reader.uvarint(), 3U);
    ASSERT_EQ(reader.uvarint(), size);
    EXPECT_TRUE(equal(reader.raw(size), content));
    EXPECT_EQ(reader.int8(), 7);
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(reader.remaining(), 0U);
  }
}

TEST(Writer, NestsTaggedFields) {
  Writer writer;
  const std::size_t outer = writer.begin_tagged_field(0);
  const std::size_t inner = writer.begin_tagged_field(1);
  writer.raw(ByteVector(200, std::byte{1}));
  writer.end_tagged_field(inner);
  writer.end_tagged_field(outer);
  Reader reader(writer.bytes());
  EXPECT_EQ(reader.uvarint(), 0U);
  EXPECT_EQ(reader.uvarint(), 203U);
  EXPECT_EQ(reader.uvarint(), 1U);
  EXPECT_EQ(reader.uvarint(), 200U);
  EXPECT_EQ(reader.remaining(), 200U);
}

TEST(Writer, NotesWhereForeignBytesBelong) {
  Writer writer;
  writer.int32(0);
  writer.records(Records::spliced(7, 1'000), true);
  writer.int8(1);
  writer.nullable_records(Records::spliced(8, 50), false);
  writer.nullable_records(Records(as_bytes("abc")), false);
  ASSERT_EQ(writer.splices().size(), 2U);
  EXPECT_EQ(writer.splices()[0].position, 6U);  // after the length 1001 in two bytes
  EXPECT_EQ(writer.splices()[0].size_bytes, 1'000U);
  EXPECT_EQ(writer.splices()[0].index, 7U);
  EXPECT_EQ(writer.splices()[1].position, 11U);
  EXPECT_EQ(writer.splices()[1].index, 8U);
  EXPECT_EQ(writer.total_bytes(), writer.position() + 1'050);
  writer.patch_int32(0, static_cast<std::int32_t>(writer.total_bytes() - 4));
  Reader reader(writer.bytes());
  EXPECT_EQ(reader.int32(), 1'064);
}

TEST(Writer, AStringTooLongIsAStickyFailure) {
  Writer writer;
  const std::string longest(32'767, 'x');
  writer.string(longest, false);
  writer.string(longest, true);
  EXPECT_TRUE(writer.ok());
  writer.string(longest + "x", true);
  EXPECT_FALSE(writer.ok());
  writer.int8(1);
  EXPECT_FALSE(writer.ok());
  writer.clear();
  EXPECT_TRUE(writer.ok());
}

TEST(Writer, WritesUnknownTagsByRange) {
  UnknownTags tags;
  tags.add(0, as_bytes("a"));
  tags.add(2, as_bytes("b"));
  tags.add(7, {});
  Writer writer;
  writer.unknown_tags(tags, 0, 1);
  EXPECT_EQ(hex(writer.bytes()), "000161");
  writer.unknown_tags(tags, 2);
  EXPECT_EQ(hex(writer.bytes()),
            "000161"
            "020162"
            "0700");
}

TEST(WriterDeathTest, NullWhereAValueMustBeIsOurBug) {
  Writer writer;
  EXPECT_DEATH(writer.nullable_string(std::optional<std::string_view>(), true, false), "null_allowed");
}

}  // namespace
}  // namespace moldau::wire
