#include "metadata/image/persistent_map.h"

#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace moldau::metadata {
namespace {

using Map = PersistentMap<int, std::string>;

std::map<int, std::string> contents(const Map& map) {
  std::map<int, std::string> all;
  for (const auto& entry : map) {
    EXPECT_TRUE(all.emplace(entry.key, entry.value).second);
  }
  return all;
}

TEST(PersistentMap, BehavesLikeAnOrderedMapAndOldCopiesStay) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    Map map;
    std::map<int, std::string> model;
    std::vector<std::pair<Map, std::map<int, std::string>>> published;
    Edit edit = 1;
    for (int step = 0; step < 2000; ++step) {
      const int key = static_cast<int>(random() % 300);
      if (random() % 3 == 0) {
        EXPECT_EQ(map.erase(edit, key), model.erase(key) == 1);
      } else {
        map.insert_or_assign(edit, key, std::to_string(step));
        model.insert_or_assign(key, std::to_string(step));
      }
      if (random() % 100 == 0) {
        map.check_invariants();
        published.emplace_back(map, model);
        ++edit;
      }
    }
    EXPECT_EQ(contents(map), model);
    for (const auto& [copy, expected] : published) {
      copy.check_invariants();
      EXPECT_EQ(contents(copy), expected);
    }
  }
}

TEST(PersistentMap, LowerBoundStartsAtTheFirstKeyNotLess) {
  Map map;
  for (int key = 0; key < 100; key += 10) {
    map.insert_or_assign(1, key, "");
  }
  for (int from = -5; from < 100; ++from) {
    const int expected = from <= 0 ? 0 : (from + 9) / 10 * 10;
    const auto found = map.lower_bound(from);
    if (expected > 90) {
      EXPECT_TRUE(found == map.end());
      continue;
    }
    ASSERT_FALSE(found == map.end()) << from;
    EXPECT_EQ(found->key, expected);
    std::size_t rest = 0;
    for (auto it = found; it != map.end(); ++it) {
      ++rest;
    }
    EXPECT_EQ(rest, static_cast<std::size_t>((90 - expected) / 10 + 1));
  }
}

TEST(PersistentMap, KnowsACopyThatSharesItsRoot) {
  Map map;
  map.insert_or_assign(1, 1, "a");
  Map copy = map;
  EXPECT_TRUE(copy.same_as(map));
  copy.insert_or_assign(2, 1, "b");
  EXPECT_FALSE(copy.same_as(map));
  EXPECT_EQ(*map.find(1), "a");
}

}  // namespace
}  // namespace moldau::metadata
