// What a node tells of itself at /metrics: read on each shard, rendered on the home shard.
//
// Names:  where Kafka has a metric of the same meaning, the name that the usual rules of Prometheus' JMX exporter give
//         its MBean (docs/parity/metrics.md); what only Moldau has begins with moldau_.
// Bound:  kPartitionSeriesMax partitions have series of their own; a gauge says how many were left out.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "broker/partitions/topic_traffic.h"
#include "broker/request/time_summary.h"
#include "metadata/image/image.h"
#include "storage/cleaner/log_cleaner.h"

namespace moldau::storage {
class Log;
}  // namespace moldau::storage

namespace moldau::raft {
class RaftClient;
}  // namespace moldau::raft

namespace moldau::broker {

class Acceptor;
class HostedDirectories;
class PartitionConfigSource;
class PartitionHome;
class ReplicaHost;
class ShardServices;

inline constexpr std::size_t kPartitionSeriesMax = 10'000;

struct PartitionMetrics {
  TopicPartition name;
  std::int64_t log_start = 0;
  std::int64_t log_end = 0;
  std::uint64_t size_bytes = 0;
  std::size_t segments = 0;
};
[[nodiscard]] PartitionMetrics metrics_of(const TopicPartition& name, const storage::Log& log);

// Of one API; of all shards once they are added together.
struct ApiMetrics {
  std::vector<std::uint64_t> by_version;  // requests
  TimeSummary::Values total;
  TimeSummary::Values worked;
  TimeSummary::Values waited;
  TimeSummary::Values throttle;
};

// Read on the shard; values only.
struct ShardMetrics {
  double idle_share = 1.0;  // of the last minute or so
  std::chrono::nanoseconds slept{0};
  std::uint64_t connections_opened = 0;
  std::uint64_t connections_closed_idle = 0;
  std::uint64_t connections_closed_slow = 0;
  std::uint64_t connections_closed_deaf = 0;
  std::size_t request_memory_bytes = 0;
  std::size_t answer_memory_bytes = 0;
  std::uint64_t answers_throttled = 0;
  std::uint64_t requests_slow = 0;
  std::size_t quota_entities = 0;
  std::size_t partitions = 0;
  std::size_t offline_partitions = 0;
  std::uint64_t log_bytes = 0;
  std::size_t waiting_fetches = 0;
  std::size_t fetch_sessions = 0;
  std::size_t fetch_session_partitions = 0;
  std::uint64_t fetch_session_evictions = 0;
  std::uint64_t sync_rounds = 0;
  std::map<std::string, Traffic> topics;
  Traffic deleted_topics;
  std::vector<PartitionMetrics> logs;
  std::map<std::string_view, ApiMetrics> apis;  // by name: a literal
};

struct DirectoryMetrics {
  std::string path;
  bool online = false;
  std::size_t partitions = 0;
  std::size_t logs_to_open = 0;
  std::uint64_t recovered_bytes = 0;
};

// What the metadata says, counted once a scrape. O(partitions).
struct ClusterMetrics {
  std::size_t topics = 0;
  std::size_t partitions = 0;
  std::size_t partitions_without_leader = 0;
  std::size_t not_preferred = 0;
  std::size_t active_brokers = 0;
  std::size_t fenced_brokers = 0;
  std::size_t leaders_here = 0;
  // Of the leaders here.
  std::size_t under_replicated = 0;
  std::size_t under_min_isr = 0;
  std::size_t at_min_isr = 0;
  std::size_t reassigning = 0;
};

struct NodeMetrics {
  bool ready = false;
  bool stopping = false;
  std::size_t partitions_hosted = 0;
  std::size_t partitions_damaged = 0;
  std::size_t partitions_lost = 0;  // not open, for their log directory has failed
  storage::CleanerMetrics cleaner;
  std::uint64_t connections_refused = 0;
  std::vector<DirectoryMetrics> directories;
  std::map<std::string, std::size_t> connections;  // by listener
  ClusterMetrics cluster;
  bool leads_metadata = false;
  NodeId metadata_leader = kNoNode;
  std::int64_t metadata_high_watermark = 0;
  std::int64_t metadata_log_end = 0;
  std::int64_t metadata_applied = 0;
  std::int32_t metadata_epoch = 0;
  std::vector<PartitionMetrics> unused_logs;
};

// Where the node stands; null what is not there yet, or not any more.
struct NodeSources {
  bool ready = false;
  bool stopping = false;
  NodeId self = kNoNode;
  const std::deque<Acceptor>& acceptors;
  const ReplicaHost* replicas = nullptr;
  PartitionHome* home = nullptr;
  const raft::RaftClient* raft = nullptr;
  const metadata::Image* image = nullptr;
  const PartitionConfigSource& configs;
};

[[nodiscard]] std::vector<DirectoryMetrics> metrics_of(const HostedDirectories& directories);
[[nodiscard]] ShardMetrics read_metrics(ShardServices& services);
[[nodiscard]] NodeMetrics read_metrics(const NodeSources& sources);  // home shard
[[nodiscard]] std::string render_metrics(const NodeMetrics& node, std::span<const ShardMetrics> shards);

}  // namespace moldau::broker
