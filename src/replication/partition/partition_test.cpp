#include "replication/partition/partition.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "protocol/record/scratch.h"
#include "protocol/record/testing/batches.h"
#include "protocol/record/validate.h"
#include "sim/world/sim_disk.h"
#include "storage/directory/log_loader.h"
#include "storage/sync/testing/manual_world.h"

namespace moldau::replication {
namespace {

using namespace std::chrono_literals;
using protocol::ErrorCode;
using record::testing::PlainRecord;

constexpr LeaderEpoch kEpoch{5};

class FakeBrokers final : public BrokerView {
 public:
  std::optional<BrokerStatus> status(NodeId broker) const override {
    const auto found = known.find(broker);
    return found == known.end() ? std::nullopt : std::optional(found->second);
  }
  std::map<NodeId, BrokerStatus> known{{NodeId(1), {BrokerEpoch(11), false, false}},
                                       {NodeId(2), {BrokerEpoch(12), false, false}},
                                       {NodeId(3), {BrokerEpoch(13), false, false}}};
};

class FakeSender final : public AlterPartitionSender {
 public:
  void send(Partition&, const AlterPartition& request) override { sent.push_back(request); }
  std::vector<AlterPartition> sent;
};

class FakeDirectory final : public DirectoryLink {
 public:
  void keep_log_start(Partition&, Function<void(bool)> done) override { waiting.push_back(std::move(done)); }
  void on_roll_synced(Partition&) override { ++rolls; }
  void on_storage_failure(Partition&, const Error& error) override { failures.push_back(error); }
  void keep_all(bool kept) {
    for (auto& done : std::exchange(waiting, {})) {
      done(kept);
    }
  }
  std::vector<Function<void(bool)>> waiting;
  std::vector<Error> failures;
  int rolls = 0;
};

// Writes down what it hears.
class Diary final : public PartitionListener {
 public:
  void on_high_watermark(Partition&, Offset offset) override { add("hw", offset.value()); }
  void on_durable_end(Partition&, Offset offset) override { add("durable", offset.value()); }
  void on_leadership_gained(Partition&, LeaderEpoch epoch) override { add("gained", epoch.value()); }
  void on_leadership_lost(Partition&) override { lines.emplace_back("lost"); }
  void on_offline(Partition&) override { lines.emplace_back("offline"); }
  void on_deleted(Partition&) override { lines.emplace_back("deleted"); }
  void add(const char* what, std::int64_t value) { lines.push_back(std::string(what) + " " + std::to_string(value)); }
  std::vector<std::string> lines;
};

struct PartitionTest : ::testing::Test {
  PartitionTest() { EXPECT_TRUE(fs->make_dirs("/data")); }
  ~PartitionTest() override {
    if (partition) {
      (void)partition->release();
    }
    partition.reset();
    moldau::testing::settle(shard, workers);
  }

  // A partition with an empty log; leads alone unless told otherwise.
  void open(PartitionConfig with = {}) {
    config = with;
    auto log = storage::make_log("/data", {*fs, logger, random}, {"orders", PartitionIndex(0)}, Uuid{7, 1}, config.log,
                                 shard.clock().wall_ms());
    ASSERT_TRUE(log) << log.error().message();
    partition = std::make_unique<Partition>(environment, TopicPartition{"orders", PartitionIndex(0)}, Uuid{7, 1},
                                            *std::move(log), Offset(0), config);
  }
  void open_leader(PartitionConfig with = {}) {
    open(with);
    lead({1}, {1});
  }
  void lead(std::vector<int> replicas, std::vector<int> isr, int leader = 1, LeaderEpoch epoch = kEpoch) {
    PartitionRegistration registration;
    for (const int id : replicas) registration.replicas.emplace_back(id);
    for (const int id : isr) registration.isr.emplace_back(id);
    registration.leader = NodeId(leader);
    registration.leader_epoch = epoch;
    registration.partition_epoch = next_partition_epoch++;
    partition->on_registration(registration);
  }

  std::expected<Appended, Refusal> append(int records = 1, Acks acks = Acks::kAll, record::BatchOptions options = {},
                                          AppendOrigin origin = AppendOrigin::kClient,
                                          LeaderEpoch expected = kNoLeaderEpoch, std::int64_t timestamp = 1000) {
    std::vector<PlainRecord> plain;
    for (int i = 0; i < records; ++i) {
      plain.push_back({.timestamp = timestamp + i, .value = "v" + std::to_string(i)});
    }
    return append_bytes(record::testing::build(plain, options), acks, origin, expected);
  }
  std::expected<Appended, Refusal> append_bytes(ByteVector bytes, Acks acks, AppendOrigin origin,
                                                LeaderEpoch expected = kNoLeaderEpoch) {
    record::ValidationRules rules;
    rules.now_ms = shard.clock().wall_ms();
    rules.origin =
        origin == AppendOrigin::kClient ? record::ProduceOrigin::kClient : record::ProduceOrigin::kCoordinator;
    rules.timestamp_type = config.produce.timestamp_type;
    auto batch = record::validate_produced(bytes, rules, scratch);
    EXPECT_TRUE(batch) << batch.error().message;
    return partition->append(origin, expected, *batch, acks);
  }

  struct Ack {
    explicit Ack(runtime::TimerQueue& timers) : waiter(timers, [this](ErrorCode code) { answer = code; }) {}
    std::optional<ErrorCode> answer;
    AckWaiter waiter;
  };
  // What DeleteRecords answered.
  struct Deleted {
    bool told = false;
    Offset low = kNoOffset;
    ErrorCode error = ErrorCode::kNone;
    Partition::DeleteRecordsDone keep() {
      *this = {};
      return [this](std::expected<Offset, ErrorCode> answer) {
        told = true;
        low = answer.value_or(kNoOffset);
        error = answer ? ErrorCode::kNone : answer.error();
      };
    }
  };
  void delete_records(std::int64_t offset, Deleted& answer, std::chrono::milliseconds timeout = 30s) {
    partition->delete_records(Offset(offset), shard.clock().now() + timeout, answer.keep());
  }

  std::unique_ptr<Ack> await(Offset end, std::chrono::milliseconds timeout = 30s) {
    auto ack = std::make_unique<Ack>(shard.timers());
    if (partition->await_ack(end, shard.clock().now() + timeout, ack->waiter)) {
      ack->answer = ErrorCode::kNone;
    }
    return ack;
  }

  ErrorCode read_error(const ReadRequest& request) {
    const auto result = partition->read(request);
    return result ? ErrorCode::kNone : result.error().code;
  }
  static ReadRequest from(std::int64_t offset, FetchIsolation isolation = FetchIsolation::kHighWatermark) {
    return {.from = Offset(offset), .isolation = isolation, .bytes_max = 1 << 20, .at_least_one_batch = true};
  }
  void fetch_as(int replica, std::int64_t offset) {
    const auto result = partition->read_as_follower(
        from(offset, FetchIsolation::kLogEnd),
        {NodeId(replica), partition_brokers.status(NodeId(replica))->epoch, kEpoch, Offset(offset), Offset(0)});
    EXPECT_TRUE(result);
  }
  void settle() { moldau::testing::settle(shard, workers); }

  sim::SimDisk disk{sim::SimRandom(1), sim::CrashModel{}};
  std::unique_ptr<runtime::FileSystem> fs = disk.mount();
  moldau::testing::SilentLogger logger;
  moldau::testing::ManualShard shard;
  moldau::testing::ManualWorkers workers;
  moldau::testing::ManualRandom random;
  storage::SyncGroup sync{shard, workers};
  record::Scratch scratch;
  FakeBrokers partition_brokers;
  FakeSender sender;
  FakeDirectory directory;
  Diary diary;
  PartitionEnvironment environment{shard, sync, *fs, scratch, partition_brokers, sender, directory, logger, NodeId(1)};
  PartitionConfig config;
  int next_partition_epoch = 0;
  std::unique_ptr<Partition> partition;
};

TEST_F(PartitionTest, ServesNothingBeforeMetadataSaysItLeads) {
  open();
  const auto refused = append();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(read_error(from(0)), ErrorCode::kNotLeaderOrFollower);
}

TEST_F(PartitionTest, AnAppendIsReadableAtOnceAndAcknowledgedWhenItIsOnTheDisk) {
  open_leader();
  partition->add_listener(diary);
  const auto appended = append(3);
  ASSERT_TRUE(appended);
  EXPECT_EQ(appended->first_offset, Offset(0));
  EXPECT_EQ(appended->last_offset, Offset(2));
  EXPECT_EQ(appended->leader_epoch, kEpoch);
  EXPECT_EQ(partition->high_watermark(), Offset(3));
  EXPECT_EQ(partition->durable_end(), Offset(0)) << "two marks";
  EXPECT_GT(partition->read(from(0))->slice.size, 0U);
  const auto ack = await(Offset(3));
  EXPECT_EQ(ack->answer, std::nullopt);
  settle();
  EXPECT_EQ(ack->answer, ErrorCode::kNone);
  EXPECT_EQ(partition->durable_end(), Offset(3));
  EXPECT_EQ(diary.lines, (std::vector<std::string>{"hw 3", "durable 3"}));
}

TEST_F(PartitionTest, WithoutTheSyncPolicyAnAckDoesNotWaitForTheDisk) {
  open_leader({.acks_all_sync = false});
  ASSERT_TRUE(append());
  EXPECT_EQ(await(Offset(1))->answer, ErrorCode::kNone);
  EXPECT_EQ(workers.waiting(), 0U);
}

TEST_F(PartitionTest, RelaxingThePolicyLetsWaitersGo) {
  open_leader();
  ASSERT_TRUE(append());
  const auto ack = await(Offset(1));
  config.acks_all_sync = false;
  partition->on_config(config);
  EXPECT_EQ(ack->answer, ErrorCode::kNone);
}

TEST_F(PartitionTest, AnAcksOneAppendAsksForNoSyncUntilFlushMessages) {
  open_leader({.flush_messages = 3});
  ASSERT_TRUE(append(1, Acks::kLeader));
  shard.run_turn();
  EXPECT_EQ(workers.waiting(), 0U);
  ASSERT_TRUE(append(2, Acks::kLeader));
  settle();
  EXPECT_EQ(partition->durable_end(), Offset(3));
}

TEST_F(PartitionTest, FlushMsAsksForASyncOfWhatWaitedLongEnough) {
  open_leader({.flush_ms = 1000});
  ASSERT_TRUE(append(1, Acks::kLeader));
  partition->sync_if_due();
  shard.run_turn();
  EXPECT_EQ(workers.waiting(), 0U);
  shard.advance(1001ms);
  partition->sync_if_due();
  settle();
  EXPECT_EQ(partition->durable_end(), Offset(1));
}

TEST_F(PartitionTest, OneSyncCoversTheAppendsOfATurnAndTheNextThoseOfMeanwhile) {
  open_leader();
  ASSERT_TRUE(append());
  ASSERT_TRUE(append());
  const auto first = await(Offset(1));
  const auto second = await(Offset(2));
  shard.run_turn();
  ASSERT_TRUE(append());
  const auto third = await(Offset(3));
  workers.run_all();
  shard.run_turn();
  EXPECT_EQ(first->answer, ErrorCode::kNone);
  EXPECT_EQ(second->answer, ErrorCode::kNone);
  EXPECT_EQ(third->answer, std::nullopt);
  settle();
  EXPECT_EQ(third->answer, ErrorCode::kNone);
}

TEST_F(PartitionTest, Semantics15ATimeoutIsAnsweredAndTheDataKept) {
  open_leader();
  ASSERT_TRUE(append());
  const auto ack = await(Offset(1), 100ms);
  shard.advance(101ms);
  EXPECT_EQ(ack->answer, ErrorCode::kRequestTimedOut);
  EXPECT_EQ(partition->log_end(), Offset(1));
  settle();
  EXPECT_EQ(ack->answer, ErrorCode::kRequestTimedOut);
}

TEST_F(PartitionTest, Semantics15TooFewReplicasBeforeAndAfterTheAppend) {
  open({.min_isr = 2});
  lead({1, 2}, {1});
  const auto refused = append();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(partition->log_end(), Offset(0));
  ASSERT_TRUE(append(1, Acks::kLeader)) << "acks 0 and 1 do not ask";

  lead({1, 2}, {1, 2});
  ASSERT_TRUE(append());
  const auto ack = await(Offset(2));
  fetch_as(2, 2);
  EXPECT_EQ(partition->high_watermark(), Offset(2));
  lead({1, 2}, {1});
  settle();
  EXPECT_EQ(ack->answer, ErrorCode::kNotEnoughReplicasAfterAppend);
}

TEST_F(PartitionTest, WithThreeReplicasAnAckWaitsForAllInSync) {
  open({.min_isr = 2});
  lead({1, 2, 3}, {1, 2, 3});
  ASSERT_TRUE(append());
  const auto ack = await(Offset(1));
  settle();
  EXPECT_EQ(partition->durable_end(), Offset(1));
  fetch_as(2, 1);
  EXPECT_EQ(ack->answer, std::nullopt);
  fetch_as(3, 1);
  EXPECT_EQ(ack->answer, ErrorCode::kNone);
}

TEST_F(PartitionTest, AFollowerAboutToJoinIsProposedToTheController) {
  open();
  lead({1, 2}, {1});
  fetch_as(2, 0);
  ASSERT_EQ(sender.sent.size(), 1U);
  partition->on_alter_partition_answer(
      {sender.sent[0].id, AlterPartitionOutcome::kApplied, {NodeId(1), NodeId(2)}, kEpoch, next_partition_epoch++});
  EXPECT_EQ(partition->core().isr().size(), 2U);
}

TEST_F(PartitionTest, AppendsUnderAnotherEpochAreFenced) {
  open_leader();
  const auto older = append(1, Acks::kAll, {}, AppendOrigin::kCoordinator, LeaderEpoch(4));
  const auto newer = append(1, Acks::kAll, {}, AppendOrigin::kCoordinator, LeaderEpoch(6));
  EXPECT_EQ(older.error().code, ErrorCode::kFencedLeaderEpoch);
  EXPECT_EQ(newer.error().code, ErrorCode::kUnknownLeaderEpoch);
  EXPECT_TRUE(append(1, Acks::kAll, {}, AppendOrigin::kCoordinator, kEpoch));
}

TEST_F(PartitionTest, ADuplicateAnswersItsFirstOffsetAndWaitsLikeItsFirstCopy) {
  open_leader();
  const record::BatchOptions idempotent{
      .producer_id = ProducerId(9), .producer_epoch = ProducerEpoch(0), .base_sequence = 0};
  ASSERT_TRUE(append(2, Acks::kAll, idempotent));
  const auto again = append(2, Acks::kAll, idempotent);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(again->first_offset, Offset(0));
  EXPECT_EQ(partition->log_end(), Offset(2));
  const auto ack = await(again->last_offset + 1);
  EXPECT_EQ(ack->answer, std::nullopt);
  settle();
  EXPECT_EQ(ack->answer, ErrorCode::kNone);
}

TEST_F(PartitionTest, LogAppendTimeIsAnswered) {
  PartitionConfig stamped;
  stamped.produce.timestamp_type = record::TimestampType::kLogAppendTime;
  open_leader(stamped);
  EXPECT_EQ(append()->append_time_ms, shard.clock().wall_ms());
}

TEST_F(PartitionTest, LosingLeadershipFailsWaitersAndWakesPolls) {
  open_leader();
  partition->add_listener(diary);
  ASSERT_TRUE(append());
  const auto ack = await(Offset(1));
  std::optional<WakeReason> woken;
  FetchWaiter poll([&woken](WakeReason reason) { woken = reason; });
  partition->park(Offset(1), FetchIsolation::kHighWatermark, poll);
  lead({1, 2}, {2}, 2, LeaderEpoch(6));
  EXPECT_EQ(ack->answer, ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(woken, WakeReason::kChanged);
  EXPECT_EQ(diary.lines.back(), "lost");
  const auto refused = append();
  EXPECT_EQ(refused.error().code, ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(refused.error().leader, NodeId(2));
  EXPECT_EQ(refused.error().leader_epoch, LeaderEpoch(6));
}

TEST_F(PartitionTest, Semantics35ALongPollIsWokenByTheAppendInTheSameTurn) {
  open_leader();
  int woken = 0;
  FetchWaiter poll([&woken](WakeReason reason) { woken += reason == WakeReason::kProgress ? 1 : 100; });
  partition->park(Offset(0), FetchIsolation::kHighWatermark, poll);
  ASSERT_TRUE(append(1, Acks::kLeader));
  EXPECT_EQ(woken, 1);
  EXPECT_FALSE(poll.parked());
  partition->park(Offset(5), FetchIsolation::kHighWatermark, poll);
  ASSERT_TRUE(append(1, Acks::kLeader));
  EXPECT_EQ(woken, 1) << "the bound has not reached it";
  poll.withdraw();
  ASSERT_TRUE(append(9, Acks::kLeader));
  EXPECT_EQ(woken, 1);
}

TEST_F(PartitionTest, Semantics35AFollowersPollIsWokenBelowTheHighWatermarkToo) {
  open();
  lead({1, 2}, {1, 2});
  int consumer = 0;
  int replica = 0;
  FetchWaiter consumer_poll([&consumer](WakeReason) { ++consumer; });
  FetchWaiter replica_poll([&replica](WakeReason) { ++replica; });
  partition->park(Offset(0), FetchIsolation::kHighWatermark, consumer_poll);
  partition->park(Offset(0), FetchIsolation::kLogEnd, replica_poll);
  ASSERT_TRUE(append(1, Acks::kLeader));
  EXPECT_EQ(replica, 1);
  EXPECT_EQ(consumer, 0);
  fetch_as(2, 1);
  EXPECT_EQ(consumer, 1);
}

TEST_F(PartitionTest, AWokenPollMayParkAgainWithoutBeingWokenTwice) {
  open_leader();
  int woken = 0;
  std::unique_ptr<FetchWaiter> poll;
  poll = std::make_unique<FetchWaiter>([&](WakeReason) {
    ++woken;
    partition->park(partition->high_watermark(), FetchIsolation::kHighWatermark, *poll);
  });
  partition->park(Offset(0), FetchIsolation::kHighWatermark, *poll);
  ASSERT_TRUE(append(1, Acks::kLeader));
  EXPECT_EQ(woken, 1);
  ASSERT_TRUE(append(1, Acks::kLeader));
  EXPECT_EQ(woken, 2);
}

TEST_F(PartitionTest, Semantics34OffsetsBeyondTheLogAreOutOfRangeAndThoseBeyondTheHighWatermarkAreEmpty) {
  open();
  lead({1, 2}, {1, 2});
  ASSERT_TRUE(append(3, Acks::kLeader));
  EXPECT_EQ(read_error(from(-1)), ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(read_error(from(4)), ErrorCode::kOffsetOutOfRange);
  EXPECT_TRUE(partition->read(from(2))->slice.empty());
  EXPECT_TRUE(partition->read(from(3))->slice.empty());
  EXPECT_FALSE(partition->read(from(0, FetchIsolation::kLogEnd))->slice.empty())
      << "replicas and the debugging consumer";
  EXPECT_EQ(partition->read(from(0))->log_end, Offset(3));
}

TEST_F(PartitionTest, Semantics36EpochsOfReadersAreChecked) {
  open_leader();
  ReadRequest request = from(0);
  request.current_leader_epoch = LeaderEpoch(4);
  EXPECT_EQ(read_error(request), ErrorCode::kFencedLeaderEpoch);
  request.current_leader_epoch = LeaderEpoch(6);
  EXPECT_EQ(read_error(request), ErrorCode::kUnknownLeaderEpoch);
  request.current_leader_epoch = kEpoch;
  EXPECT_EQ(read_error(request), ErrorCode::kNone);
}

TEST_F(PartitionTest, Semantics36ADivergingReaderIsToldWhereToCut) {
  open_leader();
  ASSERT_TRUE(append(10, Acks::kLeader));
  lead({1}, {1}, 1, LeaderEpoch(8));
  ASSERT_TRUE(append(10, Acks::kLeader));
  ReadRequest request = from(15);
  request.last_fetched_epoch = LeaderEpoch(6);  // an epoch this log never had
  const auto diverged = partition->read(request);
  ASSERT_TRUE(diverged);
  ASSERT_TRUE(diverged->diverging);
  EXPECT_EQ(diverged->diverging->epoch, kEpoch);
  EXPECT_EQ(diverged->diverging->end, Offset(10));
  EXPECT_TRUE(diverged->slice.empty());
  request.last_fetched_epoch = kEpoch;  // known, but it ended at 10
  EXPECT_EQ(partition->read(request)->diverging->end, Offset(10));
  request.last_fetched_epoch = LeaderEpoch(8);
  EXPECT_EQ(partition->read(request)->diverging, std::nullopt);
  request.last_fetched_epoch = LeaderEpoch(2);  // before all that is known: nothing is in common
  EXPECT_EQ(partition->read(request)->diverging->end, Offset(0));
  request.last_fetched_epoch = LeaderEpoch(9);  // above all that is known
  EXPECT_EQ(read_error(request), ErrorCode::kOffsetOutOfRange);
}

TEST_F(PartitionTest, Semantics40LatestAndEarliestCarryTheEpochAndNoTimestamp) {
  open_leader();
  ASSERT_TRUE(append(4, Acks::kLeader));
  const auto latest = partition->list_offset({.timestamp = timestamp::kLatest});
  EXPECT_EQ(latest->offset, Offset(4));
  EXPECT_EQ(latest->timestamp, -1);
  EXPECT_EQ(latest->leader_epoch, kEpoch);
  const auto earliest = partition->list_offset({.timestamp = timestamp::kEarliest});
  EXPECT_EQ(earliest->offset, Offset(0));
  EXPECT_EQ(earliest->leader_epoch, kEpoch);
  EXPECT_EQ(partition->list_offset({.timestamp = timestamp::kEarliestLocal})->offset, Offset(0));
  EXPECT_EQ(partition->list_offset({.timestamp = timestamp::kLatestTiered})->offset, kNoOffset);
  EXPECT_EQ(partition->list_offset({.timestamp = timestamp::kEarliestPendingUpload})->offset, kNoOffset);
  const auto max = partition->list_offset({.timestamp = timestamp::kMax});
  EXPECT_EQ(max->offset, Offset(3));
  EXPECT_EQ(max->timestamp, 1003);
  EXPECT_EQ(partition->list_offset({.timestamp = -7}).error().code, ErrorCode::kUnsupportedVersion);
  EXPECT_EQ(
      partition->list_offset({.timestamp = timestamp::kLatest, .current_leader_epoch = LeaderEpoch(1)}).error().code,
      ErrorCode::kFencedLeaderEpoch);
}

TEST_F(PartitionTest, Semantics41ATimestampFindsTheFirstRecordInsideTheBatch) {
  open_leader();
  ASSERT_TRUE(append(5, Acks::kLeader));
  const auto inside = partition->list_offset({.timestamp = 1002});
  EXPECT_EQ(inside->offset, Offset(2));
  EXPECT_EQ(inside->timestamp, 1002);
  const auto none = partition->list_offset({.timestamp = 5000});
  EXPECT_EQ(none->offset, kNoOffset);
  EXPECT_EQ(none->timestamp, -1);
}

TEST_F(PartitionTest, Semantics40OffsetsAreNotAvailableBelowTheEpochStart) {
  open();
  lead({1, 2}, {1, 2});
  ASSERT_TRUE(append(5, Acks::kLeader));
  lead({1, 2}, {1, 2}, 2, LeaderEpoch(6));
  lead({1, 2}, {1, 2}, 1, LeaderEpoch(7));
  const auto latest = partition->list_offset({.timestamp = timestamp::kLatest});
  EXPECT_EQ(latest.error().code, ErrorCode::kOffsetNotAvailable);
  EXPECT_EQ(partition->list_offset({.timestamp = 1000}).error().code, ErrorCode::kOffsetNotAvailable);
  EXPECT_TRUE(partition->list_offset({.timestamp = timestamp::kEarliest}));
  const ListOffsetRequest debugging{.timestamp = timestamp::kLatest, .isolation = FetchIsolation::kLogEnd};
  EXPECT_EQ(partition->list_offset(debugging)->offset, Offset(5));
}

TEST_F(PartitionTest, Semantics42TheEndOfTheLargestKnownEpochIsAnswered) {
  open_leader();
  ASSERT_TRUE(append(10, Acks::kLeader));
  lead({1}, {1}, 1, LeaderEpoch(8));
  ASSERT_TRUE(append(5, Acks::kLeader));
  const auto middle = partition->end_offset_for_epoch(LeaderEpoch(7), kNoLeaderEpoch, true);
  EXPECT_EQ(middle->epoch, kEpoch);
  EXPECT_EQ(middle->end, Offset(10));
  EXPECT_EQ(partition->end_offset_for_epoch(LeaderEpoch(8), kNoLeaderEpoch, true)->end, Offset(15));
  const auto before = partition->end_offset_for_epoch(LeaderEpoch(1), kNoLeaderEpoch, true);
  EXPECT_EQ(before->epoch, LeaderEpoch(1));
  EXPECT_EQ(before->end, Offset(0)) << "as Kafka: where the first known epoch begins";
  const auto above = partition->end_offset_for_epoch(LeaderEpoch(9), kNoLeaderEpoch, true);
  EXPECT_EQ(above->epoch, kNoLeaderEpoch);
  EXPECT_EQ(above->end, kNoOffset);
}

TEST_F(PartitionTest, Semantics43DeleteRecordsIsAnsweredOnceItIsDurable) {
  open_leader();
  ASSERT_TRUE(append(5, Acks::kLeader));
  Deleted answer;
  delete_records(3, answer);
  EXPECT_EQ(partition->log_start(), Offset(3));
  EXPECT_EQ(read_error(from(2)), ErrorCode::kOffsetOutOfRange);
  EXPECT_FALSE(answer.told);
  directory.keep_all(true);
  EXPECT_EQ(answer.low, Offset(3));
  delete_records(-1, answer);
  directory.keep_all(true);
  EXPECT_EQ(answer.low, Offset(5)) << "-1 means the high watermark";
  delete_records(6, answer);
  EXPECT_EQ(answer.error, ErrorCode::kOffsetOutOfRange);
  delete_records(-2, answer);
  EXPECT_EQ(answer.error, ErrorCode::kOffsetOutOfRange);
  PartitionConfig compact;
  compact.log.cleanup_delete = false;
  compact.log.cleanup_compact = true;
  partition->on_config(compact);
  delete_records(5, answer);
  EXPECT_EQ(answer.error, ErrorCode::kPolicyViolation);
}

TEST_F(PartitionTest, Semantics43DeleteRecordsWaitsForTheOtherReplicas) {
  open();
  lead({1, 2}, {1, 2});
  ASSERT_TRUE(append(5, Acks::kLeader));
  fetch_as(2, 5);
  Deleted answer;
  Deleted late;
  delete_records(4, answer);
  delete_records(4, late, 1s);
  directory.keep_all(true);
  EXPECT_FALSE(answer.told);
  shard.advance(1001ms);
  EXPECT_EQ(late.error, ErrorCode::kRequestTimedOut);
  ASSERT_TRUE(partition->read_as_follower(from(5, FetchIsolation::kLogEnd),
                                          {NodeId(2), BrokerEpoch(12), kEpoch, Offset(5), Offset(4)}));
  EXPECT_EQ(answer.low, Offset(4));
}

TEST_F(PartitionTest, Semantics27ReadCommittedStopsAtTheFirstOpenTransaction) {
  open_leader();
  ASSERT_TRUE(append(2, Acks::kLeader));
  const record::BatchOptions transactional{
      .producer_id = ProducerId(9), .producer_epoch = ProducerEpoch(0), .base_sequence = 0, .is_transactional = true};
  ASSERT_TRUE(append(3, Acks::kLeader, transactional));
  ASSERT_TRUE(append(1, Acks::kLeader));
  EXPECT_EQ(partition->last_stable_offset(), Offset(2));
  const auto latest =
      partition->list_offset({.timestamp = timestamp::kLatest, .isolation = FetchIsolation::kLastStable});
  EXPECT_EQ(latest->offset, Offset(2));
  EXPECT_TRUE(partition->read(from(2, FetchIsolation::kLastStable))->slice.empty());
  const auto below = partition->read(from(0, FetchIsolation::kLastStable));
  EXPECT_FALSE(below->slice.empty());
  EXPECT_TRUE(below->aborted.empty());

  int woken = 0;
  FetchWaiter poll([&woken](WakeReason) { ++woken; });
  partition->park(Offset(2), FetchIsolation::kLastStable, poll);
  ASSERT_TRUE(append_bytes(record::build_end_txn_marker(Offset(0), kNoLeaderEpoch, 2000, ProducerId(9),
                                                        ProducerEpoch(0), record::ControlRecordType::kAbort, {}),
                           Acks::kAll, AppendOrigin::kCoordinator, kEpoch));
  EXPECT_EQ(partition->last_stable_offset(), Offset(7));
  EXPECT_EQ(woken, 1);
  const auto all = partition->read(from(0, FetchIsolation::kLastStable));
  ASSERT_EQ(all->aborted.size(), 1U);
  EXPECT_EQ(all->aborted[0], (storage::AbortedTransaction{ProducerId(9), Offset(2)}));
}

TEST_F(PartitionTest, AFailedSyncFailsEveryWaiterAndIsToldToTheDirectory) {
  open_leader();
  partition->add_listener(diary);
  ASSERT_TRUE(append());
  const auto ack = await(Offset(1));
  disk.faults().sync_error_ppm = 1'000'000;
  settle();
  disk.faults().sync_error_ppm = 0;
  EXPECT_EQ(ack->answer, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(directory.failures.size(), 1U);
  EXPECT_EQ(append().error().code, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(read_error(from(0)), ErrorCode::kKafkaStorageError);
  EXPECT_EQ(diary.lines.back(), "offline");
  EXPECT_EQ(partition->durable_end(), Offset(0));
  settle();
}

TEST_F(PartitionTest, AFailedWriteAcknowledgesNothing) {
  open_leader();
  ASSERT_TRUE(append(1, Acks::kLeader));
  disk.faults().write_error_ppm = 1'000'000;
  EXPECT_EQ(append().error().code, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(directory.failures.size(), 1U);
  EXPECT_TRUE(partition->offline());
  EXPECT_EQ(partition->high_watermark(), Offset(1));
}

TEST_F(PartitionTest, ADirectoryThatFailedElsewhereTakesThePartitionAlong) {
  open_leader();
  ASSERT_TRUE(append());
  const auto ack = await(Offset(1));
  partition->on_directory_failed();
  EXPECT_EQ(ack->answer, ErrorCode::kKafkaStorageError);
  EXPECT_TRUE(directory.failures.empty());
  lead({1}, {1}, 1, LeaderEpoch(9));
  EXPECT_FALSE(partition->is_leader());
}

TEST_F(PartitionTest, DeletionFailsWaitersAndHandsTheLogOut) {
  open_leader();
  partition->add_listener(diary);
  ASSERT_TRUE(append());
  const auto ack = await(Offset(1));
  shard.run_turn();  // a sync is in flight
  std::optional<WakeReason> woken;
  FetchWaiter poll([&woken](WakeReason reason) { woken = reason; });
  partition->park(Offset(1), FetchIsolation::kHighWatermark, poll);
  const auto log = partition->on_deleted();
  EXPECT_NE(log, nullptr);
  EXPECT_EQ(ack->answer, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(woken, WakeReason::kChanged);
  EXPECT_EQ(diary.lines.back(), "deleted");
  EXPECT_EQ(read_error(from(0)), ErrorCode::kUnknownTopicOrPartition);
  settle();
}

TEST_F(PartitionTest, AFollowerAppendsWhatItsLeaderSentAndFollowsItsHighWatermark) {
  open();
  lead({1, 2}, {2}, 2);
  ByteVector batch =
      record::testing::build({{.value = "a"}, {.value = "b"}}, {.base_offset = Offset(0), .leader_epoch = kEpoch});
  ASSERT_TRUE(partition->append(AppendOrigin::kReplica, kEpoch, batch));
  EXPECT_EQ(partition->log_end(), Offset(2));
  EXPECT_EQ(partition->high_watermark(), Offset(0));
  partition->on_leader_values(Offset(1), Offset(0));
  EXPECT_EQ(partition->high_watermark(), Offset(1));
  ASSERT_TRUE(partition->truncate_to(Offset(1)) || true);
  EXPECT_EQ(partition->append(AppendOrigin::kReplica, LeaderEpoch(4), batch).error().code,
            ErrorCode::kFencedLeaderEpoch);
  ReadRequest request = from(0);
  EXPECT_EQ(read_error(request), ErrorCode::kNotLeaderOrFollower);
  request.leader_only = false;
  EXPECT_EQ(read_error(request), ErrorCode::kNone);
}

TEST_F(PartitionTest, AnAckAskedForAfterLeadershipEndedIsToldInTheNextTurn) {
  open_leader();
  ASSERT_TRUE(append());
  lead({1, 2}, {2}, 2, LeaderEpoch(6));
  const auto ack = await(Offset(1));
  EXPECT_EQ(ack->answer, std::nullopt);
  shard.run_turn();
  EXPECT_EQ(ack->answer, ErrorCode::kNotLeaderOrFollower);
}

TEST_F(PartitionTest, ARolledSegmentIsSyncedWithoutBeingAskedFor) {
  PartitionConfig small;
  small.log.segment_bytes = 200;
  open_leader(small);
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(append(1, Acks::kLeader));
  }
  settle();
  EXPECT_GT(partition->durable_end(), Offset(0));
  EXPECT_EQ(directory.rolls, 1);
}

}  // namespace
}  // namespace moldau::replication
