#include "broker/config/node_config.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "broker/config/config_keys.h"
#include "broker/config/config_reader.h"
#include "broker/config/config_rules.h"
#include "broker/config/connection_config.h"
#include "broker/config/listener_config.h"
#include "broker/config/listener_parser.h"
#include "config_schema/config_value.h"

namespace moldau::broker {
namespace {

constexpr std::string_view kLogDirDefault = "moldau-data";
constexpr std::string_view kRolesDefault = "broker,controller";
constexpr std::string_view kHttpDefault = "127.0.0.1:9644";

class Builder {
 public:
  explicit Builder(const ConfigLayers& layers) : reader_(layers) {}

  std::expected<NodeConfig, ConfigFault> build() {
    judge_keys(reader_, config_);
    identity();
    read_listeners(reader_, config_);
    read_quorum(reader_, config_);
    read_connections(reader_, config_);
    http();
    directories();
    numbers();
    check_rules(reader_, config_.warnings);
    assume("node.id", std::to_string(config_.node_id.value()));
    assume("process.roles", kRolesDefault);
    assume("log.dir", kLogDirDefault);
    if (reader_.fault()) {
      return std::unexpected(*reader_.fault());
    }
    return std::move(config_);
  }

 private:
  void identity() {
    std::int32_t id = config_.node_id.value();
    reader_.number("broker.id", id);
    reader_.number("node.id", id);
    if (id < 0) {
      reader_.fail(reader_.is_set("node.id") ? "node.id" : "broker.id", "a node id of 0 or above is needed");
    }
    config_.node_id = NodeId(id);
    const std::string roles = reader_.text("process.roles", kRolesDefault);
    const auto wanted = config::parse_list(roles);
    for (const std::string_view role : {"broker", "controller"}) {
      if (std::ranges::find(wanted, role) == wanted.end()) {
        reader_.fail("process.roles", "this release runs both roles, broker,controller, in one node");
      }
    }
    if (std::string rack = reader_.text("broker.rack", ""); !rack.empty()) {
      config_.rack = std::move(rack);
    }
  }

  void assume(std::string_view key, std::string_view value) {
    if (!reader_.is_set(key)) {
      config_.assumed_keys.emplace(key, value);
    }
  }

  void http() {
    if (const std::string at = reader_.text("moldau.http.listen", kHttpDefault); !at.empty()) {
      auto endpoint = parse_endpoint(at);
      if (!endpoint) {
        return reader_.fail("moldau.http.listen", endpoint.error());
      }
      config_.http = *std::move(endpoint);
    }
  }

  void directories() {
    const std::string dirs = reader_.text("log.dirs", reader_.text("log.dir", kLogDirDefault));
    for (const std::string_view dir : config::parse_list(dirs)) {
      if (std::ranges::find(config_.log_dirs, dir) ==
          config_.log_dirs.end()) {  // as Kafka, which drops what a list names again
        config_.log_dirs.emplace_back(dir);
      }
    }
    if (config_.log_dirs.empty()) {
      reader_.fail(reader_.is_set("log.dirs") ? "log.dirs" : "log.dir", "at least one log directory is needed");
      return;
    }
    config_.metadata_log_dir = reader_.text("metadata.log.dir", config_.log_dirs.front());
  }

  void numbers() {
    reader_.number("moldau.shards", config_.shards);
    reader_.number("socket.request.max.bytes", config_.frame_bytes_max);
    reader_.number("socket.listen.backlog.size", config_.listen_backlog);
    reader_.number("moldau.request.memory.bytes", config_.request_memory_bytes);
    if (std::int64_t queued = 0; reader_.number("queued.max.request.bytes", queued), queued > 0) {
      config_.request_memory_bytes = queued;
    }
    reader_.milliseconds("connections.max.idle.ms", config_.connection_idle_max);
    if (config_.connection_idle_max.count() < 0) {
      config_.connection_idle_max = ConfigReader::kForever;  // as in Kafka: never closed
    }
    reader_.number("max.request.partition.size.limit", config_.described_partitions_max);
    window("quota.window.num", "quota.window.size.seconds", config_.quota_window);
    window("controller.quota.window.num", "controller.quota.window.size.seconds", config_.mutation_quota_window);
    reader_.milliseconds("moldau.slow.request.ms", config_.slow_request_after);
    reader_.number("fetch.max.bytes", config_.fetch_bytes_max);
    reader_.number("max.incremental.fetch.session.cache.slots", config_.fetch_session_slots);
    reader_.number("moldau.decompressed.batch.bytes.max", config_.decompressed_bytes_max);
    reader_.number("num.partitions", config_.partitions_default);
    reader_.number("default.replication.factor", config_.replication_factor_default);
    reader_.boolean("auto.create.topics.enable", config_.auto_create_topics);
    reader_.boolean("delete.topic.enable", config_.delete_topics);
    reader_.number("num.recovery.threads.per.data.dir", config_.recovery_threads);
    reader_.milliseconds("replica.high.watermark.checkpoint.interval.ms", config_.high_watermark_checkpoint_interval);
    reader_.milliseconds("log.flush.offset.checkpoint.interval.ms", config_.recovery_point_checkpoint_interval);
    reader_.milliseconds("log.flush.start.offset.checkpoint.interval.ms", config_.log_start_checkpoint_interval);
    reader_.milliseconds("log.retention.check.interval.ms", config_.retention_check_interval);
    reader_.milliseconds("replica.lag.time.max.ms", config_.replica_lag_max);
    reader_.number("producer.id.expiration.ms", config_.producer_id_expiration_ms);
    reader_.milliseconds("producer.id.expiration.check.interval.ms", config_.producer_expiry_check_interval);
    cleaner();
    reader_.milliseconds("broker.heartbeat.interval.ms", config_.heartbeat_interval);
    reader_.milliseconds("broker.session.timeout.ms", config_.session_timeout);
    reader_.milliseconds("metadata.max.idle.interval.ms", config_.metadata_idle_interval);
    reader_.number("metadata.log.max.record.bytes.between.snapshots", config_.snapshot_bytes_interval);
    reader_.milliseconds("metadata.log.max.snapshot.interval.ms", config_.snapshot_time_interval);
    reader_.number("metadata.log.segment.bytes", config_.metadata_segment_bytes);
    reader_.number("metadata.log.segment.ms", config_.metadata_segment_ms);
    reader_.number("metadata.max.retention.bytes", config_.metadata_retention_bytes);
    reader_.number("metadata.max.retention.ms", config_.metadata_retention_ms);
  }

  void cleaner() {
    storage::CleanerConfig& cleaner = config_.cleaner;
    reader_.boolean("log.cleaner.enable", cleaner.enable);
    reader_.number("log.cleaner.threads", cleaner.threads);
    reader_.milliseconds("log.cleaner.backoff.ms", cleaner.backoff);
    reader_.number("log.cleaner.dedupe.buffer.size", cleaner.dedupe_buffer_bytes);
    reader_.real("log.cleaner.io.buffer.load.factor", cleaner.dedupe_load_factor);
    reader_.number("log.cleaner.io.buffer.size", cleaner.io_buffer_bytes);
    reader_.real("log.cleaner.io.max.bytes.per.second", cleaner.io_bytes_per_second);
  }

  void window(std::string_view samples, std::string_view seconds, QuotaWindow& window) {
    reader_.number(samples, window.samples);
    auto sample = static_cast<std::int32_t>(std::chrono::duration_cast<std::chrono::seconds>(window.sample).count());
    reader_.number(seconds, sample);
    window.sample =
        std::min<std::chrono::milliseconds>(std::chrono::seconds(sample), ConfigReader::kForever / window.samples);
  }

  ConfigReader reader_;
  NodeConfig config_;
};

}  // namespace

runtime::Endpoint ListenerConfig::told() const {
  runtime::Endpoint endpoint = advertised.value_or(bind);
  if (tells_wildcard()) {
    endpoint.host = wildcard_host;
  }
  return endpoint;
}

bool ListenerConfig::tells_wildcard() const {
  const std::string& host = advertised ? advertised->host : bind.host;
  return host.empty() || host == "0.0.0.0" || host == "::";  // none that a client could connect to
}

const ListenerConfig& NodeConfig::controller_listener() const {
  const auto found =
      std::find_if(listeners.begin(), listeners.end(), [&](const auto& l) { return l.name == controller_name; });
  MOLDAU_ASSERT(found != listeners.end());
  return *found;
}

const ListenerConfig* NodeConfig::find_listener(std::string_view name) const {
  const auto found = std::find_if(listeners.begin(), listeners.end(), [&](const auto& l) { return l.name == name; });
  return found == listeners.end() ? nullptr : &*found;
}

std::expected<NodeConfig, ConfigFault> make_node_config(const ConfigLayers& layers) {
  return Builder(layers).build();
}

}  // namespace moldau::broker
