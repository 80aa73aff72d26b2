#include "base/bytes.h"
#include "base/callback.h"
#include "base/crc32c.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/uuid.h"

#include <memory>
#include <random>

#include <gtest/gtest.h>

namespace moldau {
namespace {

TEST(Uuid, PrintsAsKafkaDoes) {
  EXPECT_EQ(Uuid{}.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
  EXPECT_EQ((Uuid{0, 1}).to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
}

TEST(Uuid, ParsesWhatItPrints) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) {
    const Uuid id{random(), random()};
    EXPECT_EQ(Uuid::parse(id.to_string()).value(), id);
  }
}

TEST(Uuid, RefusesWrongLengthAndAlphabet) {
  EXPECT_EQ(Uuid::parse("AAAA").error().kind(), ErrorKind::kInvalid);
  EXPECT_EQ(Uuid::parse("AAAAAAAAAAAAAAAAAAAA+/").error().kind(), ErrorKind::kInvalid);
}

TEST(Crc32c, MatchesTheKnownVectors) {
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xE306'9283U);
  EXPECT_EQ(crc32c({}), 0U);
  const ByteVector zeros(32, std::byte{0});
  EXPECT_EQ(crc32c(zeros), 0x8A91'36AAU);
}

TEST(Crc32c, CombinesAnySplit) {
  std::mt19937_64 random(2);
  ByteVector data(1000);
  for (auto& byte : data) {
    byte = static_cast<std::byte>(random());
  }
  const auto whole = crc32c(data);
  for (std::size_t split = 0; split <= data.size(); split += 37) {
    const Bytes a = Bytes(data).first(split);
    const Bytes b = Bytes(data).subspan(split);
    EXPECT_EQ(crc32c_combine(crc32c(a), crc32c(b), b.size()), whole) << split;
    EXPECT_EQ(crc32c_extend(crc32c(a), b), whole) << split;
  }
}

TEST(Bytes, LoadsWhatItStoresBigEndian) {
  std::array<std::byte, 8> raw{};
  store_be<std::int32_t>(raw.data(), 0x01020304);
  EXPECT_EQ(raw[0], std::byte{1});
  EXPECT_EQ(load_be<std::int32_t>(raw.data()), 0x01020304);
  store_be<std::int64_t>(raw.data(), -2);
  EXPECT_EQ(load_be<std::int64_t>(raw.data()), -2);
}

TEST(Callback, RunsSmallAndLargeCapturesAndMoves) {
  int runs = 0;
  Callback small = [&runs] { ++runs; };
  std::array<char, 200> big{};
  big[199] = 3;
  Callback large = [&runs, big] { runs += big[199]; };
  Callback moved = std::move(large);
  EXPECT_FALSE(large);  // NOLINT(bugprone-use-after-move)
  small();
  moved();
  EXPECT_EQ(runs, 4);
}

TEST(Callback, DestroysItsCaptureOnce) {
  auto shared = std::make_shared<int>(1);
  {
    Callback callback = [shared] {};
    EXPECT_EQ(shared.use_count(), 2);
    Callback other = std::move(callback);
    EXPECT_EQ(shared.use_count(), 2);
  }
  EXPECT_EQ(shared.use_count(), 1);
}

Result<int> half(int x) {
  if (x % 2 != 0) {
    return fail(ErrorKind::kInvalid, "odd", 0, x);
  }
  return x / 2;
}
Result<int> quarter(int x) {
  MOLDAU_TRY(h, half(x));
  return half(h);
}

TEST(Result, TryPassesTheErrorOn) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().detail(), 3);
  EXPECT_EQ(quarter(6).error().message(), "invalid: odd (at 3)");
}

TEST(Strong, ArithmeticIsByCount) {
  EXPECT_EQ((Offset{5} + 3).value(), 8);
  EXPECT_EQ(Offset{8} - Offset{5}, 3);
  EXPECT_LT(Offset{1}, Offset{2});
}

}  // namespace
}  // namespace moldau
