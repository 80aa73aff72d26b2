#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/epoch/leader_epoch_cache.h"
#include "storage/epoch/leader_epoch_file.h"

namespace moldau::storage {
namespace {

using ::testing::ElementsAre;

// The epoch of each record of a log, by offset: what the cache summarises.
struct ModelLog {
  std::int64_t start = 0;
  std::vector<std::int32_t> epochs;  // of the records from `start` on
  [[nodiscard]] std::int64_t end() const { return start + static_cast<std::int64_t>(epochs.size()); }
};

TEST(LeaderEpochCache, EqualsAScanOfTheLog) {  // P5
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    ModelLog log;
    LeaderEpochCache cache;
    std::int32_t epoch = 0;
    for (int step = 0; step < 60; ++step) {
      const auto choice = random() % 10;
      if (choice < 6) {
        epoch += static_cast<std::int32_t>(random() % 3);
        for (std::size_t n = 1 + random() % 4; n > 0; --n) {
          cache.assign(LeaderEpoch(epoch), Offset(log.end()));
          log.epochs.push_back(epoch);
        }
      } else if (choice < 8 && !log.epochs.empty()) {
        const auto end = log.start + static_cast<std::int64_t>(random() % (log.epochs.size() + 1));
        log.epochs.resize(static_cast<std::size_t>(end - log.start));
        cache.truncate_from_end(Offset(end));
      } else if (!log.epochs.empty()) {
        const auto start = log.start + static_cast<std::int64_t>(random() % log.epochs.size());
        log.epochs.erase(log.epochs.begin(), log.epochs.begin() + (start - log.start));
        log.start = start;
        cache.truncate_from_start(Offset(start));
      }
      if (log.epochs.empty()) {
        continue;  // an emptied log may know an epoch that no record has any more
      }
      for (std::int32_t asked = log.epochs.front(); asked <= log.epochs.back(); ++asked) {
        std::int32_t found = -1;
        std::int64_t end = log.end();
        for (std::int64_t at = log.start; at < log.end(); ++at) {
          const auto of = log.epochs[static_cast<std::size_t>(at - log.start)];
          if (of <= asked) {
            found = of;
          } else {
            end = at;
            break;
          }
        }
        ASSERT_EQ(cache.end_offset_for(LeaderEpoch(asked), Offset(log.end())),
                  (OffsetAndEpoch{Offset(end), LeaderEpoch(found)}));
      }
      for (std::int64_t at = log.start; at < log.end(); ++at) {
        ASSERT_EQ(cache.epoch_for(Offset(at)), LeaderEpoch(log.epochs[static_cast<std::size_t>(at - log.start)]));
      }
    }
  }
}

TEST(LeaderEpochCache, AnswersUnknownEpochsAsKafka) {
  LeaderEpochCache cache;
  EXPECT_FALSE(cache.end_offset_for(LeaderEpoch(0), Offset(5)));
  cache.assign(LeaderEpoch(3), Offset(10));
  cache.assign(LeaderEpoch(5), Offset(20));
  EXPECT_EQ(cache.end_offset_for(LeaderEpoch(2), Offset(30)), (OffsetAndEpoch{Offset(10), LeaderEpoch(2)}));
  EXPECT_EQ(cache.end_offset_for(LeaderEpoch(4), Offset(30)), (OffsetAndEpoch{Offset(20), LeaderEpoch(3)}));
  EXPECT_EQ(cache.end_offset_for(LeaderEpoch(5), Offset(30)), (OffsetAndEpoch{Offset(30), LeaderEpoch(5)}));
  EXPECT_FALSE(cache.end_offset_for(LeaderEpoch(6), Offset(30)));
  EXPECT_FALSE(cache.end_offset_for(kNoLeaderEpoch, Offset(30)));
  for (const LeaderEpoch below : {LeaderEpoch(-2), LeaderEpoch(INT32_MIN)}) {
    EXPECT_EQ(cache.end_offset_for(below, Offset(30)), (OffsetAndEpoch{Offset(10), below}))
        << "an epoch like any other";
  }
}

TEST(LeaderEpochCache, ANewEpochRemovesWhatContradictsIt) {
  LeaderEpochCache cache;
  cache.assign(LeaderEpoch(1), Offset(0));
  cache.assign(LeaderEpoch(2), Offset(10));
  EXPECT_FALSE(cache.assign(LeaderEpoch(2), Offset(15))) << "known, and begins later";
  EXPECT_TRUE(cache.assign(LeaderEpoch(3), Offset(10))) << "epoch 2 wrote nothing";
  EXPECT_THAT(cache.entries(),
              ElementsAre(EpochStart{LeaderEpoch(1), Offset(0)}, EpochStart{LeaderEpoch(3), Offset(10)}));
}

TEST(LeaderEpochFile, WritesKafkasForm) {
  LeaderEpochCache cache;
  cache.assign(LeaderEpoch(0), Offset(0));
  cache.assign(LeaderEpoch(4), Offset(123));
  EXPECT_EQ(format_leader_epochs(cache), "0\n2\n0 0\n4 123\n");
}

TEST(LeaderEpochFile, SaysThatDecreasingEpochsContradict) {
  const auto file = parse_leader_epochs(as_bytes("0\n3\n1 0\n5 10\n3 20\n"));
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->contradictory);
  EXPECT_THAT(file->cache.entries(),
              ElementsAre(EpochStart{LeaderEpoch(1), Offset(0)}, EpochStart{LeaderEpoch(3), Offset(20)}));
  EXPECT_FALSE(parse_leader_epochs(as_bytes("0\n1\n-1 0\n")));
  EXPECT_FALSE(parse_leader_epochs(as_bytes("0\n1\n1 0 0\n")));
  EXPECT_FALSE(parse_leader_epochs(as_bytes("1\n0\n")));
  EXPECT_TRUE(parse_leader_epochs(as_bytes("0\n0\n")));
}

}  // namespace
}  // namespace moldau::storage
