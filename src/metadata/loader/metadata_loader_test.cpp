// The loader and the controller shell on a shard whose turns the test runs, over a log in memory that it commits.
#include <deque>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/controller/testing/driver.h"
#include "metadata/image/testing/record_generator.h"
#include "metadata/loader/controller_shell.h"
#include "metadata/loader/metadata_loader.h"
#include "runtime/testing/manual_shard.h"

namespace moldau::metadata {
namespace {

using moldau::testing::ManualShard;
using testing::ids;

struct Quiet final : Logger {
  [[nodiscard]] bool enabled(LogLevel) const noexcept override { return false; }
  void write(LogLevel, std::string_view, std::string_view) override {}
};

class MemoryLog final : public MetadataLog {
 public:
  struct Batch {
    Offset base{0};
    RecordBatch records;
  };
  [[nodiscard]] std::expected<Offset, Refused> append(LeaderEpoch, RecordBatch records) override {
    if (refuse_next) {
      return std::unexpected(*std::exchange(refuse_next, std::nullopt));
    }
    batches.push_back({end, std::move(records)});
    end = end + static_cast<std::int64_t>(batches.back().records.size());
    return end - 1;
  }
  [[nodiscard]] Offset next_offset() const override { return end; }
  void resign(LeaderEpoch) override { ++resigned; }
  [[nodiscard]] bool snapshot_due() const override { return due; }
  [[nodiscard]] bool write_snapshot(std::shared_ptr<const Image> image, Function<void(Result<>)> done) override {
    due = false;
    snapshots.push_back(std::move(image));
    done({});
    return true;
  }
  // Commits everything appended so far.
  void commit(MetadataLoader& loader) {
    for (; committed < batches.size(); ++committed) {
      const Batch& batch = batches[committed];
      loader.on_commit({batch.base, batch.base + (static_cast<std::int64_t>(batch.records.size()) - 1), LeaderEpoch(1),
                        1000, batch.records});
    }
  }

  std::vector<Batch> batches;
  std::size_t committed = 0;
  Offset end{0};
  std::optional<Refused> refuse_next;
  int resigned = 0;
  bool due = false;
  std::vector<std::shared_ptr<const Image>> snapshots;
};

struct Recorder final : MetadataPublisher {
  std::vector<ImageUpdate> updates;
  void on_image(const ImageUpdate& update) override { updates.push_back(update); }
};

class LoaderTest : public ::testing::Test, public MetadataLoader::Listener {
 protected:
  void on_committed(Offset end) override { committed_end = end; }
  void on_fault(const Error& error) override { fault = error; }

  void commit(RecordBatch records) {
    const auto count = static_cast<std::int64_t>(records.size());
    kept.push_back(std::move(records));
    loader.on_commit({next, next + (count - 1), LeaderEpoch(1), 1000, kept.back()});
    next = next + count;
  }
  static records::TopicRecord topic(const char* name, std::uint64_t id) {
    records::TopicRecord record;
    record.name = name;
    record.topic_id = {0x4000, id};
    return record;
  }
  static records::RemoveTopicRecord removal(std::uint64_t id) {
    records::RemoveTopicRecord record;
    record.topic_id = {0x4000, id};
    return record;
  }

  ManualShard shard;
  ManualShard other{1};
  Quiet logger;
  MetadataLoader loader{shard, logger, *this};
  std::deque<RecordBatch> kept;
  Offset next{0};
  Offset committed_end{-1};
  std::optional<Error> fault;
};

TEST_F(LoaderTest, PublishesOneImageATurnBeforeTheCommitIsTold) {
  Recorder here;
  Recorder there;
  loader.on_caught_up();
  loader.add_publisher(shard, here);
  loader.add_publisher(other, there);
  commit({{topic("a", 1), 0}});
  commit({{topic("b", 2), 0}, {topic("c", 3), 0}});
  EXPECT_EQ(committed_end, Offset(-1));
  shard.turn();
  EXPECT_EQ(committed_end, Offset(3));
  other.turn();
  shard.turn();
  for (const Recorder* recorder : {&here, &there}) {
    ASSERT_EQ(recorder->updates.size(), 1U);
    EXPECT_TRUE(recorder->updates[0].before->empty());
    EXPECT_EQ(recorder->updates[0].changes->topics.size(), 3U);
  }
  EXPECT_EQ(here.updates[0].after, there.updates[0].after) << "one image for all";
  commit({{records::NoOpRecord{}, 0}});
  shard.turn();
  shard.turn();
  EXPECT_EQ(here.updates.size(), 1U) << "nothing changed";
  EXPECT_EQ(loader.loaded_end(), Offset(4));
  EXPECT_EQ(loader.committed_image()->provenance().offset, Offset(3));
}

TEST_F(LoaderTest, SaysNothingBeforeItHasCaughtUp) {
  Recorder recorder;
  loader.add_publisher(shard, recorder);
  commit({{topic("a", 1), 0}});
  shard.turn();
  shard.turn();
  EXPECT_TRUE(recorder.updates.empty());
  loader.on_caught_up();
  shard.turn();
  shard.turn();
  ASSERT_EQ(recorder.updates.size(), 1U);
  EXPECT_NE(recorder.updates[0].after->topic("a"), nullptr);
}

TEST_F(LoaderTest, ALatePublisherIsToldEverything) {
  Recorder early;
  Recorder late;
  loader.on_caught_up();
  loader.add_publisher(shard, early);
  commit({{topic("a", 1), 0}});
  shard.turn();
  loader.add_publisher(shard, late);
  shard.turn();
  commit({{topic("b", 2), 0}});
  shard.turn();
  shard.turn();
  ASSERT_EQ(late.updates.size(), 2U);
  EXPECT_EQ(late.updates[0].changes->topics.size(), 1U);
  EXPECT_EQ(late.updates[0].after, late.updates[1].before);
  EXPECT_EQ(late.updates[1].after, early.updates.back().after);
  EXPECT_EQ(early.updates.size(), 2U);
}

TEST_F(LoaderTest, NothingOfAnOpenTransactionIsVisible) {
  Recorder recorder;
  loader.on_caught_up();
  loader.add_publisher(shard, recorder);
  commit({{topic("before", 1), 0}, {records::BeginTransactionRecord{}, 0}, {topic("inside", 2), 0}});
  shard.turn();
  shard.turn();
  EXPECT_TRUE(loader.transaction_open());
  ASSERT_EQ(recorder.updates.size(), 1U);
  EXPECT_NE(recorder.updates[0].after->topic("before"), nullptr);
  EXPECT_EQ(recorder.updates[0].after->topic("inside"), nullptr);
  EXPECT_EQ(loader.committed_image()->provenance().offset, Offset(0));
  EXPECT_EQ(loader.loaded_end(), Offset(3));
  commit({{topic("more", 3), 0}, {records::EndTransactionRecord{}, 0}});
  shard.turn();
  shard.turn();
  ASSERT_EQ(recorder.updates.size(), 2U);
  EXPECT_NE(recorder.updates[1].after->topic("inside"), nullptr);
  EXPECT_EQ(recorder.updates[1].changes->topics.size(), 2U);
  commit({{records::BeginTransactionRecord{}, 0}, {topic("never", 4), 0}});
  shard.turn();
  commit({{records::AbortTransactionRecord{}, 0}, {topic("after", 5), 0}});
  shard.turn();
  shard.turn();
  EXPECT_EQ(loader.committed_image()->topic("never"), nullptr);
  EXPECT_NE(loader.committed_image()->topic("after"), nullptr);
  EXPECT_FALSE(loader.transaction_open());
}

TEST_F(LoaderTest, ASnapshotReplacesAllAndIsPublishedAsItsDifference) {
  Recorder recorder;
  loader.on_caught_up();
  loader.add_publisher(shard, recorder);
  commit({{topic("old", 1), 0}, {topic("kept", 2), 0}});
  shard.turn();
  loader.begin_snapshot(Offset(50), LeaderEpoch(3), 77);
  ASSERT_TRUE(loader.add_snapshot_record(topic("kept", 2)));
  ASSERT_TRUE(loader.add_snapshot_record(topic("new", 3)));
  loader.end_snapshot();
  shard.turn();
  shard.turn();
  ASSERT_EQ(recorder.updates.size(), 2U);
  const ImageChanges& changes = *recorder.updates[1].changes;
  EXPECT_EQ(changes.topics.size(), 1U);
  EXPECT_EQ(changes.deleted_topics.size(), 1U);
  EXPECT_EQ(loader.loaded_end(), Offset(50));
  EXPECT_EQ(committed_end, Offset(50));
}

TEST_F(LoaderTest, CreatedAndDeletedBetweenTwoPublicationsLeavesNoTrace) {
  Recorder recorder;
  loader.on_caught_up();
  loader.add_publisher(shard, recorder);
  commit({{topic("stays", 1), 0}});
  shard.turn();
  commit({{topic("short", 2), 0},
          {records::BeginTransactionRecord{}, 0},
          {removal(2), 0},
          {removal(1), 0},
          {topic("stays", 3), 0},
          {records::EndTransactionRecord{}, 0}});
  shard.turn();
  shard.turn();
  ASSERT_EQ(recorder.updates.size(), 2U);
  const ImageChanges& changes = *recorder.updates[1].changes;
  EXPECT_EQ(changes.deleted_topics.size(), 1U);
  EXPECT_TRUE(changes.deleted_topics.contains(Uuid{0x4000, 1}));
  EXPECT_EQ(changes.topics.size(), 1U);
  EXPECT_TRUE(changes.topics.contains(Uuid{0x4000, 3}));
}

TEST_F(LoaderTest, ARecordThatContradictsTheImageIsAFaultOnceAndForAll) {
  loader.on_caught_up();
  commit({{removal(9), 0}});
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind(), ErrorKind::kCorrupt);
  fault.reset();
  commit({{topic("a", 1), 0}});
  shard.turn();
  EXPECT_FALSE(fault);
  EXPECT_EQ(loader.committed_image()->topic("a"), nullptr);
}

TEST_F(LoaderTest, AnyCutIntoBatchesAndTurnsGivesTheSameImage) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    testing::RecordGenerator generator(seed);
    std::mt19937_64 random(seed);
    MetadataLoader one(shard, logger, *this);
    Recorder recorder;
    one.on_caught_up();
    one.add_publisher(shard, recorder);
    Delta whole(std::make_shared<const Image>());
    Offset at{0};
    for (int i = 0; i < 60; ++i) {
      RecordBatch batch;
      for (std::uint64_t n = 1 + random() % 6; n > 0; --n) {
        batch.push_back({generator.next(), 0});
        ASSERT_TRUE(whole.replay(batch.back().record, at + static_cast<std::int64_t>(batch.size()) - 1));
      }
      const auto count = static_cast<std::int64_t>(batch.size());
      one.on_commit({at, at + (count - 1), LeaderEpoch(1), 5, batch});
      at = at + count;
      if (random() % 3 == 0) {
        shard.turn();
      }
    }
    shard.turn();
    shard.turn();
    const auto expected = whole.apply({});
    ASSERT_TRUE(*one.committed_image() == *expected) << seed;
    for (std::size_t i = 1; i < recorder.updates.size(); ++i) {
      EXPECT_EQ(recorder.updates[i].before, recorder.updates[i - 1].after) << "L2";
    }
    EXPECT_TRUE(*recorder.updates.back().after == *expected);
  }
}

TEST_F(LoaderTest, WritesASnapshotWhenTheLogSaysSoButNotInATransaction) {
  MemoryLog log;
  loader.snapshot_through(log);
  records::FeatureLevelRecord version;
  version.name = "metadata.version";
  version.feature_level = 30;
  log.due = true;
  commit({{version, 0}, {records::BeginTransactionRecord{}, 0}});
  shard.turn();
  EXPECT_TRUE(log.snapshots.empty());
  commit({{records::EndTransactionRecord{}, 0}});
  shard.turn();
  ASSERT_EQ(log.snapshots.size(), 1U);
  EXPECT_EQ(log.snapshots[0]->provenance().offset, Offset(2));
}

class ShellTest : public LoaderTest {
 protected:
  ShellTest() {
    options.controller.node_id = NodeId(1);
    options.controller.cluster_id = "cluster";
    options.self.controller = NodeId(1);
    options.self.incarnation_id = Uuid{8, 8};
    options.bootstrap = bootstrap_records();
    shell.emplace(shard, log, loader, schema, logger, options);
  }
  void on_committed(Offset end) override { shell->on_committed(end); }

  void lead() {
    loader.on_caught_up();
    shell->on_leader_change(LeaderEpoch(1), NodeId(1));
    settle();
  }
  void settle() {
    log.commit(loader);
    shard.turn();
    shard.turn();
  }
  RegisterBroker registration(std::uint64_t incarnation) { return testing::Driver().registration(1, incarnation); }
  void bring_up() {
    shell->register_broker(registration(1), [this](auto reply) { epoch = reply->epoch; });
    settle();
    beat();
    settle();
  }
  void beat() {
    BrokerHeartbeat request;
    request.broker = NodeId(1);
    request.epoch = epoch;
    request.metadata_offset = loader.loaded_end() - 1;
    shell->heartbeat(request, [this](auto reply) { heartbeat = std::move(reply); });
  }
  static CreateTopics creation(const char* name) {
    TopicCreation topic;
    topic.name = name;
    topic.partitions = 1;
    topic.replication_factor = 1;
    return {{topic}, false};
  }

  testing::FakeSchema schema;
  MemoryLog log;
  ControllerShell::Options options;
  std::optional<ControllerShell> shell;
  BrokerEpoch epoch = kNoBrokerEpoch;
  std::optional<std::expected<BrokerHeartbeatReply, ApiError>> heartbeat;
};

using TopicsReply = std::expected<std::vector<TopicCreated>, ApiError>;

TEST_F(ShellTest, FirstLeadershipWritesTheBootstrapAndRegistersTheController) {
  lead();
  ASSERT_EQ(log.batches.size(), 2U);
  EXPECT_EQ(log.batches[0].records.size(), 9U);
  EXPECT_TRUE(std::holds_alternative<records::RegisterControllerRecord>(log.batches[1].records[0].record));
  EXPECT_EQ(loader.committed_image()->metadata_version(), MetadataVersion(30));
}

TEST_F(ShellTest, AnswersAfterTheCommitAndThePublication) {
  lead();
  bring_up();
  Recorder recorder;
  loader.add_publisher(other, recorder);
  shard.turn();
  other.turn();
  recorder.updates.clear();
  std::optional<TopicsReply> reply;
  std::size_t images_seen = 0;
  shell->create_topics(creation("a"), [&](TopicsReply r) {
    other.turn();  // what the caller's shard has been posted by now
    images_seen = recorder.updates.size();
    reply = std::move(r);
  });
  shard.turn();
  EXPECT_FALSE(reply) << "appended, not committed";
  log.commit(loader);
  EXPECT_FALSE(reply) << "committed, not published";
  shard.turn();
  ASSERT_TRUE(reply);
  EXPECT_EQ((**reply)[0].error, ApiError{});
  EXPECT_EQ(images_seen, 1U) << "the image came before the answer";
}

TEST_F(ShellTest, ADecisionWithoutRecordsWaitsForThoseItSpeaksOf) {
  lead();
  bring_up();
  std::vector<std::string> order;
  shell->create_topics(creation("a"), [&](auto) { order.push_back("first"); });
  shell->create_topics(creation("a"), [&](TopicsReply r) {
    EXPECT_EQ((*r)[0].error.code, ErrorCode::kTopicAlreadyExists);
    order.push_back("second");
  });
  EXPECT_TRUE(order.empty());
  settle();
  EXPECT_THAT(order, ::testing::ElementsAre("first", "second"));
  shell->create_topics(creation("a"), [&](auto) { order.push_back("third"); });
  EXPECT_EQ(order.size(), 3U) << "nothing is pending: answered at once";
}

TEST_F(ShellTest, LosingTheLeadershipAnswersWhatWaitsAndForgetsIt) {
  lead();
  bring_up();
  std::optional<TopicsReply> reply;
  shell->create_topics(creation("lost"), [&](auto r) { reply = std::move(r); });
  shell->on_leader_change(LeaderEpoch(2), NodeId(2));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->error().code, ErrorCode::kNotController);
  shell->create_topics(creation("x"), [&](auto r) { reply = std::move(r); });
  EXPECT_EQ(reply->error().code, ErrorCode::kNotController);
  // It was never committed: the next leadership begins without it.
  log.batches.pop_back();
  log.end = log.batches.back().base + static_cast<std::int64_t>(log.batches.back().records.size());
  shell->on_leader_change(LeaderEpoch(3), NodeId(1));
  std::optional<TopicsReply> again;
  shell->create_topics(creation("lost"), [&](auto r) { again = std::move(r); });
  settle();
  ASSERT_TRUE(again);
  EXPECT_EQ((**again)[0].error, ApiError{});
}

TEST_F(ShellTest, ALogThatTakesNothingEndsTheLeadership) {
  lead();
  bring_up();
  log.refuse_next = MetadataLog::Refused::kOverloaded;
  std::optional<TopicsReply> reply;
  shell->create_topics(creation("a"), [&](auto r) { reply = std::move(r); });
  EXPECT_EQ(reply->error().code, ErrorCode::kRequestTimedOut);
  EXPECT_TRUE(shell->active());
  log.refuse_next = MetadataLog::Refused::kFailed;
  shell->create_topics(creation("a"), [&](auto r) { reply = std::move(r); });
  EXPECT_EQ(reply->error().code, ErrorCode::kNotController);
  EXPECT_FALSE(shell->active());
  EXPECT_EQ(log.resigned, 1);
}

TEST_F(ShellTest, Semantics61WritesNoOpsAndFencesABrokerThatFellSilent) {
  lead();
  bring_up();
  const std::size_t before = log.batches.size();
  shard.pass(std::chrono::milliseconds(500));
  ASSERT_EQ(log.batches.size(), before + 1);
  EXPECT_TRUE(std::holds_alternative<records::NoOpRecord>(log.batches.back().records[0].record));
  for (int i = 0; i < 12; ++i) {
    shard.pass(std::chrono::seconds(2));
    beat();
    settle();
  }
  EXPECT_FALSE(loader.committed_image()->broker(NodeId(1))->fenced());
  shard.pass(std::chrono::seconds(10));
  settle();
  EXPECT_TRUE(loader.committed_image()->broker(NodeId(1))->fenced());
}

TEST_F(ShellTest, Semantics61ControlledShutdownEndsInTwoHeartbeats) {
  lead();
  bring_up();
  shell->create_topics(creation("a"), [](auto) {});
  settle();
  for (int i = 0; i < 2; ++i) {
    BrokerHeartbeat request;
    request.broker = NodeId(1);
    request.epoch = epoch;
    request.want_shut_down = true;
    request.metadata_offset = loader.loaded_end() - 1;
    shell->heartbeat(request, [this](auto reply) { heartbeat = std::move(reply); });
    settle();
    EXPECT_EQ((*heartbeat)->should_shut_down, i == 1);
  }
  const auto* partition = loader.committed_image()->topic("a")->partition(PartitionIndex(0));
  EXPECT_EQ(partition->leader, kNoNode);
  EXPECT_EQ(partition->elr, ids({1}));
}

TEST_F(ShellTest, StopAnswersEverythingOnce) {
  lead();
  bring_up();
  int answers = 0;
  for (int i = 0; i < 5; ++i) {
    shell->create_topics(creation(("t" + std::to_string(i)).c_str()), [&](auto) { ++answers; });
  }
  EXPECT_EQ(shell->pending(), 5U);
  shell->stop();
  EXPECT_EQ(answers, 5);
  settle();
  EXPECT_EQ(answers, 5);
}

}  // namespace
}  // namespace moldau::metadata
