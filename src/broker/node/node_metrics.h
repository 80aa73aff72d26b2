// What a node tells of itself at /metrics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "storage/cleaner/log_cleaner.h"

namespace moldau::broker {

class HostedDirectories;
class ShardServices;

// Read on the shard; values only.
struct ShardMetrics {
  std::size_t connections = 0;
  std::uint64_t connections_opened = 0;
  std::uint64_t connections_closed_idle = 0;
  std::uint64_t connections_closed_slow = 0;
  std::size_t request_memory_bytes = 0;
  std::uint64_t answers_throttled = 0;
  std::uint64_t requests_slow = 0;
  std::size_t quota_entities = 0;
  std::size_t partitions = 0;
  std::size_t leaders = 0;
  std::size_t offline_partitions = 0;
  std::uint64_t log_bytes = 0;
  std::size_t fetch_sessions = 0;
  std::uint64_t sync_rounds = 0;
  std::vector<std::pair<const char*, std::uint64_t>> requests;  // by API name
};

struct DirectoryMetrics {
  std::string path;
  bool online = false;
  std::size_t partitions = 0;
  std::size_t logs_to_open = 0;
  std::uint64_t recovered_bytes = 0;
};

struct NodeMetrics {
  bool ready = false;
  std::size_t partitions_hosted = 0;
  std::size_t partitions_damaged = 0;
  storage::CleanerMetrics cleaner;
  std::uint64_t connections_refused = 0;
  std::size_t partitions_lost = 0;  // not open, for their log directory has failed
  std::vector<DirectoryMetrics> directories;
  std::int64_t metadata_high_watermark = 0;
  std::int32_t leader_epoch = 0;
};

[[nodiscard]] std::vector<DirectoryMetrics> metrics_of(const HostedDirectories& directories);
[[nodiscard]] ShardMetrics read_metrics(ShardServices& services);
[[nodiscard]] std::string render_metrics(const NodeMetrics& node, std::span<const ShardMetrics> shards);

}  // namespace moldau::broker
