#include "raft/driver/format.h"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <sstream>

#include <gtest/gtest.h>

#include "protocol/record/batch.h"
#include "protocol/record/batch_format.h"
#include "runtime/asio/posix_fs.h"
#include "runtime/testing/scratch_directory.h"
#include "sim/world/sim_disk.h"
#include "storage/checkpoint/meta_properties.h"

namespace moldau::raft {
namespace {

using moldau::testing::ScratchDirectory;

class Script final : public runtime::Random {
 public:
  explicit Script(std::deque<std::uint64_t> numbers) : numbers_(std::move(numbers)) {}
  std::uint64_t next() override {
    const std::uint64_t number = numbers_.empty() ? 4 : numbers_.front();
    if (!numbers_.empty()) {
      numbers_.pop_front();
    }
    return number;
  }

 private:
  std::deque<std::uint64_t> numbers_;
};

FormatOptions standalone(const std::string& directory) {
  FormatOptions options;
  options.cluster_id = "bW9sZGF1LWdvbGRlbi0wMQ";
  options.node_id = NodeId{1};
  options.log_directories = {directory};
  options.metadata_log_directory = directory;
  options.controller = ListenerEndpoint{"CONTROLLER", "127.0.0.1", 9093};
  return options;
}

ByteVector content_of(const std::string& path) {
  runtime::PosixFileSystem fs;
  auto content = runtime::read_file(fs, path, 1 << 20);
  EXPECT_TRUE(content.has_value()) << path;
  return content.value_or(ByteVector{});
}

// Times, and the checksums over them, set to zero.
ByteVector without_times(ByteVector file) {
  std::size_t at = 0;
  while (at < file.size()) {
    const auto header = record::BatchHeader::parse(Bytes(file).subspan(at));
    EXPECT_TRUE(header.has_value());
    const auto zero = [&](std::size_t from, std::size_t count) {
      std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(at + from), count, std::byte{0});
    };
    zero(record::kCrcAt, 4);
    zero(record::kBaseTimestampAt, 16);
    if (at == 0) {
      constexpr std::size_t kLastContainedLogTimestampAt = record::kBatchHeaderBytes + 12;
      zero(kLastContainedLogTimestampAt, 8);
    }
    at += header->size_bytes();
  }
  return file;
}

std::vector<std::string> files_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    names.push_back(entry.path().lexically_relative(directory));
  }
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> properties_in(const std::string& path) {
  std::vector<std::string> lines;
  std::istringstream text{std::string(as_text(content_of(path)))};
  for (std::string line; std::getline(text, line);) {
    if (!line.starts_with('#')) {
      lines.push_back(line);
    }
  }
  std::ranges::sort(lines);
  return lines;
}

TEST(Format, EqualsStorageToolStandaloneByteForByteButForTimes) {
  runtime::PosixFileSystem fs;
  const ScratchDirectory golden("fresh-format", MOLDAU_SOURCE_DIR);
  const auto kafkas = storage::read_meta_properties(fs, golden.path());
  ASSERT_TRUE(kafkas.has_value());
  // The same directory id, so that the bytes can be the same.
  Script random({kafkas->directory_id->high, kafkas->directory_id->low});
  const ScratchDirectory parent;
  const std::string ours = parent / "data";
  const auto formatted = format_directories(fs, standalone(ours), random, 1'700'000'000'000);
  ASSERT_TRUE(formatted.has_value()) << formatted.error();
  EXPECT_EQ(formatted->at(0).directory_id, *kafkas->directory_id);

  EXPECT_EQ(files_in(ours), files_in(golden.path()));
  for (const char* name : {"bootstrap.checkpoint", "__cluster_metadata-0/00000000000000000000-0000000000.checkpoint"}) {
    EXPECT_TRUE(equal(without_times(content_of(ours + "/" + name)), without_times(content_of(golden / name)))) << name;
  }
  EXPECT_EQ(properties_in(ours + "/meta.properties"), properties_in(golden / "meta.properties"));
}

TEST(Format, LeavesAFormattedDirectoryAlone) {
  runtime::PosixFileSystem fs;
  Script random({});
  const ScratchDirectory parent;
  ASSERT_TRUE(format_directories(fs, standalone(parent / "a"), random, 1).has_value());
  const auto before = content_of(parent / "a/meta.properties");
  const auto again = format_directories(fs, standalone(parent / "a"), random, 2);
  ASSERT_FALSE(again.has_value());
  EXPECT_NE(again.error().find("formatted already"), std::string::npos);

  FormatOptions more = standalone(parent / "a");
  more.log_directories.push_back(parent / "b");
  more.ignore_formatted = true;
  const auto formatted = format_directories(fs, more, random, 3);
  ASSERT_TRUE(formatted.has_value()) << formatted.error();
  ASSERT_EQ(formatted->size(), 1U);
  EXPECT_EQ(formatted->at(0).path, parent / "b");
  EXPECT_TRUE(equal(before, content_of(parent / "a/meta.properties")));
  // Only the metadata directory holds the quorum's snapshot.
  EXPECT_EQ(files_in(parent / "b"), (std::vector<std::string>{"bootstrap.checkpoint", "meta.properties"}));
}

TEST(Format, RefusesAnotherClustersOrNodesDirectory) {
  runtime::PosixFileSystem fs;
  Script random({});
  const ScratchDirectory parent;
  ASSERT_TRUE(format_directories(fs, standalone(parent / "a"), random, 1).has_value());
  FormatOptions other = standalone(parent / "b");
  other.log_directories.push_back(parent / "a");
  other.ignore_formatted = true;
  other.node_id = NodeId{2};
  EXPECT_FALSE(format_directories(fs, other, random, 1).has_value());
  other.node_id = NodeId{1};
  other.cluster_id = "another";
  EXPECT_FALSE(format_directories(fs, other, random, 1).has_value());
  EXPECT_FALSE(std::filesystem::exists(parent / "b"));
}

TEST(Format, RefusesWhatCannotBe) {
  runtime::PosixFileSystem fs;
  Script random({});
  const ScratchDirectory parent;
  const auto refused = [&](auto change) {
    FormatOptions options = standalone(parent / "x");
    change(options);
    const auto formatted = format_directories(fs, options, random, 1);
    EXPECT_FALSE(std::filesystem::exists(parent / "x"));
    return !formatted.has_value() && !formatted.error().empty();
  };
  EXPECT_TRUE(refused([](FormatOptions& o) { o.cluster_id.clear(); }));
  EXPECT_TRUE(refused([](FormatOptions& o) { o.node_id = kNoNode; }));
  EXPECT_TRUE(refused([](FormatOptions& o) { o.log_directories.clear(); }));
  EXPECT_TRUE(refused([](FormatOptions& o) { o.metadata_log_directory = "/elsewhere"; }));
  EXPECT_TRUE(refused([](FormatOptions& o) { o.controller.reset(); }));
  EXPECT_TRUE(refused([](FormatOptions& o) { o.feature_levels = {{"no.such.feature", 1}}; }));
  EXPECT_TRUE(refused([](FormatOptions& o) { o.feature_levels = {{"metadata.version", 31}}; }));
  EXPECT_TRUE(refused([](FormatOptions& o) { o.feature_levels = {{"metadata.version", 6}}; }));
  EXPECT_TRUE(refused([](FormatOptions& o) { o.feature_levels = {{"kraft.version", 0}}; }));
  EXPECT_TRUE(refused([](FormatOptions& o) { o.feature_levels = {{"group.version", 1}, {"group.version", 1}}; }));
  EXPECT_TRUE(refused([](FormatOptions& o) {
    o.feature_levels = {{"metadata.version", 22}, {"eligible.leader.replicas.version", 1}};
  }));
  EXPECT_TRUE(refused([](FormatOptions& o) { o.feature_levels = {{"metadata.version", 20}}; }));
  EXPECT_TRUE(refused([](FormatOptions& o) {
    o.initial_voters = InitialVoters::kStatic;
    o.feature_levels = {{"kraft.version", 1}};
  }));
}

TEST(Format, StaticVotersGetNoSnapshot) {
  runtime::PosixFileSystem fs;
  Script random({});
  const ScratchDirectory parent;
  FormatOptions options = standalone(parent / "a");
  options.initial_voters = InitialVoters::kStatic;
  ASSERT_TRUE(format_directories(fs, options, random, 1).has_value());
  EXPECT_EQ(files_in(parent / "a"), (std::vector<std::string>{"bootstrap.checkpoint", "meta.properties"}));
}

TEST(Format, AnOlderMetadataVersionHasOnlyTheFeaturesOfItsTime) {
  const auto records = bootstrap_records({{"metadata.version", 24}});
  ASSERT_TRUE(records.has_value());
  std::vector<std::pair<std::string, int>> levels;
  for (const auto& [record, version] : *records) {
    const auto& level = std::get<metadata::records::FeatureLevelRecord>(record);
    levels.emplace_back(level.name, level.feature_level);
  }
  EXPECT_EQ(levels, (std::vector<std::pair<std::string, int>>{
                        {"metadata.version", 24}, {"group.version", 1}, {"transaction.version", 2}}));
}

// Directories above the log directory that the format makes are as durable as what it writes into it.
TEST(Format, SurvivesAPowerCutWithAllDirectoriesThatItMade) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    sim::SimDisk disk(sim::SimRandom(seed), sim::CrashModel{});
    {
      const auto fs = disk.mount();
      Script random({});
      ASSERT_TRUE(format_directories(*fs, standalone("/srv/kafka/data/a"), random, 1).has_value());
    }
    disk.power_cut();
    const auto fs = disk.mount();
    EXPECT_TRUE(storage::read_meta_properties(*fs, "/srv/kafka/data/a").has_value()) << seed;
  }
}

}  // namespace
}  // namespace moldau::raft
