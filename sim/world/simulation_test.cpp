#include "sim/world/simulation.h"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

namespace moldau::sim {
namespace {

using runtime::Endpoint;
using runtime::IoResult;
using runtime::IoStatus;
using runtime::OutRegion;
using runtime::Socket;
using runtime::World;
using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 9092;

// Appends what it receives to a file, syncs it on Workers, answers with the number of bytes synced so far.
class AppendServer final : public NodeProgram, public runtime::AcceptHandler {
 public:
  explicit AppendServer(World world)
      : world_(world), listener_(world.network(0).listen({"", kPort}, {.backlog = 10}, *this).value()) {
    EXPECT_TRUE(world_.fs.make_dirs("/data"));
    auto file = world_.fs.open("/data/log", runtime::OpenMode::kCreate);
    if (file && world_.fs.sync_dir("/data") && world_.fs.sync_dir("/")) {
      file_ = *file;
      size_ = file_->size().value_or(0);
    }
  }

  void on_accept(std::unique_ptr<Socket> socket) override {
    connections_.push_back(std::make_unique<Connection>(*this, std::move(socket)));
  }

 private:
  struct Connection final : runtime::SocketHandler {
    Connection(AppendServer& server, std::unique_ptr<Socket> given) : owner(server), socket(std::move(given)) {
      socket->set_handler(*this);
      socket->watch_readable();
    }
    void on_readable() override {
      ByteVector buffer(3000);
      for (;;) {
        const IoResult result = socket->try_read(buffer);
        if (result.status == IoStatus::kClosed) {
          return;
        }
        if (result.status == IoStatus::kWouldBlock) {
          break;
        }
        owner.append(Bytes(buffer).first(result.bytes));
      }
      socket->watch_readable();
      owner.sync([this] {
        answer += std::to_string(owner.synced_) + "\n";
        on_writable();
      });
    }
    void on_writable() override {
      while (!answer.empty()) {
        const OutRegion region[] = {{as_bytes(answer), nullptr, 0, answer.size()}};
        const IoResult result = socket->try_write(region);
        if (result.status != IoStatus::kOk) {
          if (result.status == IoStatus::kWouldBlock) {
            socket->watch_writable();
          }
          return;
        }
        answer.erase(0, result.bytes);
      }
    }
    AppendServer& owner;
    std::unique_ptr<Socket> socket;
    std::string answer;
  };

  void append(Bytes bytes) {
    const Bytes pieces[] = {bytes};
    if (file_ && file_->write_at(size_, pieces)) {
      size_ += bytes.size();
    }
  }
  void sync(Callback done) {
    auto ok = std::make_shared<bool>(false);
    world_.workers.run([file = file_, ok] { *ok = file && file->sync().has_value(); }, world_.shard(0),
                       [this, ok, size = size_, done = std::move(done)]() mutable {
                         if (*ok) {
                           synced_ = std::max(synced_, size);
                           done();
                         }
                       });
  }

  World world_;
  std::shared_ptr<runtime::File> file_;
  std::uint64_t size_ = 0;
  std::uint64_t synced_ = 0;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::unique_ptr<runtime::Listener> listener_;
};

// Sends numbered bytes, notes the highest acknowledged count.
class Client final : public NodeProgram, public runtime::SocketHandler {
 public:
  Client(World world, std::string host, std::size_t bytes_max) : world_(world), bytes_max_(bytes_max) {
    socket_ = world.network(0).connect({std::move(host), kPort}).value();
    socket_->set_handler(*this);
    socket_->watch_writable();
    socket_->watch_readable();
  }
  static std::byte byte_at(std::size_t index) { return static_cast<std::byte>(index * 7 % 251 + 1); }

  void on_writable() override {
    while (sent_ < bytes_max_) {
      ByteVector bytes(std::min<std::size_t>(bytes_max_ - sent_, 5000));
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = byte_at(sent_ + i);
      }
      const OutRegion region[] = {{bytes, nullptr, 0, bytes.size()}};
      const IoResult result = socket_->try_write(region);
      if (result.status == IoStatus::kClosed) {
        closed = true;
        return;
      }
      if (result.status == IoStatus::kWouldBlock) {
        socket_->watch_writable();
        return;
      }
      sent_ += result.bytes;
    }
  }
  void on_readable() override {
    ByteVector buffer(100);
    for (;;) {
      const IoResult result = socket_->try_read(buffer);
      if (result.status == IoStatus::kClosed) {
        closed = true;
        return;
      }
      if (result.status == IoStatus::kWouldBlock) {
        socket_->watch_readable();
        return;
      }
      for (const char c : as_text(Bytes(buffer).first(result.bytes))) {
        if (c == '\n') {
          acked = std::max<std::size_t>(acked, std::stoul(line_));
          line_.clear();
        } else {
          line_ += c;
        }
      }
    }
  }

  std::size_t acked = 0;
  bool closed = false;

 private:
  World world_;
  std::size_t bytes_max_;
  std::unique_ptr<Socket> socket_;
  std::size_t sent_ = 0;
  std::string line_;
};

struct Pair {
  explicit Pair(std::uint64_t seed, std::size_t bytes = 60'000) : sim({.seed = seed}) {
    server = sim.add_node({.shards = 2}, [](World world) { return std::make_unique<AppendServer>(world); });
    client =
        sim.add_node({.shards = 1}, [bytes](World world) { return std::make_unique<Client>(world, "node-0", bytes); });
    sim.start(server);
    sim.start(client);
  }
  Client& peer() { return dynamic_cast<Client&>(*sim.program(client)); }

  Simulation sim;
  std::uint32_t server = 0;
  std::uint32_t client = 0;
};

TEST(Simulation, DeliversEveryByteInOrderAndEqualSeedsGiveEqualTraces) {
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    auto run = [seed] {
      Pair pair(seed);
      EXPECT_TRUE(pair.sim.run_until([&] { return pair.peer().acked == 60'000; }, 60s)) << "seed " << seed;
      return std::pair(pair.sim.trace().hash(), pair.sim.trace().events());
    };
    const auto first = run();
    EXPECT_EQ(first, run()) << "seed " << seed;
    hashes.insert(first.first);
  }
  EXPECT_EQ(hashes.size(), 20U);
}

TEST(Simulation, WhatWasAcknowledgedAfterASyncSurvivesAPowerCutAtAnyMoment) {
  int partial = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Pair pair(seed, 300'000);
    if (seed % 2 == 0) {
      pair.sim.run_for(std::chrono::microseconds(pair.sim.random().between(1000, 20'000)));
      pair.sim.power_cut(pair.server);
    } else {
      pair.sim.crash_at_disk_call(pair.server, pair.sim.random().between(1, 150), CrashKind::kPowerCut);
      pair.sim.run_for(2s);
      pair.sim.power_cut(pair.server);  // if it needed fewer calls
    }
    ASSERT_FALSE(pair.sim.running(pair.server));
    const std::size_t acked = pair.peer().acked;
    partial += acked > 0 && acked < 300'000 ? 1 : 0;
    const auto fs = pair.sim.disk(pair.server).mount();
    const auto content = runtime::read_file(*fs, "/data/log", 1 << 20);
    ASSERT_TRUE(content || acked == 0) << "seed " << seed;
    ASSERT_GE(content ? content->size() : 0, acked) << "seed " << seed;
    for (std::size_t i = 0; i < acked; ++i) {
      ASSERT_EQ((*content)[i], Client::byte_at(i)) << "seed " << seed << " at " << i;
    }
  }
  EXPECT_GT(partial, 40);
}

TEST(Simulation, AKilledServerIsNoticedAndItsRestartFindsThePageCache) {
  Pair pair(5, 10'000);
  ASSERT_TRUE(pair.sim.run_until([&] { return pair.peer().acked > 0; }, 10s));
  pair.sim.kill(pair.server);
  EXPECT_FALSE(pair.sim.running(pair.server));
  EXPECT_TRUE(pair.sim.run_until([&] { return pair.peer().closed; }, 5s));
  pair.sim.kill(pair.client);
  pair.sim.start(pair.client);  // nobody listens: refused
  EXPECT_TRUE(pair.sim.run_until([&] { return pair.peer().closed; }, 5s));
  pair.sim.start(pair.server);
  EXPECT_EQ(pair.sim.starts(pair.server), 2U);
  pair.sim.kill(pair.client);
  pair.sim.start(pair.client);
  EXPECT_TRUE(pair.sim.run_until([&] { return pair.peer().acked >= 10'000; }, 10s));
  EXPECT_NE(pair.sim.net().connection_count(), 0U);
}

TEST(Simulation, APartitionHoldsBytesBackAndHealingDeliversThem) {
  Pair pair(6);
  pair.sim.net().block(pair.server, pair.client);  // one-way: answers do not come back
  pair.sim.run_for(5s);
  EXPECT_EQ(pair.peer().acked, 0U);
  EXPECT_FALSE(pair.peer().closed);
  pair.sim.net().heal_all();
  EXPECT_TRUE(pair.sim.run_until([&] { return pair.peer().acked == 60'000; }, 60s));
  pair.sim.net().partition(pair.server, pair.client);
  pair.sim.kill(pair.server);
  pair.sim.run_for(60s);
  EXPECT_TRUE(pair.peer().closed);  // gave up
}

TEST(Simulation, AConnectionCanBreakMidFrame) {
  int broken = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Pair pair(seed);
    pair.sim.net().faults().reset_ppm = 50'000;
    pair.sim.run_for(10s);
    broken += pair.peer().closed ? 1 : 0;
  }
  EXPECT_GT(broken, 10);
}

TEST(Simulation, ADeviceWithoutRoomOrWithErrorsOnlyStopsTheAnswers) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Pair pair(seed);
    pair.sim.disk(pair.server).faults().capacity_bytes = 20'000;
    pair.sim.disk(pair.server).faults().sync_error_ppm = 200'000;
    pair.sim.run_for(5s);
    EXPECT_LE(pair.peer().acked, 20'000U);
    EXPECT_TRUE(pair.sim.running(pair.server));
  }
}

// Records what the seams do, from inside the world.
class Recorder final : public NodeProgram {
 public:
  explicit Recorder(World world) : world_(world) {}
  World world_;
  std::vector<std::string> seen;
  std::unique_ptr<runtime::Timer> timer;
};

struct One {
  explicit One(std::uint64_t seed, std::uint32_t shards = 2) : sim({.seed = seed}) {
    sim.add_node({.shards = shards}, [](World world) { return std::make_unique<Recorder>(world); });
    sim.start(0);
  }
  Recorder& recorder() { return dynamic_cast<Recorder&>(*sim.program(0)); }
  Simulation sim;
};

TEST(Simulation, PostsKeepTheirOrderAndShardsInterleaveDifferentlyFromSeedToSeed) {
  std::set<std::vector<std::string>> interleavings;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    One one(seed, 3);
    Recorder& recorder = one.recorder();
    for (std::size_t shard = 0; shard < 3; ++shard) {
      for (int i = 0; i < 3; ++i) {
        recorder.world_.shard(shard).post([&recorder, shard, i] {
          EXPECT_TRUE(recorder.world_.shard(shard).is_current());
          EXPECT_FALSE(recorder.world_.shard((shard + 1) % 3).is_current());
          recorder.seen.push_back(std::to_string(shard) + std::to_string(i));
        });
      }
    }
    one.sim.run_for(1s);
    for (const char shard : {'0', '1', '2'}) {
      std::vector<std::string> own;
      std::ranges::copy_if(recorder.seen, std::back_inserter(own), [&](const auto& s) { return s[0] == shard; });
      EXPECT_TRUE(own.size() == 3 && std::ranges::is_sorted(own));
    }
    interleavings.insert(recorder.seen);
  }
  EXPECT_EQ(interleavings.size(), 6U);  // every order of three shards
}

TEST(Simulation, TimersFireAtTheirVirtualTimeAndAPauseDelaysThem) {
  One one(1);
  Recorder& recorder = one.recorder();
  runtime::Shard& shard = recorder.world_.shard(0);
  const auto start = one.sim.now();
  runtime::MonoTime fired{};
  recorder.timer = std::make_unique<runtime::Timer>(shard.timers(), [&] { fired = shard.clock().now(); });
  shard.post([&] { recorder.timer->arm(start + 10ms); });
  one.sim.run_for(1s);
  EXPECT_GE(fired, start + 10ms);
  EXPECT_LT(fired, start + 11ms);

  shard.post([&] { recorder.timer->arm(shard.clock().now() + 10ms); });
  one.sim.run_for(1ms);
  const auto paused = one.sim.now();
  one.sim.pause(0, 5s);
  one.sim.run_for(10s);
  EXPECT_GE(fired, paused + 5s);
  const std::int64_t before = shard.clock().wall_ms();
  one.sim.step_wall_clock(0, -1h);
  EXPECT_EQ(shard.clock().wall_ms(), before - 3'600'000);
  EXPECT_EQ(one.sim.now(), shard.clock().now());
}

TEST(Simulation, JobsOverlapInAnyOrderAndReplyOnTheirShard) {
  std::set<std::vector<std::string>> orders;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    One one(seed);
    Recorder& recorder = one.recorder();
    for (const std::string name : {"a", "b"}) {
      recorder.world_.workers.run(
          [&recorder, name] {
            EXPECT_FALSE(recorder.world_.shard(0).is_current());
            recorder.seen.push_back("run " + name);
          },
          recorder.world_.shard(1),
          [&recorder, name] {
            EXPECT_TRUE(recorder.world_.shard(1).is_current());
            recorder.seen.push_back("done " + name);
          });
    }
    one.sim.run_for(1s);
    orders.insert(recorder.seen);
  }
  EXPECT_EQ(orders.size(), 6U);
}

TEST(Simulation, NothingOfADeadProcessRuns) {
  One one(1);
  Recorder& recorder = one.recorder();
  auto token = std::make_shared<int>(0);
  bool ran = false;
  recorder.world_.shard(0).post([&, token] { ran = true; });
  recorder.world_.workers.run([&, token] { ran = true; }, recorder.world_.shard(0), [&, token] { ran = true; });
  one.sim.kill(0);
  one.sim.run_for(1s);
  EXPECT_FALSE(ran);
  EXPECT_EQ(token.use_count(), 1);
}

TEST(Simulation, ACrashAskedForInsideAnEventWaitsForItsEnd) {
  One one(1);
  Recorder& recorder = one.recorder();
  bool finished = false;
  recorder.world_.shard(0).post([&] {
    one.sim.power_cut(0);
    EXPECT_TRUE(one.sim.running(0));
    finished = true;
  });
  one.sim.run_for(1s);
  EXPECT_TRUE(finished);
  EXPECT_FALSE(one.sim.running(0));
}

TEST(Simulation, KeepsLogLinesWithNodeAndVirtualTime) {
  One one(1);
  log(one.recorder().world_.logger, LogLevel::kWarn, "storage", "cut {} bytes", 12);
  ASSERT_EQ(one.sim.logs().lines().size(), 1U);
  EXPECT_TRUE(one.sim.logs().dump().ends_with(" node 0 W storage cut 12 bytes\n"));
}

TEST(SimNet, KnowsNodesByNameAndAddress) {
  EXPECT_EQ(SimNet::node_of(4, "localhost"), 4U);
  EXPECT_EQ(SimNet::node_of(4, "node-300"), 300U);
  EXPECT_EQ(SimNet::node_of(4, SimNet::host_of(300)), 300U);
  EXPECT_EQ(SimNet::node_of(4, "example.org"), std::nullopt);
  EXPECT_EQ(SimNet::node_of(4, "10.0.1"), std::nullopt);
}

}  // namespace
}  // namespace moldau::sim
