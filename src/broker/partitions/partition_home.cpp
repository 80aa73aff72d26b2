#include "broker/partitions/partition_home.h"

#include <memory>
#include <utility>

#include "base/assert.h"
#include "broker/partitions/partition_router.h"

namespace moldau::broker {

PartitionHome::PartitionHome(runtime::Shard& shard, std::vector<PartitionRouter*> routers)
    : shard_(shard), routers_(std::move(routers)), rule_(routers_.size()) {}

void PartitionHome::add(PartitionSeed seed) {
  const TopicIdPartition id = seed.id();
  const bool inserted = hosted_.emplace(id, Entry{.seed = std::move(seed), .shard = 0}).second;
  MOLDAU_ASSERT(inserted, id.partition.value());
  cancel_opening(id);
}

void PartitionHome::cancel_opening(const TopicIdPartition& id) {
  if (auto opened = opening_.extract(id); !opened.empty()) {
    count_down(opened.mapped());
  }
}

void PartitionHome::count_down(const Waiting& waiting) {
  for (const std::shared_ptr<Question>& question : waiting) {
    MOLDAU_ASSERT(question->openings_left > 0);
    if (--question->openings_left == 0) {
      consider(question);
    }
  }
}

void PartitionHome::resolve(std::vector<TopicIdPartition> ids, std::uint32_t asking_shard,
                            Function<void(Shards)> answer) {
  consider(std::make_shared<Question>(
      Question{.ids = std::move(ids), .asking_shard = asking_shard, .answer = std::move(answer)}));
}

void PartitionHome::consider(const std::shared_ptr<Question>& question) {
  if (closed_) {
    question->answer(Shards(question->ids.size()));
    return;
  }
  for (const TopicIdPartition& id : question->ids) {
    if (const auto opening = opening_.find(id); opening != opening_.end()) {
      ++question->openings_left;
      opening->second.push_back(question);
    }
  }
  if (question->openings_left == 0) {
    question->answer(place(question->ids, question->asking_shard));
  }
}

void PartitionHome::close() {
  closed_ = true;
  std::vector<Waiting> all;
  for (auto& [id, waiting] : opening_) {
    all.push_back(std::exchange(waiting, {}));
  }
  for (const Waiting& waiting : all) {
    count_down(waiting);
  }
}

PartitionHome::Whereabouts PartitionHome::find(const TopicIdPartition& id) {
  const auto found = hosted_.find(id);
  if (found == hosted_.end()) {
    return {};
  }
  Entry& entry = found->second;
  return entry.seed ? Whereabouts{.seed = &*entry.seed} : Whereabouts{.router = routers_[entry.shard]};
}

PartitionHome::Shards PartitionHome::place(const std::vector<TopicIdPartition>& ids, std::uint32_t asking_shard) {
  Shards shards;
  shards.reserve(ids.size());
  for (const TopicIdPartition& id : ids) {
    const auto found = hosted_.find(id);
    if (found == hosted_.end()) {
      shards.emplace_back(std::nullopt);
      continue;
    }
    Entry& entry = found->second;
    if (entry.seed) {
      entry.shard = rule_.place(asking_shard);
      PartitionRouter* owner = routers_[entry.shard];
      owner->shard().post([owner, seed = std::move(*entry.seed)]() mutable { owner->adopt(std::move(seed)); });
      entry.seed.reset();
    }
    shards.emplace_back(entry.shard);
  }
  return shards;
}

void PartitionHome::remove(const TopicIdPartition& id, Function<void(PartitionSeed)> removed) {
  const auto found = hosted_.find(id);
  if (found == hosted_.end()) {
    return;
  }
  Entry entry = std::move(found->second);
  hosted_.erase(found);
  if (entry.seed) {
    removed(std::move(*entry.seed));
    return;
  }
  rule_.remove(entry.shard);
  PartitionRouter* owner = routers_[entry.shard];
  owner->shard().post([this, owner, id, removed = std::move(removed)]() mutable {
    PartitionSeed seed = owner->release_deleted(id);
    shard_.post([seed = std::move(seed), removed = std::move(removed)]() mutable { removed(std::move(seed)); });
  });
}

void PartitionHome::take_all(Function<void(std::vector<PartitionSeed>)> done) {
  struct Gathering {
    std::vector<PartitionSeed> seeds;
    std::size_t shards_left = 0;
    Function<void(std::vector<PartitionSeed>)> done;
  };
  auto gathering = std::make_shared<Gathering>();
  gathering->shards_left = routers_.size();
  gathering->done = std::move(done);
  for (auto& [id, entry] : hosted_) {
    if (entry.seed) {
      gathering->seeds.push_back(std::move(*entry.seed));
    }
  }
  hosted_.clear();
  for (PartitionRouter* router : routers_) {
    router->shard().post([this, router, gathering] {
      std::vector<PartitionSeed> seeds = router->release_all();
      // The pointer moves along with the values, so that it is touched on the home shard only.
      shard_.post([gathering, seeds = std::move(seeds)]() mutable {
        for (PartitionSeed& seed : seeds) {
          gathering->seeds.push_back(std::move(seed));
        }
        if (--gathering->shards_left == 0) {
          gathering->done(std::move(gathering->seeds));
        }
      });
    });
  }
}

}  // namespace moldau::broker
