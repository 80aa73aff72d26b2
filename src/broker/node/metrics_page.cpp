// The page itself: Kafka's names, then our own.
#include <algorithm>
#include <map>
#include <string_view>

#include "broker/node/node_metrics.h"
#include "http/metrics_text.h"

namespace moldau::broker {
namespace {

using http::MetricsText;
using Type = MetricsText::Type;

class Page {
 public:
  Page(const NodeMetrics& node, std::span<const ShardMetrics> shards) : node_(node), shards_(shards) {
    for (const ShardMetrics& shard : shards) {
      all_ += shard.deleted_topics;
      for (const auto& [name, traffic] : shard.topics) {
        topics_[name] += traffic;
        all_ += traffic;
      }
      for (const auto& [name, api] : shard.apis) {
        add(apis_[name], api);
      }
    }
  }

  std::string render() {
    traffic();
    requests();
    replicas();
    controller();
    logs();
    directories();
    cleaner();
    connections();
    quorum();
    own();
    return text_.text();
  }

 private:
  template <class Member>
  [[nodiscard]] std::uint64_t sum(Member member) const {
    std::uint64_t total = 0;
    for (const ShardMetrics& shard : shards_) {
      total += shard.*member;
    }
    return total;
  }

  static void add(ApiMetrics& to, const ApiMetrics& from) {
    to.by_version.resize(std::max(to.by_version.size(), from.by_version.size()));
    for (std::size_t i = 0; i < from.by_version.size(); ++i) {
      to.by_version[i] += from.by_version[i];
    }
    to.total.add(from.total);
    to.worked.add(from.worked);
    to.waited.add(from.waited);
    to.throttle.add(from.throttle);
  }

  // Kafka shows each of these for all topics together, without a label, and for each topic.
  void by_topic(std::string_view name, std::string_view help, std::uint64_t Traffic::* member) {
    text_.family(name, Type::kCounter, help);
    text_.sample({}, all_.*member);
    for (const auto& [topic, traffic] : topics_) {
      text_.sample({{"topic", topic}}, traffic.*member);
    }
  }

  void traffic() {
    by_topic("kafka_server_brokertopicmetrics_messagesin_total", "Records appended.", &Traffic::messages_in);
    by_topic("kafka_server_brokertopicmetrics_bytesin_total", "Bytes of batches appended.", &Traffic::bytes_in);
    by_topic("kafka_server_brokertopicmetrics_bytesout_total", "Bytes of batches fetched.", &Traffic::bytes_out);
    by_topic("kafka_server_brokertopicmetrics_bytesrejected_total", "Bytes of batches above max.message.bytes.",
             &Traffic::bytes_rejected);
    by_topic("kafka_server_brokertopicmetrics_totalproducerequests_total", "Partitions of Produce requests.",
             &Traffic::produce_requests);
    by_topic("kafka_server_brokertopicmetrics_failedproducerequests_total",
             "Of these, refused for what is in the batch, or failed.", &Traffic::produce_failures);
    by_topic("kafka_server_brokertopicmetrics_totalfetchrequests_total", "Reads of partitions for Fetch requests.",
             &Traffic::fetch_requests);
    by_topic("kafka_server_brokertopicmetrics_failedfetchrequests_total", "Of these, failed.",
             &Traffic::fetch_failures);
    const auto total = [this](std::string_view name, std::string_view help, std::uint64_t value) {
      text_.single(name, Type::kCounter, help, value);
    };
    total("kafka_server_brokertopicmetrics_invalidmagicnumberrecords_total", "Batches of a magic that is not taken.",
          all_.invalid_magic);
    total("kafka_server_brokertopicmetrics_invalidmessagecrcrecords_total", "Batches with a wrong CRC.",
          all_.invalid_crc);
    total("kafka_server_brokertopicmetrics_invalidoffsetorsequencerecords_total",
          "Batches with wrong offsets or sequences.", all_.invalid_offset_or_sequence);
    total("kafka_server_brokertopicmetrics_nokeycompactedtopicrecords_total",
          "Batches for compacted topics with records that have no key.", all_.no_key);
  }

  // Kafka calls a consumer's Fetch by two names.
  template <class Show>
  void for_each_api(Show show) {
    for (const auto& [name, api] : apis_) {
      show(name, api);
      if (name == "Fetch") {
        show(std::string_view("FetchConsumer"), api);
      }
    }
  }

  void times(std::string_view name, std::string_view help, TimeSummary::Values ApiMetrics::* member) {
    static constexpr std::pair<const char*, double> kQuantiles[] = {{"0.50", 0.50}, {"0.75", 0.75}, {"0.95", 0.95},
                                                                    {"0.98", 0.98}, {"0.99", 0.99}, {"0.999", 0.999}};
    text_.family(name, Type::kSummary, help);
    for_each_api([&](std::string_view api, const ApiMetrics& metrics) {
      const TimeSummary::Values& values = metrics.*member;
      if (values.count() == 0) {
        return;
      }
      for (const auto& [label, share] : kQuantiles) {
        const std::chrono::duration<double, std::milli> time = values.quantile(share);
        text_.sample({{"request", api}, {"quantile", label}}, time.count());
      }
      const std::chrono::duration<double, std::milli> sum = values.sum();
      text_.sum_and_count({{"request", api}}, sum.count(), values.count());
    });
  }

  void requests() {
    text_.family("kafka_network_requestmetrics_requests_total", Type::kCounter, "Requests by API and version.");
    for_each_api([&](std::string_view api, const ApiMetrics& metrics) {
      for (std::size_t version = 0; version < metrics.by_version.size(); ++version) {
        if (metrics.by_version[version] > 0) {
          text_.sample({{"request", api}, {"version", std::to_string(version)}}, metrics.by_version[version]);
        }
      }
    });
    times("kafka_network_requestmetrics_totaltimems", "From the request's arrival to its answer.", &ApiMetrics::total);
    times("kafka_network_requestmetrics_localtimems", "Of it, the work in the turn of the answer.",
          &ApiMetrics::worked);
    times("kafka_network_requestmetrics_remotetimems",
          "Of it, before that turn: waiting for other shards, disks, replicas, or enough to read.",
          &ApiMetrics::waited);
    times("kafka_network_requestmetrics_throttletimems", "How long clients are told that they are held off.",
          &ApiMetrics::throttle);
    text_.family("kafka_server_delayedoperationpurgatory_purgatorysize", Type::kGauge, "Requests that wait.");
    text_.sample({{"delayedOperation", "Fetch"}}, sum(&ShardMetrics::waiting_fetches));
    double idle = 0;
    for (const ShardMetrics& shard : shards_) {
      idle += shard.idle_share / static_cast<double>(shards_.size());
    }
    text_.single("kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent", Type::kGauge,
                 "Share of the last minute that the shards slept: 1 is idle, 0 is busy.", idle);
    text_.single("kafka_network_socketserver_networkprocessoravgidle_percent", Type::kGauge,
                 "The same: a shard serves its sockets and handles their requests.", idle);
  }

  void gauge(std::string_view name, std::string_view help, std::uint64_t value) {
    text_.single(name, Type::kGauge, help, value);
  }

  void replicas() {
    const ClusterMetrics& cluster = node_.cluster;
    gauge("kafka_server_kafkaserver_brokerstate", "3 while clients are served, 1 before, 7 behind.",
          node_.ready ? 3 : (node_.stopping ? 7 : 1));
    gauge("kafka_server_replicamanager_partitioncount", "Partitions of which this node has a replica.",
          node_.partitions_hosted);
    gauge("kafka_server_replicamanager_leadercount", "Partitions that this node leads.", cluster.leaders_here);
    gauge("kafka_server_replicamanager_offlinereplicacount",
          "Replicas of this node that are not served: of a log directory that failed, or damaged.",
          sum(&ShardMetrics::offline_partitions) + node_.partitions_damaged + node_.partitions_lost);
    gauge("kafka_server_replicamanager_underreplicatedpartitions", "Led here, with replicas that are not in sync.",
          cluster.under_replicated);
    gauge("kafka_server_replicamanager_underminisrpartitioncount", "Led here, below min.insync.replicas.",
          cluster.under_min_isr);
    gauge("kafka_server_replicamanager_atminisrpartitioncount", "Led here, with just min.insync.replicas in sync.",
          cluster.at_min_isr);
    gauge("kafka_server_replicamanager_reassigningpartitions", "Led here, being reassigned.", cluster.reassigning);
    gauge("kafka_server_fetchsessioncache_numincrementalfetchsessions", "Incremental fetch sessions.",
          sum(&ShardMetrics::fetch_sessions));
    gauge("kafka_server_fetchsessioncache_numincrementalfetchpartitionscached", "Partitions in them.",
          sum(&ShardMetrics::fetch_session_partitions));
    text_.single("kafka_server_fetchsessioncache_incrementalfetchsessionevictions_total", Type::kCounter,
                 "Sessions that made room for others.", sum(&ShardMetrics::fetch_session_evictions));
  }

  void controller() {
    const ClusterMetrics& cluster = node_.cluster;
    gauge("kafka_controller_kafkacontroller_activecontrollercount", "1 on the active controller.",
          node_.leads_metadata ? 1 : 0);
    gauge("kafka_controller_kafkacontroller_activebrokercount", "Brokers that are not fenced.", cluster.active_brokers);
    gauge("kafka_controller_kafkacontroller_fencedbrokercount", "Brokers that are fenced.", cluster.fenced_brokers);
    gauge("kafka_controller_kafkacontroller_globaltopiccount", "Topics of the cluster.", cluster.topics);
    gauge("kafka_controller_kafkacontroller_globalpartitioncount", "Partitions of the cluster.", cluster.partitions);
    gauge("kafka_controller_kafkacontroller_offlinepartitionscount", "Partitions that have no leader.",
          cluster.partitions_without_leader);
    gauge("kafka_controller_kafkacontroller_preferredreplicaimbalancecount",
          "Partitions that another replica leads than their first.", cluster.not_preferred);
    text_.single("kafka_controller_kafkacontroller_lastcommittedrecordoffset", Type::kGauge, "Of the metadata log.",
                 node_.metadata_high_watermark - 1);
    text_.single("kafka_controller_kafkacontroller_lastappliedrecordoffset", Type::kGauge,
                 "Of the metadata log, in the published image.", node_.metadata_applied);
  }

  template <class Show>
  void for_each_log(std::string_view name, std::string_view help, Show show) {
    text_.family(name, Type::kGauge, help);
    std::size_t shown = 0;
    const auto part = [&](const std::vector<PartitionMetrics>& logs) {
      for (const PartitionMetrics& log : logs) {
        if (shown++ < kPartitionSeriesMax) {
          const std::string partition = std::to_string(log.name.partition.value());
          text_.sample({{"topic", log.name.topic}, {"partition", partition}}, show(log));
        }
      }
    };
    for (const ShardMetrics& shard : shards_) {
      part(shard.logs);
    }
    part(node_.unused_logs);
  }

  void logs() {
    for_each_log("kafka_log_log_size", "Bytes of the partition's segments.",
                 [](const PartitionMetrics& log) { return log.size_bytes; });
    for_each_log("kafka_log_log_logstartoffset", "First offset of the partition.",
                 [](const PartitionMetrics& log) { return log.log_start; });
    for_each_log("kafka_log_log_logendoffset", "Next offset of the partition.",
                 [](const PartitionMetrics& log) { return log.log_end; });
    for_each_log("kafka_log_log_numlogsegments", "Segments of the partition.",
                 [](const PartitionMetrics& log) { return std::uint64_t{log.segments}; });
    std::uint64_t offline = 0;
    text_.family("kafka_log_logmanager_logdirectoryoffline", Type::kGauge, "1: the log directory failed.");
    for (const DirectoryMetrics& directory : node_.directories) {
      text_.sample({{"logDirectory", directory.path}}, std::uint64_t{directory.online ? 0U : 1U});
      offline += directory.online ? 0 : 1;
    }
    gauge("kafka_log_logmanager_offlinelogdirectorycount", "Log directories that failed.", offline);
    text_.single("kafka_log_logflushstats_logflushrateandtimems_count", Type::kCounter,
                 "Group commits: rounds of syncs.", sum(&ShardMetrics::sync_rounds));
  }

  void of_each_directory(std::string_view name, std::string_view help, auto value) {
    text_.family(name, Type::kGauge, help);
    for (const DirectoryMetrics& directory : node_.directories) {
      text_.sample({{"logDirectory", directory.path}}, std::uint64_t{value(directory)});
    }
  }

  void directories() {
    of_each_directory("moldau_log_directory_partitions", "Partitions in the log directory.",
                      [](const DirectoryMetrics& directory) { return directory.partitions; });
    of_each_directory("moldau_log_directory_logs_to_open", "Logs that a start has still to open, and to recover.",
                      [](const DirectoryMetrics& directory) { return directory.logs_to_open; });
    of_each_directory("moldau_log_directory_recovered_bytes",
                      "Bytes above the recovery points that this start has read.",
                      [](const DirectoryMetrics& directory) { return directory.recovered_bytes; });
  }

  void cleaner() {
    const storage::CleanerMetrics& cleaner = node_.cleaner;
    std::uint64_t set_aside_bytes = 0;
    for (const storage::SetAside& log : cleaner.set_aside) {
      set_aside_bytes += log.dirty_bytes;
    }
    const auto percent = [](double share) { return static_cast<std::int64_t>(share * 100); };
    const auto signed_gauge = [this](std::string_view name, std::string_view help, std::int64_t value) {
      text_.single(name, Type::kGauge, help, value);
    };
    signed_gauge("kafka_log_logcleanermanager_max_dirty_percent", "Of the dirtiest log, when the cleaner looked last.",
                 percent(cleaner.dirty_ratio_max));
    signed_gauge("kafka_log_logcleanermanager_time_since_last_run_ms", "Since the cleaner looked for dirty logs.",
                 cleaner.since_last_look_ms);
    gauge("kafka_log_logcleanermanager_uncleanable_partitions_count", "Logs that could not be compacted.",
          cleaner.set_aside.size());
    gauge("kafka_log_logcleanermanager_uncleanable_bytes", "Dirty bytes of these.", set_aside_bytes);
    signed_gauge("kafka_log_logcleaner_max_buffer_utilization_percent",
                 "How full the table of keys became in the last compaction.", percent(cleaner.last_map_utilization));
    signed_gauge("kafka_log_logcleaner_max_clean_time_secs", "Duration of the last compaction.",
                 cleaner.last_pass_ms / 1000);
    signed_gauge("kafka_log_logcleaner_max_compaction_delay_secs",
                 "How far a log is beyond its max.compaction.lag.ms, when the cleaner looked last.",
                 cleaner.overdue_ms_max / 1000);
    gauge("moldau_cleaner_jobs", "Logs that are being compacted.", cleaner.jobs);
    const auto counter = [this](std::string_view name, std::string_view help, std::uint64_t value) {
      text_.single(name, Type::kCounter, help, value);
    };
    counter("moldau_cleaner_passes_total", "Compactions that came to their end.", cleaner.passes);
    counter("moldau_cleaner_failures_total", "Compactions that did not.", cleaner.failures);
    counter("moldau_cleaner_read_bytes_total", "Read from logs, once for the keys, once to copy.", cleaner.bytes_read);
    counter("moldau_cleaner_written_bytes_total", "Written to compacted segments.", cleaner.bytes_written);
    counter("moldau_cleaner_records_read_total", "Records judged.", cleaner.records_read);
    counter("moldau_cleaner_records_kept_total", "Records that stayed.", cleaner.records_kept);
    text_.family("moldau_cleaner_set_aside", Type::kGauge,
                 "Logs that could not be compacted, and why; each is tried again.");
    for (const storage::SetAside& log : cleaner.set_aside) {
      text_.sample({{"topic", log.name.topic},
                    {"partition", std::to_string(log.name.partition.value())},
                    {"reason", log.reason}},
                   std::uint64_t{1});
    }
  }

  void connections() {
    text_.family("kafka_server_socket_server_metrics_connection_count", Type::kGauge, "Open connections.");
    for (const auto& [listener, open] : node_.connections) {
      text_.sample({{"listener", listener}}, std::uint64_t{open});
    }
    text_.single("moldau_connections_opened_total", Type::kCounter, "Client connections taken in by a shard.",
                 sum(&ShardMetrics::connections_opened));
    text_.single("moldau_connections_closed_idle_total", Type::kCounter,
                 "Connections closed by connections.max.idle.ms.", sum(&ShardMetrics::connections_closed_idle));
    text_.single("moldau_connections_closed_slow_total", Type::kCounter,
                 "Connections closed because their request arrived too slowly while memory was short.",
                 sum(&ShardMetrics::connections_closed_slow));
    text_.single("moldau_connections_closed_deaf_total", Type::kCounter,
                 "Connections closed because they took no answers while memory for these was short.",
                 sum(&ShardMetrics::connections_closed_deaf));
    text_.single("moldau_connections_refused_total", Type::kCounter,
                 "New connections turned away: too many wait, or are of one address, or come too fast from one.",
                 node_.connections_refused);
  }

  void quorum() {
    text_.family("kafka_server_raft_metrics_current_state_info", Type::kGauge, "What this node is in the quorum.");
    text_.sample({{"state", node_.leads_metadata ? "leader" : "unattached"}}, std::uint64_t{1});
    const auto signed_gauge = [this](std::string_view name, std::string_view help, std::int64_t value) {
      text_.single(name, Type::kGauge, help, value);
    };
    signed_gauge("kafka_server_raft_metrics_current_leader", "Of the metadata quorum; -1: unknown.",
                 node_.metadata_leader.value());
    signed_gauge("kafka_server_raft_metrics_current_epoch", "Of the metadata quorum.", node_.metadata_epoch);
    signed_gauge("kafka_server_raft_metrics_high_watermark", "Committed end of the metadata log.",
                 node_.metadata_high_watermark);
    signed_gauge("kafka_server_raft_metrics_log_end_offset", "End of the metadata log.", node_.metadata_log_end);
    signed_gauge("kafka_server_broker_metadata_metrics_last_applied_record_offset",
                 "Of the metadata log, in the published image.", node_.metadata_applied);
  }

  void own() {
    gauge("moldau_ready", "1 while clients are served.", node_.ready ? 1 : 0);
    gauge("moldau_partitions_open", "Partitions that were used in this process.", sum(&ShardMetrics::partitions));
    gauge("moldau_partitions_damaged",
          "Partitions that are not served because their files are damaged or could not be opened; the log says why.",
          node_.partitions_damaged);
    gauge("moldau_partition_series_left_out", "Partitions without series of their own, for there are too many.",
          left_out());
    gauge("moldau_log_bytes", "Bytes in the logs of open partitions.", sum(&ShardMetrics::log_bytes));
    gauge("moldau_request_memory_bytes", "Memory that requests hold.", sum(&ShardMetrics::request_memory_bytes));
    gauge("moldau_answer_memory_bytes", "Memory of answers that have not left.",
          sum(&ShardMetrics::answer_memory_bytes));
    text_.single("moldau_requests_slow_total", Type::kCounter, "Requests that took longer than moldau.slow.request.ms.",
                 sum(&ShardMetrics::requests_slow));
    text_.single("moldau_answers_throttled_total", Type::kCounter, "Answers that hold their client off for a quota.",
                 sum(&ShardMetrics::answers_throttled));
    gauge("moldau_quota_entities", "Users and clients whose usage is counted, on each shard.",
          sum(&ShardMetrics::quota_entities));
    text_.family("moldau_shard_idle_seconds_total", Type::kCounter, "How long each shard slept, waiting for work.");
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      const std::chrono::duration<double> slept = shards_[i].slept;
      text_.sample({{"shard", std::to_string(i)}}, slept.count());
    }
  }

  [[nodiscard]] std::uint64_t left_out() const {
    const std::uint64_t hosted = node_.partitions_hosted;
    std::uint64_t shown = node_.unused_logs.size();
    for (const ShardMetrics& shard : shards_) {
      shown += shard.logs.size();
    }
    return hosted - std::min(hosted, std::min<std::uint64_t>(shown, kPartitionSeriesMax));
  }

  const NodeMetrics& node_;
  std::span<const ShardMetrics> shards_;
  Traffic all_;
  std::map<std::string_view, Traffic> topics_;
  std::map<std::string_view, ApiMetrics> apis_;
  MetricsText text_;
};

}  // namespace

std::string render_metrics(const NodeMetrics& node, std::span<const ShardMetrics> shards) {
  return Page(node, shards).render();
}

}  // namespace moldau::broker
