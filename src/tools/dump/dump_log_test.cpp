#include "tools/dump/dump_log.h"

#include <gtest/gtest.h>

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
