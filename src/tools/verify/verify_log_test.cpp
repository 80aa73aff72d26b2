#include "tools/verify/verify_log.h"

#include <string>

#include <gtest/gtest.h>

#include "protocol/record/batch_builder.h"
#include "storage/checkpoint/durable_end_file.h"
#include "storage/index/transaction_index.h"
#include "storage/testing/memory_fs.h"
#include "tools/output/command_result.h"

namespace moldau::tools {
namespace {

constexpr const char* kLog = "data/t-0/00000000000000000000.log";
constexpr const char* kNext = "data/t-0/00000000000000000004.log";

ByteVector batch(std::int64_t base, std::int32_t count, std::int64_t time, const record::BatchOptions& like = {}) {
  record::BatchOptions options = like;
  options.base_offset = Offset(base);
  options.leader_epoch = LeaderEpoch(1);
  record::BatchBuilder builder(options);
  for (std::int32_t i = 0; i < count; ++i) {
    builder.append({.timestamp = time, .key = as_bytes("k"), .value = as_bytes("value")});
  }
  return *builder.build();
}

ByteVector operator+(ByteVector a, const ByteVector& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// A log directory of one partition with two segments, [0, 4) and [4, 6), stopped cleanly.
struct Verify : ::testing::Test {
  Verify() {
    EXPECT_TRUE(fs.make_dirs("data/t-0"));
    put("data/meta.properties",
        "version=1\ncluster.id=6XM6oYyhTcOYQ1SRYdVl3w\nnode.id=1\n"
        "directory.id=qvhB6DPhSlq0VBqzh5mLRw\n");
    put("data/.kafka_cleanshutdown", R"({"version":0,"brokerEpoch":7})");
    put("data/t-0/partition.metadata", "version: 0\ntopic_id: Kw8mVKXCTcKsRIRUlX0ZbQ\n");
    put("data/t-0/leader-epoch-checkpoint", "0\n1\n1 0\n");
    put("data/recovery-point-offset-checkpoint", "0\n1\nt 0 6\n");
    fs.put(kLog, first);
    fs.put(kNext, batch(4, 2, 2'000));
    time_index("00000000000000000000", 1'500, 3);
    time_index("00000000000000000004", 2'000, 1);
    for (const char* base : {"00000000000000000000", "00000000000000000004"}) {
      put("data/t-0/" + std::string(base) + ".index", "");
    }
  }

  void time_index(const std::string& base, std::int64_t timestamp, std::int32_t offset) {
    ByteVector entry(12);
    store_be(entry.data(), timestamp);
    store_be(entry.data() + 8, offset);
    fs.put("data/t-0/" + base + ".timeindex", entry);
  }
  void put(const std::string& path, std::string_view text) { fs.put(path, to_vector(as_bytes(text))); }
  void unclean() { EXPECT_TRUE(fs.remove_file("data/.kafka_cleanshutdown")); }
  int verify(bool json = false, const std::string& directory = "data") {
    output.clear();
    errors.clear();
    return verify_logs(fs, {.directories = {directory}, .json = json},
                       {.output = [this](std::string_view text) { output += text; },
                        .errors = [this](std::string_view text) { errors += text; }});
  }
  // One fault, in this file, whose text has these words.
  void expect_fault(const std::string& place, const std::string& words) {
    EXPECT_EQ(verify(), kExitRefused) << output;
    EXPECT_NE(output.find("fault: " + place), std::string::npos) << output;
    EXPECT_NE(output.find(words), std::string::npos) << output;
    EXPECT_NE(output.find(": 1 faults"), std::string::npos) << output;
  }

  storage::testing::MemoryFileSystem fs;
  const ByteVector first = batch(0, 2, 1'000) + batch(2, 2, 1'500);
  std::string output;
  std::string errors;
};

TEST_F(Verify, ASoundDirectoryHasNoFaults) {
  EXPECT_EQ(verify(), kExitDone) << output;
  EXPECT_EQ(output, "1 partitions, 2 segments, 3 batches, 6 records, " +
                        std::to_string(first.size() + batch(4, 2, 2'000).size()) + " bytes: 0 faults, 0 notes\n");
  EXPECT_EQ(verify(false, "data/t-0"), kExitDone) << "a partition alone";
}

TEST_F(Verify, ADirectoryThatIsNoneIsRefused) {
  EXPECT_EQ(verify(false, "no-such"), kExitWrongUsage);
  EXPECT_NE(errors.find("no-such"), std::string::npos);
  EXPECT_TRUE(fs.make_dirs("empty"));
  EXPECT_EQ(verify(false, "empty"), kExitWrongUsage);
}

TEST_F(Verify, AWrongChecksumIsNamedWithItsPosition) {
  ByteVector bent = first;
  bent[batch(0, 2, 1'000).size() + 70] ^= std::byte{1};
  fs.put(kLog, bent);
  EXPECT_EQ(verify(), kExitRefused);
  EXPECT_NE(output.find("fault: " + std::string(kLog) + " at " + std::to_string(batch(0, 2, 1'000).size()) +
                        ": the batch's checksum is"),
            std::string::npos)
      << output;
}

TEST_F(Verify, BytesBehindTheLastBatchAreAFaultOnlyWhereTheNextStartDoesNotCut) {
  fs.put(kNext, batch(4, 2, 2'000) + ByteVector(10));
  expect_fault(std::string(kNext) + " at ", "10 bytes that are no whole batch");
  unclean();
  EXPECT_EQ(verify(), kExitDone) << output;
  EXPECT_NE(output.find("note: " + std::string(kNext)), std::string::npos) << output;
  fs.put(kLog, first + ByteVector(10));  // a closed segment is never cut
  EXPECT_EQ(verify(), kExitRefused);
}

TEST_F(Verify, MissingOffsetsAreAFaultButNotWhereACleanerWas) {
  fs.put(kNext, batch(5, 1, 2'000));
  expect_fault(kNext, "offsets are missing");
  put("data/cleaner-offset-checkpoint", "0\n1\nt 0 4\n");
  EXPECT_EQ(verify(), kExitDone) << output;
  fs.put(kNext, batch(3, 3, 2'000));
  EXPECT_EQ(verify(), kExitRefused) << "they overlap";
}

TEST_F(Verify, AnEpochThatFallsIsAFault) {
  ByteVector later = batch(4, 2, 2'000);
  store_be(later.data() + record::kLeaderEpochAt, std::int32_t{0});
  fs.put(kNext, later);
  expect_fault(std::string(kNext) + " at 0", "leader epoch 0 follows 1");
}

TEST_F(Verify, IndexEntriesAreHeldAgainstTheLog) {
  ByteVector index(8);
  store_be(index.data(), std::int32_t{3});
  store_be(index.data() + 4, static_cast<std::int32_t>(batch(0, 2, 1'000).size()));
  fs.put("data/t-0/00000000000000000000.index", index);
  EXPECT_EQ(verify(), kExitDone) << output;
  store_be(index.data(), std::int32_t{2});
  fs.put("data/t-0/00000000000000000000.index", index);
  expect_fault("data/t-0/00000000000000000000.index at 0", "offset 2 is said to be at");
}

TEST_F(Verify, TheTimeIndexOfAClosedSegmentEndsWithItsYoungest) {
  time_index("00000000000000000000", 1'000, 1);
  expect_fault("data/t-0/00000000000000000000.timeindex at 12", "youngest batch is of 1500");
  time_index("00000000000000000000", 1'400, 3);
  EXPECT_EQ(verify(), kExitRefused);
  EXPECT_TRUE(fs.remove_file("data/t-0/00000000000000000000.timeindex"));
  EXPECT_EQ(verify(), kExitDone);
  EXPECT_NE(output.find("note: data/t-0/00000000000000000000.timeindex: is missing"), std::string::npos) << output;
}

TEST_F(Verify, AnAbortedTransactionThatTheIndexDoesNotTellOfIsAFault) {
  const record::BatchOptions options{
      .producer_id = ProducerId(9), .producer_epoch = ProducerEpoch(0), .base_sequence = 0, .is_transactional = true};
  fs.put(kNext, batch(4, 1, 2'000, options) +
                    record::build_end_txn_marker(Offset(5), LeaderEpoch(1), 2'000, ProducerId(9), ProducerEpoch(0),
                                                 record::ControlRecordType::kAbort, {.coordinator_epoch = 1}));
  expect_fault("data/t-0/00000000000000000004.txnindex", "aborted at 5, is missing");
  ByteVector entry(storage::AbortedTxn::kBytes);
  storage::AbortedTxn{.producer_id = ProducerId(9),
                      .first_offset = Offset(4),
                      .last_offset = Offset(5),
                      .last_stable_offset = Offset(4)}
      .store(entry.data());
  fs.put("data/t-0/00000000000000000004.txnindex", entry);
  EXPECT_EQ(verify(), kExitDone) << output;
}

TEST_F(Verify, ALogThatEndsBelowWhatWasOnTheDiskIsAFault) {
  unclean();
  put("data/recovery-point-offset-checkpoint", "0\n1\nt 0 9\n");
  expect_fault("data/t-0", "the log ends at offset 6; records up to 9 were on the disk");
  put("data/recovery-point-offset-checkpoint", "0\n0\n");
  EXPECT_EQ(verify(), kExitDone);
  const storage::DurableEnds ends = {
      {{"t", PartitionIndex(0)},
       {.topic_id = *Uuid::parse("Kw8mVKXCTcKsRIRUlX0ZbQ"), .broker_epoch = BrokerEpoch(4), .end = Offset(8)}}};
  put("data/moldau.durable-ends", storage::format_durable_ends(ends));
  expect_fault("data/t-0", "records up to 8 were on the disk");
}

TEST_F(Verify, CheckpointsAreReadAndHeldAgainstTheLogs) {
  put("data/replication-offset-checkpoint", "0\n1\nt 0 7\n");
  expect_fault("data/replication-offset-checkpoint", "offset 7 is behind the log's end, 6");
  unclean();
  EXPECT_EQ(verify(), kExitDone) << "it is written without a sync of the log";
  put("data/replication-offset-checkpoint", "0\n1\nt 0 x\n");
  expect_fault("data/replication-offset-checkpoint", "");
  put("data/replication-offset-checkpoint", "0\n1\ngone 0 7\n");
  EXPECT_EQ(verify(), kExitDone);
  EXPECT_NE(output.find("speaks of gone-0"), std::string::npos);
}

TEST_F(Verify, BrokenFilesOfADirectoryAreNamed) {
  put("data/meta.properties", "version=1\ncluster.id=x\n");
  expect_fault("data/meta.properties", "");
  put("data/meta.properties",
      "version=1\ncluster.id=6XM6oYyhTcOYQ1SRYdVl3w\nnode.id=1\n"
      "directory.id=qvhB6DPhSlq0VBqzh5mLRw\n");
  put("data/t-0/partition.metadata", "version: 0\n");
  expect_fault("data/t-0/partition.metadata", "");
  put("data/t-0/partition.metadata", "version: 0\ntopic_id: Kw8mVKXCTcKsRIRUlX0ZbQ\n");
  put("data/t-0/leader-epoch-checkpoint", "0\n2\n1 0\n");
  expect_fault("data/t-0/leader-epoch-checkpoint", "");
  put("data/t-0/leader-epoch-checkpoint", "0\n1\n0 0\n");
  expect_fault("data/t-0/leader-epoch-checkpoint", "epoch 1 is in force at offset 0");
  put("data/t-0/leader-epoch-checkpoint", "0\n1\n1 0\n");
  put("data/t-0/00000000000000000004.snapshot", "nonsense");
  expect_fault("data/t-0/00000000000000000004.snapshot", "");
}

TEST_F(Verify, FaultsAsJson) {
  fs.put(kNext, batch(5, 1, 2'000));
  EXPECT_EQ(verify(true), kExitRefused);
  EXPECT_NE(output.find("{\"kind\":\"fault\",\"file\":\"" + std::string(kNext) + "\",\"position\":0,\"what\":\""),
            std::string::npos)
      << output;
  EXPECT_NE(output.find("{\"kind\":\"summary\",\"partitions\":1,"), std::string::npos);
}

}  // namespace
}  // namespace moldau::tools
