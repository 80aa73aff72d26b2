#include "protocol/record/record_walker.h"

#include <gtest/gtest.h>

#include "protocol/record/testing/batches.h"

namespace moldau::record {
namespace {

using testing::append_varint;
using testing::build;
using testing::bytes_of;
using testing::kBytesMax;
using testing::PlainRecord;
using testing::walk;
using testing::with;
using testing::with_body;

class EachCodec : public ::testing::TestWithParam<int> {
 protected:
  [[nodiscard]] static Codec codec() { return static_cast<Codec>(GetParam()); }
  // Plain record bytes, under the codec, as the body of a batch that declares `count` records.
  [[nodiscard]] static ByteVector batch_of(const ByteVector& plain, std::int32_t count) {
    ByteVector body;
    compress(codec(), plain, body);
    ByteVector like = build({PlainRecord{.value = "x"}}, {.codec = codec()});
    return with(with_body(like, body), kRecordCountAt, count);
  }
  Scratch scratch_;
};
class EachCompression : public EachCodec {};

std::string codec_name(const ::testing::TestParamInfo<int>& info) {
  return std::string(name(static_cast<Codec>(info.param)));
}
INSTANTIATE_TEST_SUITE_P(Codecs, EachCodec, ::testing::Range(0, kCodecIdMax + 1), codec_name);
INSTANTIATE_TEST_SUITE_P(Codecs, EachCompression, ::testing::Range(1, kCodecIdMax + 1), codec_name);

TEST_P(EachCodec, GivesBackWhatTheBuilderTook) {
  const std::vector<PlainRecord> records = {
      {.timestamp = 1000, .key = "k", .value = "v", .headers = {{"h", "1"}, {"", std::nullopt}, {"e", ""}}},
      {.timestamp = 1005, .value = ""},
      {.timestamp = 999, .key = ""},
      {.timestamp = -1, .value = std::string(300'000, 'z')},
  };
  const ByteVector bytes = build(records, {.codec = codec()});
  const auto batch = BatchView::parse(bytes);
  ASSERT_TRUE(batch);
  EXPECT_TRUE(batch->crc_matches());
  EXPECT_EQ(batch->header.codec(), codec());
  EXPECT_EQ(batch->header.base_timestamp, 1000);
  EXPECT_EQ(batch->header.max_timestamp, 1005);
  EXPECT_EQ(batch->header.last_offset_delta, 3);
  EXPECT_EQ(walk(*batch, scratch_), records);
  EXPECT_EQ(walk(*batch, scratch_), records) << "the scratch is clean for the next walk";
}

TEST_P(EachCodec, RefusesRecordsThatDoNotFillTheBatch) {
  ByteVector plain;
  append_varint(plain, 6);
  const ByteVector body = bytes_of({0, 0, 0, 1, 1, 0});  // attributes, deltas, null key, null value, no headers
  plain.insert(plain.end(), body.begin(), body.end());
  const auto kind = [this](const ByteVector& records, std::int32_t count) {
    const ByteVector bytes = batch_of(records, count);
    const auto walked = walk(*BatchView::parse(bytes), scratch_);
    return walked ? std::optional<ErrorKind>() : walked.error().kind();
  };
  EXPECT_EQ(kind(plain, 1), std::nullopt);
  EXPECT_EQ(kind(plain, 2), ErrorKind::kCorrupt);  // one is missing
  EXPECT_EQ(kind(plain, -1), ErrorKind::kCorrupt);
  EXPECT_EQ(kind(plain, 0), std::nullopt);  // an emptied batch is not looked into
  ByteVector longer = plain;
  longer.push_back(std::byte{0});
  EXPECT_EQ(kind(longer, 1), ErrorKind::kCorrupt);  // a byte too many
  const std::pair<std::size_t, int> lies[] = {
      {0, 0},     // no size
      {0, 0x01},  // size -1
      {0, 0x0a},  // size 5: a byte short of its content
      {0, 0x0e},  // size 7
      {0, 0xfe},  // a size that does not end within the batch
      {4, 0x7e},  // key beyond the record
      {5, 0x7e},  // value beyond the record
      {6, 0x01},  // header count -1
      {6, 0x02},  // a header that is not there
      {6, 0x7e},  // more headers than bytes
  };
  for (const auto& [at, value] : lies) {
    ByteVector lie = plain;
    lie[at] = static_cast<std::byte>(value);
    EXPECT_EQ(kind(lie, 1), ErrorKind::kCorrupt) << at << " " << value;
  }
  for (std::size_t size = 0; size < plain.size(); ++size) {
    EXPECT_EQ(kind(ByteVector(plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(size)), 1),
              ErrorKind::kCorrupt)
        << size;
  }
}

TEST_P(EachCodec, RefusesHeadersWithoutAName) {
  const auto walks = [this](std::initializer_list<int> body) {
    ByteVector plain;
    append_varint(plain, static_cast<std::int64_t>(body.size()));
    const ByteVector bytes = bytes_of(body);
    plain.insert(plain.end(), bytes.begin(), bytes.end());
    const ByteVector batch = batch_of(plain, 1);
    return walk(*BatchView::parse(batch), scratch_).has_value();
  };
  EXPECT_TRUE(walks({0, 0, 0, 1, 1, 2, 0, 1}));     // name "", value null
  EXPECT_FALSE(walks({0, 0, 0, 1, 1, 2, 1, 1}));    // name null
  EXPECT_FALSE(walks({0, 0, 0, 1, 1, 2, 2, 'n'}));  // no value
  EXPECT_TRUE(walks({0, 0, 0, 5, 3, 2, 0, 0x7f}));  // any negative size is null
}

TEST_P(EachCompression, StopsAtTheLimitOfDecompressedBytes) {
  const ByteVector bytes = build({PlainRecord{.value = std::string(100'000, 'a')}}, {.codec = codec()});
  const BatchView batch = *BatchView::parse(bytes);
  EXPECT_TRUE(walk(batch, scratch_, 100'100));
  for (const std::size_t limit : {99'000, 1'000, 0}) {
    const auto walked = walk(batch, scratch_, limit);
    ASSERT_FALSE(walked);
    EXPECT_EQ(walked.error().kind(), ErrorKind::kTooLarge) << limit;
  }
}

TEST_P(EachCompression, RefusesABrokenStream) {
  const ByteVector good = build({PlainRecord{.value = std::string(1'000, 'a')}}, {.codec = codec()});
  for (std::size_t size = kBatchHeaderBytes; size < good.size(); ++size) {
    ByteVector cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    testing::seal(cut);
    EXPECT_FALSE(walk(*BatchView::parse(cut), scratch_)) << size;
  }
}

TEST(RecordWalker, RefusesUnknownCodecs) {
  Scratch scratch;
  for (std::int16_t id = kCodecIdMax + 1; id <= 7; ++id) {
    const ByteVector bytes = with(build({PlainRecord{}}), kAttributesAt, id);
    const auto walked = walk(*BatchView::parse(bytes), scratch);
    ASSERT_FALSE(walked);
    EXPECT_EQ(walked.error().kind(), ErrorKind::kUnsupported);
  }
}

TEST(RecordWalker, ReportsWhichRecordIsBroken) {
  ByteVector bytes = build({PlainRecord{}, PlainRecord{}, PlainRecord{}});
  bytes[bytes.size() - 1] = std::byte{1};  // the last record's header count
  testing::seal(bytes);
  Scratch scratch;
  RecordWalker walker(*BatchView::parse(bytes), scratch, kBytesMax);
  EXPECT_NE(walker.next(), nullptr);
  EXPECT_NE(walker.next(), nullptr);
  EXPECT_EQ(walker.next(), nullptr);
  EXPECT_FALSE(walker.ok());
  EXPECT_EQ(walker.error().detail(), 2);
  EXPECT_EQ(walker.next(), nullptr);
}

TEST(RecordWalker, MayBeLeftEarly) {
  Scratch scratch;
  const ByteVector bytes = build({PlainRecord{}, PlainRecord{}}, {.codec = Codec::kZstd});
  for (int i = 0; i < 3; ++i) {
    RecordWalker walker(*BatchView::parse(bytes), scratch, kBytesMax);
    EXPECT_NE(walker.next(), nullptr);
  }
  scratch.release();
  EXPECT_TRUE(walk(*BatchView::parse(bytes), scratch));
}

}  // namespace
}  // namespace moldau::record
