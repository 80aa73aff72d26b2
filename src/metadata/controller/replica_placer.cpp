#include "metadata/controller/replica_placer.h"

#include <algorithm>
#include <utility>

namespace moldau::metadata {
namespace {

template <class T>
void shuffle(std::vector<T>& list, Entropy& entropy) {
  for (std::size_t i = list.size(); i > 1; --i) {
    std::swap(list[i - 1], list[entropy.below(i)]);
  }
}

// Deals out the brokers of one kind in one rack, each once per round; a new round starts one further on.
class BrokerDeal {
 public:
  void add(NodeId broker) { brokers_.push_back(broker); }
  void start(Entropy& entropy) {
    if (!brokers_.empty()) {
      std::ranges::sort(brokers_);
      offset_ = entropy.below(brokers_.size());
    }
  }
  void reorder(Entropy& entropy) { shuffle(brokers_, entropy); }

  std::optional<NodeId> next(std::size_t round) {
    if (brokers_.empty()) {
      return std::nullopt;
    }
    if (round_ != round) {
      round_ = round;
      index_ = 0;
      offset_ = (offset_ + 1) % brokers_.size();
    }
    if (index_ >= brokers_.size()) {
      return std::nullopt;
    }
    return brokers_[(index_++ + offset_) % brokers_.size()];
  }

 private:
  std::vector<NodeId> brokers_;
  std::size_t index_ = 0;
  std::size_t offset_ = 0;
  std::size_t round_ = 0;
};

struct Rack {
  BrokerDeal fenced;
  BrokerDeal unfenced;

  std::optional<NodeId> next(std::size_t round) {
    const auto up = unfenced.next(round);
    return up ? up : fenced.next(round);
  }
};

class RackWalk {
 public:
  RackWalk(const std::vector<UsableBroker>& brokers, Entropy& entropy) : entropy_(entropy) {
    std::map<std::optional<std::string>, Rack> by_name;  // no rack sorts first, as in Kafka
    for (const UsableBroker& broker : brokers) {
      Rack& rack = by_name[broker.rack];
      (broker.fenced ? rack.fenced : rack.unfenced).add(broker.id);
      unfenced_ += broker.fenced ? 0 : 1;
    }
    for (auto& [name, rack] : by_name) {
      rack.fenced.start(entropy);
      rack.unfenced.start(entropy);
      racks_.push_back(std::move(rack));
    }
    offset_ = racks_.empty() ? 0 : entropy.below(racks_.size());
  }

  // There are at least `factor` brokers, one of them unfenced: both loops end.
  Replicas next(std::int16_t factor) {
    if (round_ == unfenced_ && unfenced_ > 1) {
      reorder();
      round_ = 0;
    }
    if (offset_ == racks_.size()) {
      offset_ = 0;
    }
    Replicas replicas;
    std::size_t first = offset_;
    for (;; first = (first + 1) % racks_.size()) {
      if (const auto leader = racks_[first].unfenced.next(round_)) {
        replicas.push_back(*leader);
        break;
      }
    }
    std::optional<std::size_t> skipped = first;  // the leader's rack sits out the first walk
    std::size_t at = offset_;
    while (replicas.size() < static_cast<std::size_t>(factor)) {
      std::optional<NodeId> follower;
      if (skipped == at) {
        skipped.reset();
      } else {
        follower = racks_[at].next(round_);
      }
      at = (at + 1) % racks_.size();
      if (follower) {
        replicas.push_back(*follower);
      }
    }
    ++round_;
    ++offset_;
    return replicas;
  }

 private:
  void reorder() {
    shuffle(racks_, entropy_);
    for (Rack& rack : racks_) {
      rack.fenced.reorder(entropy_);
      rack.unfenced.reorder(entropy_);
    }
  }

  Entropy& entropy_;
  std::vector<Rack> racks_;
  std::size_t unfenced_ = 0;
  std::size_t round_ = 0;
  std::size_t offset_ = 0;
};

}  // namespace

std::expected<std::vector<Replicas>, ApiError> place_replicas(const std::vector<UsableBroker>& brokers,
                                                              std::int32_t partitions, std::int16_t replication_factor,
                                                              Entropy& entropy) {
  if (replication_factor <= 0) {
    return refuse(ErrorCode::kInvalidReplicationFactor, "the replication factor must be positive");
  }
  if (std::ranges::all_of(brokers, &UsableBroker::fenced)) {
    return refuse(ErrorCode::kInvalidReplicationFactor, "no broker is unfenced with a directory that takes replicas");
  }
  if (static_cast<std::size_t>(replication_factor) > brokers.size()) {
    return refuse(ErrorCode::kInvalidReplicationFactor, "replication factor " + std::to_string(replication_factor) +
                                                            " with only " + std::to_string(brokers.size()) +
                                                            " usable broker(s)");
  }
  RackWalk walk(brokers, entropy);
  std::vector<Replicas> placed;
  placed.reserve(static_cast<std::size_t>(partitions));
  for (std::int32_t i = 0; i < partitions; ++i) {
    placed.push_back(walk.next(replication_factor));
  }
  return placed;
}

}  // namespace moldau::metadata
