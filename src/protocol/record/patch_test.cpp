#include "protocol/record/patch.h"

#include <gtest/gtest.h>

#include "protocol/record/testing/batches.h"

namespace moldau::record {
namespace {

using testing::build;
using testing::PlainRecord;

TEST(Patch, OffsetsAndEpochLieOutsideTheCrc) {
  ByteVector bytes = build({PlainRecord{}, PlainRecord{}});
  assign_offsets(bytes, Offset(1'000), LeaderEpoch(5));
  const BatchView batch = *BatchView::parse(bytes);
  EXPECT_EQ(batch.header.base_offset, Offset(1'000));
  EXPECT_EQ(batch.header.last_offset(), Offset(1'001));
  EXPECT_EQ(batch.header.leader_epoch, LeaderEpoch(5));
  EXPECT_TRUE(batch.crc_matches());
}

TEST(Patch, RecombinesTheCrcOfBodiesOfAnySize) {
  for (const std::size_t size : {0, 1, 2, 63, 64, 65, 1'000, 65'535, 1'000'000}) {
    ByteVector bytes = build({PlainRecord{.value = std::string(size, 'v')}});
    EXPECT_TRUE(set_log_append_time(bytes, 123'456'789));
    const BatchView batch = *BatchView::parse(bytes);
    EXPECT_TRUE(batch.crc_matches()) << size;
    EXPECT_EQ(batch.header.timestamp_type(), TimestampType::kLogAppendTime);
    EXPECT_EQ(batch.header.max_timestamp, 123'456'789);
    EXPECT_FALSE(set_log_append_time(bytes, 123'456'789)) << "nothing changed";
    EXPECT_TRUE(set_max_timestamp(bytes, TimestampType::kCreateTime, 1'000));
    EXPECT_EQ(bytes, build({PlainRecord{.value = std::string(size, 'v')}})) << "and back again";
  }
}

TEST(Patch, AHeaderAloneIsABatchToo) {
  ByteVector bytes = build({});
  ASSERT_EQ(bytes.size(), kBatchHeaderBytes);
  EXPECT_TRUE(set_log_append_time(bytes, 5));
  EXPECT_TRUE(BatchView::parse(bytes)->crc_matches());
}

}  // namespace
}  // namespace moldau::record
