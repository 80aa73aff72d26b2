#include "sim/crash/ledger.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace moldau::sim {
namespace {

// Created by calls 10 to 20; two records acknowledged at 30 and 40, a third one asked at 45.
Ledger ledger(bool synced) {
  return {.lives = {{.name = "t",
                     .synced = synced,
                     .records = {{.asked = {21, 30}, .value = "a"},
                                 {.asked = {31, 40}, .value = "b"},
                                 {.asked = {45, 50}, .value = "c"}},
                     .created = {10, 20}}}};
}

SeenTopic seen(std::int64_t start, std::vector<std::string> values) {
  const Offset end(start + static_cast<std::int64_t>(values.size()));
  return {
      .name = "t", .exists = true, .readable = true, .start = Offset(start), .end = end, .values = std::move(values)};
}

TEST(Ledger, ATopicMustBeThereOnceItsCreationWasAnswered) {
  const SeenTopic absent{.name = "t"};
  EXPECT_EQ(judge(ledger(true), 10, absent), "");
  EXPECT_EQ(judge(ledger(true), 19, absent), "");
  EXPECT_NE(judge(ledger(true), 20, absent), "");
  EXPECT_NE(judge(ledger(true), 10, seen(0, {})), "") << "nobody had asked for it";
  EXPECT_EQ(judge(ledger(true), 11, seen(0, {})), "");
  Ledger deleted = ledger(true);
  deleted.lives[0].deleted = {60, 70};
  EXPECT_EQ(judge(deleted, 65, absent), "");
  EXPECT_EQ(judge(deleted, 65, seen(0, {"a", "b", "c"})), "");
  EXPECT_NE(judge(deleted, 70, seen(0, {"a", "b", "c"})), "");
}

TEST(Ledger, WhatWasSyncedIsThereAndTheRestIsAPrefix) {
  EXPECT_EQ(judge(ledger(true), 35, seen(0, {"a"})), "");
  EXPECT_EQ(judge(ledger(true), 35, seen(0, {"a", "b"})), "");
  EXPECT_NE(judge(ledger(true), 40, seen(0, {"a"})), "");
  EXPECT_EQ(judge(ledger(false), 60, seen(0, {})), "");
  EXPECT_EQ(judge(ledger(false), 60, seen(0, {"a"})), "");
  EXPECT_NE(judge(ledger(false), 60, seen(0, {"b"})), "");
  EXPECT_NE(judge(ledger(true), 44, seen(0, {"a", "b", "c"})), "") << "the third one was not sent";
  SeenTopic lost = seen(0, {"a", "b"});
  lost.readable = false;
  EXPECT_NE(judge(ledger(true), 41, lost), "");
}

TEST(Ledger, TheLogStartsWhereItWasToldTo) {
  Ledger told = ledger(true);
  told.lives[0].deletes = {{.asked = {51, 55}, .target = Offset(1)}};
  EXPECT_NE(judge(told, 51, seen(1, {"b", "c"})), "") << "before it was asked to";
  EXPECT_EQ(judge(told, 54, seen(1, {"b", "c"})), "");
  EXPECT_EQ(judge(told, 54, seen(0, {"a", "b", "c"})), "");
  EXPECT_NE(judge(told, 55, seen(0, {"a", "b", "c"})), "");
  Ledger shrinking = ledger(true);
  shrinking.lives[0].retention_bytes = 100;
  SeenTopic rest = seen(2, {"c"});
  rest.bytes = 100;
  EXPECT_EQ(judge(shrinking, 60, rest), "");
  rest.bytes = 99;
  EXPECT_NE(judge(shrinking, 60, rest), "");
}

// Key a at 0 and 2, deleted at 3; key b at 1. All acknowledged by call 30.
Ledger keyed(bool tombstones_go) {
  const auto record = [](std::string_view key, std::optional<std::string_view> value) {
    return SentRecord{
        .asked = {21, 30}, .value = text_of(key, value), .key = std::string(key), .tombstone = !value.has_value()};
  };
  return {.lives = {{.name = "t",
                     .records = {record("a", "1"), record("b", "2"), record("a", "3"), record("a", std::nullopt)},
                     .created = {10, 20},
                     .compacted = true,
                     .tombstones_go = tombstones_go}}};
}

SeenTopic left(std::vector<std::int64_t> offsets, const Ledger& sent) {
  SeenTopic seen{.name = "t", .exists = true, .readable = true, .end = Offset(4), .next = Offset(4)};
  for (const std::int64_t offset : offsets) {
    seen.offsets.emplace_back(offset);
    seen.values.push_back(sent.lives[0].records[static_cast<std::size_t>(offset)].value);
  }
  return seen;
}

TEST(Ledger, I28ACompactedTopicKeepsTheLastRecordOfEachKey) {
  const Ledger stay = keyed(false);
  EXPECT_EQ(judge(stay, 40, left({0, 1, 2, 3}, stay)), "");
  EXPECT_EQ(judge(stay, 40, left({1, 3}, stay)), "");
  EXPECT_NE(judge(stay, 40, left({3}, stay)), "") << "b is gone";
  EXPECT_NE(judge(stay, 40, left({1}, stay)), "") << "so is the tombstone";
  const Ledger go = keyed(true);
  EXPECT_EQ(judge(go, 40, left({1}, go)), "");
  EXPECT_NE(judge(go, 40, left({0, 1}, go)), "") << "a is back";
  SeenTopic moved = left({1, 3}, stay);
  moved.offsets[0] = Offset(2);
  EXPECT_NE(judge(stay, 40, moved), "");
  SeenTopic cut = left({1, 3}, stay);
  cut.next = Offset(3);
  EXPECT_NE(judge(stay, 40, cut), "") << "not read to its end";
}

}  // namespace
}  // namespace moldau::sim
