#include "broker/node/node_metrics.h"

#include <map>
#include <string_view>

#include "broker/node/hosted_directories.h"
#include "broker/node/shard_services.h"
#include "http/metrics_text.h"
#include "replication/partition/partition.h"

namespace moldau::broker {

namespace {

void render_cleaner(http::MetricsText& text, const storage::CleanerMetrics& cleaner) {
  using Type = http::MetricsText::Type;
  std::uint64_t set_aside_bytes = 0;
  for (const storage::SetAside& log : cleaner.set_aside) {
    set_aside_bytes += log.dirty_bytes;
  }
  const auto percent = [](double share) { return static_cast<std::int64_t>(share * 100); };
  text.single("moldau_cleaner_jobs", Type::kGauge, "Logs that are being compacted.", std::uint64_t{cleaner.jobs});
  text.single("moldau_cleaner_dirty_percent_max", Type::kGauge, "Of the dirtiest log, when the cleaner looked last.",
              percent(cleaner.dirty_ratio_max));
  text.single("moldau_cleaner_overdue_ms_max", Type::kGauge,
              "How far a log is beyond its max.compaction.lag.ms, when the cleaner looked last.",
              cleaner.overdue_ms_max);
  text.single("moldau_cleaner_since_last_look_ms", Type::kGauge, "Since the cleaner looked for dirty logs.",
              cleaner.since_last_look_ms);
  text.single("moldau_cleaner_passes_total", Type::kCounter, "Compactions that came to their end.", cleaner.passes);
  text.single("moldau_cleaner_failures_total", Type::kCounter, "Compactions that did not.", cleaner.failures);
  text.single("moldau_cleaner_read_bytes_total", Type::kCounter, "Read from logs, once for the keys, once to copy.",
              cleaner.bytes_read);
  text.single("moldau_cleaner_written_bytes_total", Type::kCounter, "Written to compacted segments.",
              cleaner.bytes_written);
  text.single("moldau_cleaner_records_read_total", Type::kCounter, "Records judged.", cleaner.records_read);
  text.single("moldau_cleaner_records_kept_total", Type::kCounter, "Records that stayed.", cleaner.records_kept);
  text.single("moldau_cleaner_table_percent", Type::kGauge, "How full the table of keys became in the last compaction.",
              percent(cleaner.last_map_utilization));
  text.single("moldau_cleaner_last_pass_ms", Type::kGauge, "Duration of the last compaction.", cleaner.last_pass_ms);
  text.single("moldau_cleaner_set_aside_bytes", Type::kGauge, "Dirty bytes of logs that could not be compacted.",
              set_aside_bytes);
  text.family("moldau_cleaner_set_aside", Type::kGauge,
              "Logs that could not be compacted, and why; each is tried again.");
  for (const storage::SetAside& log : cleaner.set_aside) {
    text.sample(
        {{"topic", log.name.topic}, {"partition", std::to_string(log.name.partition.value())}, {"reason", log.reason}},
        std::uint64_t{1});
  }
}

}  // namespace

std::vector<DirectoryMetrics> metrics_of(const HostedDirectories& directories) {
  std::vector<DirectoryMetrics> metrics;
  for (const std::string& path : directories.lost_at_start()) {
    metrics.push_back({.path = path});
  }
  for (const auto& directory : directories.all()) {
    const storage::LoadProgress& progress = directory->progress();
    metrics.push_back({.path = directory->directory().path(),
                       .online = directory->online(),
                       .partitions = directory->partitions,
                       .logs_to_open = progress.logs - progress.opened,
                       .recovered_bytes = progress.recovered_bytes});
  }
  return metrics;
}

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
  metrics.answers_throttled = services.accounts().throttled_total();
  metrics.requests_slow = services.accounts().slow().total();
  metrics.quota_entities = services.accounts().entities();
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
  text.single("moldau_partitions_offline", Type::kGauge, "Partitions whose log directory failed.",
              sum(&ShardMetrics::offline_partitions) + node.partitions_lost);
  text.single(
      "moldau_partitions_damaged", Type::kGauge,
      "Partitions that are not served because their files are damaged or could not be opened; the log says why.",
      std::uint64_t{node.partitions_damaged});
  const auto of_each = [&](const char* name, Type type, const char* help, auto value) {
    text.family(name, type, help);
    for (const DirectoryMetrics& directory : node.directories) {
      text.sample({{"directory", directory.path}}, std::uint64_t{value(directory)});
    }
  };
  of_each("moldau_log_directory_online", Type::kGauge, "1 while the log directory works.",
          [](const DirectoryMetrics& directory) { return directory.online ? 1U : 0U; });
  of_each("moldau_log_directory_partitions", Type::kGauge, "Partitions in the log directory.",
          [](const DirectoryMetrics& directory) { return directory.partitions; });
  of_each("moldau_log_directory_logs_to_open", Type::kGauge, "Logs that a start has still to open, and to recover.",
          [](const DirectoryMetrics& directory) { return directory.logs_to_open; });
  of_each("moldau_log_directory_recovered_bytes", Type::kGauge,
          "Bytes above the recovery points that this start has read.",
          [](const DirectoryMetrics& directory) { return directory.recovered_bytes; });
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
  text.single("moldau_connections_refused_total", Type::kCounter,
              "New connections turned away: too many wait, or are of one address, or come too fast from one.",
              node.connections_refused);
  text.single("moldau_answers_throttled_total", Type::kCounter, "Answers that hold their client off for a quota.",
              sum(&ShardMetrics::answers_throttled));
  text.single("moldau_requests_slow_total", Type::kCounter, "Requests that took longer than moldau.slow.request.ms.",
              sum(&ShardMetrics::requests_slow));
  text.single("moldau_quota_entities", Type::kGauge, "Users and clients whose usage is counted, on each shard.",
              sum(&ShardMetrics::quota_entities));
  text.single("moldau_request_memory_bytes", Type::kGauge, "Memory that requests hold.",
              sum(&ShardMetrics::request_memory_bytes));
  text.single("moldau_fetch_sessions", Type::kGauge, "Incremental fetch sessions.", sum(&ShardMetrics::fetch_sessions));
  text.single("moldau_sync_rounds_total", Type::kCounter, "Group commits.", sum(&ShardMetrics::sync_rounds));
  render_cleaner(text, node.cleaner);
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
