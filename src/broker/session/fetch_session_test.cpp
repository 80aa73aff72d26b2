#include "broker/session/fetch_session.h"

#include <random>

#include <gtest/gtest.h>

namespace moldau::broker {
namespace {

using protocol::ErrorCode;

FetchPartition partition(const std::string& topic, std::int32_t index, std::int64_t offset = 0) {
  return {.key = FetchKey::of({}, topic, index), .fetch_offset = offset};
}

struct Fixture : testing::Test {
  std::mt19937_64 generator{1};
  FetchSessionCache::Config config{.slots_max = 2, .eviction_ms = 1000, .ids = {1, 1'000'000}};
  FetchSessionCache cache{config, [this] { return generator(); }};

  std::int32_t open_session(std::vector<FetchPartition> partitions, std::int64_t now_ms, bool follower = false) {
    FetchContext context = cache.open(
        {.session_epoch = kInitialSessionEpoch, .from_follower = follower, .partitions = std::move(partitions)},
        now_ms);
    const std::vector<FetchOutcome> outcomes(context.partitions().size(), {.high_watermark = 5, .log_start = 0});
    return context.finish(cache, outcomes, now_ms).session_id;
  }
  FetchContext next(std::int32_t id, std::int32_t epoch, std::vector<FetchPartition> partitions = {},
                    std::vector<FetchKey> forgotten = {}) {
    return cache.open({.session_id = id,
                       .session_epoch = epoch,
                       .partitions = std::move(partitions),
                       .forgotten = std::move(forgotten)},
                      0);
  }
};
using FetchSessionTest = Fixture;

TEST_F(FetchSessionTest, Semantics31IncrementalAnswersOmitUnchangedPartitions) {
  const std::int32_t id = open_session({partition("a", 0), partition("a", 1)}, 0);
  ASSERT_NE(id, kNoSession);
  FetchContext context = next(id, 1);
  ASSERT_EQ(context.partitions().size(), 2U);
  const auto answer = context.finish(
      cache, std::vector<FetchOutcome>{{.high_watermark = 5, .log_start = 0}, {.high_watermark = 6, .log_start = 0}},
      0);
  EXPECT_EQ(answer.session_id, id);
  EXPECT_EQ(answer.included, (std::vector{false, true}));
}

TEST_F(FetchSessionTest, Semantics31ErrorsAreUnknownIdWrongEpochAndTopicIdSwitch) {
  const std::int32_t id = open_session({partition("a", 0)}, 0);
  EXPECT_EQ(next(id + 1, 1).error(), ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(next(id, 2).error(), ErrorCode::kInvalidFetchSessionEpoch);
  EXPECT_EQ(cache.open({.session_id = id, .session_epoch = 1, .uses_topic_ids = true}, 0).error(),
            ErrorCode::kFetchSessionTopicIdError);
}

TEST_F(FetchSessionTest, Semantics31EpochsWrapToOne) {
  const std::int32_t id = open_session({partition("a", 0)}, 0);
  for (std::int32_t epoch = 1; epoch < 5; ++epoch) {
    EXPECT_EQ(next(id, epoch).error(), ErrorCode::kNone);
  }
  EXPECT_EQ(next(id, 4).error(), ErrorCode::kInvalidFetchSessionEpoch);
}

TEST_F(FetchSessionTest, Semantics31AFinalEpochClosesTheSession) {
  const std::int32_t id = open_session({partition("a", 0)}, 0);
  FetchContext last =
      cache.open({.session_id = id, .session_epoch = kFinalSessionEpoch, .partitions = {partition("b", 0)}}, 0);
  EXPECT_EQ(last.finish(cache, std::vector<FetchOutcome>(1), 0).session_id, kNoSession);
  EXPECT_EQ(cache.size(), 0U);
}

TEST_F(FetchSessionTest, Semantics31ForgottenPartitionsLeaveAndAnEmptiedSessionCloses) {
  const std::int32_t id = open_session({partition("a", 0), partition("a", 1)}, 0);
  EXPECT_EQ(next(id, 1, {}, {partition("a", 0).key}).partitions().size(), 1U);
  FetchContext emptied = next(id, 2, {}, {partition("a", 1).key});
  EXPECT_EQ(emptied.error(), ErrorCode::kNone);
  EXPECT_EQ(emptied.partitions().size(), 0U);
  EXPECT_EQ(cache.size(), 0U);
}

TEST_F(FetchSessionTest, Semantics31AFullCacheAnswersSessionZeroUntilSomethingIsStale) {
  EXPECT_NE(open_session({partition("a", 0)}, 0), kNoSession);
  EXPECT_NE(open_session({partition("b", 0)}, 500), kNoSession);
  EXPECT_EQ(open_session({partition("c", 0), partition("c", 1)}, 900), kNoSession);
  EXPECT_NE(open_session({partition("c", 0)}, 1001), kNoSession);
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_EQ(cache.evictions_total(), 1U);
}

TEST_F(FetchSessionTest, Semantics31AFollowerTakesTheSlotOfAConsumer) {
  open_session({partition("a", 0)}, 0);
  open_session({partition("b", 0)}, 0);
  EXPECT_NE(open_session({partition("c", 0)}, 1, true), kNoSession);
  EXPECT_EQ(cache.evictions_total(), 1U);
}

TEST_F(FetchSessionTest, Semantics32APartitionThatReturnedRecordsMovesToTheEnd) {
  const std::int32_t id = open_session({partition("a", 0), partition("a", 1)}, 0);
  FetchContext first = next(id, 1);
  const auto included =
      first
          .finish(cache,
                  std::vector<FetchOutcome>{{.high_watermark = 5, .log_start = 0, .has_records = true},
                                            {.high_watermark = 5, .log_start = 0}},
                  0)
          .included;
  EXPECT_EQ(included, (std::vector{true, false}));
  FetchContext second = next(id, 2);
  EXPECT_EQ(second.partitions()[0].key.partition, 1);
  EXPECT_EQ(second.partitions()[1].key.partition, 0);
}

TEST_F(FetchSessionTest, Semantics31ASessionThatLeftMeanwhileIsAnsweredInFull) {
  const std::int32_t id = open_session({partition("a", 0)}, 0);
  FetchContext waiting = next(id, 1);
  EXPECT_EQ(waiting.session_id(), id);
  cache.close(id);
  const auto answer = waiting.finish(cache, std::vector<FetchOutcome>{{.high_watermark = 5, .log_start = 0}}, 0);
  EXPECT_TRUE(answer.included[0]);
  EXPECT_EQ(next(id, 2).error(), ErrorCode::kFetchSessionIdNotFound);
}

struct BoundedFetchSessionTest : Fixture {
  BoundedFetchSessionTest() {
    cache = FetchSessionCache(bounded, [this] { return generator(); });
  }
  static std::vector<FetchPartition> partitions(const std::string& topic, std::int32_t count) {
    std::vector<FetchPartition> made;
    for (std::int32_t i = 0; i < count; ++i) {
      made.push_back(partition(topic, i));
    }
    return made;
  }
  FetchSessionCache::Config bounded{.slots_max = 100, .bytes_max = 10'000, .eviction_ms = 1000, .ids = {1, 1'000'000}};
};

TEST_F(BoundedFetchSessionTest, WhoFindsNoRoomIsAnsweredWithoutASession) {
  EXPECT_EQ(open_session(partitions("a", 100), 0), kNoSession) << "too large for an empty cache";
  const std::int32_t first = open_session(partitions("a", 20), 0);
  EXPECT_NE(first, kNoSession);
  EXPECT_EQ(open_session(partitions("b", 20), 500), kNoSession);
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_LE(cache.bytes_total(), bounded.bytes_max);
  EXPECT_NE(open_session(partitions("b", 20), 1'001), kNoSession) << "the first one is stale";
  EXPECT_EQ(next(first, 1).error(), ErrorCode::kFetchSessionIdNotFound);
}

TEST_F(BoundedFetchSessionTest, ASessionThatOutgrowsTheCacheIsEvicted) {
  const std::int32_t id = open_session(partitions("a", 20), 0);
  EXPECT_EQ(next(id, 1, partitions("b", 5)).error(), ErrorCode::kNone);
  EXPECT_EQ(next(id, 2, partitions("c", 50)).error(), ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_EQ(cache.bytes_total(), 0U);
}

TEST_F(BoundedFetchSessionTest, WhatIsForgottenMakesRoom) {
  const std::int32_t id = open_session(partitions("a", 30), 0);
  const std::size_t before = cache.bytes_total();
  EXPECT_EQ(next(id, 1, {partition("b", 0)}, {partition("a", 0).key}).error(), ErrorCode::kNone);
  EXPECT_EQ(next(id, 2, {partition("b", 0, 7)}).error(), ErrorCode::kNone);
  EXPECT_EQ(cache.bytes_total(), before);
}

TEST_F(BoundedFetchSessionTest, ANameThatNoTopicCanHaveIsNotKept) {
  const std::string longest(kKeptNameBytesMax, 'x');
  EXPECT_EQ(open_session({partition(longest + 'x', 0)}, 0), kNoSession);
  const std::int32_t id = open_session({partition(longest, 0)}, 0);
  EXPECT_NE(id, kNoSession);
  EXPECT_EQ(next(id, 1, {partition(longest + 'x', 0)}).error(), ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(cache.bytes_total(), 0U);
}

TEST(SessionIds, NameTheirShard) {
  for (const std::uint32_t shards : {1U, 2U, 3U, 7U, 64U}) {
    for (std::uint32_t shard = 0; shard < shards; ++shard) {
      const SessionIds ids = SessionIds::of_shard(shard, shards);
      EXPECT_GT(ids.first, 0);
      EXPECT_EQ(SessionIds::shard_of(ids.first, shards), shard);
      EXPECT_EQ(SessionIds::shard_of(ids.last, shards), shard);
    }
    EXPECT_EQ(SessionIds::shard_of(0, shards), std::nullopt);
    EXPECT_EQ(SessionIds::shard_of(-5, shards), std::nullopt);
  }
}

TEST_F(FetchSessionTest, AnErrorIsAnsweredUntilItGoesAwayAndThenThePartitionIsSentOnce) {
  const std::int32_t id = open_session({partition("a", 0)}, 0);
  const FetchOutcome broken{.high_watermark = -1, .log_start = -1, .has_error = true};
  const FetchOutcome well{.high_watermark = 5, .log_start = 0};
  EXPECT_TRUE(next(id, 1).finish(cache, std::vector{broken}, 0).included[0]);
  EXPECT_TRUE(next(id, 2).finish(cache, std::vector{broken}, 0).included[0]);
  EXPECT_TRUE(next(id, 3).finish(cache, std::vector{well}, 0).included[0]);
  EXPECT_FALSE(next(id, 4).finish(cache, std::vector{well}, 0).included[0]);
}

}  // namespace
}  // namespace moldau::broker
