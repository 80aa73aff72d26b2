#include "raft/driver/raft_client.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "protocol/record/batch_format.h"
#include "raft/driver/bootstrap_file.h"
#include "raft/driver/durable_end.h"
#include "raft/driver/format.h"
#include "raft/driver/quorum_state_file.h"
#include "raft/driver/testing/config_record.h"
#include "runtime/asio/posix_fs.h"
#include "runtime/testing/manual_shard.h"
#include "runtime/testing/manual_workers.h"
#include "runtime/testing/scratch_directory.h"
#include "runtime/testing/silent_logger.h"
#include "storage/testing/memory_fs.h"

namespace moldau::raft {
namespace {

using moldau::testing::ManualShard;
using moldau::testing::ManualWorkers;
using moldau::testing::ScratchDirectory;
using moldau::testing::settle;
using moldau::testing::SilentLogger;
using storage::testing::MemoryFileSystem;
using testing::config_record;

std::string value_of(const MetadataRecordAndVersion& record) {
  const auto* text = std::get_if<metadata::records::ConfigRecord>(&record.record);
  return text == nullptr ? "?" : text->value.value_or("null");
}

class Listener final : public RaftListener {
 public:
  Result<> on_load_snapshot(OffsetAndEpoch id, BatchFileReader& reader) override {
    EXPECT_FALSE(led.has_value());
    loaded = id;
    values.clear();
    next = id.offset;
    for (;;) {
      MOLDAU_TRY(batch, reader.next());
      if (!batch) {
        return {};
      }
      for (const auto& record : batch->records) {
        values.push_back(value_of(record));
      }
    }
  }
  void on_commit(const MetadataBatch& batch) override {
    EXPECT_EQ(batch.base, next);
    next = batch.last + 1;
    last_epoch = batch.epoch;
    for (const auto& record : batch.records) {
      values.push_back(value_of(record));
    }
  }
  void on_leader_change(LeaderEpoch epoch, NodeId leader) override {
    if (leader == NodeId{1}) {
      led = epoch;
      next_when_led = next;
    }
  }
  void on_failure(const Error& error) override {
    ++failures;
    failure = error.kind();
  }

  std::vector<std::string> values;
  Offset next{0};
  LeaderEpoch last_epoch{0};
  std::optional<OffsetAndEpoch> loaded;
  std::optional<LeaderEpoch> led;
  Offset next_when_led{0};
  int failures = 0;
  ErrorKind failure = ErrorKind::kInvalid;
};

// One process on a directory: gone without a trace when destroyed, like kill -9.
class Process {
 public:
  explicit Process(runtime::FileSystem& fs, std::string directory = "/data", Uuid directory_id = {},
                   MetadataLogConfig config = {})
      : fs_(fs), sync_(shard_, workers_) {
    options_.log_directory = std::move(directory);
    options_.self.key = {NodeId{1}, directory_id};
    options_.self.listeners = {{"CONTROLLER", "127.0.0.1", 9093}};
    options_.log = config;
  }

  bool open() {
    auto opened = RaftClient::open({shard_, workers_, sync_, fs_, logger_}, options_);
    if (!opened) {
      refusal = opened.error();
      return false;
    }
    client = *std::move(opened);
    return true;
  }
  void start() {
    ASSERT_TRUE(open()) << refusal;
    client->start(listener);
    run();
  }
  void run() { settle(shard_, workers_); }
  void advance(std::chrono::milliseconds by) {
    shard_.pass(by);
    run();
  }
  bool append(const std::vector<std::string>& values) {
    std::vector<MetadataRecordAndVersion> records;
    for (const std::string& value : values) {
      records.push_back(config_record(value));
    }
    return client->append(client->leader_epoch(), std::move(records)).has_value();
  }
  bool snapshot() {
    std::optional<Result<>> outcome;
    const bool begun = client->write_snapshot(
        {listener.next, listener.last_epoch}, 77,
        [values = listener.values](BatchFileWriter& writer) {
          for (const std::string& value : values) {
            writer.append(config_record(value));
          }
        },
        [&](Result<> result) { outcome = result; });
    run();
    return begun && outcome && outcome->has_value();
  }
  void close() {
    bool closed = false;
    client->close([&] { closed = true; });
    run();
    EXPECT_TRUE(closed);
  }

  runtime::FileSystem& fs_;
  ManualShard shard_;
  ManualWorkers workers_;
  SilentLogger logger_;
  storage::SyncGroup sync_;
  RaftClient::Options options_;
  Listener listener;
  std::unique_ptr<RaftClient> client;
  std::string refusal;
};

class Seed final : public runtime::Random {
 public:
  std::uint64_t next() override { return next_ += 0x1234'5678'9ABC'DEF1; }

 private:
  std::uint64_t next_ = 7;
};

class RaftClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    FormatOptions options;
    options.cluster_id = "bW9sZGF1LWdvbGRlbi0wMQ";
    options.node_id = NodeId{1};
    options.log_directories = {"/data"};
    options.metadata_log_directory = "/data";
    options.controller = ListenerEndpoint{"CONTROLLER", "127.0.0.1", 9093};
    Seed random;
    const auto formatted = format_directories(*fs_, options, random, 1'700'000'000'000);
    ASSERT_TRUE(formatted.has_value()) << formatted.error();
    directory_id_ = formatted->at(0).directory_id;
  }
  std::unique_ptr<Process> process(MetadataLogConfig config = {}) {
    return std::make_unique<Process>(*fs_, "/data", directory_id_, config);
  }
  std::string file(const std::string& name) { return "/data/__cluster_metadata-0/" + name; }
  // By a process that ends once the durable end is noted.
  void append_ten() {
    auto node = process();
    node->start();
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(node->append({std::to_string(i)}));
    }
    node->run();
    node->advance(std::chrono::seconds(2));
  }

  std::unique_ptr<MemoryFileSystem> fs_ = std::make_unique<MemoryFileSystem>();
  Uuid directory_id_;
};

TEST_F(RaftClientTest, FirstStartWritesWhatApacheKafkaWritesFirst) {
  auto node = process();
  node->start();
  EXPECT_EQ(node->listener.loaded, kBootstrapSnapshotId);
  EXPECT_EQ(node->listener.led, LeaderEpoch{1});
  EXPECT_EQ(node->listener.next_when_led, Offset{3});
  EXPECT_EQ(
      as_text(fs_->content(file("quorum-state"))),
      R"({"leaderId":1,"leaderEpoch":1,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1})");
  EXPECT_EQ(as_text(fs_->content(file("partition.metadata"))), "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ");

  // The same batch as Apache Kafka's first, but for ids, times and the checksum over them.
  const ScratchDirectory golden("first-start", MOLDAU_SOURCE_DIR);
  runtime::PosixFileSystem disk;
  const auto kafkas = *runtime::read_file(disk, golden / "__cluster_metadata-0/00000000000000000000.log", 1 << 20);
  const auto theirs = *record::BatchView::parse(kafkas);
  const auto ours = *record::BatchView::parse(fs_->content(file("00000000000000000000.log")));
  record::Scratch scratch;
  const auto their_batch = decode_metadata_batch(theirs, scratch);
  const auto our_batch = decode_metadata_batch(ours, scratch);
  ASSERT_TRUE(their_batch.has_value() && our_batch.has_value());
  EXPECT_EQ(ours.bytes.size(), theirs.bytes.size());
  EXPECT_EQ(our_batch->epoch, their_batch->epoch);
  ASSERT_EQ(our_batch->control_records.size(), 3U);
  ASSERT_EQ(their_batch->control_records.size(), 3U);
  using LeaderChange = protocol::control::LeaderChangeMessage;
  EXPECT_EQ(std::get<LeaderChange>(our_batch->control_records[0].second),
            std::get<LeaderChange>(their_batch->control_records[0].second));
  EXPECT_EQ(std::get<VoterChange>(our_batch->control_records[1].second).kraft_version,
            std::get<VoterChange>(their_batch->control_records[1].second).kraft_version);
  EXPECT_EQ(std::get<VoterChange>(our_batch->control_records[2].second).voters->voters().at(0).listeners,
            std::get<VoterChange>(their_batch->control_records[2].second).voters->voters().at(0).listeners);
}

TEST_F(RaftClientTest, AppendsNothingBeforeTheVoteFileIsWritten) {
  auto node = process();
  ASSERT_TRUE(node->open());
  node->client->start(node->listener);
  node->shard_.turn();
  EXPECT_FALSE(fs_->exists(file("quorum-state")).value());
  EXPECT_EQ(node->client->metadata_log().log_end(), Offset{0});
  node->run();
  EXPECT_EQ(node->client->metadata_log().log_end(), Offset{3});
}

TEST_F(RaftClientTest, CommitsARecordWhenItIsDurable) {
  auto node = process();
  node->start();
  ASSERT_TRUE(node->append({"1", "2"}));
  EXPECT_TRUE(node->listener.values.empty());
  node->shard_.turn();
  EXPECT_TRUE(node->listener.values.empty());
  node->run();
  EXPECT_EQ(node->listener.values, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(node->listener.next, Offset{5});
  EXPECT_EQ(node->client->metadata_log().durable_end(), Offset{5});
  EXPECT_TRUE(fs_->unsynced().empty());
}

TEST_F(RaftClientTest, RefusesAppendsOfAnotherEpochAndTooLargeOnes) {
  auto node = process();
  EXPECT_TRUE(node->open());
  EXPECT_EQ(node->client->append(LeaderEpoch{1}, {config_record("x")}).error(), AppendRefused::kNotLeader);
  node->client->start(node->listener);
  node->run();
  EXPECT_EQ(node->client->append(LeaderEpoch{2}, {config_record("x")}).error(), AppendRefused::kNotLeader);
  const std::vector<MetadataRecordAndVersion> many(300, config_record(std::string(30'000, 'x')));
  EXPECT_EQ(node->client->append(LeaderEpoch{1}, many).error(), AppendRefused::kTooLarge);
  EXPECT_TRUE(node->append({"still works"}));
  node->run();
  EXPECT_EQ(node->listener.values.size(), 1U);
}

TEST_F(RaftClientTest, ARestartReplaysEverythingAndLeadsTheNextEpoch) {
  {
    auto node = process();
    node->start();
    ASSERT_TRUE(node->append({"1", "2"}));
    ASSERT_TRUE(node->append({"3"}));
    node->run();
    node->close();
  }
  auto node = process();
  node->start();
  EXPECT_EQ(node->listener.values, (std::vector<std::string>{"1", "2", "3"}));
  EXPECT_EQ(node->listener.led, LeaderEpoch{2});
  EXPECT_EQ(node->listener.next_when_led, Offset{7});  // three, three, and one leader change
}

TEST_F(RaftClientTest, KilledAtAnyMomentItKeepsWhatItCommitted) {
  auto node = process();
  node->start();
  std::size_t committed = 0;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(node->append({std::to_string(i)}));
    if (i % 3 != 0) {
      node->run();
    }
    committed = node->listener.values.size();
    const auto disk = fs_->clone();
    Process after(*disk, "/data", directory_id_);
    after.start();
    EXPECT_GE(after.listener.values.size(), committed);
    for (std::size_t k = 0; k < after.listener.values.size(); ++k) {
      EXPECT_EQ(after.listener.values[k], std::to_string(k));
    }
    EXPECT_EQ(after.listener.led, LeaderEpoch{2});
  }
}

TEST_F(RaftClientTest, LoadsTheNewestSnapshotAndTheLogBehindIt) {
  {
    auto node = process();
    node->start();
    ASSERT_TRUE(node->append({"1", "2"}));
    node->run();
    ASSERT_TRUE(node->snapshot());
    EXPECT_EQ(node->client->latest_snapshot(), (OffsetAndEpoch{Offset{5}, LeaderEpoch{1}}));
    EXPECT_FALSE(node->snapshot());  // nothing newer
    ASSERT_TRUE(node->append({"3"}));
    node->run();
  }
  auto node = process();
  node->start();
  EXPECT_EQ(node->listener.loaded, (OffsetAndEpoch{Offset{5}, LeaderEpoch{1}}));
  EXPECT_EQ(node->listener.values, (std::vector<std::string>{"1", "2", "3"}));
  // The voters came from the snapshot: no need to write them again.
  EXPECT_EQ(node->listener.next, Offset{7});
}

TEST_F(RaftClientTest, ADamagedSnapshotIsPassedOverWhileTheLogHoldsEverything) {
  {
    auto node = process();
    node->start();
    ASSERT_TRUE(node->append({"1", "2"}));
    node->run();
    ASSERT_TRUE(node->snapshot());
    ASSERT_TRUE(node->append({"3"}));
    node->run();
  }
  fs_->content(file("00000000000000000005-0000000001.checkpoint")).back() ^= std::byte{1};
  auto node = process();
  node->start();
  EXPECT_EQ(node->listener.loaded, kBootstrapSnapshotId);
  EXPECT_EQ(node->listener.values, (std::vector<std::string>{"1", "2", "3"}));
}

TEST_F(RaftClientTest, DeletesTheLogBehindSnapshotsAndOldSnapshotsWithIt) {
  MetadataLogConfig small;
  small.segment_bytes = 1 << 14;
  small.retention_bytes = 30'000;
  small.snapshot_record_bytes = 8'000;
  auto node = process(small);
  node->start();
  int snapshots = 0;
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(node->append({std::string(500, 'x')}));
    node->run();
    if (node->client->snapshot_due()) {
      node->listener.values.resize(1);  // the state does not grow
      ASSERT_TRUE(node->snapshot());
      ++snapshots;
    }
  }
  EXPECT_GT(snapshots, 5);
  node->advance(std::chrono::seconds(120));
  EXPECT_GT(node->client->metadata_log().log_start(), Offset{50});
  std::size_t files = 0;
  for (const auto& entry : *fs_->list("/data/__cluster_metadata-0")) {
    files += entry.name.ends_with(".checkpoint") ? 1 : 0;
    EXPECT_FALSE(entry.name.ends_with(".deleted")) << entry.name;
  }
  EXPECT_LT(files, 5U);
  node.reset();
  auto again = process(small);
  again->start();
  EXPECT_GT(again->listener.loaded->offset, Offset{100});
  EXPECT_EQ(again->listener.led, LeaderEpoch{2});

  // Without its snapshots such a log is worth nothing.
  again.reset();
  for (const auto& entry : *fs_->list("/data/__cluster_metadata-0")) {
    if (entry.name.ends_with(".checkpoint")) {
      fs_->content(file(entry.name)).back() ^= std::byte{1};
    }
  }
  auto refused = process(small);
  EXPECT_FALSE(refused->open());
  EXPECT_NE(refused->refusal.find("no whole snapshot"), std::string::npos) << refused->refusal;
}

TEST_F(RaftClientTest, ADamagedVoteFileStopsTheStartAndNothingIsChanged) {
  {
    auto node = process();
    node->start();
    node->close();
  }
  fs_->content(file("quorum-state")).resize(20);
  const auto before = fs_->counters().writes;
  auto node = process();
  EXPECT_FALSE(node->open());
  EXPECT_NE(node->refusal.find("quorum-state"), std::string::npos) << node->refusal;
  EXPECT_EQ(fs_->counters().writes, before);
}

TEST_F(RaftClientTest, DamageBelowTheDurableEndStopsTheStart) {
  append_ten();
  auto& log = fs_->content(file("00000000000000000000.log"));
  log[log.size() / 2] ^= std::byte{1};
  auto node = process();
  EXPECT_FALSE(node->open());
  EXPECT_NE(node->refusal.find("damaged"), std::string::npos) << node->refusal;
}

TEST_F(RaftClientTest, AStartThatACrashEndsAtOnceDoesNotForgetTheDurableEnd) {
  append_ten();
  process()->start();  // raises the epoch, and is gone before it notes anything
  auto& log = fs_->content(file("00000000000000000000.log"));
  log[log.size() / 2] ^= std::byte{1};
  auto node = process();
  EXPECT_FALSE(node->open());
  EXPECT_NE(node->refusal.find("damaged"), std::string::npos) << node->refusal;
}

TEST_F(RaftClientTest, ATornTailIsCut) {
  {
    auto node = process();
    node->start();
    ASSERT_TRUE(node->append({"1"}));
    node->run();
    ASSERT_TRUE(node->append({"2"}));
    node->shard_.turn();  // written, not synced
  }
  auto& log = fs_->content(file("00000000000000000000.log"));
  log.resize(log.size() - 3);
  auto node = process();
  node->start();
  EXPECT_EQ(node->listener.values, (std::vector<std::string>{"1"}));
}

TEST_F(RaftClientTest, AFailedSyncEndsIt) {
  auto node = process();
  node->start();
  ASSERT_TRUE(node->append({"1"}));
  fs_->fail_syncs = true;
  node->run();
  EXPECT_EQ(node->listener.failures, 1);
  EXPECT_TRUE(node->listener.values.empty());
  EXPECT_EQ(node->client->append(LeaderEpoch{1}, {config_record("2")}).error(), AppendRefused::kFailed);
  fs_->fail_syncs = false;
  node->run();
  EXPECT_EQ(node->listener.failures, 1);
  EXPECT_TRUE(node->listener.values.empty());
  node->close();
}

TEST_F(RaftClientTest, RefusesADirectoryThatIsNotAVotersOne) {
  Process stranger(*fs_, "/data", Uuid{1, 2});
  EXPECT_FALSE(stranger.open());
  EXPECT_NE(stranger.refusal.find("not among its voters"), std::string::npos) << stranger.refusal;
  MemoryFileSystem empty;
  Process unformatted(empty, "/nowhere", Uuid{1, 2});
  EXPECT_FALSE(unformatted.open());
  EXPECT_NE(unformatted.refusal.find("format"), std::string::npos) << unformatted.refusal;
}

TEST_F(RaftClientTest, ResignsAndLeadsAgain) {
  auto node = process();
  node->start();
  node->client->resign(LeaderEpoch{1});
  node->run();
  EXPECT_EQ(node->client->append(LeaderEpoch{1}, {config_record("x")}).error(), AppendRefused::kNotLeader);
  node->advance(std::chrono::seconds(3));
  EXPECT_EQ(node->listener.led, LeaderEpoch{3});
  EXPECT_TRUE(node->append({"1"}));
  node->run();
  EXPECT_EQ(node->listener.values, (std::vector<std::string>{"1"}));
}

// Opens what Apache Kafka wrote, goes on where it stopped.
class KafkaDirectory : public ::testing::TestWithParam<const char*> {};

TEST_P(KafkaDirectory, IsLoadedAndContinued) {
  runtime::PosixFileSystem fs;
  const ScratchDirectory golden(GetParam(), MOLDAU_SOURCE_DIR);
  record::Scratch scratch;
  SilentLogger logger;
  SnapshotStore store(fs, golden / "__cluster_metadata-0", logger);
  const auto snapshots = store.recover(Offset{0});
  ASSERT_TRUE(snapshots.has_value());
  const Uuid directory_id = snapshots->back().voters.voters->voters().at(0).key.directory_id;
  const auto before = read_quorum_state(fs, golden / "__cluster_metadata-0");
  for (int round = 1; round <= 2; ++round) {
    Process node(fs, golden.path(), directory_id);
    node.start();
    EXPECT_EQ(node.listener.led, LeaderEpoch((*before)->epoch.value() + round));
    EXPECT_EQ(node.listener.loaded, snapshots->back().id);
    EXPECT_EQ(node.listener.next, node.client->metadata_log().log_end());
    EXPECT_TRUE(node.append({"from moldau"}));
    node.run();
    EXPECT_EQ(node.listener.values.back(), "from moldau");
    node.close();
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, KafkaDirectory, ::testing::Values("first-start", "rich-clean", "rich-killed"));

}  // namespace
}  // namespace moldau::raft
