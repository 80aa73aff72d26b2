// Apache Kafka's own directories (tests/golden/directories): every log opens, and holds what Kafka's consumer saw.
#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/record/record_walker.h"
#include "runtime/asio/posix_fs.h"
#include "runtime/testing/scratch_directory.h"
#include "storage/testing/log_kit.h"

namespace moldau::storage::testing {
namespace {

std::string output_of(const std::string& command) {
  std::string output;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::array<char, 4096> chunk{};
  for (std::size_t size = 0; pipe != nullptr && (size = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;) {
    output.append(chunk.data(), size);
  }
  EXPECT_TRUE(pipe != nullptr && ::pclose(pipe) == 0) << command;
  return output;
}

std::string hex(std::optional<Bytes> bytes) {
  if (!bytes) {
    return "-";
  }
  std::string text;
  for (const std::byte byte : *bytes) {
    text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  }
  return text;
}

struct Expected {
  std::string name;
  std::int64_t start = 0;
  std::int64_t end = 0;
  std::int64_t lso = 0;
  std::string all_digest;
  std::string committed_digest;
};

class GoldenDirectory : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string golden = std::string(MOLDAU_SOURCE_DIR) + "/tests/golden/directories/" + GetParam();
    std::istringstream lines(output_of(fmt::format(
        "python3 -c \"import "
        "json;m=json.load(open('{}.json'));[print(n,p['start'],p['end'],p['lso'],p['read_uncommitted']['sha256'],"
        "p['read_committed']['sha256']) for n,p in sorted(m['partitions'].items())]\"",
        golden)));
    for (Expected e; lines >> e.name >> e.start >> e.end >> e.lso >> e.all_digest >> e.committed_digest;) {
      expected_.push_back(e);
    }
    ASSERT_GT(expected_.size(), 15U);
  }

  [[nodiscard]] std::int64_t checkpoint(const char* file, const std::string& partition) const {
    std::ifstream in(root_ / file);
    std::string topic;
    std::int64_t index = 0;
    std::int64_t offset = 0;
    in >> index >> index;
    while (in >> topic >> index >> offset) {
      if (fmt::format("{}-{}", topic, index) == partition) {
        return offset;
      }
    }
    return 0;
  }

  Result<std::unique_ptr<Log>> open(const std::string& name, bool clean) {
    LogConfig config;
    config.cleanup_compact = name.starts_with("compacted") || name.starts_with("__");
    const std::size_t dash = name.rfind('-');
    const TopicPartition partition{name.substr(0, dash), PartitionIndex(std::stoi(name.substr(dash + 1)))};
    return Log::open({fs_, logger_, random_}, root_ / name, partition, config,
                     {.clean_shutdown = clean,
                      .recovery_point = Offset(checkpoint("recovery-point-offset-checkpoint", name)),
                      .log_start = Offset(checkpoint("log-start-offset-checkpoint", name)),
                      .now_ms = 1'700'000'000'000});
  }

  // One line a record, as the manifest's digests have it.
  std::string lines_of(Log& log, Offset upper, bool committed) {
    std::vector<AbortedTransaction> aborted;
    if (committed) {
      aborted = log.aborted_transactions(log.log_start(), upper).value();
    }
    std::string lines;
    record::Scratch scratch;
    for (Offset next = log.log_start(); next < upper;) {
      const auto slice = log.read(next, upper, 300, true);
      EXPECT_TRUE(slice) << (slice ? "" : slice.error().message());
      if (!slice || slice->empty()) {
        break;
      }
      const ByteVector bytes = read_slice(*slice).value();
      record::BatchIterator batches(bytes);
      for (auto batch = batches.next(); batch && *batch; batch = batches.next()) {
        EXPECT_TRUE((*batch)->crc_matches());
        add_lines(**batch, log.log_start(), committed ? &aborted : nullptr, scratch, lines);
        next = (*batch)->header.next_offset();
      }
    }
    return lines;
  }

  static void add_lines(const record::BatchView& batch, Offset from, std::vector<AbortedTransaction>* aborted,
                        record::Scratch& scratch, std::string& lines) {
    const record::BatchHeader& header = batch.header;
    if (header.is_control()) {
      if (aborted != nullptr) {  // the marker ends the producer's oldest listed transaction that began before it
        const auto ended = std::ranges::find_if(*aborted, [&](const AbortedTransaction& txn) {
          return txn.producer_id == header.producer_id && txn.first_offset < header.base_offset;
        });
        if (ended != aborted->end()) {
          aborted->erase(ended);
        }
      }
      return;
    }
    if (aborted != nullptr && header.is_transactional() &&
        std::ranges::any_of(*aborted, [&](const AbortedTransaction& txn) {
          return txn.producer_id == header.producer_id && txn.first_offset <= header.base_offset;
        })) {
      return;
    }
    record::RecordWalker walker(batch, scratch, std::size_t{1} << 24);
    while (const record::RecordView* r = walker.next()) {
      if (header.offset_at(r->offset_delta) < from) {
        continue;
      }
      std::string headers;
      auto each = r->headers();
      while (const auto h = each.next()) {
        headers += fmt::format("{}{}={}", headers.empty() ? "" : ",", h->key, hex(h->value));
      }
      lines +=
          fmt::format("{}|{} {}|{}|{}|{}\n", header.offset_at(r->offset_delta).value(),
                      header.timestamp_type() == record::TimestampType::kCreateTime ? "CreateTime" : "LogAppendTime",
                      header.timestamp_at(r->timestamp_delta), hex(r->key), hex(r->value), headers);
    }
    EXPECT_TRUE(walker.ok());
  }

  // The digests are compared at the end, by one process.
  void expect_digest(const std::string& name, const std::string& lines, const std::string& digest) {
    std::ofstream(root_ / name, std::ios::binary) << lines;
    std::ofstream((root_ / "digests"), std::ios::app) << digest << "  " << root_ / name << "\n";
  }

  void expect_all(bool clean) {
    for (const Expected& e : expected_) {
      SCOPED_TRACE(e.name);
      auto log = open(e.name, clean);
      ASSERT_TRUE(log) << log.error().message();
      ASSERT_FALSE((*log)->fenced());
      EXPECT_EQ((*log)->log_start(), Offset(e.start));
      EXPECT_EQ((*log)->log_end(), Offset(e.end));
      (*log)->on_high_watermark((*log)->log_end());
      EXPECT_EQ((*log)->first_unstable_offset().value_or((*log)->log_end()), Offset(e.lso));
      expect_digest(e.name + ".all", lines_of(**log, Offset(e.end), false), e.all_digest);
      expect_digest(e.name + ".committed", lines_of(**log, Offset(e.lso), true), e.committed_digest);
      EXPECT_EQ((*log)->open_report().bytes_cut, 0U);
      ASSERT_TRUE((*log)->close(true));
    }
    output_of("sha256sum --check --quiet " + (root_ / "digests"));
  }

  moldau::testing::ScratchDirectory root_{GetParam(), MOLDAU_SOURCE_DIR};
  runtime::PosixFileSystem fs_;
  RememberingLogger logger_;
  SeededRandom random_{1};
  std::vector<Expected> expected_;
};

TEST_P(GoldenDirectory, HoldsWhatKafkasConsumerSaw) {
  expect_all(std::string_view(GetParam()) == "rich-clean");
}

TEST_P(GoldenDirectory, HoldsItAgainAfterAKillOfOurs) {
  for (const Expected& e : expected_) {
    SCOPED_TRACE(e.name);
    auto log = open(e.name, false);
    ASSERT_TRUE(log) << log.error().message();
    ASSERT_TRUE((*log)->close(false));
  }
  expect_all(false);
}

TEST_P(GoldenDirectory, TakesAppendsAndOpensAgain) {
  for (const Expected& e : expected_) {
    SCOPED_TRACE(e.name);
    {
      auto log = open(e.name, std::string_view(GetParam()) == "rich-clean");
      ASSERT_TRUE(log);
      for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(append(**log, make_batch({.records = 2, .tag = 9}), 0, LeaderEpoch(50)));
      }
      ASSERT_TRUE(sync(**log, fs_));
      ASSERT_TRUE(append(**log, make_batch({.records = 1}), 0, LeaderEpoch(50)));
      ASSERT_TRUE((*log)->close(true));
    }
    auto again = open(e.name, false);
    ASSERT_TRUE(again);
    EXPECT_FALSE((*again)->fenced());
    EXPECT_EQ((*again)->log_end(), Offset(e.end + 7));
    EXPECT_EQ((*again)->end_offset_for_epoch(LeaderEpoch(49))->offset, Offset(e.end));
    ASSERT_TRUE((*again)->close(true));
  }
}

INSTANTIATE_TEST_SUITE_P(Kafka431, GoldenDirectory, ::testing::Values("rich-clean", "rich-killed"),
                         [](const auto& parameter) { return std::string(parameter.param).substr(5); });

}  // namespace
}  // namespace moldau::storage::testing
