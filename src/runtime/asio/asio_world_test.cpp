#include "runtime/asio/asio_world.h"

#include <csignal>
#include <future>
#include <thread>

#include <pthread.h>

#include <gtest/gtest.h>

#include "runtime/asio/kernel_random.h"
#include "runtime/asio/stream_logger.h"

namespace moldau::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class AsioWorlds : public ::testing::Test {
 protected:
  StreamLogger logger_{2, LogFormat::kPlain, LogLevel::kError};
  AsioWorld world_{{.shards = 2, .workers = 2}, logger_};
  World view_ = world_.view();

  // Runs `body` on a shard and returns its result.
  template <class Body>
  auto on_shard(std::size_t index, Body body) {
    std::promise<decltype(body())> promise;
    auto future = promise.get_future();
    view_.shard(index).post([&] { promise.set_value(body()); });
    return future.get();
  }
};

TEST_F(AsioWorlds, PostsOfOneThreadRunInOrderAcrossShards) {
  constexpr int kPosts = 20'000;
  std::vector<int> seen;
  std::promise<void> done;
  world_.start();
  view_.shard(0).post([&] {
    for (int i = 0; i < kPosts; ++i) {
      view_.shard(1).post([&, i] {
        seen.push_back(i);
        if (i + 1 == kPosts) {
          done.set_value();
        }
      });
    }
  });
  done.get_future().get();
  ASSERT_EQ(seen.size(), static_cast<std::size_t>(kPosts));
  EXPECT_TRUE(std::ranges::is_sorted(seen));
}

TEST_F(AsioWorlds, ATurnWakesAnotherShardAtMostOnceHoweverMuchItPosts) {
  world_.start();
  on_shard(0, [] { return 0; });
  on_shard(1, [] { return 0; });
  const std::uint64_t before = world_.wakes(1);
  std::atomic<int> ran{0};
  constexpr int kTurns = 20;
  for (int turn = 0; turn < kTurns; ++turn) {
    std::promise<void> done;
    view_.shard(0).post([&] {
      for (int i = 0; i < 1000; ++i) {
        view_.shard(1).post([&] {
          if (++ran % 1000 == 0) {
            done.set_value();
          }
        });
      }
    });
    done.get_future().get();
  }
  EXPECT_EQ(ran, kTurns * 1000);
  EXPECT_LE(world_.wakes(1) - before, static_cast<std::uint64_t>(kTurns));
}

TEST_F(AsioWorlds, PostsFromOtherThreadsWakeASleepingShardAndKeepTheirOrder) {
  world_.start();
  std::vector<std::vector<int>> seen(3);
  {
    std::vector<std::jthread> posters;
    for (std::size_t poster = 0; poster < seen.size(); ++poster) {
      posters.emplace_back([&, poster] {
        for (int i = 0; i < 2000; ++i) {
          view_.shard(0).post([&, poster, i] { seen[poster].push_back(i); });
        }
      });
    }
  }
  on_shard(0, [] { return 0; });
  for (const auto& numbers : seen) {
    EXPECT_EQ(numbers.size(), 2000U);
    EXPECT_TRUE(std::ranges::is_sorted(numbers));
  }
}

TEST_F(AsioWorlds, TimersFireInOrderNotBeforeTheirTime) {
  world_.start();
  std::promise<void> done;
  std::vector<int> fired;
  std::unique_ptr<Timer> late;
  std::unique_ptr<Timer> early;
  MonoTime due{};
  on_shard(0, [&] {
    auto& shard = view_.shard(0);
    due = shard.clock().now() + milliseconds(3);
    late = std::make_unique<Timer>(shard.timers(), [&] {
      fired.push_back(2);
      EXPECT_GE(shard.clock().now(), due);
      done.set_value();
    });
    early = std::make_unique<Timer>(shard.timers(), [&] { fired.push_back(1); });
    late->arm(due);
    early->arm(due - milliseconds(2));
    return 0;
  });
  done.get_future().get();
  EXPECT_EQ(fired, (std::vector{1, 2}));
  on_shard(0, [&] {
    early.reset();
    late.reset();
    return 0;
  });
}

struct CountingHook : TurnEndHook {
  int runs = 0;
  void on_turn_end() override { ++runs; }
};

TEST_F(AsioWorlds, NowStandsStillWithinATurnAndHooksRunAtItsEnd) {
  world_.start();
  CountingHook hook;
  auto [same, runs_inside] = on_shard(0, [&] {
    const MonoTime before = view_.shard(0).clock().now();
    view_.shard(0).at_turn_end(hook);
    view_.shard(0).at_turn_end(hook);
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    return std::pair(view_.shard(0).clock().now() == before, hook.runs);
  });
  EXPECT_TRUE(same);
  EXPECT_EQ(runs_inside, 0);
  EXPECT_EQ(on_shard(0, [&] { return hook.runs; }), 1);
}

TEST_F(AsioWorlds, OwnershipFollowsTheThread) {
  EXPECT_TRUE(view_.shard(0).is_current());  // before the start the builder owns it
  world_.start();
  EXPECT_TRUE(on_shard(1, [&] { return view_.shard(1).is_current() && !view_.shard(0).is_current(); }));
  ASSERT_TRUE(world_.stop(seconds(5)));
  EXPECT_TRUE(view_.shard(1).is_current());
}

TEST_F(AsioWorlds, WorkersRunJobsInParallelAndReplyOnTheShard) {
  std::promise<void> both_replied;
  std::promise<void> first_runs;
  std::promise<void> second_runs;
  auto first = first_runs.get_future();
  auto second = second_runs.get_future();
  int replies = 0;
  world_.start();
  on_shard(0, [&] {
    auto reply = [&] {
      EXPECT_TRUE(view_.shard(0).is_current());
      if (++replies == 2) {
        both_replied.set_value();
      }
    };
    view_.workers.run(
        [&] {
          first_runs.set_value();
          second.wait();
        },
        view_.shard(0), reply);
    view_.workers.run(
        [&] {
          second_runs.set_value();
          first.wait();
        },
        view_.shard(0), reply);
    return 0;
  });
  both_replied.get_future().get();
}

TEST_F(AsioWorlds, StopRunsWhatWasPostedAndDropsWhatComesLater) {
  world_.start();
  std::atomic<int> ran{0};
  auto token = std::make_shared<int>(0);
  for (int i = 0; i < 100; ++i) {
    view_.shard(0).post([&, token] { view_.shard(0).post([&ran, token] { ++ran; }); });
    view_.workers.run([] {}, view_.shard(1), [&ran, token] { ++ran; });
  }
  ASSERT_TRUE(world_.stop(seconds(5)));
  EXPECT_EQ(ran, 200);
  view_.shard(1).post([&ran, token] { ++ran; });
  view_.workers.run([&ran, token] { ++ran; }, view_.shard(1), [] {});
  EXPECT_EQ(ran, 200);
  EXPECT_EQ(token.use_count(), 1);  // destroyed, not kept
}

TEST_F(AsioWorlds, StopGivesUpOnASystemCallThatHangs) {
  world_.start();
  std::promise<void> running, let_go;
  view_.workers.run(
      [&] {
        running.set_value();
        let_go.get_future().wait();
      },
      view_.shard(0), [] {});
  running.get_future().wait();
  EXPECT_FALSE(world_.stop(milliseconds(5)));
  let_go.set_value();
  EXPECT_TRUE(world_.stop(seconds(5)));
}

TEST_F(AsioWorlds, ASignalReachesItsCallbackOnTheFirstShard) {
  std::promise<bool> heard;
  world_.on_stop_signal([&] {
    heard.set_value(view_.shard(0).is_current());
    world_.request_stop();
  });
  world_.start();
  ::kill(::getpid(), SIGTERM);
  EXPECT_TRUE(heard.get_future().get());
  world_.wait_for_stop_request();
}

TEST(KernelRandom, GivesDistinctNumbersAcrossItsBlocks) {
  KernelRandom random;
  std::vector<std::uint64_t> numbers(1000);
  std::ranges::generate(numbers, [&] { return random.next(); });
  std::ranges::sort(numbers);
  EXPECT_EQ(std::ranges::adjacent_find(numbers), numbers.end());
}

TEST(StreamLogger, WritesOneLineThatCannotBeForged) {
  constexpr std::int64_t kWhen = 1'795'266'000'123;
  EXPECT_EQ(format_log_line(LogFormat::kPlain, kWhen, LogLevel::kInfo, "storage", "a \"b\"\nc\x01"),
            "2026-11-21T13:00:00.123Z INFO storage a \"b\"\\nc\\u0001\n");
  EXPECT_EQ(
      format_log_line(LogFormat::kJson, kWhen, LogLevel::kWarn, "net", "a \"b\"\n\\"),
      "{\"time\":\"2026-11-21T13:00:00.123Z\",\"level\":\"WARN\",\"area\":\"net\",\"text\":\"a \\\"b\\\"\\n\\\\\"}\n");
}

}  // namespace
}  // namespace moldau::runtime
