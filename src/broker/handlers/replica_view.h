// Partitions and operations as Metadata and DescribeTopicPartitions tell them to a client of one listener.
//
// Source: KRaftMetadataCache, AuthHelper.authorizedOperations.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "metadata/image/image.h"

namespace moldau::broker {

// Every operation that a topic, and the cluster, know: what a client may do where nothing is authorized. Bits by
// Kafka's operation codes.
inline constexpr std::int32_t kAllTopicOperations =
    1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 11;
inline constexpr std::int32_t kAllClusterOperations = 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12;

// The broker is registered, fenced or not, and can be reached on `listener`.
[[nodiscard]] bool has_endpoint(const metadata::Image& image, NodeId broker, std::string_view listener);
// Those that cannot serve: fenced or not registered, not on `listener`, or in a directory that is gone.
[[nodiscard]] std::vector<std::int32_t> offline_replicas(const metadata::Image& image,
                                                         const metadata::PartitionRegistration& partition,
                                                         std::string_view listener);

}  // namespace moldau::broker
