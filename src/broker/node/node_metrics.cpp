#include "broker/node/node_metrics.h"

#include "broker/node/acceptor.h"
#include "broker/node/hosted_directories.h"
#include "broker/node/replica_host.h"
#include "broker/node/shard_services.h"
#include "broker/partitions/partition_home.h"
#include "raft/driver/raft_client.h"
#include "replication/partition/partition.h"
#include "storage/log/log.h"

namespace moldau::broker {
namespace {

void read_requests(ShardServices& services, ShardMetrics& metrics) {
  const runtime::MonoTime now = services.shard().clock().now();
  const Dispatcher& dispatcher = services.broker_dispatcher();
  for (const protocol::ApiInfo* api : dispatcher.served()) {
    ApiMetrics& out = metrics.apis[api->name];
    out.by_version = dispatcher.counters_of(api->key).by_version;
    if (const ApiTimes* times = services.accounts().times().of(api->key)) {
      out.total.add(times->total, now);
      out.worked.add(times->worked, now);
      out.waited.add(times->waited, now);
      out.throttle.add(times->throttle, now);
    }
  }
}

void read_partitions(ShardServices& services, ShardMetrics& metrics) {
  services.router().for_each([&](replication::Partition& partition) {
    ++metrics.partitions;
    metrics.offline_partitions += partition.offline() ? 1 : 0;
    if (const storage::Log* log = partition.log()) {
      metrics.log_bytes += log->size_bytes();
      if (metrics.logs.size() < kPartitionSeriesMax) {
        metrics.logs.push_back(metrics_of(partition.name(), *log));
      }
    }
  });
  metrics.deleted_topics = services.router().traffic().of_deleted();
  for (const auto& [id, traffic] : services.router().traffic().topics()) {
    if (const metadata::Topic* topic = services.router().image()->topic(id)) {
      metrics.topics[topic->name] += traffic;
    } else {
      metrics.deleted_topics += traffic;
    }
  }
}

ClusterMetrics count_cluster(const metadata::Image& image, NodeId self, const PartitionConfigSource& configs) {
  ClusterMetrics metrics;
  for (const auto& broker : image.brokers()) {
    ++(broker.value->fenced() ? metrics.fenced_brokers : metrics.active_brokers);
  }
  const std::int32_t usual_minimum = configs.config_of(image, {}).min_isr;
  for (const auto& entry : image.topics()) {
    const metadata::Topic& topic = *entry.value;
    const bool own = image.config(metadata::ConfigResourceType::kTopic, topic.name).contains("min.insync.replicas");
    const auto minimum = static_cast<std::size_t>(own ? configs.config_of(image, topic.name).min_isr : usual_minimum);
    ++metrics.topics;
    for (const auto& one : topic.partitions) {
      const metadata::PartitionRegistration& partition = *one.value;
      ++metrics.partitions;
      metrics.partitions_without_leader += partition.has_leader() ? 0 : 1;
      metrics.not_preferred += partition.leader == partition.preferred_replica() ? 0 : 1;
      if (partition.leader == self) {
        ++metrics.leaders_here;
        metrics.reassigning += partition.is_reassigning() ? 1 : 0;
        metrics.under_replicated += partition.isr.size() < partition.replicas.size() ? 1 : 0;
        metrics.under_min_isr += partition.isr.size() < minimum ? 1 : 0;
        metrics.at_min_isr += partition.isr.size() == minimum ? 1 : 0;
      }
    }
  }
  return metrics;
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

PartitionMetrics metrics_of(const TopicPartition& name, const storage::Log& log) {
  return {.name = name,
          .log_start = log.log_start().value(),
          .log_end = log.log_end().value(),
          .size_bytes = log.size_bytes(),
          .segments = log.segment_count()};
}

ShardMetrics read_metrics(ShardServices& services) {
  ShardMetrics metrics;
  if (services.serving()) {
    ConnectionTable& connections = services.broker_connections();
    metrics.connections_opened = connections.opened_total();
    metrics.connections_closed_idle = connections.closed_idle_total();
    metrics.connections_closed_slow = connections.closed_slow_total();
    metrics.connections_closed_deaf = connections.closed_deaf_total();
    metrics.answer_memory_bytes = connections.answer_bytes();
    metrics.request_memory_bytes = connections.chunks().in_use_bytes();
    metrics.waiting_fetches = services.waiting_fetches();
    read_requests(services, metrics);
  }
  metrics.idle_share = services.idle_share();
  metrics.slept = services.slept();
  metrics.answers_throttled = services.accounts().throttled_total();
  metrics.requests_slow = services.accounts().slow().total();
  metrics.quota_entities = services.accounts().entities();
  metrics.fetch_sessions = services.sessions().size();
  metrics.fetch_session_partitions = services.sessions().partitions_total();
  metrics.fetch_session_evictions = services.sessions().evictions_total();
  metrics.sync_rounds = services.sync().rounds();
  read_partitions(services, metrics);
  return metrics;
}

NodeMetrics read_metrics(const NodeSources& sources) {
  NodeMetrics node;
  node.ready = sources.ready;
  node.stopping = sources.stopping;
  for (const Acceptor& acceptor : sources.acceptors) {
    node.connections_refused += acceptor.refused_total();
    node.connections[acceptor.config().name] = acceptor.open_connections();
  }
  if (sources.replicas) {
    node.partitions_hosted = sources.replicas->partitions();
    node.partitions_damaged = sources.replicas->damaged();
    node.partitions_lost = sources.replicas->lost_partitions();
    node.cleaner = sources.replicas->cleaner_metrics();
    node.directories = metrics_of(sources.replicas->directories());
  }
  if (sources.home) {
    sources.home->for_each_seed([&node](const PartitionSeed& seed) {
      if (seed.log && node.unused_logs.size() < kPartitionSeriesMax) {
        node.unused_logs.push_back(metrics_of(seed.name, *seed.log));
      }
    });
  }
  if (sources.raft) {
    node.metadata_leader = sources.raft->leader();
    node.leads_metadata = sources.raft->leader() == sources.self;
    node.metadata_high_watermark = sources.raft->high_watermark().value();
    node.metadata_log_end = sources.raft->next_offset().value();
    node.metadata_epoch = sources.raft->leader_epoch().value();
  }
  if (sources.image != nullptr) {
    node.metadata_applied = sources.image->provenance().offset.value();
    node.cluster = count_cluster(*sources.image, sources.self, sources.configs);
  }
  return node;
}

}  // namespace moldau::broker
