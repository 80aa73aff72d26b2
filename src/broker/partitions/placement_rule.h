// Which shard gets a partition that nobody has used yet: the one of its first user, within a balance bound.
//
// A connection that produces to or consumes from partitions of its own shard needs no hop: one thread from socket to
// log. The bound keeps one busy client from pulling everything to one core: a shard owns at most 1/shards + 25 % of the
// open partitions, and kFreePartitions may be anywhere. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace moldau::broker {

class PlacementRule {
 public:
  static constexpr std::size_t kFreePartitions = 8;

  explicit PlacementRule(std::size_t shards) : open_(shards, 0) {}

  // Chooses for a partition first used on `user`, and counts it.
  [[nodiscard]] std::uint32_t place(std::uint32_t user);
  void remove(std::uint32_t shard);

  [[nodiscard]] std::size_t open_on(std::uint32_t shard) const { return open_[shard]; }

 private:
  std::vector<std::size_t> open_;
  std::size_t total_ = 0;
};

}  // namespace moldau::broker
