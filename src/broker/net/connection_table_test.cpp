// Many connections: idle ones, the end of a shard, hand-over, and the request memory when it is short.
#include "broker/net/connection_table.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "broker/testing/table_rig.h"

namespace moldau::broker::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using PeerRef = std::shared_ptr<FakePeer>;

constexpr std::size_t kLargeFrame = 12 * kMiB;

ConnectionTable::Config small_memory(std::size_t bytes = 8 * kMiB) {
  return {.frame_bytes_max = 64 * kMiB, .memory = {.memory_bytes_max = bytes}};
}

bool is_answered(FakePeer& peer) {
  return frames_in(peer.take_received()).size() == 1;
}

TEST(ConnectionTable, AnIdleConnectionIsClosedAfterConnectionsMaxIdleMs) {
  TableRig rig({.idle_max = seconds(60)});
  auto idle = rig.connect();
  auto busy = rig.connect();
  for (int i = 0; i < 7; ++i) {
    busy->send(other_frame(10));
    rig.pass(seconds(10));
  }
  EXPECT_TRUE(idle->closed_by_owner());
  EXPECT_FALSE(busy->closed_by_owner());
  EXPECT_EQ(rig.table().closed_idle_total(), 1U);
}

// As in Kafka, whose Selector looks at the last time that the channel was ready. A peer that is gone without a word
// while it waits in a long poll is found in no other way.
TEST(ConnectionTable, AConnectionThatOnlyWaitsForItsAnswerIsIdleToo) {
  TableRig rig({.idle_max = seconds(10)});
  rig.handler().hold = true;
  auto peer = rig.connect();
  peer->send(other_frame(10));
  peer->send(other_frame(10));
  rig.pass(seconds(9));
  EXPECT_FALSE(peer->closed_by_owner());
  rig.pass(seconds(3));
  EXPECT_TRUE(peer->closed_by_owner());
  EXPECT_EQ(rig.table().closed_idle_total(), 1U);
}

TEST(ConnectionTable, ASilentPartOfAFrameIsIdleToo) {
  TableRig rig({.idle_max = seconds(10)});
  auto peer = rig.connect();
  peer->send(size_field(1000));
  rig.pass(seconds(12));
  EXPECT_TRUE(peer->closed_by_owner());
  EXPECT_EQ(rig.table().chunks().in_use_bytes(), 0U);
}

TEST(ConnectionTable, DrainClosesIdleConnectionsAtOnceAndOthersAfterTheirAnswers) {
  TableRig rig;
  auto idle = rig.connect();
  auto busy = rig.connect();
  rig.handler().hold = true;
  busy->send(produce_frame(10));
  busy->send(other_frame(10));  // not started: it is not answered
  rig.settle();
  bool drained = false;
  rig.table().drain([&drained] { drained = true; });
  rig.settle();
  EXPECT_TRUE(idle->closed_by_owner());
  EXPECT_FALSE(drained);
  rig.handler().answer();
  rig.settle();
  EXPECT_TRUE(drained);
  EXPECT_EQ(frames_in(busy->received()).size(), 1U);
  EXPECT_EQ(rig.handler().frames.size(), 1U);
}

TEST(ConnectionTable, CutOffEndsADrainThatWaitsForAnAnswer) {
  TableRig rig;
  rig.handler().hold = true;
  auto peer = rig.connect();
  peer->send(other_frame(10));
  rig.settle();
  bool drained = false;
  rig.table().drain([&drained] { drained = true; });
  rig.settle();
  EXPECT_FALSE(drained);
  rig.table().cut_off();
  rig.settle();
  EXPECT_TRUE(drained);
  EXPECT_TRUE(peer->closed_by_owner());
}

TEST(ConnectionTable, ADrainingTableTakesNoNewConnection) {
  TableRig rig;
  rig.table().drain([] {});
  auto peer = rig.connect();
  rig.settle();
  EXPECT_TRUE(peer->closed_by_owner());
}

TEST(ConnectionTable, AConnectionMovesWithItsBytesBeforeItsFirstProduce) {
  TableRig rig({}, 2);
  rig.handler(0).home = 1;
  auto peer = rig.connect(0);
  peer->send(other_frame(10, 'a'));
  rig.settle();
  peer->send(produce_frame(100'000, 'b'));
  peer->send(produce_frame(20, 'c'));
  rig.settle();
  EXPECT_EQ(rig.handler(0).frames.size(), 1U);
  EXPECT_EQ(rig.handler(1).frames.size(), 2U);
  EXPECT_EQ(frames_in(peer->received()).size(), 3U);
  EXPECT_EQ(rig.table(0).size(), 0U);
  EXPECT_EQ(rig.table(1).size(), 1U);
}

TEST(ConnectionTable, AConnectionMovesOnce) {
  TableRig rig({}, 3);
  rig.handler(0).home = 1;
  rig.handler(1).home = 2;
  auto peer = rig.connect(0);
  peer->send(produce_frame(10));
  peer->send(produce_frame(10));
  rig.settle();
  EXPECT_EQ(rig.handler(1).frames.size(), 2U);
  EXPECT_EQ(rig.handler(2).frames.size(), 0U);
}

// An answer that leaves at the end of the turn must not make a connection that already watches for bytes read and move:
// a watched socket cannot be given away.
TEST(ConnectionTable, TheRestOfAProduceThatArrivesWithinTheTurnMovesTheConnectionLater) {
  for (std::size_t cut = 1; cut < 30; ++cut) {
    TableRig rig({}, 2);
    rig.handler(0).home = 1;
    auto peer = rig.connect(0);
    const ByteVector produce = produce_frame(30);
    peer->send(other_frame(10));
    peer->send(Bytes(produce).first(cut));
    // Posted work runs before sockets are looked at, so this arrives between the read and the end of the turn.
    rig.shard(0).add_ready([&] { peer->send(Bytes(produce).subspan(cut)); });
    rig.settle();
    EXPECT_EQ(rig.handler(1).frames.size(), 1U) << cut;
    EXPECT_EQ(frames_in(peer->received()).size(), 2U) << cut;
  }
}

TEST(ConnectionTable, BytesOnTheirWayToAnotherShardCountUntilTheyArrived) {
  TableRig rig(small_memory(), 2);
  rig.handler(0).home = 1;
  auto peer = rig.connect(0);
  peer->send(produce_frame(kMiB));
  while (rig.table(0).size() == 1) {
    rig.shard(0).turn();
  }
  EXPECT_EQ(rig.table(0).chunks().in_use_bytes(), kMiB + 4);
  rig.settle();
  EXPECT_EQ(rig.table(0).chunks().in_use_bytes(), 0U);
  EXPECT_TRUE(is_answered(*peer));
}

TEST(ConnectionTable, WhatArrivesWhileMemoryIsShortWaitsForRoom) {
  TableRig rig(small_memory(), 2);
  rig.handler(0).home = 1;
  rig.handler(1).hold = true;
  auto holder = rig.connect(1);
  holder->send(produce_frame(3 * kMiB));  // 4 MiB of shard 1's memory until it is answered
  rig.settle();
  auto mover = rig.connect(0);
  mover->send(produce_frame(3 * kMiB));
  rig.settle();
  auto second = rig.connect(0);
  second->send(produce_frame(3 * kMiB));
  rig.settle();
  EXPECT_LE(rig.table(1).chunks().in_use_bytes() - rig.table(1).chunks().beyond_limit_bytes(), 8 * kMiB);
  EXPECT_EQ(rig.handler(1).frames.size(), 1U) << "the others wait";
  EXPECT_EQ(rig.table(0).chunks().in_use_bytes(), 2 * (3 * kMiB + 4));
  while (!rig.handler(1).held.empty()) {
    rig.handler(1).answer();
    rig.settle();
  }
  EXPECT_TRUE(is_answered(*holder) && is_answered(*mover) && is_answered(*second));
  EXPECT_EQ(rig.table(0).chunks().in_use_bytes(), 0U);
}

TEST(ConnectionTable, WhatArrivesAndNeverFitsGoesBeyondTheLimitAlone) {
  TableRig rig(small_memory(), 2);
  rig.handler(0).home = 1;
  rig.handler(1).hold = true;
  std::vector<PeerRef> movers;
  for (int i = 0; i < 2; ++i) {
    movers.push_back(rig.connect(0));
    movers.back()->send(produce_frame(20 * kMiB));
    rig.settle();
  }
  EXPECT_EQ(rig.handler(1).frames.size(), 1U);
  rig.handler(1).answer();
  rig.settle();
  EXPECT_EQ(rig.handler(1).frames.size(), 2U);
}

// Fills the memory with large frames that stay unfinished: the peers, the one that sent first in front.
std::vector<PeerRef> fill_memory(TableRig& rig) {
  std::vector<PeerRef> peers;
  for (const std::size_t chunk : {kMiB, 64 * kKiB}) {
    while (rig.table().chunks().has_room(chunk, ChunkPool::Claim::kOrdinary) && peers.size() < 100) {
      peers.push_back(rig.connect());
      peers.back()->send(size_field(static_cast<std::int32_t>(kLargeFrame)));
      peers.back()->send(ByteVector(chunk - 4 - 1));
      rig.settle();
    }
  }
  return peers;
}

// What finishes the frame of any of these; the first one's to the byte.
ByteVector rest_of_first() {
  return ByteVector(kLargeFrame - (kMiB - 4 - 1));
}

TEST(RequestMemory, SmallFramesGoOnWhileItIsFull) {
  TableRig rig(small_memory());
  const auto large = fill_memory(rig);
  for (int i = 0; i < 50; ++i) {
    auto peer = rig.connect();
    peer->send(other_frame(i % 2 == 0 ? 100 : 60 * kKiB));
    rig.settle();
    EXPECT_TRUE(is_answered(*peer)) << i;
  }
}

TEST(RequestMemory, TheOldestPartlyReceivedFrameGoesOnWhileItIsFull) {
  TableRig rig(small_memory());
  const auto large = fill_memory(rig);
  ASSERT_GE(large.size(), 3U);
  large[1]->send(ByteVector(8 * kMiB));
  rig.settle();
  EXPECT_GT(large[1]->unread(), 7 * kMiB) << "not the oldest: it waits";
  large[0]->send(rest_of_first());
  rig.settle();
  EXPECT_TRUE(is_answered(*large[0]));
}

TEST(RequestMemory, WhenTheOldestIsServedTheNextOneGoesOn) {
  TableRig rig(small_memory());
  const auto large = fill_memory(rig);
  for (std::size_t i = 0; i < 3; ++i) {
    large[i]->send(rest_of_first());
  }
  rig.settle();
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(is_answered(*large[i])) << i;
  }
}

TEST(RequestMemory, OneFrameAtATimeGoesBeyondTheLimit) {
  TableRig rig(small_memory());
  rig.handler().hold = true;
  const auto large = fill_memory(rig);
  for (std::size_t i = 0; i < 3; ++i) {
    large[i]->send(rest_of_first());
  }
  rig.settle();
  EXPECT_EQ(rig.handler().held.size(), 1U) << "the others wait until it is answered";
  EXPECT_LE(rig.table().chunks().beyond_limit_bytes(), 64 * kMiB);
}

TEST(RequestMemory, OfThoseThatWaitTheSmallestGoesFirst) {
  TableRig rig(small_memory());
  rig.handler().hold = true;
  auto holder = rig.connect();
  holder->send(produce_frame(3 * kMiB));  // 4 MiB until it is answered
  rig.settle();
  auto oldest = rig.connect();
  oldest->send(size_field(static_cast<std::int32_t>(kLargeFrame)));
  oldest->send(ByteVector(2 * kMiB - 5));
  rig.settle();
  auto large = rig.connect();
  auto medium = rig.connect();
  large->send(produce_frame(30 * kMiB));
  medium->send(produce_frame(3 * kMiB / 2));
  rig.settle();
  EXPECT_EQ(rig.handler().frames.size(), 1U);
  rig.handler().answer();
  rig.settle();
  ASSERT_EQ(rig.handler().frames.size(), 2U);
  EXPECT_EQ(rig.handler().frames[1].size(), 3 * kMiB / 2) << "though it came last";
}

TEST(RequestMemory, SlowFramesAreClosedTheLargestFirstUntilThereIsRoom) {
  TableRig rig(small_memory());
  std::vector<PeerRef> slow;
  for (const std::size_t bytes : {100 * kKiB, 2 * kMiB, 200 * kKiB, 400 * kKiB}) {
    slow.push_back(rig.connect());
    slow.back()->send(size_field(static_cast<std::int32_t>(kLargeFrame)));
    slow.back()->send(ByteVector(bytes));
  }
  rig.pass(seconds(12));
  EXPECT_EQ(rig.table().closed_slow_total(), 0U) << "slow, but there is memory";
  auto honest = rig.connect();
  auto second = rig.connect();
  honest->send(produce_frame(3 * kMiB));  // does not fit beside the slow ones
  second->send(produce_frame(500 * kKiB));
  rig.handler().hold = true;
  rig.pass(seconds(2));
  EXPECT_TRUE(slow[1]->closed_by_owner()) << "the largest";
  EXPECT_FALSE(slow[0]->closed_by_owner() || slow[2]->closed_by_owner());
  rig.handler().hold = false;
  rig.handler().answer_all();
  rig.settle();
  rig.handler().answer_all();
  rig.settle();
  EXPECT_TRUE(is_answered(*honest) && is_answered(*second));
}

TEST(RequestMemory, AFastFrameIsNotClosed) {
  TableRig rig(small_memory());
  auto fast = rig.connect();
  fast->send(size_field(static_cast<std::int32_t>(kLargeFrame)));
  const auto others = fill_memory(rig);
  for (int i = 0; i < 60; ++i) {
    fast->send(ByteVector(20 * kKiB));  // 80 KiB a second
    rig.pass(milliseconds(250));
  }
  EXPECT_FALSE(fast->closed_by_owner());
}

// A frame that we do not read cannot show that it is fast.
TEST(RequestMemory, TimeInWhichAFrameWaitsForMemoryDoesNotCountAgainstIt) {
  TableRig rig(small_memory());
  rig.handler().hold = true;
  auto holder = rig.connect();
  holder->send(produce_frame(3 * kMiB));
  rig.settle();
  auto oldest = rig.connect();
  oldest->send(size_field(static_cast<std::int32_t>(kLargeFrame)));
  auto waiting = rig.connect();
  waiting->send(size_field(static_cast<std::int32_t>(6 * kMiB)));
  waiting->send(ByteVector(6 * kMiB));
  for (int i = 0; i < 30; ++i) {
    oldest->send(ByteVector(100 * kKiB));
    rig.pass(seconds(1));
  }
  EXPECT_FALSE(waiting->closed_by_owner());
  rig.handler().answer();
  oldest->end();
  rig.settle();
  EXPECT_EQ(rig.handler().held.size(), 1U);
}

// Frames whose sizes are not even known hold nothing, however many there are.
TEST(RequestMemory, ConnectionsThatSendPartOfASizeHoldNothingWhileItIsFull) {
  TableRig rig(small_memory());
  const auto large = fill_memory(rig);
  const std::size_t before = rig.table().chunks().in_use_bytes();
  std::vector<PeerRef> peers;
  for (int i = 0; i < 500; ++i) {
    peers.push_back(rig.connect());
    peers.back()->send(Bytes(size_field(50)).first(3));
  }
  rig.settle();
  EXPECT_EQ(rig.table().chunks().in_use_bytes(), before);
}

TEST(RequestMemory, ManyLargeAnnouncementsLeaveTheReserveToSmallFrames) {
  TableRig rig(small_memory());
  std::vector<PeerRef> peers;
  for (int i = 0; i < 300; ++i) {
    peers.push_back(rig.connect());
    peers.back()->send(size_field(static_cast<std::int32_t>(60 * kMiB)));
    peers.back()->send(ByteVector(i % 100));
  }
  rig.settle();
  EXPECT_LE(rig.table().chunks().in_use_bytes(), 7 * kMiB);
  auto honest = rig.connect();
  honest->send(other_frame(100));
  rig.settle();
  EXPECT_TRUE(is_answered(*honest));
}

TEST(ConnectionTable, AnswersThatNobodyTakesHoldNoMoreMemoryThanRequestsMay) {
  constexpr std::size_t kAnswer = 60 * kKiB;
  TableRig rig(small_memory());
  std::vector<PeerRef> deaf;
  for (int i = 0; i < 200; ++i) {
    deaf.push_back(rig.connect());
    deaf.back()->set_window(0);
    deaf.back()->send(other_frame(kAnswer));
    rig.settle();
  }
  EXPECT_GT(rig.table().answer_bytes(), 7 * kMiB);
  EXPECT_LE(rig.table().answer_bytes(), 8 * kMiB + kAnswer + kKiB);
  EXPECT_LT(rig.handler().frames.size(), deaf.size());

  // What is answered shortly goes on; other requests wait until the deaf ones have gone.
  auto producer = rig.connect();
  producer->send(produce_frame(100));
  auto asker = rig.connect();
  asker->send(other_frame(100));
  rig.settle();
  EXPECT_TRUE(is_answered(*producer));
  EXPECT_TRUE(asker->received().empty());
  EXPECT_EQ(rig.table().closed_deaf_total(), 0U);
  rig.pass(seconds(4));
  EXPECT_TRUE(is_answered(*asker));
  EXPECT_FALSE(asker->closed_by_owner());
  EXPECT_GT(rig.table().closed_deaf_total(), 0U);
  EXPECT_TRUE(deaf.front()->closed_by_owner());  // the longest without a byte goes first
  EXPECT_LE(rig.table().answer_bytes(), 8 * kMiB + kAnswer + kKiB);
}

TEST(ConnectionTable, SmallAnswersThatNobodyTakesCountWithAllTheyHold) {
  constexpr std::size_t kEach = 500;
  TableRig rig(small_memory());
  std::vector<PeerRef> deaf;
  for (int i = 0; i < 200; ++i) {
    deaf.push_back(rig.connect());
    deaf.back()->set_window(0);
    for (std::size_t sent = 0; sent < kEach; ++sent) {
      deaf.back()->send(produce_frame(20));
    }
    rig.settle();
  }
  const std::size_t started = rig.handler().frames.size();
  EXPECT_LT(started, deaf.size() * kEach);
  EXPECT_GE(rig.table().answer_bytes(), started * sizeof(Response));
  EXPECT_LE(rig.table().answer_bytes(), 8 * kMiB + 200 * kKiB);  // and one of each peer that had taken all
  auto producer = rig.connect();
  producer->send(produce_frame(20));
  rig.settle();
  EXPECT_TRUE(is_answered(*producer));
}

TEST(ConnectionTable, ManyThatTakeTheirAnswersAreAllAnswered) {
  TableRig rig(small_memory());
  std::vector<PeerRef> peers;
  for (int i = 0; i < 300; ++i) {
    peers.push_back(rig.connect());
    peers.back()->send(other_frame(60 * kKiB));
  }
  rig.pass(seconds(3));
  for (const PeerRef& peer : peers) {
    EXPECT_TRUE(is_answered(*peer));
  }
  EXPECT_EQ(rig.table().closed_deaf_total(), 0U);
  EXPECT_EQ(rig.table().answer_bytes(), 0U);
}

TEST(ConnectionTable, OneThatTakesNoAnswersIsLeftAloneWhileThereIsRoom) {
  TableRig rig(small_memory());
  auto deaf = rig.connect();
  deaf->set_window(0);
  deaf->send(other_frame(60 * kKiB));
  rig.pass(seconds(30));
  EXPECT_FALSE(deaf->closed_by_owner());
}

}  // namespace
}  // namespace moldau::broker::testing
