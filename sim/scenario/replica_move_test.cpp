// Replicas that move between log directories: served meanwhile, whole afterwards, whatever ends the process on the way.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/messages/alter_replica_log_dirs_request.h"
#include "protocol/messages/alter_replica_log_dirs_response.h"
#include "protocol/messages/describe_log_dirs_request.h"
#include "protocol/messages/describe_log_dirs_response.h"
#include "protocol/messages/incremental_alter_configs_request.h"
#include "protocol/messages/incremental_alter_configs_response.h"
#include "runtime/fs.h"
#include "sim/scenario/scenario.h"
#include "storage/checkpoint/offset_checkpoint.h"

namespace moldau::sim {
namespace {

using protocol::ErrorCode;

constexpr std::int16_t kAcksAll = -1;

BrokerSettings two_directories() {
  BrokerSettings settings;
  settings.log_dirs = "/data/a,/data/b";
  return settings;
}

protocol::AlterReplicaLogDirsRequest move_request(std::string_view name, std::string_view path) {
  protocol::AlterReplicaLogDirsRequest request;
  auto& directory = request.dirs.emplace_back();
  directory.path = path;
  auto& topic = directory.topics.emplace_back();
  topic.name = name;
  topic.partitions = {0};
  return request;
}

ErrorCode move(Scenario& scenario, const std::string& name, const std::string& path) {
  ErrorCode code = ErrorCode::kNone;
  scenario.call(move_request(name, path), 2, [&](const protocol::AlterReplicaLogDirsResponse& response) {
    code = protocol::error_from_wire(response.results.at(0).partitions.at(0).error_code);
  });
  return code;
}

struct Seen {
  std::string path;
  std::int64_t size = 0;
  std::int64_t lag = 0;
  bool is_future = false;
};

std::vector<Seen> look(Scenario& scenario, const std::string& name) {
  protocol::DescribeLogDirsRequest request;
  auto& topic = request.topics.emplace().emplace_back();
  topic.topic = name;
  topic.partitions = {0};
  std::vector<Seen> seen;
  scenario.call(request, 5, [&](const protocol::DescribeLogDirsResponse& response) {
    for (const auto& result : response.results) {
      for (const auto& found : result.topics) {
        for (const auto& partition : found.partitions) {
          seen.push_back(
              {std::string(result.log_dir), partition.partition_size, partition.offset_lag, partition.is_future_key});
        }
      }
    }
  });
  return seen;
}

// Where it is, once no copy of it is on its way.
std::string settled(Scenario& scenario, const std::string& name) {
  for (int i = 0; i < 200; ++i) {
    const std::vector<Seen> seen = look(scenario, name);
    if (seen.size() == 1 && !seen.front().is_future) {
      return seen.front().path;
    }
    scenario.run_for(std::chrono::milliseconds(50));
  }
  return "it does not settle";
}

std::vector<std::string> directories_of(Scenario& scenario, const std::string& name) {
  std::vector<std::string> found;
  const auto fs = scenario.disk().mount();
  for (const std::string directory : {"/data/a", "/data/b"}) {
    const auto entries = fs->list(directory);
    for (const runtime::DirEntry& entry : entries ? *entries : std::vector<runtime::DirEntry>{}) {
      if (entry.name.starts_with(name + "-0") && !entry.name.ends_with("-delete")) {
        found.push_back(directory + "/" + entry.name);
      }
    }
  }
  return found;
}

std::string other(const std::string& path) {
  return path == "/data/a" ? "/data/b" : "/data/a";
}

TEST(ReplicaMove, TakesAllRecordsAlongAndServesMeanwhile) {
  Scenario scenario(1, two_directories());
  scenario.start();
  scenario.create_topic("t", {{"internal.segment.bytes", "2048"}, {"file.delete.delay.ms", "100"}});
  for (std::int64_t offset = 0; offset < 60; ++offset) {
    ASSERT_EQ(scenario.produce("t", kAcksAll, std::string(100, 'x')).offset, Offset(offset));
  }
  const std::string from = settled(scenario, "t");
  ASSERT_EQ(move(scenario, "t", other(from)), ErrorCode::kNone);
  ASSERT_EQ(move(scenario, "t", other(from)), ErrorCode::kNone) << "asked twice";
  for (std::int64_t offset = 60; offset < 90; ++offset) {
    ASSERT_EQ(scenario.produce("t", kAcksAll, std::string(100, 'y')).offset, Offset(offset));
  }
  EXPECT_EQ(settled(scenario, "t"), other(from));
  EXPECT_EQ(scenario.produce("t", kAcksAll, "after").offset, Offset(90));
  scenario.run_for(std::chrono::seconds(1));
  scenario.crash(CrashKind::kPowerCut);
  EXPECT_EQ(directories_of(scenario, "t"), std::vector{other(from) + "/t-0"});
  scenario.start();
  EXPECT_EQ(scenario.log_start("t"), Offset(0));
  EXPECT_EQ(scenario.log_end("t"), Offset(91));
  // And back.
  ASSERT_EQ(move(scenario, "t", from), ErrorCode::kNone);
  EXPECT_EQ(settled(scenario, "t"), from);
  EXPECT_EQ(scenario.log_end("t"), Offset(91));
}

TEST(ReplicaMove, KeepsTheLogStart) {
  Scenario scenario(2, two_directories());
  scenario.start();
  scenario.create_topic("t");
  for (std::int64_t offset = 0; offset < 10; ++offset) {
    ASSERT_EQ(scenario.produce("t", kAcksAll, "value").offset, Offset(offset));
  }
  scenario.delete_records("t", Offset(7));
  const std::string from = settled(scenario, "t");
  ASSERT_EQ(move(scenario, "t", other(from)), ErrorCode::kNone);
  EXPECT_EQ(settled(scenario, "t"), other(from));
  EXPECT_EQ(scenario.log_start("t"), Offset(7));
  scenario.crash(CrashKind::kPowerCut);
  scenario.start();
  EXPECT_EQ(scenario.log_start("t"), Offset(7));
  EXPECT_EQ(scenario.log_end("t"), Offset(10));
}

TEST(ReplicaMove, IsRefusedAsKafkaRefuses) {
  Scenario scenario(3, two_directories());
  scenario.start();
  scenario.create_topic("t");
  EXPECT_EQ(move(scenario, "t", "/data/c"), ErrorCode::kLogDirNotFound);
  EXPECT_EQ(move(scenario, "nothing", "/data/a"), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(move(scenario, std::string(230, 't'), "/data/a"), ErrorCode::kInvalidTopicException);
  scenario.disk().fail_below("/data/b");
  scenario.run_for(std::chrono::seconds(5));
  EXPECT_EQ(move(scenario, "t", "/data/b"), ErrorCode::kKafkaStorageError);
}

void set_throttle(Scenario& scenario, const std::string& bytes_per_second) {
  protocol::IncrementalAlterConfigsRequest request;
  auto& node = request.resources.emplace_back();
  node.resource_type = 4;
  node.resource_name = "1";
  auto& key = node.configs.emplace_back();
  key.name = "replica.alter.log.dirs.io.max.bytes.per.second";
  key.value = bytes_per_second;
  scenario.call(request, 1, [](const protocol::IncrementalAlterConfigsResponse& response) {
    EXPECT_EQ(response.responses.at(0).error_code, 0);
  });
}

// A replica on its way to /data/b, which will take days.
void begin_slow_move(Scenario& scenario) {
  scenario.start();
  set_throttle(scenario, "1");
  scenario.create_topic("t", {{"internal.segment.bytes", "2048"}});
  for (std::int64_t offset = 0; offset < 60; ++offset) {
    ASSERT_EQ(scenario.produce("t", kAcksAll, std::string(100, 'x')).offset, Offset(offset));
  }
  ASSERT_EQ(settled(scenario, "t"), "/data/a");
  ASSERT_EQ(move(scenario, "t", "/data/b"), ErrorCode::kNone);
  scenario.run_for(std::chrono::seconds(5));
  ASSERT_EQ(look(scenario, "t").size(), 2U);
}

TEST(ReplicaMove, SettlesHoweverManyAskAtOnce) {
  BrokerSettings settings;
  settings.log_dirs = "/data/a,/data/b,/data/c,/data/d";
  Scenario scenario(8, settings);
  begin_slow_move(scenario);
  const std::vector<std::string> paths = {"/data/c", "/data/d", "/data/b", "/data/a", "/data/d", "/data/c"};
  std::vector<RpcChannel*> clients;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    clients.push_back(&scenario.connect());
  }
  std::vector<ErrorCode> codes;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    clients[i]->call<protocol::AlterReplicaLogDirsRequest>(
        move_request("t", paths[i]), 2, [&](const protocol::AlterReplicaLogDirsResponse& response) {
          codes.push_back(protocol::error_from_wire(response.results.at(0).partitions.at(0).error_code));
        });
  }
  scenario.run_for(std::chrono::seconds(5));
  EXPECT_EQ(codes, std::vector(6, ErrorCode::kNone));
  set_throttle(scenario, "1000000");
  EXPECT_EQ(settled(scenario, "t").size(), paths.front().size()) << "it is whole wherever the last to arrive wants it";
  EXPECT_EQ(scenario.log_end("t"), Offset(60));
  EXPECT_TRUE(scenario.stop());
}

TEST(ReplicaMove, AThrottleThatIsRaisedCountsAtOnce) {
  Scenario scenario(9, two_directories());
  begin_slow_move(scenario);
  set_throttle(scenario, "1000000");
  EXPECT_EQ(settled(scenario, "t"), "/data/b");
}

TEST(ReplicaMove, ATopicDeletedOnTheWayLeavesNothing) {
  for (const int patience_us : {0, 200, 1000, 3000, 10'000, 30'000}) {
    Scenario scenario(4, two_directories());
    scenario.start();
    scenario.create_topic("t", {{"file.delete.delay.ms", "100"}});
    for (int i = 0; i < 20; ++i) {
      ASSERT_EQ(scenario.produce("t", kAcksAll, std::string(1000, 'x')).error, ErrorCode::kNone);
    }
    ASSERT_EQ(move(scenario, "t", other(settled(scenario, "t"))), ErrorCode::kNone);
    scenario.run_for(std::chrono::microseconds(patience_us));
    scenario.delete_topic("t");
    scenario.create_topic("t");
    EXPECT_EQ(scenario.produce("t", kAcksAll, "new").offset, Offset(0));
    scenario.run_for(std::chrono::seconds(3));
    EXPECT_TRUE(scenario.stop());
    EXPECT_EQ(directories_of(scenario, "t").size(), 1U);
  }
}

TEST(ReplicaMove, ADestinationThatDiesLeavesTheOriginal) {
  for (const int patience_us : {0, 500, 2000, 8000}) {
    Scenario scenario(5, two_directories());
    scenario.start();
    scenario.create_topic("other");  // in /data/a
    scenario.create_topic("gone");   // in /data/b
    scenario.create_topic("t");      // in /data/a
    for (int i = 0; i < 20; ++i) {
      ASSERT_EQ(scenario.produce("t", kAcksAll, std::string(1000, 'x')).error, ErrorCode::kNone);
    }
    ASSERT_EQ(settled(scenario, "t"), "/data/a");
    ASSERT_EQ(move(scenario, "t", "/data/b"), ErrorCode::kNone);
    scenario.run_for(std::chrono::microseconds(patience_us));
    if (look(scenario, "t").size() == 2) {
      scenario.disk().fail_below("/data/b");
      scenario.run_for(std::chrono::seconds(5));
      EXPECT_EQ(scenario.failure(), "");
      EXPECT_EQ(scenario.produce("other", kAcksAll, "value").error, ErrorCode::kNone);
    }
  }
}

// As cleaner-offset-checkpoint of the log directory of a node that is down says; nothing: it does not name the topic.
std::optional<Offset> cleaned(Scenario& scenario, const std::string& directory, const std::string& name) {
  const auto fs = scenario.disk().mount();
  const auto found = storage::read_offset_checkpoint(*fs, directory + "/cleaner-offset-checkpoint");
  if (!found || !found->contains({name, PartitionIndex(0)})) {
    return std::nullopt;
  }
  return found->at({name, PartitionIndex(0)});
}

const std::vector<std::pair<std::string, std::string>> kCompacted = {
    {"cleanup.policy", "compact"}, {"internal.segment.bytes", "2048"}, {"min.cleanable.dirty.ratio", "0.01"}};

void produce_keyed(Scenario& scenario, const std::string& name, std::int64_t from, std::int64_t to) {
  for (std::int64_t offset = from; offset < to; ++offset) {
    ASSERT_EQ(scenario.produce(name, kAcksAll, "key" + std::to_string(offset % 3), std::string(100, 'x')).offset,
              Offset(offset));
  }
}

TEST(ReplicaMove, ACompactedTopicTakesAlongWhatTheCleanerKnows) {
  Scenario scenario(6, two_directories());
  scenario.start();
  scenario.create_topic("t", kCompacted);
  produce_keyed(scenario, "t", 0, 60);
  scenario.run_for(std::chrono::seconds(60));
  const std::string from = settled(scenario, "t");
  scenario.crash(CrashKind::kPowerCut);
  const auto known = cleaned(scenario, from, "t");
  ASSERT_TRUE(known && *known > Offset(30)) << "the first batches of the log are gone";
  scenario.start();
  ASSERT_EQ(move(scenario, "t", other(from)), ErrorCode::kNone);
  ASSERT_EQ(settled(scenario, "t"), other(from));
  EXPECT_EQ(scenario.log_start("t"), Offset(0));
  EXPECT_EQ(scenario.log_end("t"), Offset(60));
  scenario.run_for(std::chrono::seconds(1));
  scenario.crash(CrashKind::kPowerCut);
  EXPECT_EQ(cleaned(scenario, other(from), "t"), known);
  EXPECT_EQ(cleaned(scenario, from, "t"), std::nullopt);
  scenario.start();
  EXPECT_EQ(scenario.log_start("t"), Offset(0));
  EXPECT_EQ(scenario.log_end("t"), Offset(60));
  produce_keyed(scenario, "t", 60, 120);
  scenario.run_for(std::chrono::seconds(60));
  EXPECT_TRUE(scenario.stop());
  EXPECT_GT(cleaned(scenario, other(from), "t"), Offset(90));
}

// The cleaner is wherever it happens to be when the move begins, and when the move is called off.
TEST(ReplicaMove, TheCleanerGoesOnAfterwardsWhereverItWas) {
  const auto prepare = [](Scenario& scenario) {
    scenario.start();
    scenario.create_topic("t", kCompacted);
    produce_keyed(scenario, "t", 0, 90);
    scenario.run_for(std::chrono::seconds(12));
  };
  int until_compacted_ms = 0;
  {
    Scenario scenario(7, two_directories());
    for (prepare(scenario); !scenario.logs().contains("compacted up to"); ++until_compacted_ms) {
      ASSERT_LT(until_compacted_ms, 10'000);
      scenario.run_for(std::chrono::milliseconds(1));
    }
  }
  for (int before_ms = 0; before_ms < 24; ++before_ms) {
    SCOPED_TRACE(before_ms);
    Scenario scenario(7, two_directories());
    prepare(scenario);
    scenario.run_for(std::chrono::milliseconds(until_compacted_ms - before_ms));
    const std::string from = "/data/a";
    ASSERT_EQ(move(scenario, "t", other(from)), ErrorCode::kNone);
    ASSERT_EQ(move(scenario, "t", from), ErrorCode::kNone);
    EXPECT_EQ(settled(scenario, "t"), from);
    produce_keyed(scenario, "t", 90, 150);
    scenario.run_for(std::chrono::seconds(60));
    EXPECT_EQ(scenario.log_start("t"), Offset(0));
    ASSERT_TRUE(scenario.stop());
    EXPECT_GT(cleaned(scenario, from, "t"), Offset(120));
    EXPECT_EQ(cleaned(scenario, other(from), "t"), std::nullopt);
    scenario.start();
    EXPECT_EQ(scenario.log_end("t"), Offset(150));
  }
}

// Every record that was acknowledged is there after a crash at any disk call of a move, and the move is finished or
// begun anew.
void crash_on_the_way(CrashKind kind, std::uint64_t first, std::uint64_t last, std::uint64_t step) {
  for (std::uint64_t calls = first; calls <= last; calls += step) {
    SCOPED_TRACE(calls);
    Scenario scenario(100 + calls, two_directories());
    scenario.start();
    scenario.create_topic("t", {{"internal.segment.bytes", "4096"}});
    std::int64_t acked = 0;
    for (; acked < 20; ++acked) {
      ASSERT_EQ(scenario.produce("t", kAcksAll, std::string(500, 'x')).offset, Offset(acked));
    }
    const std::string from = settled(scenario, "t");
    ASSERT_EQ(move(scenario, "t", other(from)), ErrorCode::kNone);
    scenario.crash_at_disk_call(calls, kind);
    scenario.run_for(std::chrono::milliseconds(500));
    scenario.crash(kind);  // if it made fewer calls
    scenario.start();
    EXPECT_GE(scenario.log_end("t"), Offset(acked));
    ASSERT_EQ(scenario.produce("t", kAcksAll, "more").error, ErrorCode::kNone);
    EXPECT_NE(settled(scenario, "t"), "it does not settle");
    scenario.run_for(std::chrono::seconds(1));
    ASSERT_TRUE(scenario.stop());
    EXPECT_EQ(directories_of(scenario, "t").size(), 1U);
    scenario.start();
    EXPECT_GE(scenario.log_end("t"), Offset(acked + 1));
    EXPECT_EQ(scenario.log_start("t"), Offset(0));
  }
}

TEST(ReplicaMove, IsWholeAfterAKillAtAnyStep) {
  crash_on_the_way(CrashKind::kKill, 1, 90, 1);
}

TEST(ReplicaMove, IsWholeAfterAPowerCutAtAnyStep) {
  crash_on_the_way(CrashKind::kPowerCut, 1, 90, 1);
}

}  // namespace
}  // namespace moldau::sim
