#include "raft/driver/batch_file.h"

#include <algorithm>
#include <filesystem>

#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "protocol/record/batch_format.h"
#include "raft/driver/bootstrap_file.h"
#include "raft/driver/snapshot_store.h"
#include "raft/driver/testing/config_record.h"
#include "runtime/asio/posix_fs.h"
#include "runtime/testing/scratch_directory.h"
#include "runtime/testing/silent_logger.h"

namespace moldau::raft {
namespace {

using moldau::testing::ScratchDirectory;
using testing::config_record;

VoterChange one_voter() {
  Voter voter;
  voter.key = {NodeId{1}, {7, 7}};
  voter.listeners = {{"CONTROLLER", "localhost", 9093}};
  return {kKraftVersionDynamic, VoterSet({voter})};
}

class BatchFile : public ::testing::Test {
 protected:
  SnapshotInfo write(OffsetAndEpoch id, int records) {
    auto info = store_.write(id, {id.epoch, 1234, one_voter(), 5678}, [&](BatchFileWriter& writer) {
      for (int i = 0; i < records; ++i) {
        writer.append(config_record(std::to_string(i)));
      }
    });
    EXPECT_TRUE(info.has_value());
    return *info;
  }
  std::string path(OffsetAndEpoch id) { return directory_ / snapshot_file_name(id); }
  void overwrite(const std::string& file, std::uint64_t position, std::byte value) {
    auto opened = fs_.open(file, runtime::OpenMode::kReadWrite);
    const Bytes pieces[] = {Bytes(&value, 1)};
    ASSERT_TRUE((*opened)->write_at(position, pieces).has_value());
  }

  runtime::PosixFileSystem fs_;
  ScratchDirectory directory_;
  moldau::testing::SilentLogger logger_;
  SnapshotStore store_{fs_, directory_.path(), logger_};
};

TEST_F(BatchFile, ASnapshotReadsBackAsItWasWritten) {
  const OffsetAndEpoch id{Offset{100}, LeaderEpoch{3}};
  const SnapshotInfo written = write(id, 5);
  auto reader = store_.open(id);
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ((*reader)->size_bytes(), written.size_bytes);
  std::vector<MetadataRecordAndVersion> records;
  for (;;) {
    auto batch = (*reader)->next();
    ASSERT_TRUE(batch.has_value()) << batch.error().message();
    if (!*batch) {
      break;
    }
    EXPECT_EQ((*batch)->epoch, LeaderEpoch{3});
    records.insert(records.end(), (*batch)->records.begin(), (*batch)->records.end());
  }
  ASSERT_EQ(records.size(), 5U);
  EXPECT_EQ(records[4], config_record("4"));
  EXPECT_EQ((*reader)->last_contained_log_timestamp(), 1234);
  const auto recovered = store_.recover(Offset{0});
  ASSERT_EQ(recovered->size(), 1U);
  EXPECT_EQ(recovered->front().voters.voters, one_voter().voters);
  EXPECT_EQ(recovered->front().voters.kraft_version, kKraftVersionDynamic);
}

TEST_F(BatchFile, ManyRecordsAreSplitIntoBatchesOfAtMostEightMebibytes) {
  const OffsetAndEpoch id{Offset{9}, LeaderEpoch{1}};
  const std::string large(30'000, 'x');
  const auto written = store_.write(id, {id.epoch, 0, {}, 1}, [&](BatchFileWriter& writer) {
    for (int i = 0; i < 600; ++i) {
      writer.append(config_record(large));
    }
  });
  ASSERT_TRUE(written.has_value());
  auto reader = store_.open(id);
  std::size_t records = 0;
  int batches = 0;
  for (;;) {
    auto batch = (*reader)->next();
    ASSERT_TRUE(batch.has_value()) << batch.error().message();
    if (!*batch) {
      break;
    }
    EXPECT_LE((*batch)->size_bytes, kMetadataBatchBytesWritten);
    records += (*batch)->records.size();
    ++batches;
  }
  EXPECT_EQ(records, 600U);
  EXPECT_EQ(batches, 2 + 3);
}

bool lies_in_an_epoch(Bytes file, std::uint64_t at) {
  record::BatchIterator batches(file);
  for (std::uint64_t batch_at = 0;;) {
    const auto batch = batches.next();
    if (!batch || !*batch) {
      return false;
    }
    if (at >= batch_at + record::kLeaderEpochAt && at < batch_at + record::kMagicAt) {
      return true;
    }
    batch_at += (*batch)->bytes.size();
  }
}

TEST_F(BatchFile, EveryFlippedByteOfASnapshotIsNoticed) {
  const OffsetAndEpoch id{Offset{100}, LeaderEpoch{3}};
  const SnapshotInfo written = write(id, 2);
  const auto original = *runtime::read_file(fs_, path(id), 1 << 20);
  for (std::uint64_t at = 0; at < written.size_bytes; ++at) {
    overwrite(path(id), at, original[at] ^ std::byte{0x10});
    auto reader = store_.open(id);
    VoterChange voters;
    const auto whole = (*reader)->verify(voters);
    if (whole) {
      // Only a batch's leader epoch lies outside all checks.
      EXPECT_TRUE(lies_in_an_epoch(original, at)) << at;
    }
    overwrite(path(id), at, original[at]);
  }
}

TEST_F(BatchFile, ATruncatedSnapshotIsNotUsed) {
  const OffsetAndEpoch id{Offset{100}, LeaderEpoch{3}};
  const SnapshotInfo written = write(id, 2);
  for (std::uint64_t size = written.size_bytes; size-- > 0;) {
    std::filesystem::resize_file(path(id), size);
    auto reader = store_.open(id);
    VoterChange voters;
    EXPECT_FALSE((*reader)->verify(voters).has_value()) << size;
  }
}

TEST_F(BatchFile, ADamagedSnapshotIsReportedAndAnOlderOneUsed) {
  const OffsetAndEpoch older{Offset{50}, LeaderEpoch{2}};
  const OffsetAndEpoch newer{Offset{100}, LeaderEpoch{3}};
  write(older, 2);
  const SnapshotInfo written = write(newer, 2);
  overwrite(path(newer), written.size_bytes - 2, std::byte{0xFF});
  const auto recovered = store_.recover(Offset{0});
  ASSERT_TRUE(recovered.has_value());
  ASSERT_EQ(recovered->size(), 1U);
  EXPECT_EQ(recovered->front().id, older);
  EXPECT_NE(logger_.last.find("damaged"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(path(newer)));  // left for whoever wants to look
}

TEST_F(BatchFile, RemovesLeftoversAndSnapshotsBelowTheLogStart) {
  write({Offset{10}, LeaderEpoch{1}}, 1);
  write({Offset{20}, LeaderEpoch{1}}, 1);
  std::filesystem::copy(path({Offset{20}, LeaderEpoch{1}}),
                        directory_ / "00000000000000000030-0000000001-1234567.checkpoint.part");
  std::filesystem::copy(path({Offset{20}, LeaderEpoch{1}}),
                        directory_ / "00000000000000000005-0000000001.checkpoint.deleted");
  std::filesystem::copy(path({Offset{20}, LeaderEpoch{1}}), directory_ / "notes.checkpoint");
  const auto recovered = store_.recover(Offset{15});
  ASSERT_TRUE(recovered.has_value());
  ASSERT_EQ(recovered->size(), 1U);
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
    names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  EXPECT_EQ(names, (std::vector<std::string>{"00000000000000000020-0000000001.checkpoint", "notes.checkpoint"}));
}

TEST_F(BatchFile, RemovesWhatIsNotNeeded) {
  write({Offset{10}, LeaderEpoch{1}}, 1);
  ASSERT_TRUE(store_.remove({{Offset{10}, LeaderEpoch{1}}, {Offset{11}, LeaderEpoch{1}}}).has_value());
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(BatchFile, BootstrapRecordsReadBack) {
  const std::vector<MetadataRecordAndVersion> records{config_record("1"), config_record("2")};
  ASSERT_TRUE(write_bootstrap_file(fs_, directory_.path(), records, 42).has_value());
  const auto read = read_bootstrap_file(fs_, directory_.path());
  ASSERT_TRUE(read.has_value()) << read.error().message();
  EXPECT_EQ(*read, records);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "bootstrap.checkpoint.tmp"));
}

TEST(SnapshotPath, NamesAndParsesAsKafka) {
  const OffsetAndEpoch id{Offset{238}, LeaderEpoch{2}};
  EXPECT_EQ(snapshot_file_name(id), "00000000000000000238-0000000002.checkpoint");
  EXPECT_EQ(parse_snapshot_file_name("00000000000000000238-0000000002.checkpoint"),
            (SnapshotFileName{id, SnapshotFileState::kComplete}));
  EXPECT_EQ(parse_snapshot_file_name("00000000000000000238-0000000002-8812.checkpoint.part"),
            (SnapshotFileName{id, SnapshotFileState::kPartial}));
  EXPECT_EQ(parse_snapshot_file_name("00000000000000000238-0000000002.checkpoint.deleted"),
            (SnapshotFileName{id, SnapshotFileState::kDeleted}));
  for (const char* name :
       {"bootstrap.checkpoint", "00000000000000000238.checkpoint", "recovery-point-offset-checkpoint",
        "0000000000000000-238-0000000002.checkpoint", "00000000000000000238-0000000002x.checkpoint",
        "99999999999999999999-0000000002.checkpoint", ".checkpoint", ""}) {
    EXPECT_FALSE(parse_snapshot_file_name(name).has_value()) << name;
  }
}

// Every batch of Apache Kafka's metadata files, decoded and built again, is the same bytes.
void expect_rebuilt_equal(const std::string& path) {
  runtime::PosixFileSystem fs;
  const auto content = *runtime::read_file(fs, path, 64 << 20);
  record::Scratch scratch;
  record::BatchIterator batches(content);
  std::size_t count = 0;
  for (;;) {
    const auto view = batches.next();
    ASSERT_TRUE(view.has_value()) << path;
    if (!*view) {
      break;
    }
    const auto batch = decode_metadata_batch(**view, scratch);
    ASSERT_TRUE(batch.has_value()) << path << ": " << batch.error().message();
    const bool is_control = (*view)->header.is_control();
    MetadataBatchWriter writer(batch->base, batch->epoch, batch->append_timestamp_ms,
                               is_control ? MetadataBatchWriter::Kind::kControl : MetadataBatchWriter::Kind::kData);
    for (const auto& record : batch->records) {
      ASSERT_TRUE(writer.try_add(record, kMetadataBatchBytesWritten));
    }
    for (const auto& [offset, control] : batch->control_records) {
      if (const auto* header = std::get_if<SnapshotHeader>(&control)) {
        writer.add_snapshot_header(header->last_contained_log_timestamp);
      } else if (std::holds_alternative<SnapshotFooter>(control)) {
        writer.add_snapshot_footer();
      } else if (const auto* change = std::get_if<VoterChange>(&control)) {
        writer.add_voter_change(*change);
      } else if (const auto* leader = std::get_if<protocol::control::LeaderChangeMessage>(&control)) {
        AppendEpochStart start;
        start.leader = NodeId(leader->leader_id);
        for (const auto& voter : leader->voters) start.voters.emplace_back(voter.voter_id);
        for (const auto& voter : leader->granting_voters) start.granting.emplace_back(voter.voter_id);
        writer.add_leader_change(start);
      }
    }
    EXPECT_TRUE(equal(writer.finish(), (*view)->bytes)) << path << " at " << batch->base.value();
    ++count;
  }
  EXPECT_GT(count, 1U) << path;
}

TEST(MetadataGolden, EveryBatchOfApacheKafkasFilesIsRebuiltByteForByte) {
  for (const char* name : {"fresh-format", "first-start", "rich-clean", "rich-killed"}) {
    const ScratchDirectory golden(name, MOLDAU_SOURCE_DIR);
    expect_rebuilt_equal(golden / "bootstrap.checkpoint");
    for (const auto& entry : std::filesystem::directory_iterator(golden / "__cluster_metadata-0")) {
      if (entry.path().extension() == ".checkpoint" || entry.path().extension() == ".log") {
        expect_rebuilt_equal(entry.path());
      }
    }
  }
}

TEST(MetadataGolden, ApacheKafkasSnapshotsAreFoundWhole) {
  runtime::PosixFileSystem fs;
  const ScratchDirectory golden("rich-clean", MOLDAU_SOURCE_DIR);
  moldau::testing::SilentLogger logger;
  SnapshotStore store(fs, golden / "__cluster_metadata-0", logger);
  const auto recovered = store.recover(Offset{0});
  ASSERT_TRUE(recovered.has_value()) << recovered.error().message();
  ASSERT_EQ(recovered->size(), 6U);
  EXPECT_EQ(recovered->front().id, kBootstrapSnapshotId);
  EXPECT_EQ(recovered->back().id, (OffsetAndEpoch{Offset{238}, LeaderEpoch{2}}));
  for (const SnapshotInfo& info : *recovered) {
    ASSERT_TRUE(info.voters.voters.has_value());
    EXPECT_EQ(info.voters.voters->voters().at(0).listeners.at(0).port, 9093);
    EXPECT_GT(info.last_contained_log_timestamp, 0);
  }
}

}  // namespace
}  // namespace moldau::raft
