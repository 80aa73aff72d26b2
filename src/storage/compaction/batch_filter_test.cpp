#include "storage/compaction/batch_filter.h"

#include <string>

#include <gtest/gtest.h>

#include "protocol/record/batch_builder.h"
#include "protocol/record/record_walker.h"

namespace moldau::storage {
namespace {

using record::BatchBuilder;
using record::BatchHeader;
using record::BatchOptions;
using record::BatchView;

constexpr KeyHashSecret kSecret{1, 2};

struct Item {
  std::string key;
  std::optional<std::string> value;
  std::int64_t timestamp = 1'000;
};

class BatchFilterTest : public ::testing::Test {
 protected:
  BatchFilterTest() { rules_.delete_retention_ms = 100; }

  static ByteVector batch(const BatchOptions& options, const std::vector<Item>& items) {
    BatchBuilder builder(options);
    for (const Item& item : items) {
      builder.append({.timestamp = item.timestamp,
                      .key = as_bytes(item.key),
                      .value = item.value ? std::optional(as_bytes(*item.value)) : std::nullopt});
    }
    return *builder.build();
  }
  void map(const std::string& key, std::int64_t offset) { ASSERT_TRUE(map_.put(as_bytes(key), Offset(offset))); }
  // Of one batch by a filter of its own.
  ByteVector filter(const ByteVector& bytes) {
    BatchFilter filter(rules_, map_, producers_, transactions_);
    const auto left = filter.filter(*BatchView::parse(bytes));
    EXPECT_TRUE(left) << left.error().message();
    return left ? to_vector(*left) : ByteVector{};
  }
  // "offset:key=value@time" of each record.
  static std::string show(const ByteVector& bytes) {
    std::string text;
    const auto batch = BatchView::parse(bytes);
    EXPECT_TRUE(batch->crc_matches());
    record::Scratch scratch;
    record::RecordWalker walker(*batch, scratch, 1 << 20);
    while (const auto* record = walker.next()) {
      text += (text.empty() ? "" : " ") + std::to_string(batch->header.offset_at(record->offset_delta).value()) + ":" +
              std::string(as_text(record->key.value_or(Bytes{}))) + "=" +
              (record->value ? std::string(as_text(*record->value)) : "null") + "@" +
              std::to_string(batch->header.timestamp_at(record->timestamp_delta));
    }
    EXPECT_TRUE(walker.ok());
    return text;
  }

  FilterRules rules_;
  OffsetMap map_ = *OffsetMap::make(4'096, 0.9, kSecret);
  ActiveProducers producers_;
  CleanedTransactions transactions_{{}};
};

TEST_F(BatchFilterTest, ABatchOfWhichAllStaysIsNotTouched) {
  for (const auto codec : {record::Codec::kNone, record::Codec::kZstd}) {
    const ByteVector before = batch({.base_offset = Offset(10), .codec = codec}, {{"a", "1"}, {"b", "2"}});
    map_ = *OffsetMap::make(4'096, 0.9, kSecret);
    map("a", 10);
    map("b", 11);
    BatchFilter filter(rules_, map_, producers_, transactions_);
    const auto left = filter.filter(*BatchView::parse(before));
    ASSERT_TRUE(left);
    EXPECT_EQ(left->data(), before.data());
  }
}

TEST_F(BatchFilterTest, Semantics45OnlyTheLastRecordOfAKeyStaysAtItsOffset) {
  for (const auto codec : {record::Codec::kNone, record::Codec::kGzip, record::Codec::kSnappy, record::Codec::kLz4,
                           record::Codec::kZstd}) {
    const ByteVector before = batch({.base_offset = Offset(10), .leader_epoch = LeaderEpoch(3), .codec = codec},
                                    {{"a", "1", 5}, {"b", "2", 6}, {"a", "3", 9}, {"c", "4", 7}});
    map_ = *OffsetMap::make(4'096, 0.9, kSecret);
    map("b", 11);
    map("a", 12);
    map("c", 20);
    const ByteVector after = filter(before);
    EXPECT_EQ(show(after), "11:b=2@6 12:a=3@9");
    const auto header = BatchHeader::load(after.data());
    EXPECT_EQ(header.base_offset, Offset(10));
    EXPECT_EQ(header.last_offset(), Offset(13));
    EXPECT_EQ(header.base_timestamp, 6);
    EXPECT_EQ(header.max_timestamp, 9);
    EXPECT_EQ(header.leader_epoch, LeaderEpoch(3));
    EXPECT_EQ(header.codec(), codec);
    EXPECT_EQ(header.record_count, 2);
  }
}

TEST_F(BatchFilterTest, RecordsAboveTheMapStayRecordsWithoutAKeyGo) {
  BatchBuilder builder({.base_offset = Offset(10)});
  builder.append({.timestamp = 1, .value = as_bytes("no key")});
  builder.append({.timestamp = 1, .key = as_bytes("a"), .value = as_bytes("1")});
  builder.append({.timestamp = 1, .value = as_bytes("no key, later")});
  const ByteVector before = *builder.build();
  map("z", 11);
  EXPECT_EQ(show(filter(before)), "11:a=1@1 12:=no key, later@1");
}

TEST_F(BatchFilterTest, Semantics46ATombstoneGetsItsDeleteHorizonWhenFirstMet) {
  const ByteVector before = batch({.base_offset = Offset(10)}, {{"a", std::nullopt, 50}, {"b", "2", 60}});
  map("b", 11);
  rules_.now_ms = 1'000;
  const ByteVector marked = filter(before);
  EXPECT_EQ(show(marked), "10:a=null@50 11:b=2@60");
  auto header = BatchHeader::load(marked.data());
  EXPECT_TRUE(header.has_delete_horizon());
  EXPECT_EQ(header.base_timestamp, 1'100);
  EXPECT_EQ(header.max_timestamp, 60);
  // Met again before its time: not touched.
  rules_.now_ms = 1'099;
  EXPECT_EQ(filter(marked), marked);
  // Its time has come: the rest keeps the horizon.
  rules_.now_ms = 1'100;
  const ByteVector after = filter(marked);
  EXPECT_EQ(show(after), "11:b=2@60");
  header = BatchHeader::load(after.data());
  EXPECT_TRUE(header.has_delete_horizon());
  EXPECT_EQ(header.base_timestamp, 1'100);
}

TEST_F(BatchFilterTest, LogAppendTimeStays) {
  const ByteVector before = batch(
      {.base_offset = Offset(10), .timestamp_type = record::TimestampType::kLogAppendTime, .log_append_time = 777},
      {{"a", "1", 5}, {"a", "2", 6}});
  map("a", 11);
  const ByteVector after = filter(before);
  EXPECT_EQ(show(after), "11:a=2@777");
  EXPECT_EQ(BatchHeader::load(after.data()).max_timestamp, 777);
}

TEST_F(BatchFilterTest, Semantics45TheLastBatchesOfALiveProducerStayEmptied) {
  const ByteVector before = batch({.base_offset = Offset(10),
                                   .codec = record::Codec::kLz4,
                                   .producer_id = ProducerId(7),
                                   .producer_epoch = ProducerEpoch(1),
                                   .base_sequence = 40},
                                  {{"a", "1", 5}, {"b", "2", 6}});
  map("a", 20);
  map("b", 21);
  EXPECT_TRUE(filter(before).empty());
  producers_[ProducerId(7)] = {ProducerEpoch(1), {Offset(9)}};
  EXPECT_TRUE(filter(before).empty());
  producers_[ProducerId(7)] = {ProducerEpoch(1), {Offset(9), Offset(11)}};
  const ByteVector after = filter(before);
  ASSERT_EQ(after.size(), record::kBatchHeaderBytes);
  EXPECT_EQ(show(after), "");
  const auto header = BatchHeader::load(after.data());
  EXPECT_EQ(header.last_offset(), Offset(11));
  EXPECT_EQ(header.base_sequence, 40);
  EXPECT_EQ(header.last_sequence(), 41);
  EXPECT_EQ(header.max_timestamp, 6);
  EXPECT_EQ(header.base_timestamp, kNoTimestamp);
  EXPECT_FALSE(header.is_compressed());
  EXPECT_EQ(filter(after), after);
}

TEST_F(BatchFilterTest, TheLastBatchBelowTheBoundStaysEmptied) {
  const ByteVector before = batch({.base_offset = Offset(10)}, {{"a", "1"}});
  map("a", 20);
  rules_.upper_bound = Offset(11);
  EXPECT_EQ(filter(before).size(), record::kBatchHeaderBytes);
}

TEST_F(BatchFilterTest, AbortedRecordsGoTheirMarkerFollowsWhenItsTimeHasCome) {
  BatchOptions options{.base_offset = Offset(10),
                       .producer_id = ProducerId(7),
                       .producer_epoch = ProducerEpoch(1),
                       .base_sequence = 0,
                       .is_transactional = true};
  const ByteVector data = batch(options, {{"a", "1"}});
  const ByteVector marker = record::build_end_txn_marker(Offset(11), LeaderEpoch(0), 1'000, ProducerId(7),
                                                         ProducerEpoch(1), record::ControlRecordType::kAbort, {});
  map("z", 15);
  const AbortedTxn txn{ProducerId(7), Offset(10), Offset(11), Offset(12)};
  rules_.now_ms = 2'000;
  {
    transactions_ = CleanedTransactions({txn});
    BatchFilter filter(rules_, map_, producers_, transactions_);
    EXPECT_TRUE(filter.filter(*BatchView::parse(data))->empty());
    // Its records were still there: the marker and its index entry stay, without a horizon.
    EXPECT_EQ(to_vector(*filter.filter(*BatchView::parse(marker))), marker);
    EXPECT_EQ(transactions_.take_kept(), std::vector<AbortedTxn>{txn});
  }
  ByteVector marked;
  {
    transactions_ = CleanedTransactions({txn});
    BatchFilter filter(rules_, map_, producers_, transactions_);
    marked = to_vector(*filter.filter(*BatchView::parse(marker)));
    EXPECT_EQ(BatchHeader::load(marked.data()).base_timestamp, 2'100);
    EXPECT_TRUE(BatchHeader::load(marked.data()).has_delete_horizon());
    EXPECT_TRUE(BatchView::parse(marked)->crc_matches());
    EXPECT_TRUE(transactions_.take_kept().empty());
  }
  rules_.now_ms = 2'100;
  transactions_ = CleanedTransactions({});
  EXPECT_TRUE(filter(marked).empty());
  // A producer that wrote nothing else needs it for its epoch.
  producers_[ProducerId(7)] = {ProducerEpoch(1), {}};
  EXPECT_EQ(filter(marked).size(), record::kBatchHeaderBytes);
}

TEST_F(BatchFilterTest, DamageIsNeitherCopiedAnewNorDropped) {
  ByteVector before = batch({.base_offset = Offset(10)}, {{"a", "1"}, {"a", "2"}});
  before.back() ^= std::byte{1};
  map("a", 11);
  BatchFilter filter(rules_, map_, producers_, transactions_);
  EXPECT_EQ(filter.filter(*BatchView::parse(before)).error().kind(), ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace moldau::storage
