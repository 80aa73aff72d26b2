#include "storage/directory/log_loader.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "protocol/record/scratch.h"
#include "protocol/record/testing/batches.h"
#include "protocol/record/validate.h"
#include "runtime/testing/manual_shard.h"
#include "runtime/testing/manual_workers.h"
#include "runtime/testing/silent_logger.h"
#include "sim/world/sim_disk.h"
#include "storage/checkpoint/partition_metadata.h"

namespace moldau::storage {
namespace {

TopicPartition partition(const char* topic, int index) {
  return {topic, PartitionIndex(index)};
}

struct LogLoaderTest : ::testing::Test {
  LogLoaderTest() { EXPECT_TRUE(fs->make_dirs("/data")); }

  void make(const char* topic, int index, const Uuid& id, int batches) {
    auto log = make_log("/data", {*fs, logger, random}, partition(topic, index), id, {}, 0);
    ASSERT_TRUE(log) << log.error().message();
    for (int i = 0; i < batches; ++i) {
      ByteVector bytes = record::testing::build({{.value = "v" + std::to_string(i)}});
      record::Scratch scratch;
      auto batch = record::validate_produced(bytes, {}, scratch);
      ASSERT_TRUE((*log)->append_as_leader(*batch, LeaderEpoch(3), ProducerOrigin::kClient, 1000));
    }
    const SyncTicket ticket = (*log)->collect_unsynced();
    ASSERT_TRUE(ticket.run(*fs));
    (*log)->on_synced(ticket);
    ASSERT_TRUE((*log)->close(false));
  }
  struct Outcome {
    std::vector<LoadedLog> loaded;  // in the order in which they were opened
    std::vector<UnloadedLog> unloaded;
    std::vector<TopicPartition> strays;
    std::vector<TopicPartition> unwanted;
    std::optional<bool> complete;
  };
  Outcome load(std::set<Uuid> strays = {}, std::size_t parallel = 2) {
    directory.reset();  // its lock
    directory = *LogDirectory::open(*fs, logger, "/data");
    EXPECT_TRUE(directory->claim());
    return load_opened(std::move(strays), parallel);
  }
  Outcome load_opened(std::set<Uuid> strays = {}, std::size_t parallel = 2) {
    Outcome result;
    LoadPlan plan;
    plan.decide = [&, strays](const TopicPartition&, const Uuid& id) {
      return strays.contains(id) ? LoadVerdict::kStray : id == damaged ? LoadVerdict::kDamaged : LoadVerdict::kOpen;
    };
    plan.config_of = [&](const TopicPartition&, const Uuid& id) {
      return id == deleted ? std::nullopt : std::optional(LogConfig{});
    };
    plan.on_strays = [&](std::vector<TopicPartition> names) { result.strays = std::move(names); };
    plan.on_loaded = [&](LoadedLog log) {
      EXPECT_FALSE(result.complete);
      result.loaded.push_back(std::move(log));
      progress->stop = result.loaded.size() == stop_after;
    };
    plan.on_unloaded = [&](UnloadedLog log) { result.unloaded.push_back(std::move(log)); };
    plan.on_unwanted = [&](const TopicPartition& name, const Uuid&) { result.unwanted.push_back(name); };
    plan.trusted_epoch = BrokerEpoch(30);
    plan.parallel_max = parallel;
    progress = std::make_shared<LoadProgress>();
    plan.progress = progress;
    load_logs(*directory, {*fs, logger, random}, shard, workers, std::move(plan),
              [&result](bool complete) { result.complete = complete; });
    EXPECT_LE(workers.waiting(), parallel);
    moldau::testing::settle(shard, workers);
    EXPECT_TRUE(result.complete);
    return result;
  }

  sim::SimDisk disk{sim::SimRandom(1), sim::CrashModel{}};
  std::unique_ptr<runtime::FileSystem> fs = disk.mount();
  moldau::testing::SilentLogger logger;
  moldau::testing::ManualShard shard;
  moldau::testing::ManualWorkers workers;
  SharedRandom random{7};
  std::unique_ptr<LogDirectory> directory;
  std::shared_ptr<LoadProgress> progress;
  std::size_t stop_after = 0;
  Uuid damaged{99, 99};  // the verdict on this id
  Uuid deleted{98, 98};  // while the load goes on
};

TEST_F(LogLoaderTest, AnEmptyDirectoryLoadsNothing) {
  EXPECT_TRUE(load().loaded.empty());
}

TEST_F(LogLoaderTest, EveryPartitionIsOpenedWithWhatTheCheckpointsSay) {
  make("b", 1, Uuid{7, 2}, 3);
  make("a.x-y", 0, Uuid{7, 1}, 2);
  ASSERT_TRUE(write_offset_checkpoint(*fs, "/data/replication-offset-checkpoint", {{partition("b", 1), Offset(2)}}));
  const Outcome result = load();
  ASSERT_EQ(result.loaded.size(), 2U);
  EXPECT_EQ(result.loaded[0].name, partition("a.x-y", 0));
  EXPECT_EQ(result.loaded[0].topic_id, (Uuid{7, 1}));
  EXPECT_EQ(result.loaded[0].log->log_end(), Offset(2));
  EXPECT_EQ(result.loaded[1].log->log_end(), Offset(3));
  EXPECT_EQ(result.loaded[1].high_watermark, Offset(2));
}

TEST_F(LogLoaderTest, WhatWasSyncedSurvivesAPowerCut) {
  make("a", 0, Uuid{7, 1}, 5);
  disk.power_cut();
  fs = disk.mount();
  const Outcome result = load();
  ASSERT_EQ(result.loaded.size(), 1U);
  EXPECT_EQ(result.loaded[0].log->log_end(), Offset(5));
  EXPECT_FALSE(result.loaded[0].log->fenced());
}

TEST_F(LogLoaderTest, WhatHasLeastToRecoverIsOpenedFirst) {
  make("a", 0, Uuid{7, 1}, 30);
  make("b", 0, Uuid{7, 2}, 3);
  make("c", 0, Uuid{7, 3}, 10);
  const Outcome result = load({}, 1);
  ASSERT_EQ(result.loaded.size(), 3U);
  EXPECT_EQ(result.loaded[0].name, partition("b", 0));
  EXPECT_EQ(result.loaded[1].name, partition("c", 0));
  EXPECT_EQ(result.loaded[2].name, partition("a", 0));
  EXPECT_EQ(progress->opened, 3U);
  EXPECT_GT(progress->bytes, 43U * 61);
  EXPECT_EQ(progress->recovered_bytes, progress->bytes);
  EXPECT_EQ(result.complete, true);
}

TEST_F(LogLoaderTest, ALoadThatIsEndedBeginsNoOther) {
  make("a", 0, Uuid{7, 1}, 3);
  make("b", 0, Uuid{7, 2}, 3);
  make("c", 0, Uuid{7, 3}, 3);
  stop_after = 1;
  const Outcome result = load({}, 1);
  EXPECT_EQ(result.loaded.size(), 1U);
  EXPECT_EQ(result.complete, false);
}

TEST_F(LogLoaderTest, WhatWasDeletedMeanwhileIsNotOpened) {
  make("a", 0, deleted, 3);
  make("b", 0, Uuid{7, 2}, 3);
  const Outcome result = load();
  EXPECT_EQ(result.loaded.size(), 1U);
  EXPECT_EQ(result.unwanted, std::vector{partition("a", 0)});
  EXPECT_EQ(result.complete, true);
}

TEST_F(LogLoaderTest, StraysAndDirectoriesWithoutAnIdAreTold) {
  make("gone", 0, Uuid{7, 1}, 1);
  ASSERT_TRUE(fs->make_dirs("/data/torn-0"));
  const Outcome result = load({Uuid{7, 1}});
  EXPECT_TRUE(result.loaded.empty());
  EXPECT_EQ(result.strays, (std::vector{partition("gone", 0), partition("torn", 0)}));
}

TEST_F(LogLoaderTest, ADirectoryWhoseTopicIdCannotBeRightIsLeftOut) {
  make("a", 0, damaged, 1);
  const Outcome result = load();
  EXPECT_TRUE(result.strays.empty());
  ASSERT_EQ(result.unloaded.size(), 1U);
  EXPECT_EQ(result.unloaded[0].error.kind(), ErrorKind::kCorrupt);
  EXPECT_FALSE(directory->offline());
}

TEST_F(LogLoaderTest, WhatIsOpenedKeepsNoFileOpen) {
  make("a", 0, Uuid{7, 1}, 5);
  const Outcome result = load();
  ASSERT_EQ(result.loaded.size(), 1U);
  EXPECT_FALSE(result.loaded[0].log->has_unsynced());
  const auto fresh = make_log("/data", {*fs, logger, random}, partition("b", 0), Uuid{7, 2}, {}, 0);
  ASSERT_TRUE(fresh);
  EXPECT_FALSE((*fresh)->has_unsynced());
}

TEST(WasThere, WhatAnyFileSaysOfThisTopicCounts) {
  const TopicPartition name = partition("a", 0);
  const Uuid id{7, 1};
  DirectoryContents contents;
  EXPECT_FALSE(was_there(contents, name, id));
  contents.high_watermarks[name] = Offset(0);
  EXPECT_FALSE(was_there(contents, name, id)) << "nothing was in it";
  contents.recovery_points[name] = Offset(3);
  EXPECT_TRUE(was_there(contents, name, id));
  EXPECT_FALSE(was_there(contents, partition("a", 1), id));
  contents.durable_ends[name] = {Uuid{7, 2}, BrokerEpoch(4), Offset(9)};
  EXPECT_FALSE(was_there(contents, name, id)) << "it was an earlier topic of that name";
  contents.durable_ends[name] = {id, BrokerEpoch(4), Offset(0)};
  EXPECT_TRUE(was_there(contents, name, id));
  contents.durable_ends[name].end = Offset(9);
  EXPECT_EQ(marks_found(contents, name, id, BrokerEpoch(4)).durable_end, Offset(9));
  EXPECT_FALSE(marks_found(contents, name, id, BrokerEpoch(5)).keep_durable_end);
  EXPECT_EQ(marks_found(contents, name, id, BrokerEpoch(5)).recovery_point, Offset(3));
}

TEST_F(LogLoaderTest, ADamagedPartitionMetadataLeavesTheLogOutAndTouchesNothing) {
  make("a", 0, Uuid{7, 1}, 1);
  make("b", 0, Uuid{7, 2}, 1);
  ASSERT_TRUE(runtime::replace_file(*fs, "/data/a-0/partition.metadata", as_bytes("version: x")));
  const Outcome result = load();
  ASSERT_EQ(result.unloaded.size(), 1U);
  EXPECT_EQ(result.unloaded[0].name, partition("a", 0));
  EXPECT_EQ(result.loaded.size(), 1U);
  EXPECT_TRUE(*fs->exists("/data/a-0"));
  EXPECT_FALSE(directory->offline());
}

TEST_F(LogLoaderTest, ADirectoryWithFilesIsNotMadeAgain) {
  make("a", 0, Uuid{7, 1}, 1);
  const auto again = make_log("/data", {*fs, logger, random}, partition("a", 0), Uuid{7, 9}, {}, 0);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind(), ErrorKind::kExists);
}

TEST_F(LogLoaderTest, AnInputErrorTakesTheDirectoryOffline) {
  make("a", 0, Uuid{7, 1}, 3);
  directory = *LogDirectory::open(*fs, logger, "/data");
  disk.faults().read_error_ppm = 1'000'000;
  const Outcome result = load_opened();
  EXPECT_TRUE(result.loaded.empty());
  EXPECT_TRUE(directory->offline());
}

}  // namespace
}  // namespace moldau::storage
