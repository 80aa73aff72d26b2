// Bytes that change behind the broker's back below the durable end: found, said, and not cut away.
#include <array>
#include <string>

#include <gtest/gtest.h>

#include "protocol/messages/fetch_request.h"
#include "protocol/messages/fetch_response.h"
#include "runtime/fs.h"
#include "sim/scenario/scenario.h"
#include "storage/checkpoint/partition_metadata.h"

namespace moldau::sim {
namespace {

using protocol::ErrorCode;

ErrorCode fetch_error(Scenario& scenario) {
  protocol::FetchRequest request;
  request.max_bytes = 1 << 20;
  auto& topic = request.topics.emplace_back();
  topic.topic = "t";
  auto& partition = topic.partitions.emplace_back();
  partition.partition_max_bytes = 1 << 20;
  ErrorCode error = ErrorCode::kNone;
  scenario.call(request, 12, [&](const protocol::FetchResponse& response) {
    error = protocol::error_from_wire(response.responses.at(0).partitions.at(0).error_code);
  });
  return error;
}

constexpr std::int16_t kAcksAll = -1;
constexpr const char* kLog = "/data/t-0/00000000000000000000.log";
constexpr std::uint64_t kInTheSecondBatch = 140;

BrokerSettings rare_checkpoints() {
  BrokerSettings settings;
  settings.checkpoint_interval = std::chrono::minutes(1);
  return settings;
}

TEST(Damage, BelowTheDurableEndIsFencedAndNotCut) {
  Scenario scenario(1, rare_checkpoints());  // the recovery point stays below
  scenario.start();
  scenario.create_topic("t");
  for (std::int64_t offset = 0; offset < 3; ++offset) {
    ASSERT_EQ(scenario.produce("t", kAcksAll, "value").offset, Offset(offset));
  }
  scenario.run_for(std::chrono::seconds(3));  // the durable end reaches its file each second
  scenario.crash(CrashKind::kKill);
  ASSERT_TRUE(scenario.disk().flip_bit(kLog, kInTheSecondBatch, 3));
  scenario.start();
  EXPECT_EQ(fetch_error(scenario), ErrorCode::kKafkaStorageError);
  EXPECT_EQ(scenario.produce("t", kAcksAll, "more").error, ErrorCode::kKafkaStorageError);
  // Nor by a later start, whatever the checkpoints were written with meanwhile.
  scenario.run_for(std::chrono::minutes(2));
  scenario.crash(CrashKind::kKill);
  scenario.start();
  EXPECT_EQ(fetch_error(scenario), ErrorCode::kKafkaStorageError);
  (void)scenario.stop();
  scenario.start();
  EXPECT_EQ(fetch_error(scenario), ErrorCode::kKafkaStorageError);
  // Whole again, nothing is missing: nothing was cut.
  scenario.crash(CrashKind::kKill);
  ASSERT_TRUE(scenario.disk().flip_bit(kLog, kInTheSecondBatch, 3));
  scenario.start();
  EXPECT_EQ(fetch_error(scenario), ErrorCode::kNone);
  EXPECT_EQ(scenario.produce("t", kAcksAll, "more").offset, Offset(3));
}

// Three records below the durable end, the second of them damaged, and the broker down. The recovery point stays below.
void damage_a_record(Scenario& scenario) {
  scenario.start();
  scenario.create_topic("t");
  for (std::int64_t offset = 0; offset < 3; ++offset) {
    ASSERT_EQ(scenario.produce("t", kAcksAll, "value").offset, Offset(offset));
  }
  scenario.run_for(std::chrono::seconds(3));
  scenario.crash(CrashKind::kKill);
  ASSERT_TRUE(scenario.disk().flip_bit(kLog, kInTheSecondBatch, 3));
}

TEST(Damage, DoesNotStopTheOtherPartitions) {
  Scenario scenario(1, rare_checkpoints());
  damage_a_record(scenario);
  scenario.start();
  scenario.create_topic("u");
  scenario.run_for(std::chrono::minutes(6));  // one retention check of partitions that nobody opened
  EXPECT_EQ(scenario.produce("u", kAcksAll, "value").offset, Offset(0));
  EXPECT_EQ(fetch_error(scenario), ErrorCode::kKafkaStorageError);
  scenario.run_for(std::chrono::minutes(6));  // and one of those in use
  EXPECT_EQ(scenario.produce("u", kAcksAll, "value").offset, Offset(1));
}

TEST(Damage, IsFencedAfterACrashAtAnyPointOfAStart) {
  int ready = 0;
  for (int delay = 0; delay < 60; ++delay) {
    Scenario scenario(static_cast<std::uint64_t>(delay) + 1, rare_checkpoints());
    damage_a_record(scenario);
    for (const int again : {delay, 59 - delay}) {
      scenario.begin();
      scenario.run_for(std::chrono::milliseconds(again * 3));
      ready += scenario.ready() ? 1 : 0;
      scenario.crash(delay % 2 == 0 ? CrashKind::kKill : CrashKind::kPowerCut);
    }
    scenario.start();
    EXPECT_EQ(fetch_error(scenario), ErrorCode::kKafkaStorageError) << "delay " << delay;
  }
  EXPECT_GT(ready, 0);
  EXPECT_LT(ready, 120);
}

TEST(Damage, OfAPartitionThatCannotBeOpenedIsItsOwn) {
  Scenario scenario(1, rare_checkpoints());
  scenario.start();
  scenario.create_topic("t");
  scenario.create_topic("u");
  ASSERT_EQ(scenario.produce("t", kAcksAll, "value").offset, Offset(0));
  scenario.run_for(std::chrono::seconds(3));
  scenario.crash(CrashKind::kKill);
  {
    const auto fs = scenario.disk().mount();
    ASSERT_TRUE(fs->rename(kLog, "/kept.log"));
    ASSERT_TRUE(fs->make_dirs(kLog));
  }
  for (int start = 0; start < 2; ++start) {
    scenario.start();
    EXPECT_EQ(fetch_error(scenario), ErrorCode::kKafkaStorageError);
    EXPECT_EQ(scenario.list_offset_error("t"), ErrorCode::kKafkaStorageError);
    EXPECT_EQ(scenario.produce("t", kAcksAll, "more").error, ErrorCode::kKafkaStorageError);
    EXPECT_EQ(scenario.produce("u", kAcksAll, "value").offset, Offset(start));
    (void)scenario.stop();
  }
  {
    const auto fs = scenario.disk().mount();
    ASSERT_TRUE(fs->remove_tree(kLog));
    ASSERT_TRUE(fs->rename("/kept.log", kLog));
  }
  scenario.start();
  EXPECT_EQ(scenario.log_end("t"), Offset(1));
}

TEST(Damage, OfTheDiskWhileLogsAreOpenedEndsTheStart) {
  Scenario scenario(1, rare_checkpoints());
  scenario.start();
  for (int topic = 0; topic < 20; ++topic) {
    scenario.create_topic("t" + std::to_string(topic));
    ASSERT_EQ(scenario.produce("t" + std::to_string(topic), kAcksAll, "value").offset, Offset(0));
  }
  scenario.crash(CrashKind::kKill);
  for (int delay = 0; delay < 60; ++delay) {
    scenario.begin();
    scenario.run_for(std::chrono::microseconds(delay * 500));
    scenario.disk().faults().read_error_ppm = 300'000;
    scenario.run_for(std::chrono::milliseconds(delay * 2));
    scenario.crash(CrashKind::kKill);
    scenario.disk().faults().read_error_ppm = 0;
  }
  scenario.start();
  for (int topic = 0; topic < 20; ++topic) {
    EXPECT_EQ(scenario.log_end("t" + std::to_string(topic)), Offset(1));
  }
}

// A process that wrote a record and noted its durable end, and ended.
void live_and_end(Scenario& scenario, bool clean) {
  scenario.start();
  scenario.create_topic("t");
  ASSERT_EQ(scenario.produce("t", kAcksAll, "value").offset, Offset(0));
  scenario.run_for(std::chrono::seconds(3));
  if (clean) {
    ASSERT_TRUE(scenario.stop());
  } else {
    scenario.crash(CrashKind::kKill);
  }
}

TEST(Damage, ALostDirectoryIsNotReplacedByAnEmptyLog) {
  for (const bool clean : {false, true}) {
    Scenario scenario(1, rare_checkpoints());
    live_and_end(scenario, clean);
    ASSERT_TRUE(scenario.disk().mount()->remove_tree("/data/t-0"));
    for (int start = 0; start < 2; ++start) {  // what is known of it is kept
      scenario.start();
      EXPECT_EQ(fetch_error(scenario), ErrorCode::kKafkaStorageError) << start;
      EXPECT_EQ(scenario.produce("t", kAcksAll, "more").error, ErrorCode::kKafkaStorageError) << start;
      scenario.run_for(std::chrono::minutes(2));
      scenario.crash(CrashKind::kKill);
    }
    // The way out: the topic goes, and comes anew.
    scenario.start();
    scenario.delete_topic("t");
    scenario.create_topic("t");
    EXPECT_EQ(scenario.produce("t", kAcksAll, "value").offset, Offset(0));
    scenario.crash(CrashKind::kKill);
    scenario.start();
    EXPECT_EQ(scenario.log_end("t"), Offset(1));
  }
}

TEST(Damage, OfPartitionMetadataDoesNotSetTheRecordsAside) {
  using runtime::FileSystem;
  const std::string file = "/data/t-0/partition.metadata";
  const auto forms = std::to_array<void (*)(FileSystem&, const std::string&)>(
      {[](FileSystem& fs, const std::string& path) { EXPECT_TRUE(fs.remove_file(path)); },
       [](FileSystem& fs, const std::string& path) { EXPECT_TRUE(runtime::replace_file(fs, path, as_bytes(""))); },
       [](FileSystem& fs, const std::string& path) {
         EXPECT_TRUE(storage::write_partition_metadata(fs, runtime::parent_path(path), Uuid{1, 2}));
       }});
  for (const auto damage : forms) {
    for (const bool clean : {false, true}) {
      Scenario scenario(1, rare_checkpoints());
      live_and_end(scenario, clean);
      {
        const auto fs = scenario.disk().mount();
        const ByteVector whole = *runtime::read_file(*fs, file, 1 << 10);
        damage(*fs, file);
        scenario.start();
        EXPECT_EQ(fetch_error(scenario), ErrorCode::kKafkaStorageError);
        scenario.crash(CrashKind::kKill);
        const auto again = scenario.disk().mount();
        ASSERT_TRUE(runtime::replace_file(*again, file, whole));
      }
      scenario.start();  // repaired: everything is there
      EXPECT_EQ(fetch_error(scenario), ErrorCode::kNone);
      EXPECT_EQ(scenario.log_end("t"), Offset(1));
    }
  }
}

// The kernel keeps what it could not write for clean: a restart reads it, and only a write makes a later sync carry it.
TEST(FailedSync, WhatIsAcknowledgedBehindItAfterARestartSurvivesAPowerCut) {
  int acknowledged = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    Scenario scenario(seed);
    scenario.start();
    scenario.create_topic("t");
    for (std::int64_t offset = 0; offset < 3; ++offset) {
      ASSERT_EQ(scenario.produce("t", kAcksAll, "value").offset, Offset(offset));
    }
    scenario.run_for(std::chrono::milliseconds(1500));
    scenario.disk().faults().sync_error_ppm = 1'000'000;
    try {
      (void)scenario.produce("t", kAcksAll, std::string(3000, 'x'));
    } catch (const std::exception&) {
      // its only log directory is offline: the broker stops
    }
    scenario.crash(CrashKind::kKill);
    scenario.disk().faults().sync_error_ppm = 0;
    scenario.start();
    const auto answer = scenario.produce("t", kAcksAll, "acknowledged");
    ASSERT_EQ(answer.error, ErrorCode::kNone);
    ++acknowledged;
    scenario.crash(CrashKind::kPowerCut);
    scenario.start();
    EXPECT_GT(scenario.log_end("t"), answer.offset) << "seed " << seed;
  }
  EXPECT_EQ(acknowledged, 30);
}

// A name that is used again says nothing of what it named before.
TEST(RecreatedTopic, KeepsWhatWasAcknowledgedToIt) {
  for (const std::int64_t pause_ms : {0, 2, 20, 300, 7000}) {
    for (const std::int64_t count : {1, 20}) {  // below and above where the old one began
      Scenario scenario(static_cast<std::uint64_t>(pause_ms + count), rare_checkpoints());
      scenario.start();
      scenario.create_topic("t");
      for (std::int64_t offset = 0; offset < 10; ++offset) {
        ASSERT_EQ(scenario.produce("t", kAcksAll, "old").offset, Offset(offset));
      }
      scenario.delete_records("t", Offset(8));
      scenario.run_for(std::chrono::minutes(2));  // every checkpoint speaks of it
      scenario.delete_topic("t");
      scenario.run_for(std::chrono::milliseconds(pause_ms));
      scenario.create_topic("t");
      for (std::int64_t offset = 0; offset < count; ++offset) {
        ASSERT_EQ(scenario.produce("t", kAcksAll, "new").offset, Offset(offset));
      }
      scenario.crash(CrashKind::kKill);
      scenario.start();
      EXPECT_EQ(scenario.log_start("t"), Offset(0)) << pause_ms << " ms, " << count;
      EXPECT_EQ(scenario.log_end("t"), Offset(count)) << pause_ms << " ms, " << count;
    }
  }
}

TEST(RecreatedTopic, IsCutWhereItsOwnTailIsTorn) {
  Scenario scenario(1, rare_checkpoints());
  scenario.start();
  scenario.create_topic("t");
  for (std::int64_t offset = 0; offset < 10; ++offset) {
    ASSERT_EQ(scenario.produce("t", kAcksAll, "old").offset, Offset(offset));
  }
  scenario.run_for(std::chrono::minutes(2));
  scenario.delete_topic("t");
  scenario.create_topic("t");
  ASSERT_EQ(scenario.produce("t", kAcksAll, "value").offset, Offset(0));
  ASSERT_EQ(scenario.produce("t", 1, "value").offset, Offset(1));
  scenario.crash(CrashKind::kKill);
  ASSERT_TRUE(scenario.disk().flip_bit(kLog, kInTheSecondBatch, 3));
  scenario.start();
  EXPECT_EQ(scenario.log_end("t"), Offset(1));
  EXPECT_EQ(scenario.produce("t", kAcksAll, "more").offset, Offset(1));
}

TEST(RecreatedTopic, IsServedAfterACrashAtAnyPointOfItsMaking) {
  for (int delay = 0; delay < 60; ++delay) {
    Scenario scenario(static_cast<std::uint64_t>(delay) + 1, rare_checkpoints());
    scenario.start();
    scenario.create_topic("t");
    ASSERT_EQ(scenario.produce("t", kAcksAll, "old").offset, Offset(0));
    scenario.run_for(std::chrono::minutes(2));
    scenario.delete_topic("t");
    scenario.run_for(std::chrono::microseconds(delay % 6 * 300));
    scenario.create_topic("t");
    scenario.run_for(std::chrono::microseconds(delay * 200));
    scenario.crash(delay % 2 == 0 ? CrashKind::kKill : CrashKind::kPowerCut);
    scenario.begin();  // what is set aside now explains the checkpoints: this start may crash too
    scenario.run_for(std::chrono::milliseconds(delay * 3));
    scenario.crash(CrashKind::kKill);
    scenario.start();
    EXPECT_EQ(scenario.log_end("t"), Offset(0)) << "delay " << delay;
    EXPECT_EQ(scenario.produce("t", kAcksAll, "new").offset, Offset(0)) << "delay " << delay;
  }
}

}  // namespace
}  // namespace moldau::sim
