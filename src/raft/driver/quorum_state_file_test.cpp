#include "raft/driver/quorum_state_file.h"

#include <gtest/gtest.h>

#include "runtime/asio/posix_fs.h"
#include "runtime/testing/scratch_directory.h"

namespace moldau::raft {
namespace {

using moldau::testing::ScratchDirectory;

TEST(QuorumState, IsKafkasLineForADynamicQuorum) {
  const ElectionRecord led{LeaderEpoch{1}, NodeId{1}, {}};
  EXPECT_EQ(
      format_quorum_state(led, kKraftVersionDynamic, {}),
      R"({"leaderId":1,"leaderEpoch":1,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1})");
  EXPECT_EQ(parse_quorum_state(as_bytes(format_quorum_state(led, kKraftVersionDynamic, {}))), led);
}

TEST(QuorumState, IsKafkasLineForStaticVoters) {
  Voter one;
  one.key.id = NodeId{1};
  Voter two;
  two.key.id = NodeId{2};
  const ElectionRecord voted{LeaderEpoch{7}, kNoNode, {NodeId{2}, kZeroUuid}};
  const std::string text = format_quorum_state(voted, kKraftVersionStatic, VoterSet({one, two}));
  EXPECT_EQ(text, R"({"clusterId":"","leaderId":-1,"leaderEpoch":7,"votedId":2,"appliedOffset":0,)"
                  R"("currentVoters":[{"voterId":1},{"voterId":2}],"data_version":0})");
  EXPECT_EQ(parse_quorum_state(as_bytes(text)), voted);
}

TEST(QuorumState, ReadsWhatApacheKafkaWrote) {
  runtime::PosixFileSystem fs;
  const ScratchDirectory golden("first-start", MOLDAU_SOURCE_DIR);
  const auto read = read_quorum_state(fs, golden / "__cluster_metadata-0");
  ASSERT_TRUE(read.has_value()) << read.error().message();
  ASSERT_TRUE(read->has_value());
  EXPECT_EQ(**read, (ElectionRecord{LeaderEpoch{1}, NodeId{1}, {}}));
  // And writes the same bytes.
  const auto bytes = runtime::read_file(fs, golden / "__cluster_metadata-0/quorum-state", kQuorumStateBytesMax);
  EXPECT_EQ(as_text(*bytes), format_quorum_state(**read, kKraftVersionDynamic, {}));
}

TEST(QuorumState, RefusesDamageRatherThanForgettingAVote) {
  for (
      const char* text : {
          "",
          "{",
          "{}",
          "null",
          "[]",
          R"({"data_version":1})",
          R"({"leaderId":1,"leaderEpoch":1,"votedId":-1,"data_version":1})",
          R"({"leaderId":1,"leaderEpoch":1,"votedId":-1,"votedDirectoryId":"short","data_version":1})",
          R"({"leaderId":1,"leaderEpoch":-4,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1})",
          R"({"leaderId":1,"leaderEpoch":2147483647,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1})",
          R"({"leaderId":1,"leaderEpoch":99999999999,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1})",
          R"({"leaderId":"1","leaderEpoch":1,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1})",
          R"({"leaderId":1,"leaderEpoch":1,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}x)",
          R"({"leaderId":1,"leaderId":1,"leaderEpoch":1,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1})",
          R"({"clusterId":"","leaderId":1,"leaderEpoch":1,"votedId":-1,"appliedOffset":0,"data_version":0})",
      }) {
    const auto parsed = parse_quorum_state(as_bytes(text));
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().kind(), ErrorKind::kCorrupt) << text;
  }
  const auto newer = parse_quorum_state(as_bytes(
      R"({"leaderId":1,"leaderEpoch":1,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":2})"));
  EXPECT_EQ(newer.error().kind(), ErrorKind::kUnsupported);
}

TEST(QuorumState, MissingFileIsAFirstStart) {
  runtime::PosixFileSystem fs;
  const ScratchDirectory directory;
  const auto read = read_quorum_state(fs, directory.path());
  ASSERT_TRUE(read.has_value());
  EXPECT_FALSE(read->has_value());
  const ElectionRecord record{LeaderEpoch{3}, kNoNode, {NodeId{1}, {5, 6}}};
  ASSERT_TRUE(
      write_quorum_state(fs, directory.path(), format_quorum_state(record, kKraftVersionDynamic, {})).has_value());
  EXPECT_EQ(read_quorum_state(fs, directory.path()).value(), std::optional(record));
}

}  // namespace
}  // namespace moldau::raft
