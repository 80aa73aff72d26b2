#include "broker/node/node_metrics.h"

#include <map>
#include <string_view>

#include "broker/node/shard_services.h"
#include "http/metrics_text.h"
#include "replication/partition/partition.h"

namespace moldau::broker {

ShardMetrics read_metrics(ShardServices& services) {
  ShardMetrics metrics;
  if (services.serving()) {
    ConnectionTable& connections = services.broker_connections();
    metrics.connections = connections.size();
    metrics.connections_opened = connections.opened_total();
    metrics.connections_closed_idle = connections.closed_idle_total();
    metrics.connections_closed_slow = connections.closed_slow_total();
    metrics.request_memory_bytes = connections.chunks().in_use_bytes();
    for (const protocol::ApiInfo* api : services.broker_dispatcher().served()) {
      metrics.requests.emplace_back(api->name, services.broker_dispatcher().counters_of(api->key).requests);
    }
  }
  metrics.fetch_sessions = services.sessions().size();
  metrics.sync_rounds = services.sync().rounds();
  services.router().for_each([&](replication::Partition& partition) {
    ++metrics.partitions;
    metrics.leaders += partition.is_leader() ? 1 : 0;
    metrics.offline_partitions += partition.offline() ? 1 : 0;
    if (partition.log() != nullptr) {
      metrics.log_bytes += partition.log()->size_bytes();
    }
  });
  return metrics;
}

std::string render_metrics(const NodeMetrics& node, std::span<const ShardMetrics> shards) {
  using Type = http::MetricsText::Type;
  http::MetricsText text;
  const auto sum = [&](auto member) {
    std::uint64_t total = 0;
    for (const ShardMetrics& shard : shards) {
      total += shard.*member;
    }
    return total;
  };
  text.single("moldau_ready", Type::kGauge, "1 while clients are served.", std::uint64_t{node.ready ? 1U : 0U});
  text.single("moldau_partitions_hosted", Type::kGauge, "Partitions of which this node has a replica.",
              std::uint64_t{node.partitions_hosted});
  text.single("moldau_partitions_open", Type::kGauge, "Partitions that were used in this process.",
              sum(&ShardMetrics::partitions));
  text.single("moldau_partitions_leading", Type::kGauge, "Open partitions that this node leads.",
              sum(&ShardMetrics::leaders));
  text.single("moldau_partitions_offline", Type::kGauge, "Open partitions whose log directory failed.",
              sum(&ShardMetrics::offline_partitions));
  text.single(
      "moldau_partitions_damaged", Type::kGauge,
      "Partitions that are not served because their files are damaged or could not be opened; the log says why.",
      std::uint64_t{node.partitions_damaged});
  text.single("moldau_log_bytes", Type::kGauge, "Bytes in the logs of open partitions.", sum(&ShardMetrics::log_bytes));
  text.single("moldau_metadata_high_watermark", Type::kGauge, "Committed end of the metadata log.",
              node.metadata_high_watermark);
  text.single("moldau_metadata_leader_epoch", Type::kGauge, "Epoch of the metadata quorum.",
              std::int64_t{node.leader_epoch});
  text.single("moldau_connections", Type::kGauge, "Open client connections.", sum(&ShardMetrics::connections));
  text.single("moldau_connections_opened_total", Type::kCounter, "Client connections taken in by a shard.",
              sum(&ShardMetrics::connections_opened));
  text.single("moldau_connections_closed_idle_total", Type::kCounter, "Connections closed by connections.max.idle.ms.",
              sum(&ShardMetrics::connections_closed_idle));
  text.single("moldau_connections_closed_slow_total", Type::kCounter,
              "Connections closed because their request arrived too slowly while memory was short.",
              sum(&ShardMetrics::connections_closed_slow));
  text.single("moldau_request_memory_bytes", Type::kGauge, "Memory that requests hold.",
              sum(&ShardMetrics::request_memory_bytes));
  text.single("moldau_fetch_sessions", Type::kGauge, "Incremental fetch sessions.", sum(&ShardMetrics::fetch_sessions));
  text.single("moldau_sync_rounds_total", Type::kCounter, "Group commits.", sum(&ShardMetrics::sync_rounds));
  std::map<std::string_view, std::uint64_t> requests;
  for (const ShardMetrics& shard : shards) {
    for (const auto& [api, count] : shard.requests) {
      requests[api] += count;
    }
  }
  text.family("moldau_requests_total", Type::kCounter, "Requests by API.");
  for (const auto& [api, count] : requests) {
    text.sample({{"api", api}}, count);
  }
  return text.text();
}

}  // namespace moldau::broker
