#include "storage/compaction/offset_map.h"

#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "storage/compaction/segment_groups.h"

namespace moldau::storage {
namespace {

TEST(KeyHash, IsThePublishedSipHash128) {
  // The first of the reference implementation's vectors: key 00..0f, messages "" and 00.
  const KeyHashSecret secret{0x0706'0504'0302'0100U, 0x0f0e'0d0c'0b0a'0908U};
  const KeyHash empty = hash_key(secret, {});
  EXPECT_EQ(empty.first, 0xe6a8'25ba'047f'81a3U);
  EXPECT_EQ(empty.second, 0x9302'55c7'1472'f66dU);
  const std::byte zero{0};
  const KeyHash one = hash_key(secret, Bytes(&zero, 1));
  EXPECT_EQ(one.first, 0x44af'996b'd8c1'87daU);
  EXPECT_EQ(one.second, 0x45fc'229b'1159'7634U);
}

TEST(OffsetMap, IsAMapUpToItsLoad) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    std::mt19937_64 random(seed);
    auto map = OffsetMap::make(1'000 * OffsetMap::kSlotBytes, 0.9, {random(), random()});
    ASSERT_TRUE(map);
    EXPECT_EQ(map->slots(), 1'000U);
    EXPECT_EQ(map->entries_max(), 900U);
    std::map<std::string, std::int64_t> model;
    for (std::int64_t offset = 0; offset < 5'000; ++offset) {
      const std::string key = "key-" + std::to_string(random() % 2'000);
      const bool fits = model.contains(key) || model.size() < 900;
      ASSERT_EQ(map->put(as_bytes(key), Offset(offset)), fits);
      if (fits) {
        model[key] = offset;
        ASSERT_EQ(map->latest(), Offset(offset));
      }
    }
    EXPECT_EQ(map->size(), 900U);
    for (int i = 0; i < 2'000; ++i) {
      const std::string key = "key-" + std::to_string(i);
      const auto found = model.find(key);
      ASSERT_EQ(map->get(as_bytes(key)), found == model.end() ? kNoOffset : Offset(found->second)) << key;
    }
  }
}

TEST(OffsetMap, NeedsRoomForAKey) {
  EXPECT_FALSE(OffsetMap::make(24, 0.9, {}));
  EXPECT_FALSE(OffsetMap::make(48, 0.1, {}));
  EXPECT_TRUE(OffsetMap::make(48, 0.9, {}));
}

std::vector<std::size_t> counts(std::vector<SegmentFacts> segments, std::uint64_t bytes, std::uint64_t index_bytes,
                                std::int64_t end) {
  std::vector<std::size_t> found;
  std::size_t next = 0;
  for (const SegmentGroup& group : group_segments(segments, bytes, index_bytes, Offset(end))) {
    EXPECT_EQ(group.first, next);
    next += group.count;
    found.push_back(group.count);
  }
  EXPECT_EQ(next, segments.size());
  return found;
}

TEST(SegmentGroups, AreBoundedBySizeIndexesAndOffsets) {
  const auto segment = [](std::int64_t base, std::uint64_t size, std::uint64_t index = 8, std::uint64_t times = 12) {
    return SegmentFacts{Offset(base), size, index, times};
  };
  using Counts = std::vector<std::size_t>;
  EXPECT_EQ(counts({}, 100, 100, 0), Counts{});
  EXPECT_EQ(counts({segment(0, 40), segment(10, 60), segment(20, 1)}, 100, 1'000, 30), (Counts{2, 1}));
  EXPECT_EQ(counts({segment(0, 200), segment(10, 60), segment(20, 1)}, 100, 1'000, 30), (Counts{1, 2}));
  EXPECT_EQ(counts({segment(0, 1, 60), segment(10, 1, 50)}, 100, 100, 30), (Counts{1, 1}));
  EXPECT_EQ(counts({segment(0, 1, 0, 60), segment(10, 1, 0, 50)}, 100, 100, 30), (Counts{1, 1}));
  // A segment whose offsets the first one's index cannot name begins a group, an empty one does not.
  EXPECT_EQ(counts({segment(0, 1), segment(10, 1)}, 100, 100, INT64_C(2'147'483'648)), (Counts{2}));
  EXPECT_EQ(counts({segment(0, 1), segment(10, 1)}, 100, 100, INT64_C(2'147'483'649)), (Counts{1, 1}));
  EXPECT_EQ(counts({segment(0, 1), segment(10, 0)}, 100, 100, INT64_C(2'147'483'649)), (Counts{2}));
}

}  // namespace
}  // namespace moldau::storage
