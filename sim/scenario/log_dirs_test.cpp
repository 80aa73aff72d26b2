// Several log directories: where partitions go, what is left when one of them dies, what a start finds.
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/messages/metadata_request.h"
#include "protocol/messages/metadata_response.h"
#include "runtime/fs.h"
#include "sim/scenario/scenario.h"

namespace moldau::sim {
namespace {

using protocol::ErrorCode;

constexpr std::int16_t kAcksAll = -1;

BrokerSettings three_directories() {
  BrokerSettings settings;
  settings.log_dirs = "/data/a,/data/b,/data/c";
  return settings;
}

// In which directory each topic's only partition lies, by the names on the disk. The broker is down.
std::map<std::string, std::string> places(Scenario& scenario) {
  std::map<std::string, std::string> found;
  const auto fs = scenario.disk().mount();
  for (const std::string directory : {"/data/a", "/data/b", "/data/c"}) {
    const auto entries = fs->list(directory);
    for (const runtime::DirEntry& entry : entries ? *entries : std::vector<runtime::DirEntry>{}) {
      if (entry.kind == runtime::EntryKind::kDirectory && entry.name.ends_with("-0") && !entry.name.starts_with("__")) {
        const bool only = found.emplace(entry.name.substr(0, entry.name.size() - 2), directory).second;
        EXPECT_TRUE(only) << entry.name << " is in two directories";
      }
    }
  }
  return found;
}

struct Shown {
  std::int32_t leader = -2;
  std::vector<std::int32_t> offline;
};

Shown show(Scenario& scenario, const std::string& name) {
  protocol::MetadataRequest request;
  request.topics.emplace().emplace_back().name = name;
  Shown shown;
  scenario.call(request, 12, [&](const protocol::MetadataResponse& response) {
    const auto& partition = response.topics.at(0).partitions.at(0);
    shown = {partition.leader_id, {partition.offline_replicas.begin(), partition.offline_replicas.end()}};
  });
  return shown;
}

TEST(LogDirs, PartitionsGoWhereTheFewestAreAndStayThere) {
  Scenario scenario(1, three_directories());
  scenario.start();
  for (int i = 0; i < 6; ++i) {
    const std::string topic = "t" + std::to_string(i);
    scenario.create_topic(topic);
    ASSERT_EQ(scenario.produce(topic, kAcksAll, topic).error, ErrorCode::kNone);
  }
  scenario.run_for(std::chrono::seconds(1));
  EXPECT_TRUE(scenario.stop());
  const auto placed = places(scenario);
  std::map<std::string, int> counts;
  for (const auto& [topic, directory] : placed) {
    ++counts[directory];
  }
  EXPECT_EQ(counts, (std::map<std::string, int>{{"/data/a", 2}, {"/data/b", 2}, {"/data/c", 2}}));
  for (const CrashKind kind : {CrashKind::kKill, CrashKind::kPowerCut}) {
    scenario.start();
    for (const auto& [topic, directory] : placed) {
      EXPECT_EQ(scenario.log_end(topic), Offset(kind == CrashKind::kKill ? 1 : 2)) << topic;
      ASSERT_EQ(scenario.produce(topic, kAcksAll, "more").error, ErrorCode::kNone);
    }
    scenario.crash(kind);
    EXPECT_EQ(places(scenario), placed);
  }
  scenario.start();
  EXPECT_EQ(scenario.log_end("t5"), Offset(3));
  EXPECT_TRUE(scenario.stop());
}

TEST(LogDirs, ATopicThatIsCreatedAgainTakesNothingFromItsForerunner) {
  Scenario scenario(2, three_directories());
  scenario.start();
  for (int round = 0; round < 4; ++round) {
    scenario.create_topic("t");
    for (std::int64_t offset = 0; offset < 3; ++offset) {
      ASSERT_EQ(scenario.produce("t", kAcksAll, "value").offset, Offset(offset));
    }
    scenario.run_for(std::chrono::seconds(2));
    scenario.delete_topic("t");
  }
  scenario.create_topic("t");
  scenario.crash(CrashKind::kKill);
  scenario.start();
  EXPECT_EQ(scenario.log_end("t"), Offset(0));
}

struct OneDies : ::testing::Test {
  // Two topics with a record each; tells which directory has which.
  void begin() {
    scenario.start();
    for (const char* topic : {"x", "y", "z"}) {
      scenario.create_topic(topic);
      ASSERT_EQ(scenario.produce(topic, kAcksAll, topic).offset, Offset(0));
    }
    scenario.run_for(std::chrono::seconds(1));
    ASSERT_TRUE(scenario.stop());
    placed = places(scenario);
    scenario.start();
    for (const auto& [topic, directory] : placed) {
      (directory == "/data/a" ? with_metadata : directory == "/data/b" ? lost : kept) = topic;
    }
  }

  Scenario scenario{3, three_directories()};
  std::map<std::string, std::string> placed;
  std::string with_metadata;
  std::string lost;
  std::string kept;
};

TEST_F(OneDies, Semantics62ItsPartitionsGoOfflineAndTheOthersServeOn) {
  begin();
  scenario.disk().fail_below("/data/b");
  EXPECT_EQ(scenario.produce(lost, kAcksAll, "gone").error, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(scenario.produce(kept, kAcksAll, "more").offset, Offset(1));
  EXPECT_EQ(scenario.list_offset_error(lost), ErrorCode::kKafkaStorageError);
  scenario.run_for(std::chrono::seconds(1));
  EXPECT_EQ(show(scenario, lost).leader, -1);
  EXPECT_EQ(show(scenario, lost).offline, std::vector{1});
  EXPECT_EQ(show(scenario, kept).leader, 1);
  EXPECT_TRUE(show(scenario, kept).offline.empty());
  // What is new goes where there is room.
  for (const char* topic : {"n1", "n2", "n3"}) {
    scenario.create_topic(topic);
    EXPECT_EQ(scenario.produce(topic, kAcksAll, "value").error, ErrorCode::kNone);
  }
  // A start without it keeps the rest, and makes nothing in its place.
  (void)scenario.stop();
  scenario.start();
  EXPECT_EQ(scenario.produce(kept, kAcksAll, "more").offset, Offset(2));
  EXPECT_EQ(scenario.produce(lost, kAcksAll, "gone").error, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(show(scenario, lost).leader, -1);
  (void)scenario.stop();
  scenario.disk().fail_below("");
  EXPECT_EQ(places(scenario).at(lost), "/data/b");
  scenario.start();
  EXPECT_EQ(scenario.log_end(lost), Offset(1));
  EXPECT_EQ(scenario.produce(lost, kAcksAll, "again").offset, Offset(1));
  EXPECT_EQ(show(scenario, lost).leader, 1);
}

TEST_F(OneDies, APartitionThatNobodyHasUsedGoesOfflineToo) {
  begin();
  scenario.disk().fail_below("/data/b");
  scenario.run_for(std::chrono::seconds(5));  // the checkpoints find it
  EXPECT_EQ(show(scenario, lost).leader, -1);
  EXPECT_EQ(scenario.produce(lost, kAcksAll, "gone").error, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(scenario.produce(kept, kAcksAll, "more").offset, Offset(1));
  // Its name is free once the topic is deleted.
  scenario.delete_topic(lost);
  scenario.create_topic(lost);
  EXPECT_EQ(scenario.produce(lost, kAcksAll, "new").offset, Offset(0));
  (void)scenario.stop();
  scenario.disk().fail_below("");
  scenario.start();
  EXPECT_EQ(scenario.log_end(lost), Offset(1)) << "what the lost directory has is set aside";
}

TEST_F(OneDies, Semantics62TheOneWithTheMetadataLogEndsTheNode) {
  begin();
  scenario.disk().fail_below("/data/a");
  ASSERT_TRUE(scenario.wait_for_failure());
  EXPECT_NE(scenario.failure().find("metadata log"), std::string::npos) << scenario.failure();
}

TEST(LogDirs, Semantics62TheLastOneEndsTheNodeWithOneLine) {
  BrokerSettings settings;
  settings.log_dirs = "/data/logs/a,/data/logs/b";
  settings.metadata_log_dir = "/data/meta";
  Scenario scenario(4, settings);
  scenario.start();
  scenario.create_topic("t");
  ASSERT_EQ(scenario.produce("t", kAcksAll, "value").offset, Offset(0));
  scenario.disk().fail_below("/data/logs/a");
  scenario.run_for(std::chrono::seconds(5));
  EXPECT_EQ(scenario.failure(), "");
  scenario.create_topic("u");
  EXPECT_EQ(scenario.produce("u", kAcksAll, "value").offset, Offset(0));
  scenario.disk().fail_below("/data/logs");
  ASSERT_TRUE(scenario.wait_for_failure());
  EXPECT_EQ(scenario.failure().find("log directory /data/logs/b failed, and it is the last one: "), 0U)
      << scenario.failure();
}

TEST(LogDirs, TheMetadataLogMayHaveADirectoryOfItsOwn) {
  BrokerSettings settings;
  settings.log_dirs = "/data/a,/data/b";
  settings.metadata_log_dir = "/data/meta";
  Scenario scenario(5, settings);
  scenario.start();
  scenario.create_topic("t");
  ASSERT_EQ(scenario.produce("t", kAcksAll, "value").offset, Offset(0));
  EXPECT_TRUE(scenario.stop());
  {
    const auto fs = scenario.disk().mount();
    EXPECT_TRUE(*fs->exists("/data/meta/__cluster_metadata-0"));
    EXPECT_FALSE(*fs->exists("/data/a/__cluster_metadata-0"));
    EXPECT_FALSE(*fs->exists("/data/meta/t-0"));
    EXPECT_TRUE(*fs->exists("/data/a/.kafka_cleanshutdown"));
    EXPECT_TRUE(*fs->exists("/data/b/.kafka_cleanshutdown"));
  }
  scenario.start();
  EXPECT_EQ(scenario.log_end("t"), Offset(1));
}

}  // namespace
}  // namespace moldau::sim
