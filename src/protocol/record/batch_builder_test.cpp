#include "protocol/record/batch_builder.h"

#include <gtest/gtest.h>

#include "protocol/record/testing/batches.h"

namespace moldau::record {
namespace {

using testing::PlainRecord;

TEST(BatchBuilder, SetsEachFieldOfTheHeader) {
  const ByteVector bytes =
      testing::build({PlainRecord{.timestamp = 50}, PlainRecord{.timestamp = 40}}, {.base_offset = Offset(10),
                                                                                    .leader_epoch = LeaderEpoch(3),
                                                                                    .codec = Codec::kLz4,
                                                                                    .producer_id = ProducerId(7),
                                                                                    .producer_epoch = ProducerEpoch(8),
                                                                                    .base_sequence = 9,
                                                                                    .is_transactional = true});
  const BatchHeader header = BatchView::parse(bytes)->header;
  EXPECT_EQ(header.base_offset, Offset(10));
  EXPECT_EQ(header.last_offset(), Offset(11));
  EXPECT_EQ(header.leader_epoch, LeaderEpoch(3));
  EXPECT_EQ(header.attributes, 3 | kTransactionalBit);
  EXPECT_EQ(header.base_timestamp, 50);
  EXPECT_EQ(header.max_timestamp, 50);
  EXPECT_EQ(header.producer_id, ProducerId(7));
  EXPECT_EQ(header.producer_epoch, ProducerEpoch(8));
  EXPECT_EQ(header.base_sequence, 9);
  EXPECT_EQ(header.last_sequence(), 10);
  EXPECT_EQ(header.record_count, 2);
  EXPECT_EQ(header.size_bytes(), bytes.size());
}

TEST(BatchBuilder, KnowsItsSizeAndNextOffset) {
  BatchBuilder builder({.base_offset = Offset(5)});
  EXPECT_EQ(builder.size_bytes(), kBatchHeaderBytes);
  builder.append({.timestamp = 1, .value = as_bytes("v")});
  builder.append({.timestamp = 1}, 10);  // ten offsets were compacted away
  EXPECT_EQ(builder.next_offset(), Offset(17));
  EXPECT_EQ(builder.record_count(), 2);
  const std::size_t size = builder.size_bytes();
  const ByteVector bytes = *builder.build();
  EXPECT_EQ(bytes.size(), size);
  EXPECT_EQ(BatchView::parse(bytes)->header.last_offset(), Offset(16));
}

TEST(BatchBuilder, AnEmptiedBatchKeepsItsLastOffsetAndSequence) {
  BatchBuilder builder({.base_offset = Offset(5),
                        .codec = Codec::kGzip,
                        .producer_id = ProducerId(1),
                        .base_sequence = 3,
                        .last_offset_delta = 4});
  const ByteVector bytes = *builder.build();
  ASSERT_EQ(bytes.size(), kBatchHeaderBytes);
  const BatchHeader header = BatchView::parse(bytes)->header;
  EXPECT_EQ(header.last_offset(), Offset(9));
  EXPECT_EQ(header.last_sequence(), 7);
  EXPECT_EQ(header.record_count, 0);
  EXPECT_FALSE(header.is_compressed());
  EXPECT_EQ(header.base_timestamp, kNoTimestamp);
  Scratch scratch;
  EXPECT_EQ(testing::walk(*BatchView::parse(bytes), scratch), std::vector<PlainRecord>{});
}

TEST(BatchBuilder, ADeleteHorizonTakesThePlaceOfTheBaseTimestamp) {
  const std::vector<PlainRecord> records = {{.timestamp = 100, .key = "k"}};
  const ByteVector bytes = testing::build(records, {.delete_horizon_ms = 5'000});
  const BatchView batch = *BatchView::parse(bytes);
  EXPECT_TRUE(batch.header.has_delete_horizon());
  EXPECT_EQ(batch.header.base_timestamp, 5'000);
  EXPECT_EQ(batch.header.max_timestamp, 100);
  Scratch scratch;
  EXPECT_EQ(testing::walk(batch, scratch), records);
}

TEST(BatchBuilder, LogAppendTimeIsTheTimeOfEachRecord) {
  const ByteVector bytes = testing::build({PlainRecord{.timestamp = 1}, PlainRecord{.timestamp = 2}},
                                          {.timestamp_type = TimestampType::kLogAppendTime, .log_append_time = 99});
  Scratch scratch;
  const auto records = testing::walk(*BatchView::parse(bytes), scratch);
  ASSERT_TRUE(records);
  EXPECT_EQ((*records)[0].timestamp, 99);
  EXPECT_EQ((*records)[1].timestamp, 99);
}

TEST(ControlRecord, KeysRoundTrip) {
  for (std::int16_t type = 0; type <= 6; ++type) {
    const auto key = control_record_key(static_cast<ControlRecordType>(type));
    EXPECT_EQ(to_vector(key), testing::bytes_of({0, 0, 0, type}));
    EXPECT_EQ(parse_control_record_key(key), static_cast<ControlRecordType>(type));
  }
}

TEST(ControlRecord, KeysAreReadAsKafkaReadsThem) {
  EXPECT_EQ(parse_control_record_key(testing::bytes_of({0, 0, 0})).error().kind(), ErrorKind::kTruncated);
  EXPECT_EQ(parse_control_record_key(testing::bytes_of({0xff, 0xff, 0, 1})).error().kind(), ErrorKind::kCorrupt);
  EXPECT_EQ(parse_control_record_key(testing::bytes_of({0, 0, 0, 7})), ControlRecordType::kUnknown);
  EXPECT_EQ(parse_control_record_key(testing::bytes_of({0, 0, 0xff, 0xff})), ControlRecordType::kUnknown);
  EXPECT_EQ(parse_control_record_key(testing::bytes_of({0, 9, 0, 1, 77})), ControlRecordType::kCommit);
}

TEST(ControlRecord, EndTxnMarkersRoundTrip) {
  const ByteVector bytes = build_end_txn_marker(Offset(3), LeaderEpoch(1), 1'000, ProducerId(7), ProducerEpoch(2),
                                                ControlRecordType::kAbort, {.coordinator_epoch = 41});
  const BatchView batch = *BatchView::parse(bytes);
  EXPECT_TRUE(batch.crc_matches() && batch.header.is_control() && batch.header.is_transactional());
  EXPECT_EQ(batch.header.base_sequence, kNoSequence);
  Scratch scratch;
  RecordWalker walker(batch, scratch, testing::kBytesMax);
  const RecordView* record = walker.next();
  ASSERT_TRUE(record && record->key && record->value);
  EXPECT_EQ(parse_control_record_key(*record->key), ControlRecordType::kAbort);
  const auto marker = EndTxnMarker::parse(*record->value);
  ASSERT_TRUE(marker);
  EXPECT_EQ(marker->coordinator_epoch, 41);
  EXPECT_EQ(EndTxnMarker::parse(testing::bytes_of({0, 0, 0, 0, 0})).error().kind(), ErrorKind::kTruncated);
  EXPECT_EQ(EndTxnMarker::parse(testing::bytes_of({0x80, 0, 0, 0, 0, 0})).error().kind(), ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace moldau::record
