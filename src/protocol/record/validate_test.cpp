#include "protocol/record/validate.h"

#include <gtest/gtest.h>

#include "protocol/record/testing/batches.h"

namespace moldau::record {
namespace {

using protocol::ErrorCode;
using testing::build;
using testing::PlainRecord;
using testing::seal;
using testing::with;
using testing::with_body;

constexpr std::int64_t kNow = 1'700'000'000'000;
constexpr std::int64_t kHour = 3'600'000;

const std::vector<PlainRecord> kThree = {
    {.timestamp = kNow, .key = "a"}, {.timestamp = kNow - 7, .key = "b"}, {.timestamp = kNow + 5, .key = "c"}};

class Validate : public ::testing::Test {
 protected:
  std::expected<ValidatedBatch, Rejection> validate(ByteVector bytes) {
    bytes_ = std::move(bytes);
    const ByteVector before = bytes_;
    auto result = validate_produced(bytes_, rules_, scratch_);
    if (result) {
      EXPECT_EQ(crc32c(Bytes(result->bytes).subspan(kAttributesAt)), result->header.crc);
      EXPECT_EQ(BatchHeader::load(result->bytes.data()), result->header);
    } else {
      EXPECT_EQ(bytes_, before) << "a refusal writes nothing";
      EXPECT_STRNE(result.error().message, "");
    }
    return result;
  }
  ErrorCode code(ByteVector bytes) {
    const auto result = validate(std::move(bytes));
    return result ? ErrorCode::kNone : result.error().code;
  }
  std::vector<std::int32_t> refused(ByteVector bytes) {
    std::vector<std::int32_t> indexes;
    if (const auto result = validate(std::move(bytes)); !result) {
      for (const RecordError& error : result.error().record_errors) {
        indexes.push_back(error.index);
        EXPECT_NE(error.message, nullptr);
      }
    }
    return indexes;
  }

  ValidationRules rules_{.now_ms = kNow};
  Scratch scratch_;
  ByteVector bytes_;
};

TEST_F(Validate, AcceptsWhatTheBuilderMade) {
  for (int id = 0; id <= kCodecIdMax; ++id) {
    SCOPED_TRACE(id);
    const ByteVector sent = build(kThree, {.codec = static_cast<Codec>(id)});
    const auto accepted = validate(sent);
    ASSERT_TRUE(accepted) << accepted.error().message;
    EXPECT_FALSE(accepted->corrected);
    EXPECT_EQ(bytes_, sent);
    EXPECT_EQ(accepted->header.record_count, 3);
  }
}

TEST_F(Validate, TrimsAPartialBatchBehindTheFirst) {
  const ByteVector sent = build(kThree);
  for (const std::size_t extra : {1, 11, 40}) {
    ByteVector longer = sent;
    longer.insert(longer.end(), sent.begin(), sent.begin() + static_cast<std::ptrdiff_t>(extra));
    const auto accepted = validate(longer);
    ASSERT_TRUE(accepted);
    EXPECT_EQ(accepted->bytes.size(), sent.size());
    EXPECT_EQ(accepted->bytes.data(), bytes_.data());
  }
}

TEST_F(Validate, RefusesNoneAndTwoBatches) {
  EXPECT_EQ(code({}), ErrorCode::kInvalidRecord);
  const ByteVector sent = build(kThree);
  for (const std::size_t size : {1UL, 11UL, 16UL, 60UL, sent.size() - 1}) {
    EXPECT_EQ(code(ByteVector(sent.begin(), sent.begin() + static_cast<std::ptrdiff_t>(size))),
              ErrorCode::kInvalidRecord)
        << size;
  }
  ByteVector two = sent;
  two.insert(two.end(), sent.begin(), sent.end());
  EXPECT_EQ(code(two), ErrorCode::kInvalidRecord);
  ByteVector garbage = sent;
  garbage.resize(garbage.size() + 12, std::byte{0});  // a second length of 0
  EXPECT_EQ(code(garbage), ErrorCode::kCorruptMessage);
}

TEST_F(Validate, RefusesImpossibleLengthsAndMagics) {
  const ByteVector sent = build(kThree);
  const auto damaged = [&](std::size_t at, auto value) {
    ByteVector bytes = sent;
    store_be(bytes.data() + at, value);
    return code(bytes);
  };
  EXPECT_EQ(damaged(kLengthAt, 13), ErrorCode::kCorruptMessage);
  EXPECT_EQ(damaged(kLengthAt, -1), ErrorCode::kCorruptMessage);
  EXPECT_EQ(damaged(kLengthAt, 0x7fff'ffff), ErrorCode::kInvalidRecord);
  EXPECT_EQ(damaged(kMagicAt, std::int8_t{3}), ErrorCode::kCorruptMessage);
  EXPECT_EQ(damaged(kMagicAt, std::int8_t{-1}), ErrorCode::kCorruptMessage);
  EXPECT_EQ(damaged(kMagicAt, std::int8_t{0}), ErrorCode::kInvalidRecord);
  EXPECT_EQ(damaged(kMagicAt, std::int8_t{1}), ErrorCode::kInvalidRecord);
  for (const std::size_t size : {26, 27, 60}) {  // a whole batch by its length, but shorter than a header
    ByteVector bytes(sent.begin(), sent.begin() + static_cast<std::ptrdiff_t>(size));
    store_be(bytes.data() + kLengthAt, static_cast<std::int32_t>(size - kLogOverheadBytes));
    EXPECT_EQ(code(bytes), ErrorCode::kCorruptMessage) << size;
  }
}

TEST_F(Validate, RefusesAWrongCrc) {
  ByteVector bytes = build(kThree);
  bytes.back() ^= std::byte{1};
  const auto refused = validate(bytes);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kCorruptMessage);
  EXPECT_EQ(refused.error().cause, RejectionCause::kInvalidCrc);
}

TEST_F(Validate, RefusesZstdBeforeProduceSeven) {
  rules_.zstd_allowed = false;
  EXPECT_EQ(code(build(kThree, {.codec = Codec::kZstd})), ErrorCode::kUnsupportedCompressionType);
  EXPECT_EQ(code(build(kThree, {.codec = Codec::kLz4})), ErrorCode::kNone);
  ByteVector broken = build(kThree, {.codec = Codec::kZstd});
  broken.back() ^= std::byte{1};
  EXPECT_EQ(code(broken), ErrorCode::kUnsupportedCompressionType) << "before the CRC is looked at";
}

TEST_F(Validate, RefusesUnknownCodecs) {
  for (std::int16_t id = 5; id <= 7; ++id) {
    EXPECT_EQ(code(with(build(kThree), kAttributesAt, id)), ErrorCode::kUnknownServerError) << id;
  }
}

TEST_F(Validate, ComparesTheBatchWithMaxMessageBytesBeforeItsCrc) {
  ByteVector bytes = build(kThree);
  rules_.batch_bytes_max = static_cast<std::int64_t>(bytes.size());
  EXPECT_EQ(code(bytes), ErrorCode::kNone);
  rules_.batch_bytes_max -= 1;
  EXPECT_EQ(code(bytes), ErrorCode::kMessageTooLarge);
  bytes.back() ^= std::byte{1};
  EXPECT_EQ(code(bytes), ErrorCode::kMessageTooLarge);
}

TEST_F(Validate, ComparesTheBatchWithSegmentBytesAfterItsRecords) {
  ByteVector bytes = build(kThree);
  rules_.segment_bytes = static_cast<std::int64_t>(bytes.size());
  EXPECT_EQ(code(bytes), ErrorCode::kNone);
  rules_.segment_bytes -= 1;
  EXPECT_EQ(code(bytes), ErrorCode::kRecordListTooLarge);
  EXPECT_EQ(code(with(bytes, kRecordCountAt, 4)), ErrorCode::kInvalidRecord);
}

TEST_F(Validate, RefusesHeadersThatOnlyClientsSend) {
  const ByteVector sent = build(kThree);
  const auto cause = [this](ByteVector bytes) {
    const auto result = validate(std::move(bytes));
    EXPECT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidRecord);
    return result.error().cause;
  };
  using enum RejectionCause;
  EXPECT_EQ(cause(with(sent, kBaseOffsetAt, std::int64_t{1})), kOther);
  EXPECT_EQ(cause(with(sent, kLastOffsetDeltaAt, -1)), kInvalidOffsetOrSequence);
  EXPECT_EQ(cause(with(sent, kLastOffsetDeltaAt, 1)), kInvalidOffsetOrSequence);
  EXPECT_EQ(cause(with(sent, kLastOffsetDeltaAt, 0x7fff'ffff)), kInvalidOffsetOrSequence);
  EXPECT_EQ(cause(with(sent, kRecordCountAt, 0)), kInvalidOffsetOrSequence);
  EXPECT_EQ(cause(with(sent, kRecordCountAt, -3)), kInvalidOffsetOrSequence);
  EXPECT_EQ(cause(with(with(sent, kRecordCountAt, 0), kLastOffsetDeltaAt, -1)), kInvalidOffsetOrSequence);
  EXPECT_EQ(cause(with(sent, kAttributesAt, static_cast<std::int16_t>(kControlBit))), kInvalidOffsetOrSequence);
  EXPECT_EQ(cause(with(sent, kProducerIdAt, std::int64_t{9})), kInvalidOffsetOrSequence);
}

TEST_F(Validate, TakesProducerIdsWithASequence) {
  EXPECT_EQ(code(build(kThree, {.producer_id = ProducerId(0), .base_sequence = 0})), ErrorCode::kNone);
  EXPECT_EQ(code(build(kThree, {.base_sequence = -2})), ErrorCode::kNone) << "nobody looks without a producer id";
  EXPECT_EQ(code(build(kThree, {.producer_id = ProducerId(1), .base_sequence = 0, .is_transactional = true})),
            ErrorCode::kNone);
}

TEST_F(Validate, ACoordinatorMayDoWhatAClientMayNot) {
  const ByteVector marker = build_end_txn_marker(Offset(0), kNoLeaderEpoch, kNow, ProducerId(1), ProducerEpoch(2),
                                                 ControlRecordType::kCommit, EndTxnMarker{.coordinator_epoch = 3});
  EXPECT_EQ(code(marker), ErrorCode::kInvalidRecord);
  rules_.origin = ProduceOrigin::kCoordinator;
  EXPECT_EQ(code(marker), ErrorCode::kNone);
  EXPECT_EQ(code(with(marker, kRecordCountAt, 0)), ErrorCode::kNone) << "an empty batch is not looked into";
  EXPECT_EQ(code(with(marker, kRecordCountAt, -1)), ErrorCode::kInvalidRecord);
}

TEST_F(Validate, RefusesRecordsThatDoNotFillTheBatch) {
  for (int id = 0; id <= kCodecIdMax; ++id) {
    SCOPED_TRACE(id);
    const ByteVector sent = build(kThree, {.codec = static_cast<Codec>(id)});
    ByteVector more = with(sent, kRecordCountAt, 4);
    EXPECT_EQ(code(with(more, kLastOffsetDeltaAt, 3)), ErrorCode::kInvalidRecord);
    ByteVector fewer = with(sent, kRecordCountAt, 2);
    EXPECT_EQ(code(with(fewer, kLastOffsetDeltaAt, 1)), ErrorCode::kInvalidRecord);
  }
}

TEST_F(Validate, ChecksTheSizeOfCompressedRecordsToo) {
  ByteVector plain = build({kThree[0]});
  for (int id = 0; id <= kCodecIdMax; ++id) {
    SCOPED_TRACE(id);
    for (const int change : {-2, 2}) {
      ByteVector records(plain.begin() + kBatchHeaderBytes, plain.end());
      records[0] = static_cast<std::byte>(static_cast<int>(records[0]) + change);
      ByteVector body;
      compress(static_cast<Codec>(id), records, body);
      EXPECT_EQ(code(with_body(build({kThree[0]}, {.codec = static_cast<Codec>(id)}), body)),
                ErrorCode::kInvalidRecord);
    }
  }
}

TEST_F(Validate, LargeCompressedRecordsAreCheckedAsSmallOnesAre) {
  const std::string large(kWindowBytes * 3 + 17, 'x');
  for (int id = 1; id <= kCodecIdMax; ++id) {
    SCOPED_TRACE(id);
    const BatchOptions options{.codec = static_cast<Codec>(id)};
    const std::vector<PlainRecord> records = {
        {.timestamp = kNow, .key = large, .value = large, .headers = {{"h", large}, {large, std::nullopt}}},
        {.timestamp = kNow, .value = large}};
    EXPECT_EQ(code(build(records, options)), ErrorCode::kNone);
    rules_.compacted = true;
    EXPECT_EQ(refused(build(records, options)), (std::vector<std::int32_t>{1}));
    rules_.compacted = false;

    const ByteVector plain = build(records);
    for (const int change : {-2, 2}) {
      ByteVector body_plain(plain.begin() + kBatchHeaderBytes, plain.end());
      body_plain[0] = static_cast<std::byte>(static_cast<int>(body_plain[0]) + change);
      ByteVector body;
      compress(static_cast<Codec>(id), body_plain, body);
      EXPECT_EQ(code(with_body(build(records, options), body)), ErrorCode::kInvalidRecord);
    }
  }
}

TEST_F(Validate, RefusesASizeThatDoesNotEnd) {
  const ByteVector body(10, std::byte{0xff});
  EXPECT_EQ(code(with_body(build({kThree[0]}), body)), ErrorCode::kUnknownServerError);
  EXPECT_EQ(code(with_body(build({kThree[0]}), Bytes(body).first(4))), ErrorCode::kInvalidRecord);
}

TEST_F(Validate, RefusesBrokenStreams) {
  for (int id = 1; id <= kCodecIdMax; ++id) {
    SCOPED_TRACE(id);
    const ByteVector sent = build(kThree, {.codec = static_cast<Codec>(id)});
    ByteVector cut(sent.begin(), sent.end() - 3);
    seal(cut);
    EXPECT_EQ(code(cut), ErrorCode::kUnknownServerError);
    EXPECT_EQ(code(with_body(sent, {})), ErrorCode::kUnknownServerError);
  }
}

TEST_F(Validate, RefusesCompressedOffsetsThatDoNotCountUp) {
  BatchBuilder builder({.codec = Codec::kGzip});
  builder.append({.timestamp = kNow});
  builder.append({.timestamp = kNow}, 1);
  EXPECT_EQ(code(with(*builder.build(), kLastOffsetDeltaAt, 1)), ErrorCode::kUnknownServerError);
  BatchBuilder plain;
  plain.append({.timestamp = kNow});
  plain.append({.timestamp = kNow}, 1);
  EXPECT_EQ(code(with(*plain.build(), kLastOffsetDeltaAt, 1)), ErrorCode::kNone) << "Kafka does not look";
}

TEST_F(Validate, BoundsDecompressedBytes) {
  const std::vector<PlainRecord> records(2, {.timestamp = kNow, .value = std::string(1 << 20, 'a')});
  rules_.batch_bytes_max = 4 << 20;
  for (int id = 0; id <= kCodecIdMax; ++id) {
    SCOPED_TRACE(id);
    const ByteVector bytes = build(records, {.codec = static_cast<Codec>(id)});
    rules_.decompressed_bytes_max = 3 << 20;
    EXPECT_EQ(code(bytes), ErrorCode::kNone);
    rules_.decompressed_bytes_max = 1 << 20;
    EXPECT_EQ(code(bytes), id == 0 ? ErrorCode::kNone : ErrorCode::kInvalidRecord);
  }
}

TEST_F(Validate, ACompactedTopicNeedsKeys) {
  rules_.compacted = true;
  const std::vector<PlainRecord> records = {
      {.timestamp = kNow}, {.timestamp = kNow, .key = ""}, {.timestamp = kNow, .value = "v"}};
  for (int id = 0; id <= kCodecIdMax; ++id) {
    const ByteVector bytes = build(records, {.codec = static_cast<Codec>(id)});
    EXPECT_EQ(refused(bytes), (std::vector<std::int32_t>{0, 2}));
    const auto rejection = validate(bytes);
    EXPECT_EQ(rejection.error().code, ErrorCode::kInvalidRecord);
    EXPECT_EQ(rejection.error().cause, RejectionCause::kNoKey);
  }
  EXPECT_EQ(code(build(kThree)), ErrorCode::kNone);
}

TEST_F(Validate, ListsABoundedNumberOfRecordErrors) {
  rules_.compacted = true;
  const std::vector<PlainRecord> records(kRecordErrorsMax + 5, {.timestamp = kNow});
  EXPECT_EQ(refused(build(records)).size(), kRecordErrorsMax);
}

TEST_F(Validate, BoundsTimestampsInBothDirections) {
  rules_.timestamp_before_max_ms = 1000;
  const auto with_times = [](std::int64_t a, std::int64_t b) {
    return build({{.timestamp = a, .key = "k"}, {.timestamp = b, .key = "k"}});
  };
  EXPECT_EQ(code(with_times(kNow - 1000, kNow + kHour)), ErrorCode::kNone);
  EXPECT_EQ(code(with_times(-1, -1)), ErrorCode::kNone) << "no timestamp passes";
  EXPECT_EQ(refused(with_times(kNow - 1001, kNow)), (std::vector<std::int32_t>{0}));
  EXPECT_EQ(refused(with_times(kNow, kNow + kHour + 1)), (std::vector<std::int32_t>{1}));
  EXPECT_EQ(code(with_times(kNow, kNow + kHour + 1)), ErrorCode::kInvalidTimestamp);
  rules_.compacted = true;
  const ByteVector both = build({{.timestamp = 5, .key = "k"}, {.timestamp = kNow}});
  EXPECT_EQ(code(both), ErrorCode::kInvalidTimestamp) << "one bad timestamp names the answer";
  EXPECT_EQ(refused(both), (std::vector<std::int32_t>{0, 1}));
}

TEST_F(Validate, ByDefaultThePastIsUnboundedAndTheFutureIsAnHour) {
  EXPECT_EQ(code(build({{.timestamp = 0}})), ErrorCode::kNone);
  EXPECT_EQ(code(build({{.timestamp = kNow + kHour}})), ErrorCode::kNone);
  EXPECT_EQ(code(build({{.timestamp = kNow + kHour + 1}})), ErrorCode::kInvalidTimestamp);
}

TEST_F(Validate, CorrectsALyingMaxTimestamp) {
  for (int id = 0; id <= kCodecIdMax; ++id) {
    SCOPED_TRACE(id);
    const ByteVector sent = build(kThree, {.codec = static_cast<Codec>(id)});
    const auto accepted = validate(with(sent, kMaxTimestampAt, std::int64_t{12}));
    ASSERT_TRUE(accepted);
    EXPECT_TRUE(accepted->corrected);
    EXPECT_EQ(bytes_, sent);
  }
}

TEST_F(Validate, ClearsALogAppendTimeBitThatAClientSet) {
  for (int id = 0; id <= kCodecIdMax; ++id) {
    SCOPED_TRACE(id);
    const auto bits = static_cast<std::int16_t>(id | kLogAppendTimeBit | 0x4200);
    const ByteVector sent = build(kThree, {.codec = static_cast<Codec>(id)});
    const auto accepted = validate(with(sent, kAttributesAt, bits));
    ASSERT_TRUE(accepted);
    EXPECT_EQ(bytes_, sent) << "bits without a meaning go as well";
  }
  EXPECT_EQ(code(with(with(build({{.timestamp = -1}}), kAttributesAt, static_cast<std::int16_t>(kLogAppendTimeBit)),
                      kMaxTimestampAt, std::int64_t{-1})),
            ErrorCode::kInvalidTimestamp)
      << "without a timestamp the bit is refused";
}

TEST_F(Validate, KeepsUnknownBitsWhereNothingIsCorrected) {
  const ByteVector sent = with(build(kThree), kAttributesAt, static_cast<std::int16_t>(0x4200));
  const auto accepted = validate(sent);
  ASSERT_TRUE(accepted);
  EXPECT_EQ(bytes_, sent);
}

TEST_F(Validate, ALogAppendTimeTopicSetsTheTime) {
  rules_.timestamp_type = TimestampType::kLogAppendTime;
  for (int id = 0; id <= kCodecIdMax; ++id) {
    SCOPED_TRACE(id);
    const auto accepted =
        validate(build({{.timestamp = 3}, {.timestamp = kNow * 2}}, {.codec = static_cast<Codec>(id)}));
    ASSERT_TRUE(accepted) << "the client's times do not matter";
    EXPECT_EQ(accepted->header.timestamp_type(), TimestampType::kLogAppendTime);
    EXPECT_EQ(accepted->header.max_timestamp, kNow);
    EXPECT_EQ(accepted->header.base_timestamp, 3);
  }
  const ByteVector bit = build(kThree, {.timestamp_type = TimestampType::kLogAppendTime, .log_append_time = kNow});
  EXPECT_EQ(code(bit), ErrorCode::kInvalidTimestamp) << "there a client may not set the bit";
  EXPECT_EQ(refused(bit), (std::vector<std::int32_t>{0, 1, 2}));
}

TEST_F(Validate, GivesTheBatchItsOffsets) {
  auto accepted = validate(build(kThree));
  ASSERT_TRUE(accepted);
  accepted->assign_offsets(Offset(100), LeaderEpoch(7));
  EXPECT_EQ(accepted->header.last_offset(), Offset(102));
  const auto stored = BatchView::parse(bytes_);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->header, accepted->header);
  EXPECT_TRUE(stored->crc_matches());
}

}  // namespace
}  // namespace moldau::record
