// A GoogleTest fixture: one partition on a simulated disk, on a shard whose turns run when the test says so.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/record/scratch.h"
#include "protocol/record/testing/batches.h"
#include "protocol/record/validate.h"
#include "replication/partition/partition.h"
#include "replication/partition/testing/partition_fakes.h"
#include "runtime/testing/manual_shard.h"
#include "runtime/testing/manual_workers.h"
#include "runtime/testing/seeded_random.h"
#include "runtime/testing/silent_logger.h"
#include "sim/world/sim_disk.h"
#include "storage/directory/log_loader.h"

namespace moldau::replication::testing {

using namespace std::chrono_literals;
using protocol::ErrorCode;
using record::testing::PlainRecord;

inline constexpr LeaderEpoch kEpoch{5};

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

struct PartitionFixture : ::testing::Test {
  PartitionFixture() { EXPECT_TRUE(fs->make_dirs("/data")); }
  ~PartitionFixture() override {
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
  moldau::testing::SeededRandom random;
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

}  // namespace moldau::replication::testing
