// Whatever peers do, request memory stays within its bound, and who sends properly is served.
#include <algorithm>
#include <bit>
#include <random>

#include <gtest/gtest.h>

#include "broker/testing/table_rig.h"

namespace moldau::broker::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kMemory = 4 * kMiB;
constexpr std::size_t kFrameMax = 4 * kMiB;

class Crowd {
 public:
  explicit Crowd(std::uint64_t seed)
      : random_(seed), rig_({.frame_bytes_max = kFrameMax, .memory = {.memory_bytes_max = kMemory}}, 2) {
    rig_.handler(0).home = 1;
  }

  void step() {
    if (peers_.size() < 40 && one_in(3)) {
      peers_.push_back(rig_.connect(one_in(2) ? 0 : 1));
    }
    if (!peers_.empty()) {
      act(*peers_[below(peers_.size())]);
    }
    for (std::uint32_t shard : {0U, 1U}) {
      auto& handler = rig_.handler(shard);
      handler.hold = one_in(2);
      if (!handler.held.empty() && one_in(3)) {
        handler.answer(below(handler.held.size()));
      }
    }
    if (one_in(20)) {
      rig_.pass(milliseconds(below(3000)));
    } else {
      rig_.settle();
    }
    check_bound();
    std::erase_if(peers_, [](const auto& peer) { return peer->closed_by_owner(); });
  }

  // Everybody falls silent; newcomers must be served. A small frame at once; a large one when those that are older and
  // partly received have shown that they are slow, at the latest when they are idle for too long.
  void check_served() {
    for (std::uint32_t shard : {0U, 1U}) {
      rig_.handler(shard).hold = false;
      rig_.handler(shard).answer_all();
    }
    rig_.settle();
    auto small = rig_.connect(0);
    auto large = rig_.connect(1);
    small->send(other_frame(1000));
    large->send(produce_frame(kFrameMax));
    rig_.pass(seconds(1));
    EXPECT_EQ(frames_in(small->received()).size(), 1U);
    for (int minute = 0; minute < 11 && large->received().empty(); ++minute) {
      rig_.pass(seconds(60));
      check_bound();
    }
    EXPECT_EQ(frames_in(large->received()).size(), 1U);
  }

 private:
  std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_); }
  bool one_in(std::size_t count) { return below(count) == 0; }

  void act(FakePeer& peer) {
    switch (below(8)) {
      case 0: peer.send(size_field(static_cast<std::int32_t>(1 + below(kFrameMax)))); break;
      case 1: peer.send(ByteVector(1 + below(100))); break;
      case 2: peer.send(ByteVector(1 + below(kMiB))); break;
      case 3: peer.send(produce_frame(10 + below(kMiB))); break;
      case 4: peer.send(other_frame(10 + below(2000))); break;
      case 5: peer.set_window(one_in(2) ? 0 : SIZE_MAX); break;
      case 6: peer.set_read_max(one_in(2) ? 1 + below(5000) : SIZE_MAX); break;
      case 7:
        if (one_in(10)) {
          one_in(2) ? peer.end() : peer.reset();
        }
        break;
      default: break;
    }
  }

  void check_bound() {
    const std::size_t frame = std::bit_ceil(kFrameMax + 4);
    for (std::uint32_t shard : {0U, 1U}) {
      const ChunkPool& chunks = rig_.table(shard).chunks();
      ASSERT_LE(chunks.in_use_bytes() - chunks.beyond_limit_bytes(), kMemory);
      ASSERT_LE(chunks.beyond_limit_bytes(), frame + frame / 2);
    }
  }

  std::mt19937_64 random_;
  TableRig rig_;
  std::vector<std::shared_ptr<FakePeer>> peers_;
};

TEST(RequestMemoryProperty, TheBoundHoldsAndProperRequestsAreServed) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    Crowd crowd(seed);
    for (int i = 0; i < 400 && !::testing::Test::HasFatalFailure(); ++i) {
      crowd.step();
    }
    crowd.check_served();
    if (HasFailure()) {
      return;
    }
  }
}

}  // namespace
}  // namespace moldau::broker::testing
