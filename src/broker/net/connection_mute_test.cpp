// A client that is held off: its answers leave at once, and nothing more of it is read until its time is over.
#include "broker/net/connection.h"

#include <chrono>

#include <gtest/gtest.h>

#include "broker/testing/table_rig.h"

namespace moldau::broker::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::size_t answers(const FakePeer& peer) {
  return frames_in(peer.received()).size();
}

TEST(ConnectionMute, Semantics64TheAnswerLeavesAtOnceAndTheNextFrameWaits) {
  TableRig rig;
  auto peer = rig.connect();
  rig.handler().mute = milliseconds(1000);
  peer->send(other_frame(10));
  peer->send(other_frame(11));
  rig.settle();
  EXPECT_EQ(answers(*peer), 1U);
  peer->send(other_frame(12));
  rig.settle();
  rig.pass(milliseconds(750));
  EXPECT_EQ(rig.handler().frames.size(), 1U);
  EXPECT_GT(peer->unread(), 0U) << "nothing is read meanwhile";
  rig.handler().mute = milliseconds(0);
  rig.pass(milliseconds(250));
  EXPECT_EQ(answers(*peer), 3U);
}

TEST(ConnectionMute, ALaterAnswerProlongsIt) {
  TableRig rig;
  rig.handler().hold = true;
  auto peer = rig.connect();
  peer->send(produce_frame(10));
  peer->send(produce_frame(10));
  rig.settle();
  ASSERT_EQ(rig.handler().held.size(), 2U);
  rig.handler().mute = seconds(2);
  rig.handler().answer();
  rig.handler().mute = seconds(1);
  rig.handler().answer();
  peer->send(produce_frame(10));
  rig.settle();
  EXPECT_EQ(answers(*peer), 2U);
  rig.pass(milliseconds(1750));
  EXPECT_EQ(rig.handler().frames.size(), 2U);
  rig.pass(milliseconds(250));
  EXPECT_EQ(rig.handler().frames.size(), 3U);
}

TEST(ConnectionMute, ProducesOfAClientThatIsHeldToOneWaitForEachOther) {
  TableRig rig;
  rig.handler().hold = true;
  rig.handler().one_at_a_time = true;
  auto peer = rig.connect();
  for (int i = 0; i < 3; ++i) {
    peer->send(produce_frame(10));
  }
  rig.settle();
  EXPECT_EQ(rig.handler().held.size(), 1U);
  rig.handler().answer();
  rig.settle();
  EXPECT_EQ(rig.handler().held.size(), 1U);
  EXPECT_EQ(rig.handler().frames.size(), 2U);
  rig.handler().answer();
  rig.settle();
  rig.handler().answer();
  rig.settle();
  EXPECT_EQ(answers(*peer), 3U);
}

TEST(ConnectionMute, WhatIsPartlyHereGoesOnAfterwards) {
  TableRig rig;
  rig.handler().hold = true;
  auto peer = rig.connect();
  peer->send(produce_frame(10));
  const ByteVector second = produce_frame(100'000);
  peer->send(Bytes(second).first(50'000));
  rig.settle();
  ASSERT_EQ(rig.handler().held.size(), 1U);
  rig.handler().mute = seconds(60);
  rig.handler().answer();
  rig.settle();
  rig.handler().hold = false;
  rig.handler().mute = milliseconds(0);
  rig.pass(seconds(30));
  peer->send(Bytes(second).subspan(50'000));
  rig.settle();
  EXPECT_EQ(answers(*peer), 1U);
  rig.pass(seconds(30));
  EXPECT_EQ(answers(*peer), 2U);
}

TEST(ConnectionMute, WhatWasSentBeforeTheEndOfTheStreamIsAnsweredAfterwards) {
  TableRig rig;
  auto peer = rig.connect();
  rig.handler().mute = seconds(30);
  peer->send(other_frame(10));
  rig.settle();
  rig.handler().mute = milliseconds(0);
  peer->send(other_frame(10));
  peer->end();
  rig.pass(milliseconds(29'750));
  EXPECT_EQ(answers(*peer), 1U);
  EXPECT_FALSE(peer->closed_by_owner());
  rig.pass(milliseconds(250));
  EXPECT_EQ(answers(*peer), 2U);
  EXPECT_TRUE(peer->closed_by_owner());
}

TEST(ConnectionMute, APeerThatIsGoneIsNoticed) {
  TableRig rig;
  auto peer = rig.connect();
  rig.handler().mute = seconds(60);
  peer->send(other_frame(10));
  rig.settle();
  peer->reset();
  rig.pass(seconds(2));
  EXPECT_TRUE(peer->closed_by_owner());
}

TEST(ConnectionMute, AStopDoesNotWaitForIt) {
  TableRig rig;
  auto peer = rig.connect();
  rig.handler().mute = seconds(60);
  peer->send(other_frame(10));
  rig.settle();
  bool drained = false;
  rig.table().drain([&] { drained = true; });
  rig.settle();
  EXPECT_TRUE(drained);
}

TEST(ConnectionMute, MovesToItsShardOnceItsTimeIsOver) {
  TableRig rig({}, 2);
  rig.handler(0).home = 1;
  auto peer = rig.connect(0);
  rig.handler(0).mute = seconds(1);
  peer->send(other_frame(10));
  rig.settle();
  peer->send(produce_frame(10));
  rig.settle();
  EXPECT_EQ(rig.handler(1).frames.size(), 0U);
  rig.pass(seconds(1));
  EXPECT_EQ(rig.handler(1).frames.size(), 1U);
  EXPECT_EQ(answers(*peer), 2U);
}

}  // namespace
}  // namespace moldau::broker::testing
