#include "runtime/abort.h"
#include "runtime/gate.h"
#include "runtime/task.h"
#include "runtime/timer.h"
#include "runtime/turn_end_queue.h"

#include <random>

#include <gtest/gtest.h>

namespace moldau::runtime {
namespace {

MonoTime at(std::int64_t ns) {
  return MonoTime(std::chrono::nanoseconds(ns));
}

TEST(TimerQueue, FiresInOrderOfDeadlineThenOfArming) {
  TimerQueue queue;
  std::vector<int> fired;
  Timer late(queue, [&] { fired.push_back(3); });
  Timer first(queue, [&] { fired.push_back(1); });
  Timer second(queue, [&] { fired.push_back(2); });
  late.arm(at(20));
  first.arm(at(10));
  second.arm(at(10));
  EXPECT_EQ(queue.next_deadline(), at(10));
  EXPECT_EQ(queue.fire(at(15)), 2U);
  EXPECT_EQ(queue.fire(at(25)), 1U);
  EXPECT_EQ(fired, (std::vector{1, 2, 3}));
  EXPECT_EQ(queue.next_deadline(), kNever);
}

TEST(TimerQueue, KeepsOrderUnderRandomArmAndCancel) {
  std::mt19937 random(7);
  TimerQueue queue;
  std::vector<std::unique_ptr<Timer>> timers;
  MonoTime last{};
  for (int i = 0; i < 500; ++i) {
    timers.push_back(std::make_unique<Timer>(queue, Callback{}));
  }
  for (auto& timer : timers) {
    timer = std::make_unique<Timer>(queue, [&last, &timer] {
      EXPECT_LE(last, timer->when());
      last = timer->when();
    });
    timer->arm(at(static_cast<std::int64_t>(random() % 1000)));
  }
  for (int i = 0; i < 200; ++i) {
    auto& timer = timers[random() % timers.size()];
    if (random() % 2 == 0) {
      timer->cancel();
    } else {
      timer->arm(at(static_cast<std::int64_t>(random() % 1000)));
    }
  }
  queue.fire(at(1000));
  EXPECT_EQ(queue.size(), 0U);
}

TEST(TimerQueue, ATimerThatRearmsItselfWaitsForTheNextTurn) {
  TimerQueue queue;
  int runs = 0;
  Timer* self = nullptr;
  Timer timer(queue, [&] {
    ++runs;
    self->arm(at(0));
  });
  self = &timer;
  timer.arm(at(0));
  queue.fire(at(5));
  EXPECT_EQ(runs, 1);
  queue.fire(at(5));
  EXPECT_EQ(runs, 2);
}

TEST(Gate, ClosesAfterTheLastHolderLeft) {
  Gate gate;
  bool closed = false;
  {
    auto holder = gate.enter();
    EXPECT_TRUE(holder);
    gate.close([&] { closed = true; });
    EXPECT_FALSE(gate.enter());
    EXPECT_FALSE(closed);
  }
  EXPECT_TRUE(closed);
}

TEST(Abort, RunsRegisteredCallbacksOnceAndLateOnesAtOnce) {
  Abort abort;
  int runs = 0;
  auto kept = abort.on_request([&] { ++runs; });
  {
    auto dropped = abort.on_request([&] { runs += 100; });
  }
  abort.request();
  abort.request();
  auto late = abort.on_request([&] { runs += 10; });
  EXPECT_EQ(runs, 11);
}

Task<int> add(Event<int>& event, int more) {
  co_return co_await event.wait() + more;
}
Task<int> twice(Event<int>& event) {
  const int first = co_await add(event, 1);
  co_return first * 2;
}

TEST(Task, ResumesItsCallerWhenTheEventIsSet) {
  Event<int> event;
  int result = 0;
  spawn(twice(event), [&](int value) { result = value; });
  EXPECT_EQ(result, 0);
  event.set(4);
  EXPECT_EQ(result, 10);
}

struct Hook : TurnEndHook {
  TurnEndQueue* queue = nullptr;
  Hook* next = nullptr;
  int runs = 0;
  void on_turn_end() override {
    ++runs;
    if (next != nullptr) {
      queue->schedule(*next);
    }
  }
};

TEST(TurnEndQueue, RunsEachHookOnceATurnAndThoseItSchedules) {
  TurnEndQueue queue;
  Hook a, b;
  a.queue = &queue;
  a.next = &b;
  queue.schedule(a);
  queue.schedule(a);
  queue.run();
  EXPECT_EQ(a.runs, 1);
  EXPECT_EQ(b.runs, 1);
  queue.schedule(b);
  queue.cancel(b);
  queue.run();
  EXPECT_EQ(b.runs, 1);
}

}  // namespace
}  // namespace moldau::runtime
