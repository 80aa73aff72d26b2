// The home of all partitions of this node: knows which shard owns each, and keeps the ones that nobody has used.
//
// Shard:      the home shard (index 0); other shards reach it through PartitionRouter.
// Invariants: H1 a partition is hosted exactly once: as a seed here, or as a Partition on one shard.
//             H2 a placement never changes while the partition lives; so routers may remember it.
//             H3 a seed's move is posted to its shard before anyone is told where it lives.
//             H4 a question about a partition whose log is being made is answered once it is there, so that a client
//             that
//                saw the new topic never hears that it has no leader.
// Source:     architecture D3 (one thread from socket to log).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "broker/partitions/partition_seed.h"
#include "broker/partitions/placement_rule.h"
#include "runtime/shard.h"

namespace moldau::broker {

class PartitionRouter;

class PartitionHome {
 public:
  PartitionHome(runtime::Shard& shard, std::vector<PartitionRouter*> routers);

  // The log of this partition is being made; add() or cancel_opening() follows.
  void expect(const TopicIdPartition& id) { opening_.try_emplace(id); }
  [[nodiscard]] bool is_expected(const TopicIdPartition& id) const { return opening_.contains(id); }
  void cancel_opening(const TopicIdPartition& id);
  // Hosts a partition: its log is open, nobody has used it.
  void add(PartitionSeed seed);
  [[nodiscard]] bool hosts(const TopicIdPartition& id) const { return hosted_.contains(id); }
  [[nodiscard]] std::size_t size() const noexcept { return hosted_.size(); }

  using Shards = std::vector<std::optional<std::uint32_t>>;
  // Where each lives, placing unused ones by the rule for the asking shard. nullopt: not hosted here. `answer` on the
  // home shard, at once or when the last of them has been opened.
  void resolve(std::vector<TopicIdPartition> ids, std::uint32_t asking_shard, Function<void(Shards)> answer);

  // The node gives its requests up: what waits, and whatever is asked from now on, is answered with "not hosted here".
  void close();

  // Where one lives now: here, if nobody uses it, or on a shard; neither: it is not hosted.
  struct Whereabouts {
    PartitionSeed* seed = nullptr;  // until the next turn
    PartitionRouter* router = nullptr;
  };
  [[nodiscard]] Whereabouts find(const TopicIdPartition& id);

  // Stops hosting. A seed is given back at once; a placed partition's log comes back from its shard.
  void remove(const TopicIdPartition& id, Function<void(PartitionSeed)> removed);

  // Stops hosting the unused ones that `which` names, and gives them back.
  template <class Which>
  [[nodiscard]] std::vector<PartitionSeed> take_seeds(Which which) {
    std::vector<PartitionSeed> taken;
    for (auto it = hosted_.begin(); it != hosted_.end();) {
      const auto here = it++;
      if (here->second.seed && which(*here->second.seed)) {
        taken.push_back(std::move(*here->second.seed));
        hosted_.erase(here);
      }
    }
    return taken;
  }

  // Takes every partition back, those of other shards included: for a stop. `done` gets all of them.
  void take_all(Function<void(std::vector<PartitionSeed>)> done);

  // The unused ones, for housekeeping.
  template <class Visit>
  void for_each_seed(Visit visit) {
    for (auto& [id, entry] : hosted_) {
      if (entry.seed) {
        visit(*entry.seed);
      }
    }
  }

 private:
  struct Entry {
    std::optional<PartitionSeed> seed;  // until placed
    std::uint32_t shard = 0;            // once placed
  };

  struct Question {
    std::vector<TopicIdPartition> ids;
    std::uint32_t asking_shard = 0;
    Function<void(Shards)> answer;
    std::size_t openings_left = 0;  // that it still waits for
  };
  // That wait for one partition, once for each time that they name it. Bounded by the requests that ask.
  using Waiting = std::vector<std::shared_ptr<Question>>;

  [[nodiscard]] Shards place(const std::vector<TopicIdPartition>& ids, std::uint32_t asking_shard);
  // Is looked at once when it is asked and once when the last partition that it waits for is there, however many
  // partitions are opened meanwhile.
  void consider(const std::shared_ptr<Question>& question);
  void count_down(const Waiting& waiting);

  runtime::Shard& shard_;
  std::vector<PartitionRouter*> routers_;
  PlacementRule rule_;
  std::unordered_map<TopicIdPartition, Entry> hosted_;
  std::unordered_map<TopicIdPartition, Waiting> opening_;
  bool closed_ = false;
};

}  // namespace moldau::broker
