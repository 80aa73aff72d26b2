// The part of a topic's effective configuration that decides how its logs are written and how long they are kept.
#pragma once

#include <cstddef>
#include <cstdint>

namespace moldau::storage {

// Plain numbers, already validated; changed on a live log by Log::on_config. Names are Kafka's topic keys.
struct LogConfig {
  std::int32_t segment_bytes = 1 << 30;
  std::int64_t segment_ms = 604'800'000;
  std::int64_t segment_jitter_ms = 0;
  std::int32_t segment_index_bytes = 10 << 20;
  std::int32_t index_interval_bytes = 4096;
  std::int64_t retention_ms = 604'800'000;  // -1: kept however old
  std::int64_t retention_bytes = -1;        // -1: kept however much
  std::int64_t file_delete_delay_ms = 60'000;
  std::int64_t min_compaction_lag_ms = 0;
  std::int64_t max_compaction_lag_ms = INT64_MAX;
  double min_cleanable_dirty_ratio = 0.5;
  std::int64_t delete_retention_ms = 86'400'000;        // of tombstones and of markers whose records are gone
  bool cleanup_delete = true;                           // cleanup.policy contains "delete"
  bool cleanup_compact = false;                         // cleanup.policy contains "compact"
  std::int64_t producer_id_expiration_ms = 86'400'000;  // the broker's producer.id.expiration.ms

  std::size_t decompressed_bytes_max = std::size_t{100} << 20;  // moldau.decompressed.batch.bytes.max, for time lookups

  friend bool operator==(const LogConfig&, const LogConfig&) = default;
};

}  // namespace moldau::storage
