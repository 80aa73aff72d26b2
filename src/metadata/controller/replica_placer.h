// Spreads the replicas of new partitions over racks and brokers.
//
// Racks are walked in turn, and each rack's brokers in turn, from random starting points, so that leaders and followers
// are even; once each broker has been first, the order is shuffled. Fenced brokers serve only as followers.
// Source: Kafka's StripedReplicaPlacer (KIP-631). The random choices are ours.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "metadata/controller/controller_result.h"
#include "metadata/image/image.h"

namespace moldau::metadata {

struct UsableBroker {
  NodeId id;
  std::optional<std::string> rack;
  bool fenced = false;
};

// One list of replicas for each partition. kInvalidReplicationFactor: none is unfenced, or too few are there.
[[nodiscard]] std::expected<std::vector<Replicas>, ApiError> place_replicas(const std::vector<UsableBroker>& brokers,
                                                                            std::int32_t partitions,
                                                                            std::int16_t replication_factor,
                                                                            Entropy& entropy);

}  // namespace moldau::metadata
