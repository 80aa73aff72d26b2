// One partition as a fetch request names it, and what its answer tells a session.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "base/uuid.h"

namespace moldau::broker {

// Identity: by topic id if it is not zero, else by name, as the request's version addresses topics.
struct FetchKey {
  Uuid topic_id;
  std::string topic;  // "" while an id has not been resolved
  std::int32_t partition = 0;

  friend bool operator==(const FetchKey& a, const FetchKey& b) {
    return a.partition == b.partition && a.topic_id == b.topic_id && (!a.topic_id.is_zero() || a.topic == b.topic);
  }
};

struct FetchKeyHash {
  std::size_t operator()(const FetchKey& key) const noexcept {
    const std::size_t topic =
        key.topic_id.is_zero() ? std::hash<std::string>{}(key.topic) : std::hash<Uuid>{}(key.topic_id);
    return topic * 31 + static_cast<std::size_t>(key.partition);
  }
};

struct FetchPartition {
  FetchKey key;
  std::int64_t fetch_offset = 0;
  std::int64_t follower_log_start = -1;
  std::int32_t partition_bytes_max = 0;
  std::int32_t current_leader_epoch = -1;
  std::int32_t last_fetched_epoch = -1;
};

struct FetchOutcome {
  std::int64_t high_watermark = -1;
  std::int64_t log_start = -1;
  bool has_records = false;
  bool has_error = false;
  bool has_diverging_epoch = false;
  bool has_preferred_replica = false;
};

}  // namespace moldau::broker
