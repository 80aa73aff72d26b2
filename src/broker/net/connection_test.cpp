// Frames, order, limits and the end of one connection. What the tests send is not Kafka's content: a connection looks
// at the size and at the API key alone.
#include "broker/net/connection.h"

#include <algorithm>
#include <chrono>

#include <gtest/gtest.h>

#include "broker/testing/table_rig.h"

namespace moldau::broker::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Bytes content(const ByteVector& frame) {
  return Bytes(frame).subspan(4);
}

ByteVector joined(std::initializer_list<ByteVector> frames) {
  ByteVector all;
  for (const ByteVector& frame : frames) {
    all.insert(all.end(), frame.begin(), frame.end());
  }
  return all;
}

TEST(Connection, AFrameSplitAtAnyByteIsOneFrame) {
  const ByteVector first = other_frame(37, 'a');
  const ByteVector second = other_frame(21, 'b');
  const ByteVector both = joined({first, second});
  for (std::size_t cut = 1; cut < both.size(); ++cut) {
    TableRig rig;
    auto peer = rig.connect();
    peer->send(Bytes(both).first(cut));
    rig.settle();
    peer->send(Bytes(both).subspan(cut));
    rig.settle();
    ASSERT_EQ(rig.handler().frames.size(), 2U) << cut;
    EXPECT_TRUE(std::ranges::equal(rig.handler().frames[0], content(first))) << cut;
    EXPECT_TRUE(std::ranges::equal(rig.handler().frames[1], content(second))) << cut;
    EXPECT_EQ(frames_in(peer->received()).size(), 2U) << cut;
  }
}

TEST(Connection, OneByteAtATimeIsEnough) {
  TableRig rig;
  auto peer = rig.connect();
  for (const std::byte byte : joined({other_frame(300, 'a'), produce_frame(200, 'b')})) {
    peer->send(Bytes(&byte, 1));
    rig.settle();
  }
  EXPECT_EQ(rig.handler().frames.size(), 2U);
  EXPECT_EQ(frames_in(peer->received()).size(), 2U);
}

TEST(Connection, SeveralFramesInATurnAreAnsweredInOneTurn) {
  TableRig rig;
  auto peer = rig.connect();
  for (int i = 0; i < 100; ++i) {
    peer->send(other_frame(10, static_cast<char>('0' + i % 10)));
  }
  rig.shard().turn();
  const auto answers = frames_in(peer->received());
  ASSERT_EQ(answers.size(), 100U);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].back(), static_cast<std::byte>('0' + i % 10));
  }
}

TEST(Connection, AThousandPipelinedRequestsAreAnsweredInOrder) {
  TableRig rig;
  auto peer = rig.connect();
  for (std::uint32_t i = 0; i < 1000; ++i) {
    ByteVector frame = other_frame(8);
    store_be(frame.data() + 8, i);
    peer->send(frame);
  }
  rig.settle();
  const auto answers = frames_in(peer->received());
  ASSERT_EQ(answers.size(), 1000U);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(load_be<std::uint32_t>(answers[i].data() + 4), i);
  }
}

TEST(Connection, ProducesStartWhileEarlierProducesAreUnanswered) {
  TableRig rig;
  rig.handler().hold = true;
  auto peer = rig.connect();
  peer->send(joined({produce_frame(10, 'a'), produce_frame(10, 'b'), produce_frame(10, 'c')}));
  rig.settle();
  EXPECT_EQ(rig.handler().frames.size(), 3U);
}

TEST(Connection, AnswersKeepTheOrderOfTheirRequests) {
  TableRig rig;
  rig.handler().hold = true;
  auto peer = rig.connect();
  peer->send(joined({produce_frame(10, 'a'), produce_frame(10, 'b'), produce_frame(10, 'c')}));
  rig.settle();
  rig.handler().answer(2);
  rig.handler().answer(1);
  rig.settle();
  EXPECT_TRUE(peer->received().empty());
  rig.handler().answer(0);
  rig.settle();
  const auto answers = frames_in(peer->received());
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(answers[0].back(), std::byte{'a'});
  EXPECT_EQ(answers[1].back(), std::byte{'b'});
  EXPECT_EQ(answers[2].back(), std::byte{'c'});
}

TEST(Connection, AnotherRequestStartsWhenAllProducesBeforeItAreAnswered) {
  TableRig rig;
  rig.handler().hold = true;
  auto peer = rig.connect();
  peer->send(joined({produce_frame(10), produce_frame(10), other_frame(10)}));
  rig.settle();
  EXPECT_EQ(rig.handler().held.size(), 2U);
  rig.handler().answer(0);
  rig.settle();
  EXPECT_EQ(rig.handler().frames.size(), 2U);
  rig.handler().answer(0);
  rig.settle();
  EXPECT_EQ(rig.handler().frames.size(), 3U);
}

TEST(Connection, AProduceBehindAFetchInFlightWaits) {
  TableRig rig;
  rig.handler().hold = true;
  auto peer = rig.connect();
  peer->send(joined({other_frame(10), produce_frame(10)}));
  rig.settle();
  EXPECT_EQ(rig.handler().frames.size(), 1U);
  rig.handler().answer();
  rig.settle();
  EXPECT_EQ(rig.handler().frames.size(), 2U);
}

TEST(Connection, UnansweredProducesAreLimited) {
  TableRig rig;
  rig.handler().hold = true;
  auto peer = rig.connect();
  for (std::size_t i = 0; i < Connection::kUnansweredMax + 10; ++i) {
    peer->send(produce_frame(10));
  }
  rig.settle();
  EXPECT_EQ(rig.handler().frames.size(), Connection::kUnansweredMax);
  rig.handler().answer();
  rig.settle();
  EXPECT_EQ(rig.handler().frames.size(), Connection::kUnansweredMax + 1);
  rig.handler().answer_all();
  rig.settle();
  EXPECT_EQ(rig.handler().frames.size(), Connection::kUnansweredMax + 10);
}

TEST(Connection, HalfClosedPeerGetsWhatItAskedForThenTheEnd) {
  TableRig rig;
  rig.handler().hold = true;
  auto peer = rig.connect();
  peer->send(joined({other_frame(10, 'a'), other_frame(10, 'b')}));
  peer->end();
  rig.settle();
  EXPECT_FALSE(peer->closed_by_owner());
  rig.handler().answer();
  rig.settle();
  rig.handler().answer();
  rig.settle();
  EXPECT_EQ(frames_in(peer->received()).size(), 2U);
  EXPECT_TRUE(peer->closed_by_owner());
}

TEST(Connection, HalfCloseInTheTurnOfTheRequestStillAnswers) {
  TableRig rig;
  auto peer = rig.connect();
  peer->send(other_frame(10, 'a'));
  peer->end();
  rig.settle();
  EXPECT_EQ(frames_in(peer->received()).size(), 1U);
  EXPECT_TRUE(peer->closed_by_owner());
}

TEST(Connection, HalfCloseInsideAFrameCloses) {
  TableRig rig;
  auto peer = rig.connect();
  peer->send(Bytes(other_frame(10)).first(9));
  peer->end();
  rig.settle();
  EXPECT_TRUE(peer->closed_by_owner());
  EXPECT_TRUE(rig.handler().frames.empty());
}

TEST(Connection, WhatWaitsForAPeerThatLeftIsGivenUpSoon) {
  TableRig rig;
  rig.handler().hold = true;
  auto peer = rig.connect();
  peer->send(other_frame(10));  // a long poll
  peer->end();
  rig.pass(seconds(4));
  EXPECT_FALSE(peer->closed_by_owner());
  rig.pass(seconds(3));
  EXPECT_TRUE(peer->closed_by_owner());
  EXPECT_EQ(rig.handler().closed.size(), 1U) << "the handler hears of it";
  rig.handler().answer();  // late: nobody is there
  rig.settle();
}

// The request behind the long poll is why nothing is read, and so the end of the stream is not found by reading.
TEST(Connection, AResetBehindAPipelinedRequestGivesUpTheLongPoll) {
  TableRig rig;
  rig.handler().hold = true;
  auto peer = rig.connect();
  peer->send(joined({other_frame(10), other_frame(10)}));
  rig.settle();
  peer->reset();
  rig.pass(seconds(2));
  EXPECT_TRUE(peer->closed_by_owner());
  EXPECT_EQ(rig.handler().closed.size(), 1U);
}

TEST(Connection, AResetAfterTheEndOfTheStreamGivesUpTheLongPoll) {
  TableRig rig;
  rig.handler().hold = true;
  auto peer = rig.connect();
  peer->send(other_frame(10));
  peer->end();
  rig.settle();
  peer->reset();
  rig.pass(seconds(2));
  EXPECT_TRUE(peer->closed_by_owner());
}

TEST(Connection, AnEndBehindAPipelinedRequestGivesUpTheLongPollSoon) {
  TableRig rig;
  rig.handler().hold = true;
  auto peer = rig.connect();
  peer->send(joined({other_frame(10), other_frame(10)}));
  rig.settle();
  peer->end();
  rig.pass(seconds(4));
  EXPECT_FALSE(peer->closed_by_owner());
  rig.pass(seconds(4));
  EXPECT_TRUE(peer->closed_by_owner());
  EXPECT_EQ(rig.handler().closed.size(), 1U);
}

TEST(Connection, AHalfClosedPeerGetsAllItsAnswersHoweverManyAsLongAsTheyKeepLeaving) {
  TableRig rig;
  rig.handler().hold = true;
  auto peer = rig.connect();
  peer->send(joined({other_frame(10, 'a'), other_frame(10, 'b'), other_frame(10, 'c'), other_frame(10, 'd')}));
  peer->end();
  for (int i = 0; i < 4; ++i) {
    rig.pass(seconds(4));
    ASSERT_FALSE(rig.handler().held.empty()) << i;
    rig.handler().answer();
  }
  rig.settle();
  EXPECT_EQ(frames_in(peer->received()).size(), 4U);
  EXPECT_TRUE(peer->closed_by_owner());
}

TEST(Connection, AResetClosesWhenTheAnswerCannotLeave) {
  TableRig rig;
  auto peer = rig.connect();
  peer->send(other_frame(10));
  rig.handler().hold = true;
  rig.settle();
  peer->reset();
  rig.settle();
  rig.handler().answer();
  rig.settle();
  EXPECT_TRUE(peer->closed_by_owner());
}

class ConnectionSize : public ::testing::TestWithParam<std::int32_t> {};

TEST_P(ConnectionSize, ClosesWithoutAnAnswerAndWithoutMemory) {
  TableRig rig({.frame_bytes_max = 1 << 20});
  auto peer = rig.connect();
  peer->send(size_field(GetParam()));
  rig.settle();
  EXPECT_TRUE(peer->closed_by_owner());
  EXPECT_TRUE(peer->received().empty());
  EXPECT_EQ(rig.table().chunks().in_use_bytes(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Refused, ConnectionSize, ::testing::Values(0, -1, INT32_MIN, (1 << 20) + 1, INT32_MAX));

TEST(Connection, TheLargestFrameAllowedIsServed) {
  TableRig rig({.frame_bytes_max = 1 << 20});
  auto peer = rig.connect();
  peer->send(produce_frame(1 << 20));
  rig.settle();
  EXPECT_EQ(frames_in(peer->received()).size(), 1U);
}

TEST(Connection, ABadSizeBehindGoodRequestsClosesAfterTheirAnswers) {
  TableRig rig;
  rig.handler().hold = true;
  auto peer = rig.connect();
  peer->send(joined({produce_frame(10), size_field(-5), produce_frame(10)}));
  rig.settle();
  EXPECT_FALSE(peer->closed_by_owner());
  EXPECT_EQ(rig.handler().frames.size(), 1U);
  rig.handler().answer();
  rig.settle();
  EXPECT_EQ(frames_in(peer->received()).size(), 1U);
  EXPECT_TRUE(peer->closed_by_owner());
}

TEST(Connection, ATicketDestroyedUnansweredClosesTheConnection) {
  TableRig rig;
  rig.handler().hold = true;
  auto peer = rig.connect();
  peer->send(other_frame(10));
  rig.settle();
  rig.handler().held.clear();
  rig.settle();
  EXPECT_TRUE(peer->closed_by_owner());
}

TEST(Connection, AnswersBeforeACloseLeaveAndThoseBehindItDoNot) {
  TableRig rig;
  rig.handler().hold = true;
  auto peer = rig.connect();
  peer->send(joined({produce_frame(10, 'a'), produce_frame(10, 'b'), produce_frame(10, 'c')}));
  rig.settle();
  rig.handler().answer(0);
  rig.handler().held[0]->ticket.answer(Response::close());
  rig.handler().held.pop_front();
  rig.handler().answer(0);
  rig.settle();
  const auto answers = frames_in(peer->received());
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].back(), std::byte{'a'});
  EXPECT_TRUE(peer->closed_by_owner());
}

// The peer takes no answers, so the connection lives on after the close was decided, with a request still in flight.
TEST(Connection, AnAnswerAfterACloseThatCouldNotLeaveYetIsDropped) {
  TableRig rig;
  rig.handler().hold = true;
  auto peer = rig.connect();
  peer->set_window(0);
  peer->send(joined({produce_frame(10, 'a'), produce_frame(10, 'b'), produce_frame(10, 'c')}));
  rig.settle();
  rig.handler().answer(0);
  rig.handler().held[0]->ticket.answer(Response::close());
  rig.handler().held.pop_front();
  rig.settle();
  rig.handler().answer(0);
  rig.settle();
  EXPECT_FALSE(peer->closed_by_owner());
  peer->set_window(SIZE_MAX);
  rig.settle();
  EXPECT_EQ(frames_in(peer->received()).size(), 1U);
  EXPECT_TRUE(peer->closed_by_owner());
}

TEST(Connection, AnswersGoOnAfterPartialWrites) {
  TableRig rig;
  auto peer = rig.connect();
  peer->set_window(3);
  const ByteVector sent = joined({other_frame(1000, 'a'), other_frame(50, 'b')});
  peer->send(sent);
  for (int i = 0; i < 400; ++i) {
    rig.settle();
    peer->set_window(3);
  }
  EXPECT_TRUE(std::ranges::equal(peer->received(), sent));
}

TEST(Connection, APeerThatTakesNoAnswersIsReadNoFurther) {
  TableRig rig;
  auto peer = rig.connect();
  peer->set_window(0);
  for (int i = 0; i < 100; ++i) {
    peer->send(other_frame(100'000));
  }
  rig.settle();
  EXPECT_LE(rig.handler().frames.size(), 1 + Connection::kOutgoingBytesMax / 100'000 + 1);
  EXPECT_GT(peer->unread(), 80U * 100'000);
  peer->set_window(SIZE_MAX);
  rig.settle();
  EXPECT_EQ(frames_in(peer->received()).size(), 100U);
}

TEST(Connection, AFrameThatCouldNotStartGetsNoMoreMemory) {
  TableRig rig;
  rig.handler().hold = true;
  auto peer = rig.connect();
  peer->send(other_frame(10));  // a long poll; its answer is owed
  rig.settle();
  peer->send(produce_frame(8 << 20));
  rig.settle();
  EXPECT_LE(rig.table().chunks().in_use_bytes(), 64U * 1024 + ChunkPool::kChunkBytesMin);
  EXPECT_GT(peer->unread(), 7U << 20);
  rig.handler().answer();
  rig.settle();
  EXPECT_EQ(rig.handler().frames.size(), 2U);
}

TEST(Connection, AProduceBehindProducesIsReceivedWhileTheyAreInFlight) {
  TableRig rig;
  rig.handler().hold = true;
  auto peer = rig.connect();
  peer->send(joined({produce_frame(1 << 20), produce_frame(3 << 20)}));
  rig.settle();
  EXPECT_EQ(rig.handler().frames.size(), 2U);
}

TEST(Connection, IdleItHoldsNoRequestMemory) {
  TableRig rig;
  auto peer = rig.connect();
  peer->send(joined({other_frame(10), produce_frame(70'000)}));
  rig.settle();
  EXPECT_EQ(rig.table().chunks().in_use_bytes(), 0U);
}

TEST(Connection, ALongPollHoldsTheSmallestChunk) {
  TableRig rig;
  rig.handler().hold = true;
  auto peer = rig.connect();
  peer->send(other_frame(200));
  rig.settle();
  EXPECT_EQ(rig.table().chunks().in_use_bytes(), ChunkPool::kChunkBytesMin);
}

}  // namespace
}  // namespace moldau::broker::testing
