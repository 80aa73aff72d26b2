// One partition as a fetch request names it, and what its answer tells a session.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/uuid.h"

namespace moldau::broker {

// What a request calls a topic. Immutable, shared by all partitions that were named under it, on any shard.
struct FetchTopic {
  Uuid id;
  std::string name;  // "" while an id has not been resolved
};

// Identity: by topic id if it is not zero, else by name, as the request's version addresses topics. Ordered rather than
// hashed: the peer chooses ids and names.
struct FetchKey {
  std::shared_ptr<const FetchTopic> topic;  // never null
  std::int32_t partition = 0;

  [[nodiscard]] static FetchKey of(Uuid id, std::string name, std::int32_t partition) {
    return {std::make_shared<const FetchTopic>(id, std::move(name)), partition};
  }
  [[nodiscard]] const Uuid& topic_id() const noexcept { return topic->id; }
  [[nodiscard]] const std::string& topic_name() const noexcept { return topic->name; }

  friend std::weak_ordering operator<=>(const FetchKey& a, const FetchKey& b) {
    if (a.topic != b.topic) {
      if (const auto by_id = a.topic->id <=> b.topic->id; by_id != 0) {
        return by_id;
      }
      if (const int by_name = a.topic->id.is_zero() ? a.topic->name.compare(b.topic->name) : 0; by_name != 0) {
        return by_name <=> 0;
      }
    }
    return a.partition <=> b.partition;
  }
  friend bool operator==(const FetchKey& a, const FetchKey& b) { return (a <=> b) == 0; }
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
