#include "protocol/record/varint.h"

#include <gtest/gtest.h>

#include <limits>

#include "protocol/record/testing/batches.h"

namespace moldau::record {
namespace {

using testing::bytes_of;

template <class T>
const std::byte* read(const ByteVector& bytes, T& value) {
  const std::byte* const end = bytes.data() + bytes.size();
  if constexpr (sizeof(T) == 8) {
    return read_varlong(bytes.data(), end, value);
  } else {
    return read_varint(bytes.data(), end, value);
  }
}

TEST(Varint, RoundTripsAtTheEdges) {
  for (int shift = 0; shift < 64; ++shift) {
    for (std::int64_t wobble = -1; wobble <= 1; ++wobble) {
      const auto magnitude =
          static_cast<std::int64_t>((std::uint64_t{1} << shift) + static_cast<std::uint64_t>(wobble));
      const auto negated = static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(magnitude));
      for (const std::int64_t expected : {magnitude, negated}) {
        ByteVector bytes;
        testing::append_varint(bytes, expected);
        EXPECT_EQ(bytes.size(), varlong_size(expected));
        std::int64_t value = 0;
        EXPECT_EQ(read(bytes, value), bytes.data() + bytes.size());
        EXPECT_EQ(value, expected);
        if (expected == static_cast<std::int32_t>(expected)) {
          std::int32_t narrow = 0;
          EXPECT_EQ(read(bytes, narrow), bytes.data() + bytes.size());
          EXPECT_EQ(narrow, expected);
        }
        bytes.pop_back();
        EXPECT_EQ(read(bytes, value), nullptr);
      }
    }
  }
}

TEST(Varint, RefusesNumbersThatDoNotEnd) {
  std::int32_t value = 0;
  EXPECT_EQ(read(bytes_of({0x80, 0x80, 0x80, 0x80, 0x80, 0x00}), value), nullptr);
  std::int64_t wide = 0;
  EXPECT_EQ(read(ByteVector(11, std::byte{0xff}), wide), nullptr);
}

TEST(Varint, TakesLongFormsAndDropsBitsThatDoNotFit) {
  std::int32_t value = -1;
  EXPECT_NE(read(bytes_of({0x82, 0x80, 0x80, 0x80, 0x00}), value), nullptr);
  EXPECT_EQ(value, 1);
  EXPECT_NE(read(bytes_of({0xff, 0xff, 0xff, 0xff, 0x7f}), value), nullptr);
  EXPECT_EQ(value, std::numeric_limits<std::int32_t>::min());
  std::int64_t wide = 0;
  EXPECT_NE(read(bytes_of({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}), wide), nullptr);
  EXPECT_EQ(wide, std::numeric_limits<std::int64_t>::min());
}

}  // namespace
}  // namespace moldau::record
