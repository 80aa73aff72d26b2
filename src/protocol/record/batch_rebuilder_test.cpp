#include "protocol/record/batch_rebuilder.h"

#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/record/testing/batches.h"
#include "protocol/record/validate.h"

namespace moldau::record {
namespace {

using protocol::ErrorCode;
using testing::build;
using testing::PlainRecord;
using testing::with;

constexpr std::int64_t kSentAt = 1'700'000'000'000;

TargetCompression standard(Codec codec) {
  return {.codec = codec, .level = level_range(codec).standard};
}

struct Rebuild : ::testing::Test {
  std::expected<ValidatedBatch, Rejection> validate(ByteVector bytes) {
    bytes_ = std::move(bytes);
    const ByteVector before = bytes_;
    auto result = validate_produced(bytes_, rules, scratch);
    if (!result || result->rebuilt) {
      EXPECT_EQ(bytes_, before) << "the bytes that were sent are left alone";
    }
    if (result) {
      EXPECT_EQ(crc32c(Bytes(result->bytes).subspan(kAttributesAt)), result->header.crc);
      EXPECT_EQ(BatchHeader::load(result->bytes.data()), result->header);
      EXPECT_EQ(result->header.size_bytes(), result->bytes.size());
    }
    return result;
  }
  ErrorCode code(ByteVector bytes) {
    const auto result = validate(std::move(bytes));
    return result ? ErrorCode::kNone : result.error().code;
  }
  std::vector<PlainRecord> records_of(const ValidatedBatch& batch) {
    Scratch own;
    auto records = testing::walk({batch.header, batch.bytes}, own);
    EXPECT_TRUE(records);
    return records ? *std::move(records) : std::vector<PlainRecord>();
  }

  ValidationRules rules{.now_ms = kSentAt};
  Scratch scratch;
  ByteVector bytes_;
};

TEST_F(Rebuild, KeepsTheRecordsFromEachCodecToEachOther) {
  testing::RandomRecords random(14);
  rules.batch_bytes_max = 64 << 20;
  for (int round = 0; round < 6; ++round) {
    const std::vector<PlainRecord> records = random.records(1 + random.below(60));
    for (int from = 0; from <= kCodecIdMax; ++from) {
      for (int to = 0; to <= kCodecIdMax; ++to) {
        SCOPED_TRACE(std::to_string(from) + " to " + std::to_string(to));
        const ByteVector sent = build(records, {.codec = static_cast<Codec>(from),
                                                .producer_id = ProducerId(7),
                                                .producer_epoch = ProducerEpoch(3),
                                                .base_sequence = 11});
        rules.compression = standard(static_cast<Codec>(to));
        const auto result = validate(sent);
        ASSERT_TRUE(result) << result.error().message;
        EXPECT_EQ(result->rebuilt, from != to);
        EXPECT_EQ(result->header.codec_id(), to);
        EXPECT_EQ(records_of(*result), records);
        const BatchHeader before = BatchHeader::load(sent.data());
        EXPECT_EQ(result->header.base_timestamp, before.base_timestamp);
        EXPECT_EQ(result->header.max_timestamp, before.max_timestamp);
        EXPECT_EQ(result->header.producer_id, ProducerId(7));
        EXPECT_EQ(result->header.producer_epoch, ProducerEpoch(3));
        EXPECT_EQ(result->header.base_sequence, 11);
        EXPECT_EQ(result->header.last_offset_delta, before.last_offset_delta);
        EXPECT_EQ(result->header.record_count, before.record_count);
      }
    }
  }
}

TEST_F(Rebuild, TheSameCodecStaysAsSentWhateverItsLevel) {
  const ByteVector sent = build({{.timestamp = kSentAt, .value = std::string(4'000, 'x')}},
                                {.codec = Codec::kGzip, .compression_level = 1});
  rules.compression = TargetCompression{.codec = Codec::kGzip, .level = 9};
  const auto result = validate(sent);
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->rebuilt);
  EXPECT_EQ(result->bytes.data(), bytes_.data());
  EXPECT_TRUE(equal(result->bytes, sent));
}

TEST_F(Rebuild, TheLevelCounts) {
  testing::RandomRecords random(9);
  std::string text;
  while (text.size() < 60'000) {
    text += "word" + std::to_string(random.below(2'000)) + (random.chance(30) ? ", " : " ");
  }
  for (const Codec codec : {Codec::kGzip, Codec::kLz4, Codec::kZstd}) {
    std::size_t sizes[2];
    const LevelRange range = level_range(codec);
    for (const int i : {0, 1}) {
      rules.compression = TargetCompression{.codec = codec, .level = i == 0 ? std::max(range.min, 1) : range.max};
      const auto result = validate(build({{.timestamp = kSentAt, .value = text}}));
      ASSERT_TRUE(result);
      EXPECT_EQ(records_of(*result)[0].value, text);
      sizes[i] = result->bytes.size();
    }
    EXPECT_LT(sizes[1], sizes[0]) << name(codec);
  }
}

TEST_F(Rebuild, CountsOffsetsAnew) {
  // As a client wrote them, the offsets do not count up; a batch that stays in place keeps that, or is refused.
  BatchBuilder builder;
  builder.append({.timestamp = kSentAt, .key = as_bytes("a")});
  builder.append({.timestamp = kSentAt, .key = as_bytes("b")}, 1);
  const ByteVector sent = with(*builder.build(), kLastOffsetDeltaAt, std::int32_t{1});
  rules.compression = standard(Codec::kLz4);
  const auto result = validate(sent);
  ASSERT_TRUE(result);
  Scratch own;
  RecordWalker walker({result->header, result->bytes}, own, 1'000);
  for (const int delta : {0, 1}) {
    const RecordView* record = walker.next();
    ASSERT_NE(record, nullptr);
    EXPECT_EQ(record->offset_delta, delta);
  }
}

TEST_F(Rebuild, TimesAreTheRecordsOwn) {
  rules.compression = standard(Codec::kZstd);
  // A wrong max timestamp and a LogAppendTime bit that a client set: the bit makes its max the time of each record.
  ByteVector sent = build({{.timestamp = kSentAt}, {.timestamp = kSentAt + 5}});
  auto result = validate(with(sent, kMaxTimestampAt, kSentAt - 99));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->header.max_timestamp, kSentAt + 5);
  sent = with(with(sent, kMaxTimestampAt, kSentAt - 99), kAttributesAt, kLogAppendTimeBit);
  result = validate(sent);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->header.timestamp_type(), TimestampType::kCreateTime);
  EXPECT_EQ(result->header.base_timestamp, kSentAt - 99);
  EXPECT_EQ(result->header.max_timestamp, kSentAt - 99);

  rules.timestamp_type = TimestampType::kLogAppendTime;
  rules.now_ms = kSentAt + 77;
  result = validate(build({{.timestamp = kSentAt}, {.timestamp = kSentAt + 5}}));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->header.timestamp_type(), TimestampType::kLogAppendTime);
  EXPECT_EQ(result->header.base_timestamp, kSentAt);
  EXPECT_EQ(result->header.max_timestamp, kSentAt + 77);
}

TEST_F(Rebuild, ATimeBelowMinusOneCannotBeBuilt) {
  const ByteVector sent = build({{.timestamp = -1}, {.timestamp = -5}});
  EXPECT_EQ(code(sent), ErrorCode::kNone) << "in place it is stored";
  rules.compression = standard(Codec::kGzip);
  EXPECT_EQ(code(sent), ErrorCode::kUnknownServerError);
  EXPECT_EQ(code(build({{.timestamp = -1}, {.timestamp = -1}})), ErrorCode::kNone);
}

TEST_F(Rebuild, ProducerFieldsThatContradictEachOtherCannotBeBuilt) {
  const std::vector<PlainRecord> records = {{.timestamp = kSentAt}};
  rules.compression = standard(Codec::kGzip);
  EXPECT_EQ(code(build(records, {.is_transactional = true})), ErrorCode::kUnknownServerError);
  const BatchOptions whole{.producer_id = ProducerId(1), .producer_epoch = ProducerEpoch(0), .base_sequence = 0};
  EXPECT_EQ(code(build(records, whole)), ErrorCode::kNone);
  BatchOptions options = whole;
  options.producer_epoch = kNoProducerEpoch;
  EXPECT_EQ(code(build(records, options)), ErrorCode::kUnknownServerError);
  options = whole;
  options.producer_id = ProducerId(-5);
  options.base_sequence = -1;
  EXPECT_EQ(code(build(records, options)), ErrorCode::kUnknownServerError);
}

TEST_F(Rebuild, ANameOfAHeaderThatIsNoTextIsKept) {
  const std::vector<PlainRecord> records = {{.timestamp = kSentAt, .headers = {{"\xff\xfe", "v"}, {"", std::nullopt}}}};
  rules.compression = standard(Codec::kSnappy);
  const auto result = validate(build(records));
  ASSERT_TRUE(result);
  EXPECT_EQ(records_of(*result), records);
}

TEST_F(Rebuild, OnlyTheTransactionalBitIsKept) {
  rules.compression = standard(Codec::kSnappy);
  const ByteVector sent = build(
      {{.timestamp = kSentAt}},
      {.producer_id = ProducerId(1), .producer_epoch = ProducerEpoch(0), .base_sequence = 0, .is_transactional = true});
  const auto result = validate(with(sent, kAttributesAt, static_cast<std::uint16_t>(0xff80U | kTransactionalBit)));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->header.attributes, kTransactionalBit | static_cast<unsigned>(Codec::kSnappy));
}

TEST_F(Rebuild, AControlBatchOfACoordinatorStaysPlain) {
  rules.origin = ProduceOrigin::kCoordinator;
  rules.compression = standard(Codec::kZstd);
  const auto result = validate(build_end_txn_marker(Offset(0), LeaderEpoch(0), kSentAt, ProducerId(4), ProducerEpoch(0),
                                                    ControlRecordType::kCommit, {.coordinator_epoch = 1}));
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->rebuilt);
}

TEST_F(Rebuild, TheLimitsAreJudgedOfWhatWasBuilt) {
  const ByteVector plain = build({{.timestamp = kSentAt, .value = std::string(5'000, 'x')}});
  const ByteVector small = build({{.timestamp = kSentAt, .value = std::string(5'000, 'x')}}, {.codec = Codec::kZstd});
  rules.compression = standard(Codec::kNone);
  rules.batch_bytes_max = static_cast<std::int64_t>(plain.size());
  EXPECT_EQ(code(small), ErrorCode::kNone);
  rules.batch_bytes_max -= 1;
  EXPECT_EQ(code(small), ErrorCode::kMessageTooLarge);
  rules.batch_bytes_max = 1 << 20;
  rules.segment_bytes = 5'000;
  EXPECT_EQ(code(small), ErrorCode::kRecordListTooLarge);
  rules.compression = standard(Codec::kGzip);
  EXPECT_EQ(code(plain), ErrorCode::kNone) << "as built it fits into a segment";
}

TEST_F(Rebuild, ABatchThatGrowsIsNotHeldBeyondTheLimit) {
  const ByteVector bomb = build({{.timestamp = kSentAt, .value = std::string(40 << 20, 'x')}}, {.codec = Codec::kZstd});
  rules.compression = standard(Codec::kNone);
  EXPECT_EQ(code(bomb), ErrorCode::kMessageTooLarge);
  std::vector<PlainRecord> many(4'000, {.timestamp = kSentAt, .value = std::string(10'000, 'x')});
  EXPECT_EQ(code(build(many, {.codec = Codec::kZstd})), ErrorCode::kMessageTooLarge);
  rules.decompressed_bytes_max = 1 << 20;
  EXPECT_EQ(code(bomb), ErrorCode::kInvalidRecord);
}

TEST_F(Rebuild, RefusedRecordsAreNamedAsInPlace) {
  rules.compacted = true;
  rules.compression = standard(Codec::kLz4);
  const auto result =
      validate(build({{.timestamp = kSentAt, .key = "a"}, {.timestamp = -9}, {.timestamp = kSentAt, .key = "c"}}));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidRecord) << "before the time that cannot be built";
  ASSERT_EQ(result.error().record_errors.size(), 1U);
  EXPECT_EQ(result.error().record_errors[0].index, 1);
}

}  // namespace
}  // namespace moldau::record
