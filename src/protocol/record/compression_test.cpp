#include "protocol/record/compression.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/record/testing/batches.h"
#include "protocol/record/xxhash32.h"

namespace moldau::record {
namespace {

using testing::bytes_of;
using testing::kBytesMax;
using testing::RandomRecords;

ByteVector compressed(Codec codec, Bytes plain) {
  ByteVector out;
  compress(codec, plain, out);
  return out;
}

// "" where the codec refuses, for easy comparison; no test here expects the empty text.
std::string plain_text(Codec codec, Bytes bytes) {
  ByteVector out;
  return decompress(codec, bytes, out, kBytesMax) ? std::string(as_text(out)) : std::string();
}

ByteVector operator+(ByteVector a, const ByteVector& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(Codec, NamesAndIdsAreKafkas) {
  EXPECT_EQ(name(Codec::kGzip), "gzip");
  EXPECT_EQ(name(Codec::kZstd), "zstd");
  EXPECT_EQ(codec_from_name("snappy"), Codec::kSnappy);
  EXPECT_EQ(codec_from_name("none"), Codec::kNone);
  EXPECT_EQ(codec_from_name("uncompressed"), std::nullopt);
  EXPECT_EQ(codec_from_id(3), Codec::kLz4);
  EXPECT_EQ(codec_from_id(5), std::nullopt);
}

TEST(Codec, LevelsAreBoundedAsKafkasConfigurationBoundsThem) {
  const auto bounds = [](Codec codec, int least, int most) {
    return is_valid_level(codec, least) && is_valid_level(codec, most) && !is_valid_level(codec, least - 3) &&
           !is_valid_level(codec, most + 1);
  };
  EXPECT_TRUE(bounds(Codec::kGzip, 1, 9));
  EXPECT_TRUE(is_valid_level(Codec::kGzip, -1));
  EXPECT_FALSE(is_valid_level(Codec::kGzip, 0));
  EXPECT_TRUE(bounds(Codec::kLz4, 1, 17));
  EXPECT_TRUE(bounds(Codec::kZstd, -131'072, 22));
}

TEST(Compression, RoundTripsEachSizeAroundTheBlockBorders) {
  RandomRecords random(7);
  for (int id = 0; id <= kCodecIdMax; ++id) {
    for (const std::size_t border : {0UL, 1UL, 32UL << 10, 64UL << 10, 128UL << 10, 300'000UL}) {
      for (const std::size_t size : {border, border + 1, border - std::min<std::size_t>(border, 1)}) {
        ByteVector plain(size);
        std::size_t run = 0;
        for (std::byte& byte : plain) {  // half noise, half runs
          byte = run > 0 ? std::byte{7} : static_cast<std::byte>(random.engine()());
          run = run > 0 ? run - 1 : random.below(30);
        }
        ByteVector out;
        ASSERT_TRUE(decompress(static_cast<Codec>(id), compressed(static_cast<Codec>(id), plain), out, size)) << size;
        EXPECT_TRUE(equal(out, plain)) << id << " " << size;
      }
    }
  }
}

TEST(Compression, RoundTripsAtEachLevel) {
  const std::string text = std::string(5'000, 'a') + "bcdefg" + std::string(70'000, 'h');
  const auto round_trips = [&text](Codec codec, int level) {
    ByteVector out;
    compress(codec, level, as_bytes(text), out);
    return plain_text(codec, out) == text;
  };
  for (const int level : {-1, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
    EXPECT_TRUE(round_trips(Codec::kGzip, level)) << level;
  }
  for (int level = 1; level <= 17; ++level) {
    EXPECT_TRUE(round_trips(Codec::kLz4, level)) << level;
  }
  for (const int level : {-131'072, -100, -1, 0, 1, 3, 10, 19, 20, 22}) {
    EXPECT_TRUE(round_trips(Codec::kZstd, level)) << level;
  }
}

TEST(Compression, NeverMakesMoreThanTheLimitAllows) {
  const ByteVector plain(5'000'000, std::byte{0});
  for (int id = 0; id <= kCodecIdMax; ++id) {
    const ByteVector bomb = compressed(static_cast<Codec>(id), plain);
    ByteVector out;
    EXPECT_TRUE(decompress(static_cast<Codec>(id), bomb, out, plain.size()));
    out = ByteVector();
    const auto refused = decompress(static_cast<Codec>(id), bomb, out, 500'000);
    ASSERT_FALSE(refused) << id;
    EXPECT_EQ(refused.error().kind(), ErrorKind::kTooLarge);
    EXPECT_LE(out.capacity(), 2'100'000U);
  }
}

TEST(Gzip, ReadsAHeaderWithEveryField) {
  ByteVector bytes = compressed(Codec::kGzip, as_bytes("text"));
  ASSERT_EQ(bytes[3], std::byte{0});
  bytes[3] = std::byte{0xe0 | 4 | 8 | 16 | 1};  // reserved, extra, name, comment, text
  const ByteVector fields = bytes_of({3, 0, 'x', 'y', 'z', 'n', 0, 'c', 'c', 0});
  bytes.insert(bytes.begin() + 10, fields.begin(), fields.end());
  EXPECT_EQ(plain_text(Codec::kGzip, bytes), "text");
  for (std::size_t size = 0; size < 20; ++size) {
    EXPECT_EQ(plain_text(Codec::kGzip, Bytes(bytes).first(size)), "") << size;
  }
}

TEST(Gzip, ChecksTheHeadersOwnCrc) {
  ByteVector bytes = compressed(Codec::kGzip, as_bytes("text"));
  bytes[3] = std::byte{2};
  bytes[9] = std::byte{3};  // system: Unix
  const ByteVector header = bytes_of({0x1f, 0x8b, 8, 2, 0, 0, 0, 0, 0, 3});
  ASSERT_TRUE(std::equal(header.begin(), header.end(), bytes.begin()));
  const ByteVector crc = bytes_of({0xa7, 0x77});
  ByteVector right = bytes;
  right.insert(right.begin() + 10, crc.begin(), crc.end());
  ByteVector wrong = right;
  wrong[10] ^= std::byte{1};
  EXPECT_EQ(plain_text(Codec::kGzip, wrong), "");
  EXPECT_EQ(plain_text(Codec::kGzip, right), "text");
}

TEST(Gzip, RefusesIncompleteHuffmanCodes) {
  // "a" in a block whose literal code has two symbols of two bits: faster inflaters take it, Java's does not.
  const ByteVector bytes =
      bytes_of({0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0xc0, 0x81, 0x00, 0x00, 0x00,
                0x00, 0x80, 0x20, 0xd6, 0xfd, 0x25, 0x0e, 0x01, 0x43, 0xbe, 0xb7, 0xe8, 0x01, 0x00, 0x00, 0x00});
  EXPECT_EQ(plain_text(Codec::kGzip, bytes), "");
}

TEST(Gzip, ReadsMembersOneAfterTheOther) {
  const ByteVector two = compressed(Codec::kGzip, as_bytes("one")) + compressed(Codec::kGzip, as_bytes("two"));
  EXPECT_EQ(plain_text(Codec::kGzip, two), "onetwo");
}

TEST(Gzip, IgnoresWhatFollowsThatIsNoMember) {
  const ByteVector one = compressed(Codec::kGzip, as_bytes("one"));
  EXPECT_EQ(plain_text(Codec::kGzip, one + ByteVector(3, std::byte{9})), "one");
  EXPECT_EQ(plain_text(Codec::kGzip, one + ByteVector(300, std::byte{9})), "one");
}

TEST(Gzip, RefusesAWrongTrailer) {
  const ByteVector good = compressed(Codec::kGzip, as_bytes("text"));
  for (std::size_t back = 1; back <= 8; ++back) {
    ByteVector bad = good;
    bad[bad.size() - back] ^= std::byte{1};
    EXPECT_EQ(plain_text(Codec::kGzip, bad), "") << back;
  }
}

TEST(Snappy, ReadsARawBlockAsLibrdkafkaSendsIt) {
  // 4 bytes: a literal of 4.
  EXPECT_EQ(plain_text(Codec::kSnappy, bytes_of({4, 0x0c, 't', 'e', 'x', 't'})), "text");
  EXPECT_EQ(plain_text(Codec::kSnappy, bytes_of({5, 0x0c, 't', 'e', 'x', 't'})), "");
  EXPECT_EQ(plain_text(Codec::kSnappy, {}), "");
}

TEST(Snappy, WritesTheXerialFraming) {
  const ByteVector bytes = compressed(Codec::kSnappy, as_bytes("text"));
  const ByteVector expected = bytes_of({0x82, 'S', 'N', 'A', 'P', 'P',  'Y', 0,   0,   0,  0, 1, 0, 0, 0, 1,  //
                                        0,    0,   0,   6,   4,   0x0c, 't', 'e', 'x', 't'});
  EXPECT_EQ(bytes, expected);
}

TEST(Snappy, ReadsChunksAndConcatenatedStreams) {
  const ByteVector one = compressed(Codec::kSnappy, as_bytes("one"));
  const ByteVector two = compressed(Codec::kSnappy, as_bytes("two"));
  EXPECT_EQ(plain_text(Codec::kSnappy, one + two), "onetwo");
  EXPECT_EQ(plain_text(Codec::kSnappy, one + ByteVector(two.begin() + 16, two.end())), "onetwo");
  EXPECT_EQ(plain_text(Codec::kSnappy, one + bytes_of({0, 0, 0})), "one") << "fewer bytes than a size end the stream";
}

TEST(Snappy, RefusesImpossibleChunks) {
  const ByteVector one = compressed(Codec::kSnappy, as_bytes("one"));
  EXPECT_EQ(plain_text(Codec::kSnappy, one + bytes_of({0, 0, 0, 0})), "");
  EXPECT_EQ(plain_text(Codec::kSnappy, one + bytes_of({0, 0, 0, 9, 1})), "");
  EXPECT_EQ(plain_text(Codec::kSnappy, one + bytes_of({0xff, 0, 0, 0, 1})), "");
  EXPECT_EQ(plain_text(Codec::kSnappy, one + bytes_of({0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0})), "");
  ByteVector old_version = one + one;
  old_version[one.size() + 11] = std::byte{0};
  EXPECT_EQ(plain_text(Codec::kSnappy, old_version), "");
}

TEST(Snappy, AClaimedSizeAloneAllocatesNothing) {
  ByteVector out;
  const auto refused = decompress(Codec::kSnappy, bytes_of({0xff, 0xff, 0xff, 0xff, 0x0f, 0}), out, kBytesMax);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), ErrorKind::kCorrupt);
}

TEST(Lz4, WritesKafkasFrame) {
  const ByteVector bytes = compressed(Codec::kLz4, as_bytes("text"));
  // Magic, independent blocks of 64 KiB, header checksum; a stored block of 4; the end mark.
  EXPECT_EQ(bytes, bytes_of({0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, 4, 0, 0, 0x80, 't', 'e', 'x', 't', 0, 0, 0, 0}));
}

ByteVector lz4_frame(int flags, int descriptor, const ByteVector& after_descriptor, const ByteVector& blocks) {
  const ByteVector covered = bytes_of({flags, descriptor}) + after_descriptor;
  return bytes_of({0x04, 0x22, 0x4d, 0x18}) + covered + bytes_of({static_cast<int>(xxhash32(covered) >> 8 & 0xff)}) +
         blocks;
}

TEST(Lz4, ReadsWhatKafkaReadsOfTheFrameFormat) {
  const ByteVector block = bytes_of({4, 0, 0, 0x80, 't', 'e', 'x', 't'});
  const ByteVector end(4, std::byte{0});
  const auto text = [](const ByteVector& bytes) { return plain_text(Codec::kLz4, bytes); };
  EXPECT_EQ(text(lz4_frame(0x60, 0x40, {}, block + end)), "text");
  EXPECT_EQ(text(lz4_frame(0x60, 0x70, {}, block + end)), "text");
  EXPECT_EQ(text(lz4_frame(0x68, 0x40, ByteVector(8, std::byte{9}), block + end)), "text") << "any content size";
  EXPECT_EQ(text(lz4_frame(0x64, 0x40, {}, block + end + end)), "text") << "any content checksum";
  EXPECT_EQ(text(lz4_frame(0x64, 0x40, {}, block + end)), "") << "but it must be there";
  EXPECT_EQ(text(lz4_frame(0x60, 0x40, {}, block + end + block)), "text") << "nothing behind the end mark is read";
  EXPECT_EQ(text(lz4_frame(0x60, 0x40, {}, block)), "");
  EXPECT_EQ(text(lz4_frame(0x40, 0x40, {}, block + end)), "") << "dependent blocks";
  EXPECT_EQ(text(lz4_frame(0x61, 0x40, {}, block + end)), "") << "dictionary id";
  EXPECT_EQ(text(lz4_frame(0x62, 0x40, {}, block + end)), "");
  EXPECT_EQ(text(lz4_frame(0xa0, 0x40, {}, block + end)), "");
  EXPECT_EQ(text(lz4_frame(0x60, 0x30, {}, block + end)), "");
  EXPECT_EQ(text(lz4_frame(0x60, 0xc0, {}, block + end)), "");
  EXPECT_EQ(text(lz4_frame(0x60, 0x41, {}, block + end)), "");
}

TEST(Lz4, ChecksTheHeadersChecksum) {
  ByteVector bytes = compressed(Codec::kLz4, as_bytes("text"));
  bytes[6] ^= std::byte{1};
  EXPECT_EQ(plain_text(Codec::kLz4, bytes), "");
}

TEST(Lz4, ChecksBlockChecksums) {
  const ByteVector content = bytes_of({'t', 'e', 'x', 't'});
  ByteVector sum(4);
  store_be(sum.data(), xxhash32(content));
  std::reverse(sum.begin(), sum.end());
  const ByteVector good =
      lz4_frame(0x70, 0x40, {}, bytes_of({4, 0, 0, 0x80}) + content + sum + ByteVector(4, std::byte{0}));
  EXPECT_EQ(plain_text(Codec::kLz4, good), "text");
  ByteVector bad = good;
  bad[bad.size() - 6] ^= std::byte{1};
  EXPECT_EQ(plain_text(Codec::kLz4, bad), "");
}

TEST(Lz4, RefusesBlocksAboveTheFramesMaximum) {
  const ByteVector content((64 << 10) + 1, std::byte{'x'});
  ByteVector size(4);
  store_be(size.data(), static_cast<std::uint32_t>(content.size() | 0x8000'0000));
  std::reverse(size.begin(), size.end());
  const ByteVector blocks = size + content + ByteVector(4, std::byte{0});
  EXPECT_EQ(plain_text(Codec::kLz4, lz4_frame(0x60, 0x40, {}, blocks)), "");
  EXPECT_EQ(plain_text(Codec::kLz4, lz4_frame(0x60, 0x50, {}, blocks)), std::string(content.size(), 'x'));
}

TEST(XxHash32, MatchesThePublishedVectors) {
  EXPECT_EQ(xxhash32({}), 0x02cc5d05U);
  EXPECT_EQ(xxhash32(as_bytes("a")), 0x550d7456U);
  EXPECT_EQ(xxhash32(as_bytes("abc")), 0x32d153ffU);
  EXPECT_EQ(xxhash32(as_bytes("Nobody inspects the spammish repetition")), 0xe2293b2fU);
}

TEST(Zstd, ReadsFramesOneAfterTheOther) {
  const ByteVector one = compressed(Codec::kZstd, as_bytes("one"));
  const ByteVector two = compressed(Codec::kZstd, as_bytes("two"));
  const ByteVector skippable = bytes_of({0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9});
  EXPECT_EQ(plain_text(Codec::kZstd, one + skippable + two), "onetwo");
  EXPECT_EQ(plain_text(Codec::kZstd, one + ByteVector(8, std::byte{9})), "") << "no frame";
}

TEST(Zstd, InputThatEndsInsideAFrameIsRefusedUnlessAFrameEndedBefore) {
  const ByteVector one = compressed(Codec::kZstd, as_bytes("one"));
  for (std::size_t size = 0; size < one.size(); ++size) {
    EXPECT_EQ(plain_text(Codec::kZstd, Bytes(one).first(size)), "") << size;
  }
  EXPECT_EQ(plain_text(Codec::kZstd, one + ByteVector(one.begin(), one.begin() + 3)), "one");
}

TEST(Zstd, AWideWindowCostsOnlyWhatIsInTheFrame) {
  // Level 22 without a content size claims a window of 128 MiB: magic, descriptor, window 0x88, one raw block of 4.
  const ByteVector frame = bytes_of({0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 0x21, 0x00, 0x00, 't', 'e', 'x', 't'});
  EXPECT_EQ(plain_text(Codec::kZstd, frame), "text");
  const ByteVector small = compressed(Codec::kZstd, as_bytes("small"));
  EXPECT_EQ(plain_text(Codec::kZstd, small + frame + small), "smalltextsmall");
  EXPECT_EQ(plain_text(Codec::kZstd, Bytes(frame).first(frame.size() - 1)), "");
  // A run of 128 KiB in four bytes, many times: bounded by the limit, not by the claim.
  ByteVector bomb = bytes_of({0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88});
  for (int i = 0; i < 100; ++i) {
    bomb = bomb + bytes_of({0x02, 0x00, 0x10, 'x'});
  }
  bomb = bomb + bytes_of({0x01, 0x00, 0x00});
  ByteVector out;
  const auto refused = decompress(Codec::kZstd, bomb, out, 1'000'000);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), ErrorKind::kTooLarge);
  EXPECT_TRUE(decompress(Codec::kZstd, bomb, out, 20'000'000));
  EXPECT_EQ(out.size(), 100U << 17);
}

}  // namespace
}  // namespace moldau::record
