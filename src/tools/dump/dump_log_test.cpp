#include "tools/dump/dump_log.h"

#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/record/batch_builder.h"
#include "storage/testing/memory_fs.h"
#include "tools/output/command_result.h"

namespace moldau::tools {
namespace {

struct Dumped {
  int exit_code = -1;
  std::string output;
  std::string errors;
};

class Dumps : public testing::Test {
 protected:
  Dumps() { EXPECT_TRUE(fs_.make_dirs("t-0")); }

  Dumped dump(DumpLogOptions options) {
    Dumped dumped;
    dumped.exit_code = dump_log(fs_, options,
                                {.output = [&](std::string_view text) { dumped.output += text; },
                                 .errors = [&](std::string_view text) { dumped.errors += text; }});
    return dumped;
  }
  void put(const std::string& name, std::string_view text) { fs_.put("t-0/" + name, to_vector(as_bytes(text))); }

  storage::testing::MemoryFileSystem fs_;
};

TEST_F(Dumps, AFileThatIsNotThereOrOfNoKnownKindIsAFault) {
  const Dumped missing = dump({.files = {"t-0/00000000000000000000.log"}});
  EXPECT_EQ(missing.exit_code, kExitRefused);
  EXPECT_NE(missing.errors.find("t-0/00000000000000000000.log: "), std::string::npos);
  put("notes.txt", "hello");
  EXPECT_EQ(dump({.files = {"t-0/notes.txt"}}).exit_code, kExitRefused);
}

TEST_F(Dumps, AnEmptyLogIsSound) {
  put("00000000000000000007.log", "");
  const Dumped empty = dump({.files = {"t-0/00000000000000000007.log"}});
  EXPECT_EQ(empty.exit_code, kExitDone);
  EXPECT_EQ(empty.output, "Dumping t-0/00000000000000000007.log\nLog starting offset: 7\n");
}

TEST_F(Dumps, BytesThatAreNoBatchAreCounted) {
  put("00000000000000000000.log", std::string(100, '\xee'));
  const Dumped noise = dump({.files = {"t-0/00000000000000000000.log"}});
  EXPECT_EQ(noise.exit_code, kExitRefused);
  EXPECT_NE(noise.output.find("Found 100 invalid bytes at the end of 00000000000000000000.log"), std::string::npos);
}

struct DumpsRecords : Dumps {
  DumpsRecords() {
    record::BatchBuilder builder({.leader_epoch = LeaderEpoch(1)});
    builder.append({.timestamp = 5, .key = as_bytes("k"), .value = as_bytes("v")});
    builder.append({.timestamp = 5});
    first_ = *builder.build();
    fs_.put(kLog, first_);
  }
  std::vector<std::string> lines(DumpLogOptions options) {
    options.files = {kLog};
    std::istringstream text(dump(options).output);
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) {
      lines.push_back(line);
    }
    return lines;
  }

  static constexpr const char* kLog = "t-0/00000000000000000000.log";
  ByteVector first_;
};

TEST_F(DumpsRecords, ARecordThatHoldsNothingIsAnEmptyLineWithoutItsMetadata) {
  const auto shown = lines({.print_records = true, .skip_record_metadata = true});
  ASSERT_EQ(shown.size(), 5U);
  EXPECT_EQ(shown[3], "| key: k payload: v");
  EXPECT_EQ(shown[4], "");
}

TEST_F(DumpsRecords, OnlySoManyBytesAreLookedAt) {
  ByteVector two = first_;
  ByteVector second = first_;
  store_be(second.data(), std::int64_t{2});
  two.insert(two.end(), second.begin(), second.end());
  fs_.put(kLog, two);
  EXPECT_EQ(lines({}).size(), 4U);
  EXPECT_EQ(lines({.bytes_max = two.size() - 1}).size(), 3U);
  EXPECT_EQ(lines({.bytes_max = 10}).size(), 2U);
}

TEST_F(DumpsRecords, RecordsOfCoordinatorsAreDecoded) {
  const auto show = [this](RecordDecoder decoder, Bytes key, std::optional<Bytes> value) {
    record::BatchBuilder builder({.leader_epoch = LeaderEpoch(1)});
    builder.append({.timestamp = 5, .key = key, .value = value});
    fs_.put(kLog, *builder.build());
    return lines({.decoder = decoder, .skip_record_metadata = true}).at(3);
  };
  const std::string_view offsets_key("\0\1\0\1g\0\1t\0\0\0\7", 12);
  EXPECT_EQ(show(RecordDecoder::kOffsets, as_bytes(offsets_key), std::nullopt),
            R"(| key: {"type":"1","data":{"group":"g","topic":"t","partition":7}} payload: <DELETE>)");
  EXPECT_EQ(show(RecordDecoder::kTransactionLog, as_bytes(std::string_view("\0\0\0\2id", 6)), std::nullopt),
            R"(| key: {"type":"0","data":{"transactionalId":"id"}} payload: <DELETE>)");
  EXPECT_EQ(show(RecordDecoder::kShareState, as_bytes(std::string_view("\0\11", 2)), std::nullopt),
            "| key: Unknown record type 9 at offset 0, skipping.");
  EXPECT_TRUE(show(RecordDecoder::kOffsets, as_bytes(offsets_key), as_bytes(std::string_view("\0\1\0", 3)))
                  .starts_with("| key: Error at offset 0, skipping. "));
}

TEST_F(Dumps, IndexesAreOnlyCheckedWhereThatIsAskedFor) {
  put("00000000000000000000.log", "");
  put("00000000000000000000.index", std::string_view("\0\0\0\5\0\0\1\0", 8));
  const std::string index = "t-0/00000000000000000000.index";
  const Dumped verified = dump({.files = {index}, .verify_index_only = true});
  EXPECT_EQ(verified.output, "Dumping " + index + "\n");
  EXPECT_EQ(verified.exit_code, kExitRefused);
  const Dumped sane = dump({.files = {index}, .index_sanity_check = true});
  EXPECT_EQ(sane.output, "Dumping " + index + "\n" + index + " passed sanity check.\n");
  EXPECT_EQ(sane.exit_code, kExitDone);
  put("00000000000000000000.index", std::string_view("\xff\0\0\5\0\0\1\0", 8));
  EXPECT_EQ(dump({.files = {index}, .index_sanity_check = true}).exit_code, kExitRefused);
}

TEST_F(Dumps, IndexEntriesThatTheLogDoesNotConfirmAreNamed) {
  put("00000000000000000000.log", "");
  put("00000000000000000000.index", std::string_view("\0\0\0\5\0\0\1\0\xff\xff\xff\xff\xff\xff\xff\xff\1", 17));
  const Dumped index = dump({.files = {"t-0/00000000000000000000.index"}});
  EXPECT_EQ(index.exit_code, kExitRefused);
  EXPECT_NE(index.output.find("offset: 5 position: 256\n"), std::string::npos);
  EXPECT_NE(index.errors.find("Index offset: 5, log offset: -1"), std::string::npos);
  EXPECT_NE(index.errors.find("1 bytes behind the last whole entry"), std::string::npos);
}

TEST_F(Dumps, ZerosOfAPreallocatedIndexAreNoEntries) {
  put("00000000000000000000.log", "");
  put("00000000000000000000.index", std::string(4096, '\0'));
  put("00000000000000000000.timeindex", std::string(4092, '\0'));
  const Dumped zeros = dump({.files = {"t-0/00000000000000000000.index", "t-0/00000000000000000000.timeindex"}});
  EXPECT_EQ(zeros.exit_code, kExitDone) << zeros.errors;
  EXPECT_EQ(zeros.output, "Dumping t-0/00000000000000000000.index\nDumping t-0/00000000000000000000.timeindex\n");
}

TEST_F(Dumps, CheckpointsAsTextAndAsJson) {
  put("replication-offset-checkpoint", "0\n1\norders 3 42\n");
  const std::string file = "t-0/replication-offset-checkpoint";
  EXPECT_EQ(dump({.files = {file}}).output, "Dumping " + file + "\ntopic: orders partition: 3 offset: 42\n");
  EXPECT_EQ(dump({.files = {file}, .json = true}).output,
            "{\"file\":\"" + file + "\",\"kind\":\"entry\",\"topic\":\"orders\",\"partition\":3,\"offset\":42}\n");
  put("replication-offset-checkpoint", "0\n2\norders 3 42\n");
  EXPECT_EQ(dump({.files = {file}}).exit_code, kExitRefused);
}

}  // namespace
}  // namespace moldau::tools
