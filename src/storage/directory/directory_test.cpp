#include <algorithm>
#include <optional>
#include <utility>

#include <gtest/gtest.h>

#include "runtime/testing/manual_shard.h"
#include "runtime/testing/manual_workers.h"
#include "runtime/testing/silent_logger.h"
#include "sim/world/sim_disk.h"
#include "storage/checkpoint/partition_metadata.h"
#include "storage/directory/checkpointer.h"
#include "storage/directory/directory_remover.h"
#include "storage/directory/open_directories.h"
#include "storage/directory/partition_directory.h"

namespace moldau::storage {
namespace {

using namespace std::chrono_literals;

TopicPartition partition(const char* topic, int index) {
  return {topic, PartitionIndex(index)};
}

TEST(PartitionDirectory, NamesAreParsedFromTheLastDash) {
  using Name = PartitionDirectoryName;
  EXPECT_EQ(parse_partition_directory("orders-0"), (Name{partition("orders", 0), DirectoryKind::kPartition}));
  EXPECT_EQ(parse_partition_directory("a.b-c_d-1-12"), (Name{partition("a.b-c_d-1", 12), DirectoryKind::kPartition}));
  EXPECT_EQ(parse_partition_directory("x-delete-0"), (Name{partition("x-delete", 0), DirectoryKind::kPartition}));
  EXPECT_EQ(parse_partition_directory("a.b-3.0123456789abcdef0123456789abcdef-delete"),
            (Name{partition("a.b", 3), DirectoryKind::kDelete}));
  EXPECT_EQ(parse_partition_directory("a-3.x-future"), (Name{partition("a", 3), DirectoryKind::kFuture}));
  EXPECT_EQ(parse_partition_directory("a-3.x-stray"), (Name{partition("a", 3), DirectoryKind::kStray}));
}

TEST(PartitionDirectory, OtherNamesAreNotPartitions) {
  for (const char* name : {"", "orders", "-0", "orders-", "orders-x", "orders-01", "orders-+1", "orders-2147483648",
                           "or ders-0", "..-0", "a-3-delete", "a-3.-delete", "a.x-delete", "lost+found"}) {
    EXPECT_EQ(parse_partition_directory(name), std::nullopt) << name;
  }
  EXPECT_EQ(parse_partition_directory(std::string(250, 'a') + "-0"), std::nullopt);
}

TEST(PartitionDirectory, ADeletedNameFitsAndIsParsedBack) {
  const TopicPartition longest{std::string(249, 't'), PartitionIndex(2147483647)};
  const std::string name = set_aside_directory_name(longest, DirectoryKind::kDelete, Uuid{1, 2});
  EXPECT_EQ(name.size(), 255U);
  const auto parsed = parse_partition_directory(name);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->kind, DirectoryKind::kDelete);
  EXPECT_EQ(parsed->partition.partition, PartitionIndex(2147483647));
  EXPECT_EQ(set_aside_directory_name(partition("a.b", 1), DirectoryKind::kStray, Uuid{0xAB, 0xC}),
            "a.b-1.00000000000000ab000000000000000c-stray");
}

struct DirectoryTest : ::testing::Test {
  DirectoryTest() { remount(); }

  void remount() { fs = disk.mount(); }
  void make_partition(const std::string& path, std::optional<Uuid> id) {
    ASSERT_TRUE(fs->make_dirs(path));
    if (id) {
      ASSERT_TRUE(write_partition_metadata(*fs, path, *id));
    }
  }
  void put(const std::string& path, std::string_view content) {
    ASSERT_TRUE(fs->make_dirs(runtime::parent_path(path)));
    ASSERT_TRUE(runtime::replace_file(*fs, path, as_bytes(content)));
  }
  std::unique_ptr<LogDirectory> open(const std::string& path = "/data") {
    auto opened = LogDirectory::open(*fs, logger, path);
    EXPECT_TRUE(opened) << opened.error().text;
    return opened ? *std::move(opened) : nullptr;
  }
  std::string refused(std::vector<std::string> paths, const ClusterIdentity& expected = {}) {
    const auto opened = open_log_directories(*fs, logger, paths, expected);
    return opened ? "" : opened.error();
  }
  std::vector<std::string> names(const std::string& path) {
    std::vector<std::string> result;
    for (const auto& entry : *fs->list(path)) {
      result.push_back(entry.name);
    }
    std::ranges::sort(result);
    return result;
  }

  sim::SimDisk disk{sim::SimRandom(1), sim::CrashModel{}};
  std::unique_ptr<runtime::FileSystem> fs;
  moldau::testing::SilentLogger logger;
  moldau::testing::ManualShard shard;
  moldau::testing::ManualWorkers workers;
};

const Uuid kId{7, 1};

TEST_F(DirectoryTest, AMissingDirectoryIsMadeAndEmpty) {
  const auto directory = open();
  EXPECT_EQ(directory->identity(), std::nullopt);
  EXPECT_FALSE(directory->contents().shutdown.clean);
  EXPECT_TRUE(directory->contents().partitions.empty());
  EXPECT_EQ(directory->id(), kZeroUuid);
}

TEST_F(DirectoryTest, WhatKafkaLeftIsFound) {
  make_partition("/data/a-0", kId);
  make_partition("/data/b.c-1-7", std::nullopt);
  make_partition("/data/a-1.00-delete", kId);
  make_partition("/data/a-2.00-future", kId);
  make_partition("/data/a-3.00-stray", kId);
  make_partition("/data/__cluster_metadata-0", std::nullopt);
  make_partition("/data/lost+found", std::nullopt);
  put("/data/recovery-point-offset-checkpoint", "0\n1\na 0 5\n");
  put("/data/replication-offset-checkpoint", "0\n1\na 0 6\n");
  put("/data/log-start-offset-checkpoint", "0\n1\na 0 2\n");
  put("/data/.kafka_cleanshutdown", "{\"version\":0,\"brokerEpoch\":17}");
  put("/data/meta.properties", "version=1\ncluster.id=c\nnode.id=1\ndirectory.id=a8nrvGMmR1eaTB0qZBRkUw\n");
  ASSERT_TRUE(write_durable_end_heirs(*fs, "/data/moldau.durable-end-heirs", {{kId, BrokerEpoch(17)}}));
  const auto directory = open();
  const DirectoryContents& contents = directory->contents();
  EXPECT_EQ(contents.shutdown, (CleanShutdown{true, BrokerEpoch(17)}));
  EXPECT_EQ(contents.recovery_points.at(partition("a", 0)), Offset(5));
  EXPECT_EQ(contents.high_watermarks.at(partition("a", 0)), Offset(6));
  EXPECT_EQ(contents.log_starts.at(partition("a", 0)), Offset(2));
  ASSERT_EQ(contents.partitions.size(), 2U);
  EXPECT_EQ(contents.partitions[0].name, partition("a", 0));
  EXPECT_EQ(contents.partitions[0].topic_id, kId);
  EXPECT_EQ(contents.partitions[1].name, partition("b.c-1", 7));
  EXPECT_EQ(contents.partitions[1].topic_id.error().kind(), ErrorKind::kNotFound);
  EXPECT_EQ(contents.heirs, (DurableEndHeirs{{kId, BrokerEpoch(17)}}));
  EXPECT_EQ(contents.deleting, (std::vector<std::string>{"/data/a-1.00-delete"}));
  EXPECT_EQ(contents.futures.size(), 1U);
  EXPECT_EQ(contents.strays.size(), 1U);
  EXPECT_EQ(directory->id().to_string(), "a8nrvGMmR1eaTB0qZBRkUw");
}

TEST_F(DirectoryTest, RecordsWithoutATopicIdAreDamageAndNoLeftoverOfACreation) {
  make_partition("/data/a-0", std::nullopt);
  put("/data/a-0/00000000000000000000.log", "");
  make_partition("/data/b-0", std::nullopt);
  put("/data/b-0/00000000000000000000.log", "records");
  const auto directory = open();
  const auto& partitions = directory->contents().partitions;
  ASSERT_EQ(partitions.size(), 2U);
  EXPECT_EQ(partitions[0].topic_id.error().kind(), ErrorKind::kNotFound);
  EXPECT_EQ(partitions[1].topic_id.error().kind(), ErrorKind::kCorrupt);
}

TEST_F(DirectoryTest, ClaimingMakesTheNextStartUncleanEvenAfterAPowerCut) {
  put("/data/.kafka_cleanshutdown", "{\"version\":0,\"brokerEpoch\":17}");
  ASSERT_TRUE(fs->sync_dir("/"));
  {
    const auto directory = open();
    ASSERT_TRUE(directory->claim());
    EXPECT_TRUE(directory->contents().shutdown.clean) << "what was found stays known";
  }
  disk.power_cut();
  remount();
  EXPECT_FALSE(open()->contents().shutdown.clean);
}

TEST_F(DirectoryTest, ADamagedCheckpointCountsAsEmptyAndIsReported) {
  put("/data/recovery-point-offset-checkpoint", "0\n2\na 0 5\n");
  const auto directory = open();
  EXPECT_TRUE(directory->contents().recovery_points.empty());
  EXPECT_NE(logger.last.find("recovery-point-offset-checkpoint"), std::string::npos) << logger.last;
}

TEST_F(DirectoryTest, ForeignNamesRefuseTheStart) {
  make_partition("/data/backup", std::nullopt);
  EXPECT_EQ(refused({"/data"}),
            "log directory /data: backup is not named like a partition; move it away if it is not Kafka's");
}

TEST_F(DirectoryTest, ADirectoryHeldByAnotherProcessRefusesTheStart) {
  const auto directory = open();
  EXPECT_NE(refused({"/data"}).find("another process uses it"), std::string::npos);
}

TEST_F(DirectoryTest, DirectoriesThatDisagreeRefuseTheStartAndChangeNothing) {
  put("/a/meta.properties", "version=1\ncluster.id=c\nnode.id=1\n");
  put("/b/meta.properties", "version=1\ncluster.id=d\nnode.id=1\n");
  EXPECT_NE(refused({"/a", "/b"}).find("cluster d"), std::string::npos);
  EXPECT_NE(refused({"/a"}, {std::nullopt, NodeId(2)}).find("node 1"), std::string::npos);
  EXPECT_EQ(refused({"/a", "/a/"}), "log.dirs names /a twice");
  EXPECT_EQ(refused({"/a"}), "");
  put("/c/meta.properties", "version=3\n");
  EXPECT_NE(refused({"/c"}).find("/c/meta.properties"), std::string::npos);
  make_partition("/a/t-0", kId);
  make_partition("/e/t-0", kId);
  put("/a/t-0/00000000000000000000.log", "records");
  put("/e/t-0/00000000000000000000.log", "records");
  EXPECT_NE(refused({"/a", "/e"}).find("partition t-0 is in /a/t-0 and in /e/t-0"), std::string::npos);
  make_partition("/e/t-0", Uuid{kId.high, kId.low + 1});
  EXPECT_EQ(refused({"/a", "/e"}), "") << "of another topic of that name";
}

TEST_F(DirectoryTest, APartitionThatWasMadeTwiceIsWhereItsRecordsAre) {
  for (const bool first : {true, false}) {
    const std::string used = first ? "/a" : "/b";
    const std::string unused = first ? "/b" : "/a";
    make_partition("/a/t-0", kId);
    make_partition("/b/t-0", kId);
    put(used + "/t-0/00000000000000000000.log", "records");
    put(unused + "/t-0/00000000000000000000.log", "");
    const std::vector<std::string> paths{"/a", "/b"};
    const auto opened = open_log_directories(*fs, logger, paths, {});
    ASSERT_TRUE(opened) << opened.error();
    for (const auto& directory : opened->online) {
      EXPECT_EQ(directory->contents().partitions.size(), directory->path() == used ? 1U : 0U);
      ASSERT_TRUE(directory->claim());
    }
    EXPECT_TRUE(*fs->exists(used + "/t-0"));
    EXPECT_FALSE(*fs->exists(unused + "/t-0"));
  }
}

TEST_F(DirectoryTest, AnEmptyDirectoryWhoseRecordsAreOnRecordIsNotDropped) {
  make_partition("/a/t-0", kId);
  make_partition("/b/t-0", kId);
  put("/a/t-0/00000000000000000000.log", "records");
  put("/b/replication-offset-checkpoint", "0\n1\nt 0 7\n");
  EXPECT_NE(refused({"/a", "/b"}).find("remove the one that is out of date"), std::string::npos);
}

TEST_F(DirectoryTest, FormattedDirectoriesWithoutAnIdAreGivenOne) {
  put("/a/meta.properties", "version=1\ncluster.id=c\nnode.id=1\n");
  const std::vector<std::string> paths{"/a", "/b"};
  auto opened = open_log_directories(*fs, logger, paths, {});
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->identity, (ClusterIdentity{"c", NodeId(1)}));
  for (const auto& directory : opened->online) {
    ASSERT_TRUE(assign_directory_id(*directory, shard.random()));
  }
  EXPECT_NE(opened->online[0]->id(), kZeroUuid);
  EXPECT_EQ(opened->online[1]->id(), kZeroUuid) << "not formatted";
  EXPECT_EQ(read_meta_properties(*fs, "/a")->directory_id, opened->online[0]->id());
}

TEST_F(DirectoryTest, ADeletedPartitionIsRenamedAtOnceAndRemovedLater) {
  make_partition("/data/a-0", kId);
  const auto directory = open();
  DirectoryRemover remover(*directory, shard, workers, 60s);
  bool done = false;
  remover.remove(partition("a", 0), 60s, [&done](Result<> outcome) { done = outcome.has_value(); });
  moldau::testing::settle(shard, workers);
  EXPECT_TRUE(done);
  ASSERT_EQ(names("/data").size(), 2U);
  EXPECT_TRUE(names("/data")[1].ends_with("-delete"));
  shard.pass(59s);
  moldau::testing::settle(shard, workers);
  EXPECT_EQ(names("/data").size(), 2U);
  shard.pass(2s);
  moldau::testing::settle(shard, workers);
  EXPECT_EQ(names("/data"), (std::vector<std::string>{".lock"}));
}

TEST_F(DirectoryTest, ADeletionThatACrashInterruptedIsResumed) {
  make_partition("/data/a-0.00-delete", kId);
  make_partition("/data/b-0.00-delete", kId);
  const auto directory = open();
  DirectoryRemover remover(*directory, shard, workers, 60s);
  EXPECT_EQ(remover.pending(), 2U);
  shard.pass(61s);
  moldau::testing::settle(shard, workers);
  shard.pass(0s);  // one after the other
  moldau::testing::settle(shard, workers);
  EXPECT_EQ(names("/data"), (std::vector<std::string>{".lock"}));
}

TEST_F(DirectoryTest, AFailedRenameTakesTheDirectoryOffline) {
  const auto directory = open();
  int failures = 0;
  directory->on_failure([&failures](LogDirectory&, const Error&) { ++failures; });
  DirectoryRemover remover(*directory, shard, workers, 60s);
  std::optional<Error> error;
  remover.set_aside(partition("gone", 0), [&error](Result<> outcome) { error = outcome.error(); });
  moldau::testing::settle(shard, workers);
  EXPECT_TRUE(error);
  EXPECT_TRUE(directory->offline());
  EXPECT_EQ(failures, 1);
}

struct Marks final : MarkSource {
  void collect_marks(const LogDirectory&, Function<void(std::vector<PartitionMarks>)> done) override {
    ++collections;
    done(marks);
  }
  void on_recovery_points(const LogDirectory&, const PartitionOffsets& points) override { reported = points; }
  std::vector<PartitionMarks> marks;
  PartitionOffsets reported;
  int collections = 0;
};

struct CheckpointerTest : DirectoryTest {
  void SetUp() override {
    directory = open();
    source.marks = {{partition("a", 0), kId, Offset(9), Offset(5), Offset(0), Offset(7), true},
                    {partition("b", 0), kId, Offset(4), Offset(4), Offset(2), Offset(4), false}};
  }
  void run(Checkpointer& checkpointer, std::chrono::milliseconds time) {
    (void)checkpointer;
    for (std::chrono::milliseconds passed{0}; passed < time; passed += 500ms) {
      shard.pass(500ms);
      moldau::testing::settle(shard, workers);
    }
  }
  PartitionOffsets offsets(const char* file) { return *read_offset_checkpoint(*fs, std::string("/data/") + file); }

  std::unique_ptr<LogDirectory> directory;
  Marks source;
};

TEST_F(CheckpointerTest, WritesEachFileAtItsOwnPace) {
  Checkpointer checkpointer(*directory, source, shard, workers);
  checkpointer.set_broker_epoch(BrokerEpoch(30));
  checkpointer.start();
  run(checkpointer, 2s);
  EXPECT_EQ(read_durable_ends(*fs, "/data/moldau.durable-ends"),
            (DurableEnds{{partition("a", 0), {kId, BrokerEpoch(30), Offset(7)}},
                         {partition("b", 0), {kId, BrokerEpoch(30), Offset(0)}}}))
      << "a name that a checkpoint knows has its topic id";
  EXPECT_TRUE(offsets(kHighWatermarkCheckpoint).empty());
  run(checkpointer, 4s);
  EXPECT_EQ(offsets(kHighWatermarkCheckpoint),
            (PartitionOffsets{{partition("a", 0), Offset(9)}, {partition("b", 0), Offset(4)}}));
  EXPECT_TRUE(offsets(kRecoveryPointCheckpoint).empty());
  source.marks[0].recovery_point = Offset(7);
  run(checkpointer, 60s);
  EXPECT_EQ(offsets(kRecoveryPointCheckpoint),
            (PartitionOffsets{{partition("a", 0), Offset(7)}, {partition("b", 0), Offset(4)}}));
  EXPECT_EQ(offsets(kLogStartCheckpoint), (PartitionOffsets{{partition("b", 0), Offset(2)}}));
  EXPECT_EQ(source.reported.at(partition("a", 0)), Offset(7));
}

TEST_F(CheckpointerTest, ARecoveryPointThatWentDownWaitsForNoTurn) {
  Checkpointer checkpointer(*directory, source, shard, workers);
  checkpointer.set_broker_epoch(BrokerEpoch(30));
  checkpointer.start();
  run(checkpointer, 61s);
  ASSERT_EQ(offsets(kRecoveryPointCheckpoint).at(partition("a", 0)), Offset(5));
  source.marks[0].recovery_point = Offset(6);
  run(checkpointer, 2s);
  EXPECT_EQ(offsets(kRecoveryPointCheckpoint).at(partition("a", 0)), Offset(5));
  source.marks[0].recovery_point = source.marks[0].durable_end = Offset(3);  // the log was truncated
  run(checkpointer, 2s);
  EXPECT_EQ(offsets(kRecoveryPointCheckpoint).at(partition("a", 0)), Offset(3));
}

TEST_F(CheckpointerTest, NoDurableEndsAreWrittenBeforeTheRegistration) {
  Checkpointer checkpointer(*directory, source, shard, workers);
  checkpointer.start();
  run(checkpointer, 3s);
  EXPECT_FALSE(*fs->exists("/data/moldau.durable-ends"));
}

TEST_F(CheckpointerTest, ANameIsForgottenBeforeItIsUsedAgain) {
  for (const char* file : {kRecoveryPointCheckpoint, kHighWatermarkCheckpoint, kLogStartCheckpoint}) {
    put(std::string("/data/") + file, "0\n2\ngone 0 400\nb 0 1\n");
  }
  directory.reset();
  directory = open();
  Checkpointer checkpointer(*directory, source, shard, workers);
  int forgotten = 0;
  const auto forget = [&](const TopicPartition& name) {
    checkpointer.forget(name, [&forgotten](const Result<>& outcome) { forgotten += outcome ? 1 : 0; });
  };
  forget(partition("new", 0));
  EXPECT_EQ(forgotten, 1) << "no file knows it";
  forget(partition("gone", 0));
  EXPECT_EQ(forgotten, 1);
  moldau::testing::settle(shard, workers);
  EXPECT_EQ(forgotten, 2);
  for (const char* file : {kRecoveryPointCheckpoint, kHighWatermarkCheckpoint, kLogStartCheckpoint}) {
    EXPECT_FALSE(offsets(file).contains(partition("gone", 0))) << file;
    EXPECT_TRUE(offsets(file).contains(partition("b", 0))) << file;
  }
  forget(partition("gone", 0));
  EXPECT_EQ(forgotten, 3);
  EXPECT_EQ(source.collections, 1);
}

TEST_F(CheckpointerTest, ManyNamesAreForgottenInTheWriteThatFollows) {
  source.marks.clear();
  for (int i = 0; i < 100; ++i) {
    source.marks.push_back({partition("t", i), kId, Offset(9), Offset(5), Offset(0), Offset(7), true});
  }
  Checkpointer checkpointer(*directory, source, shard, workers);
  checkpointer.write_all(nullptr);
  moldau::testing::settle(shard, workers);
  source.marks.clear();
  int forgotten = 0;
  for (int i = 0; i < 100; ++i) {
    checkpointer.forget(partition("t", i), [&forgotten](const Result<>& outcome) { forgotten += outcome ? 1 : 0; });
  }
  moldau::testing::settle(shard, workers);
  EXPECT_EQ(forgotten, 100);
  EXPECT_LE(source.collections, 3);
}

TEST_F(CheckpointerTest, AWriteInFlightMayStillNameWhatWasReleased) {
  Checkpointer checkpointer(*directory, source, shard, workers);
  checkpointer.write_all(nullptr);  // collected: it has "b"
  source.marks.pop_back();
  bool forgotten = false;
  checkpointer.forget(partition("b", 0), [&forgotten](const Result<>& outcome) { forgotten = outcome.has_value(); });
  EXPECT_FALSE(forgotten);
  moldau::testing::settle(shard, workers);
  EXPECT_TRUE(forgotten);
  EXPECT_FALSE(offsets(kRecoveryPointCheckpoint).contains(partition("b", 0)));
}

TEST_F(CheckpointerTest, LogStartsAreKeptOnRequest) {
  Checkpointer checkpointer(*directory, source, shard, workers);
  checkpointer.start();
  bool kept = false;
  checkpointer.keep_log_starts([&kept](bool success) { kept = success; });
  source.marks[1].log_start = Offset(3);
  bool second = false;
  checkpointer.keep_log_starts([&second](bool success) { second = success; });
  EXPECT_FALSE(kept);
  moldau::testing::settle(shard, workers);
  EXPECT_TRUE(kept);
  EXPECT_TRUE(second);
  EXPECT_EQ(offsets(kLogStartCheckpoint), (PartitionOffsets{{partition("b", 0), Offset(3)}}));
}

TEST_F(CheckpointerTest, ACleanStopWritesTheMarkLast) {
  Checkpointer checkpointer(*directory, source, shard, workers);
  checkpointer.set_broker_epoch(BrokerEpoch(30));
  checkpointer.start();
  Result<> outcome = fail(ErrorKind::kInvalid, "not called");
  checkpointer.stop(source.marks, true, [&outcome](Result<> result) { outcome = result; });
  EXPECT_FALSE(*fs->exists("/data/.kafka_cleanshutdown"));
  moldau::testing::settle(shard, workers);
  EXPECT_TRUE(outcome);
  EXPECT_EQ(*read_clean_shutdown(*fs, "/data"), (CleanShutdown{true, BrokerEpoch(30)}));
  EXPECT_EQ(offsets(kRecoveryPointCheckpoint).size(), 2U);
  run(checkpointer, 70s);
  EXPECT_EQ(source.collections, 0) << "nothing more is written";
}

TEST_F(CheckpointerTest, WhatTheFilesSayStaysWhileTheLogsAreBeingClosed) {
  Checkpointer checkpointer(*directory, source, shard, workers);
  checkpointer.start();
  checkpointer.write_all(nullptr);
  moldau::testing::settle(shard, workers);
  const PartitionOffsets points = offsets(kRecoveryPointCheckpoint);
  ASSERT_FALSE(points.empty());
  const auto closing = std::exchange(source.marks, {});
  checkpointer.rest();
  std::optional<bool> kept;
  checkpointer.keep_log_starts([&kept](bool success) { kept = success; });
  run(checkpointer, 180s);
  EXPECT_EQ(kept, false);
  EXPECT_EQ(offsets(kRecoveryPointCheckpoint), points);
  Result<> outcome = fail(ErrorKind::kInvalid, "not called");
  checkpointer.stop(closing, true, [&outcome](Result<> result) { outcome = result; });
  moldau::testing::settle(shard, workers);
  EXPECT_TRUE(outcome);
  EXPECT_EQ(offsets(kRecoveryPointCheckpoint), points);
}

TEST_F(CheckpointerTest, AnUncleanStopLeavesNoMark) {
  Checkpointer checkpointer(*directory, source, shard, workers);
  checkpointer.start();
  bool done = false;
  checkpointer.stop(source.marks, false, [&done](Result<> result) { done = result.has_value(); });
  moldau::testing::settle(shard, workers);
  EXPECT_TRUE(done);
  EXPECT_FALSE(*fs->exists("/data/.kafka_cleanshutdown"));
}

TEST_F(CheckpointerTest, AFailedWriteTakesTheDirectoryOffline) {
  Checkpointer checkpointer(*directory, source, shard, workers);
  checkpointer.start();
  disk.faults().sync_error_ppm = 1'000'000;
  bool kept = true;
  checkpointer.keep_log_starts([&kept](bool success) { kept = success; });
  moldau::testing::settle(shard, workers);
  EXPECT_FALSE(kept);
  EXPECT_TRUE(directory->offline());
}

}  // namespace
}  // namespace moldau::storage
