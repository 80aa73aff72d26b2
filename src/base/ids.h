// The ids, offsets and epochs of Kafka as types of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "base/strong.h"
#include "base/uuid.h"

namespace moldau {

using Offset = Strong<struct OffsetTag, std::int64_t>;                // of a record in a partition; ends are exclusive
using LeaderEpoch = Strong<struct LeaderEpochTag, std::int32_t>;      // of a partition; -1 unknown
using NodeId = Strong<struct NodeIdTag, std::int32_t>;                // broker or controller; -1 none
using BrokerEpoch = Strong<struct BrokerEpochTag, std::int64_t>;      // offset of the registration record; -1 none
using ProducerId = Strong<struct ProducerIdTag, std::int64_t>;        // -1 none
using ProducerEpoch = Strong<struct ProducerEpochTag, std::int16_t>;  // -1 none
using PartitionIndex = Strong<struct PartitionIndexTag, std::int32_t>;

inline constexpr Offset kNoOffset{-1};
inline constexpr LeaderEpoch kNoLeaderEpoch{-1};
inline constexpr NodeId kNoNode{-1};
inline constexpr BrokerEpoch kNoBrokerEpoch{-1};
inline constexpr ProducerId kNoProducerId{-1};
inline constexpr ProducerEpoch kNoProducerEpoch{-1};
inline constexpr std::int32_t kNoSequence = -1;
inline constexpr std::int64_t kNoTimestamp = -1;  // milliseconds since the epoch

struct OffsetAndEpoch {
  Offset offset{0};
  LeaderEpoch epoch{0};
  friend constexpr auto operator<=>(const OffsetAndEpoch&, const OffsetAndEpoch&) noexcept = default;
};

// A partition by name, as directories and checkpoints call it.
struct TopicPartition {
  std::string topic;
  PartitionIndex partition{0};
  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
};

// A partition by id, as the metadata log calls it.
struct TopicIdPartition {
  Uuid topic_id;
  PartitionIndex partition{0};
  friend constexpr auto operator<=>(const TopicIdPartition&, const TopicIdPartition&) noexcept = default;
};

}  // namespace moldau

template <>
struct std::hash<moldau::TopicIdPartition> {
  std::size_t operator()(const moldau::TopicIdPartition& key) const noexcept {
    return std::hash<moldau::Uuid>{}(key.topic_id) * 31 + static_cast<std::size_t>(key.partition.value());
  }
};
