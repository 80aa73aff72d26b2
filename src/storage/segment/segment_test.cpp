#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/segment/segment.h"
#include "storage/testing/log_kit.h"
#include "storage/testing/memory_fs.h"

namespace moldau::storage::testing {
namespace {

TEST(LogFileName, IsTwentyDigitsAndARole) {
  EXPECT_EQ(log_file_name(Offset(42), FileRole::kTimeIndex), "00000000000000000042.timeindex");
  for (const FileRole role : {FileRole::kLog, FileRole::kOffsetIndex, FileRole::kTimeIndex, FileRole::kTransactionIndex,
                              FileRole::kProducerSnapshot}) {
    const std::string name = log_file_name(kBaseOffsetMax, role);
    EXPECT_EQ(parse_log_file_name(name), (LogFileName{kBaseOffsetMax, role, FileStage::kLive}));
    EXPECT_EQ(parse_log_file_name(name + ".deleted")->stage, FileStage::kDeleted);
    EXPECT_EQ(parse_log_file_name(name + ".swap")->stage, FileStage::kSwap);
    EXPECT_EQ(parse_log_file_name(name + ".cleaned")->stage, FileStage::kCleaned);
    EXPECT_FALSE(parse_log_file_name(name + ".other"));
  }
  for (const char* name :
       {"", "5.log", "00000000000000000042", "0000000000000000004x.log", "99999999999999999999.log",
        "-0000000000000000042.log", "00000000000000000000-0000000000.checkpoint", "000000000000000000042.log"}) {
    EXPECT_FALSE(parse_log_file_name(name)) << name;
  }
}

class SegmentTest : public ::testing::Test {
 protected:
  SegmentTest() { EXPECT_TRUE(fs_.make_dirs("/d")); }

  void add(Segment& segment, std::int64_t base, std::int32_t records, std::int64_t timestamp) {
    BatchSpec spec{.records = records, .timestamp = timestamp, .value_bytes = 40};
    spec.options.base_offset = Offset(base);
    const ByteVector batch = make_batch(spec);
    const std::uint64_t position = segment.size_bytes();
    ASSERT_TRUE(segment.write(batch, 0));
    segment.note(record::BatchHeader::load(batch.data()), position);
  }

  MemoryFileSystem fs_;
  RememberingLogger logger_;
  SegmentContext context_{.fs = fs_, .logger = logger_, .directory = "/d", .config = {.index_interval_bytes = 250}};
};

TEST_F(SegmentTest, FindsTheBatchOfEveryOffsetAsAScanDoes) {  // P3
  const auto segment = Segment::create(context_, Offset(100), 0, 0).value();
  std::vector<std::pair<std::int64_t, std::int64_t>> batches;
  for (std::int64_t base = 100, i = 0; i < 60; ++i) {
    const auto records = static_cast<std::int32_t>(1 + i % 4);
    add(*segment, base, records, 1'000 + i);
    batches.emplace_back(base, base + records - 1);
    base += records + (i % 5 == 0 ? 7 : 0);  // compaction leaves gaps
  }
  EXPECT_GT(segment->offset_index().count(), 10U);
  for (std::int64_t target = 90; target <= batches.back().second + 1; ++target) {
    const auto expected = std::ranges::find_if(batches, [&](const auto& batch) { return batch.second >= target; });
    const auto found = segment->find(Offset(target)).value();
    ASSERT_EQ(found.has_value(), expected != batches.end()) << target;
    if (found) {
      ASSERT_EQ(found->header.base_offset, Offset(expected->first)) << target;
    }
  }
  EXPECT_EQ(segment->next_offset().value(), Offset(batches.back().second + 1));
}

TEST_F(SegmentTest, PlacesIndexEntriesAsKafka) {
  const auto segment = Segment::create(context_, Offset(0), 0, 0).value();
  std::vector<OffsetIndex::Entry> expected;
  std::uint64_t since = 0;
  for (std::int64_t i = 0; i < 40; ++i) {
    const auto position = static_cast<std::uint32_t>(segment->size_bytes());
    add(*segment, i, 1, 1'000);
    const std::uint64_t size = segment->size_bytes() - position;
    if (since > 250) {
      expected.push_back({Offset(i), position});
      since = 0;
    }
    since += size;
  }
  ASSERT_EQ(segment->offset_index().count(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(segment->offset_index().entry(i), expected[i]);
  }
  EXPECT_EQ(segment->time_index().count(), 1U) << "times must increase";
}

TEST_F(SegmentTest, TheScannerStepsOverLargeBodiesAndStopsAtDamage) {
  const auto segment = Segment::create(context_, Offset(0), 0, 0).value();
  for (std::int64_t i = 0; i < 5; ++i) {
    add(*segment, i * 400, 400, 1'000);  // each larger than a chunk
  }
  const auto file = segment->file().value();
  ByteVector buffer;
  BatchScanner scanner(*file, 0, segment->size_bytes(), buffer, BatchScanner::kLookupChunk);
  for (std::int64_t i = 0; i < 5; ++i) {
    const auto batch = scanner.next();
    ASSERT_TRUE(batch && *batch);
    EXPECT_EQ((*batch)->header.base_offset, Offset(i * 400));
    if (i == 3) {
      EXPECT_TRUE((record::BatchView{(*batch)->header, scanner.bytes().value()}.crc_matches()));
    }
  }
  EXPECT_FALSE(scanner.next()->has_value());
  EXPECT_LT(buffer.size(), segment->size_bytes() / 2);
  BatchScanner cut(*file, 0, segment->size_bytes() - 1, buffer, BatchScanner::kLookupChunk);
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(cut.next());
  }
  EXPECT_EQ(cut.next().error().kind(), ErrorKind::kTruncated);
}

TEST_F(SegmentTest, WritesTheIndexPieceByPiece) {
  const auto segment = Segment::create(context_, Offset(0), 0, 0).value();
  for (std::int64_t i = 0; i < 30; ++i) {
    add(*segment, i, 1, 1'000 + i);
    if (i % 7 == 0) {
      ASSERT_TRUE(segment->write_indexes());
      ASSERT_TRUE(equal(fs_.content("/d/00000000000000000000.index"), segment->offset_index().bytes()));
      ASSERT_TRUE(equal(fs_.content("/d/00000000000000000000.timeindex"), segment->time_index().bytes()));
    }
    if (i == 15 || i == 22) {
      ASSERT_TRUE(segment->truncate_to(Offset(i - 4), 0));
      for (std::int64_t again = i - 4; again <= i; ++again) {
        add(*segment, again, 1, 2'000 + again);
      }
    }
  }
  ASSERT_TRUE(segment->become_inactive());
  EXPECT_TRUE(equal(fs_.content("/d/00000000000000000000.index"), segment->offset_index().bytes()));
  EXPECT_EQ(segment->time_index().last().offset, segment->offset_of_max_timestamp());
}

}  // namespace
}  // namespace moldau::storage::testing
