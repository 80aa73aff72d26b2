#include "protocol/record/batch.h"

#include "protocol/record/batch_builder.h"
#include "protocol/record/compression.h"
#include "protocol/record/record_walker.h"
#include "protocol/record/validate.h"

namespace moldau::record {
namespace {

constexpr std::size_t kLimit = 1 << 20;

ByteVector three_records(Codec codec) {
  BatchBuilder builder({.codec = codec});
  const HeaderView headers[] = {{"h", as_bytes("1")}, {"", std::nullopt}};
  builder.append({.timestamp = 1000, .key = as_bytes("k"), .value = as_bytes("v"), .headers = headers});
  builder.append({.timestamp = 1005, .value = as_bytes("")});
  builder.append({.timestamp = 999, .key = as_bytes("")});
  return *builder.build();
}

TEST(Batch, WalksWhatTheBuilderMade) {
  for (int id = 0; id <= kCodecIdMax; ++id) {
    SCOPED_TRACE(id);
    const ByteVector bytes = three_records(static_cast<Codec>(id));
    const auto batch = BatchView::parse(bytes);
    ASSERT_TRUE(batch);
    EXPECT_TRUE(batch->crc_matches());
    EXPECT_EQ(batch->header.max_timestamp, 1005);
    Scratch scratch;
    RecordWalker walker(*batch, scratch, kLimit);
    const RecordView* record = walker.next();
    ASSERT_TRUE(record);
    EXPECT_EQ(as_text(*record->key), "k");
    EXPECT_EQ(as_text(*record->value), "v");
    HeaderIterator headers = record->headers();
    auto header = headers.next();
    ASSERT_TRUE(header);
    EXPECT_EQ(header->key, "h");
    header = headers.next();
    ASSERT_TRUE(header);
    EXPECT_EQ(header->key, "");
    EXPECT_FALSE(header->value);
    EXPECT_FALSE(headers.next());
    record = walker.next();
    ASSERT_TRUE(record);
    EXPECT_FALSE(record->key);
    EXPECT_TRUE(record->value);
    EXPECT_EQ(batch->header.timestamp_at(record->timestamp_delta), 1005);
    record = walker.next();
    ASSERT_TRUE(record);
    EXPECT_EQ(record->offset_delta, 2);
    EXPECT_FALSE(walker.next());
    EXPECT_TRUE(walker.ok());
  }
}

TEST(Batch, ValidatorAcceptsWhatTheBuilderMade) {
  for (int id = 0; id <= kCodecIdMax; ++id) {
    SCOPED_TRACE(id);
    ByteVector bytes = three_records(static_cast<Codec>(id));
    Scratch scratch;
    const auto accepted = validate_produced(bytes, {.now_ms = 2000}, scratch);
    ASSERT_TRUE(accepted) << accepted.error().message;
    EXPECT_FALSE(accepted->corrected);
  }
}

}  // namespace
}  // namespace moldau::record
