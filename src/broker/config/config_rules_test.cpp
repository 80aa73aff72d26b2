#include "broker/config/config_rules.h"

#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "broker/config/testing/read_config.h"

namespace moldau::broker {
namespace {

using testing::read;

void expect_refused(std::initializer_list<std::string_view> cases) {
  for (const std::string_view properties : cases) {
    const auto config = read(properties);
    ASSERT_FALSE(config) << properties;
    EXPECT_TRUE(config.error().text.starts_with("p:")) << config.error().text;
  }
}

void expect_taken(std::initializer_list<std::string_view> cases) {
  for (const std::string_view properties : cases) {
    const auto config = read(properties);
    EXPECT_TRUE(config) << properties << ": " << config.error().text;
  }
}

TEST(ConfigRules, ADefaultThatWouldDeleteOrRollEverythingIsRefused) {
  expect_refused({"log.retention.ms=0", "log.retention.minutes=0", "log.retention.hours=0", "log.roll.ms=0",
                  "log.roll.ms=-1", "log.roll.hours=0", "log.roll.jitter.ms=-1", "log.roll.jitter.hours=-1",
                  "log.flush.interval.ms=-1", "log.flush.scheduler.interval.ms=-1", "log.segment.bytes=1048575",
                  "log.flush.interval.messages=0", "log.cleaner.max.compaction.lag.ms=0", "message.max.bytes=-1",
                  "log.index.size.max.bytes=3", "min.insync.replicas=0", "log.segment.delete.delay.ms=-1"});
  expect_taken({"log.retention.ms=1", "log.retention.ms=-1", "log.retention.ms=-7", "log.retention.hours=-1",
                "log.roll.ms=1", "log.roll.jitter.ms=0", "log.flush.interval.ms=0", "log.retention.bytes=0"});
  EXPECT_EQ(read("\nlog.retention.hours=0\n").error().text,
            "p:2: log.retention.hours: '0' would delete every record at once; -1 is no bound");
}

TEST(ConfigRules, OnlyTheStrongestOfSeveralKeysForOneThingIsJudged) {
  expect_taken({"log.retention.hours=0\nlog.retention.ms=1000", "log.retention.minutes=0\nlog.retention.ms=1000",
                "log.retention.hours=0\nlog.retention.minutes=1"});
  expect_refused({"log.retention.hours=1\nlog.retention.minutes=0", "log.retention.minutes=1\nlog.retention.ms=0"});
}

TEST(ConfigRules, NumbersThatContradictEachOtherAreRefused) {
  expect_refused({"replica.lag.time.max.ms=499", "replica.fetch.wait.max.ms=30001",
                  "replica.fetch.wait.max.ms=200\nreplica.lag.time.max.ms=100", "replica.socket.timeout.ms=499",
                  "connections.max.idle.ms=100", "connections.max.idle.ms=0",
                  "connections.max.idle.ms=500\nconnection.failed.authentication.delay.ms=500",
                  "log.cleaner.min.compaction.lag.ms=2\nlog.cleaner.max.compaction.lag.ms=1",
                  "queued.max.request.bytes=1000", "broker.id=1\nnode.id=2", "node.id=-1", "broker.id=-1",
                  "broker.heartbeat.interval.ms=0", "replica.high.watermark.checkpoint.interval.ms=0"});
  expect_taken({"replica.lag.time.max.ms=500", "replica.fetch.wait.max.ms=100\nreplica.lag.time.max.ms=100",
                "connections.max.idle.ms=101", "connections.max.idle.ms=-1", "queued.max.request.bytes=-1",
                "broker.id=7\nnode.id=7", "broker.id=7"});
  EXPECT_EQ(read("replica.lag.time.max.ms=499").error().text,
            "p:1: replica.lag.time.max.ms: must be at least replica.fetch.wait.max.ms, which is 500");
}

TEST(ConfigRules, ConnectionsStayForeverIfTheirIdleTimeIsNegativeOrBeyondTheClock) {
  for (const std::string_view properties :
       {"connections.max.idle.ms=-1", "connections.max.idle.ms=9223372036854775807"}) {
    const auto config = read(properties);
    ASSERT_TRUE(config) << config.error().text;
    EXPECT_GT(std::chrono::nanoseconds(config->connection_idle_max), std::chrono::hours(24 * 365 * 99)) << properties;
  }
}

TEST(ConfigRules, RareHeartbeatsWarn) {
  const auto config = read("broker.session.timeout.ms=3999");
  ASSERT_TRUE(config) << config.error().text;
  ASSERT_EQ(config->warnings.size(), 1U);
  EXPECT_NE(config->warnings[0].find("broker.heartbeat.interval.ms (2000)"), std::string::npos) << config->warnings[0];
  EXPECT_TRUE(read("broker.session.timeout.ms=4000")->warnings.empty());
}

TEST(ConfigRules, WhatThisReleaseDoesNotHaveIsRefused) {
  expect_refused({"process.roles=broker", "process.roles=controller", "process.roles=broker,controller,witness",
                  "log.dirs=", "moldau.shards=257", "moldau.shards=-1"});
  expect_taken({"process.roles=controller,broker", "log.dirs=/a\nmetadata.log.dir=/a", "log.dir=/a,/b",
                "log.dirs=/a,/b\nmetadata.log.dir=/c", "moldau.shards=256"});
}

}  // namespace
}  // namespace moldau::broker
