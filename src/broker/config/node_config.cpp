#include "broker/config/node_config.h"

#include <algorithm>
#include <set>

#include "base/assert.h"
#include "broker/config/listener_parser.h"
#include "config_schema/config_key.h"
#include "config_schema/config_value.h"

namespace moldau::broker {
namespace {

// What a node without any configuration starts with.
constexpr std::string_view kListenersDefault = "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093";
constexpr std::string_view kControllerListenerDefault = "CONTROLLER";
constexpr std::string_view kLogDirDefault = "moldau-data";
constexpr std::string_view kHttpDefault = "127.0.0.1:9644";

// Broker keys that this release acts on. Every other key that Kafka knows is accepted and named in one warning.
const std::set<std::string_view> kKeysInEffect = {"advertised.listeners",
                                                  "auto.create.topics.enable",
                                                  "broker.heartbeat.interval.ms",
                                                  "broker.id",
                                                  "broker.rack",
                                                  "broker.session.timeout.ms",
                                                  "compression.type",
                                                  "connections.max.idle.ms",
                                                  "controller.listener.names",
                                                  "controller.quorum.bootstrap.servers",
                                                  "controller.quorum.voters",
                                                  "default.replication.factor",
                                                  "delete.topic.enable",
                                                  "fetch.max.bytes",
                                                  "inter.broker.listener.name",
                                                  "listener.security.protocol.map",
                                                  "listeners",
                                                  "log.cleanup.policy",
                                                  "log.dir",
                                                  "log.dirs",
                                                  "log.flush.interval.messages",
                                                  "log.flush.interval.ms",
                                                  "log.flush.offset.checkpoint.interval.ms",
                                                  "log.flush.start.offset.checkpoint.interval.ms",
                                                  "log.index.interval.bytes",
                                                  "log.index.size.max.bytes",
                                                  "log.message.timestamp.after.max.ms",
                                                  "log.message.timestamp.before.max.ms",
                                                  "log.message.timestamp.type",
                                                  "log.retention.bytes",
                                                  "log.retention.check.interval.ms",
                                                  "log.retention.hours",
                                                  "log.retention.minutes",
                                                  "log.retention.ms",
                                                  "log.roll.hours",
                                                  "log.roll.jitter.hours",
                                                  "log.roll.jitter.ms",
                                                  "log.roll.ms",
                                                  "log.segment.bytes",
                                                  "log.segment.delete.delay.ms",
                                                  "max.connections",
                                                  "max.incremental.fetch.session.cache.slots",
                                                  "message.max.bytes",
                                                  "metadata.log.dir",
                                                  "metadata.log.max.record.bytes.between.snapshots",
                                                  "metadata.log.max.snapshot.interval.ms",
                                                  "metadata.log.segment.bytes",
                                                  "metadata.log.segment.ms",
                                                  "metadata.max.idle.interval.ms",
                                                  "metadata.max.retention.bytes",
                                                  "metadata.max.retention.ms",
                                                  "min.insync.replicas",
                                                  "node.id",
                                                  "num.partitions",
                                                  "num.recovery.threads.per.data.dir",
                                                  "process.roles",
                                                  "producer.id.expiration.check.interval.ms",
                                                  "producer.id.expiration.ms",
                                                  "queued.max.request.bytes",
                                                  "replica.high.watermark.checkpoint.interval.ms",
                                                  "replica.lag.time.max.ms",
                                                  "security.inter.broker.protocol",
                                                  "socket.listen.backlog.size",
                                                  "socket.request.max.bytes",
                                                  "unclean.leader.election.enable"};

// Keys that keep somebody out. Ignoring one would open the cluster, so a start with one of them is refused.
struct Guard {
  std::string_view key;
  std::string_view harmless;  // the value that keeps nobody out
};
constexpr Guard kGuards[] = {{"authorizer.class.name", ""},          {"super.users", ""},
                             {"create.topic.policy.class.name", ""}, {"alter.config.policy.class.name", ""},
                             {"client.quota.callback.class", ""},    {"ssl.client.auth", "none"},
                             {"delegation.token.secret.key", ""}};

class Builder {
 public:
  explicit Builder(const ConfigLayers& layers) : layers_(layers) {}

  std::expected<NodeConfig, ConfigFault> build() {
    judge_keys();
    identity();
    listeners();
    directories();
    numbers();
    if (fault_) {
      return std::unexpected(*std::move(fault_));
    }
    return std::move(config_);
  }

 private:
  void fail(std::string_view key, std::string_view why) {
    if (!fault_) {
      const ConfigEntry* entry = layers_.find(key);
      fault_ = ConfigFault{(entry == nullptr ? std::string("configuration") : entry->origin) + ": " + std::string(key) +
                           ": " + std::string(why)};
    }
  }

  // Values are judged by the table; unknown and ineffective keys are collected.
  void judge_keys() {
    std::string unknown;
    std::string ineffective;
    for (const auto& [name, entry] : layers_.entries()) {
      const config::ConfigKey* key = config::find(config::Scope::kBroker, name);
      if (key == nullptr) {
        unknown += (unknown.empty() ? "" : ", ") + name;
        continue;
      }
      if (const char* why = config::refuse_value(*key, entry.value)) {
        fail(name, "'" + entry.value + "' " + why);
        continue;
      }
      config_.set_keys[name] = entry.value;
      if (!kKeysInEffect.contains(name) && !name.starts_with("moldau.")) {
        ineffective += (ineffective.empty() ? "" : ", ") + name;
      }
    }
    for (const Guard& guard : kGuards) {
      const ConfigEntry* entry = layers_.find(guard.key);
      if (entry != nullptr && config::trim(entry->value) != guard.harmless) {
        fail(guard.key,
             "not in effect in this release, and ignoring it would open the cluster: remove it to start without");
      }
    }
    if (!unknown.empty()) {
      config_.warnings.push_back("unknown configuration keys are ignored: " + unknown);
    }
    if (!ineffective.empty()) {
      config_.warnings.push_back("known configuration keys without effect in this release: " + ineffective);
    }
  }

  [[nodiscard]] std::string text(std::string_view key, std::string_view otherwise) const {
    const ConfigEntry* entry = layers_.find(key);
    return std::string(entry == nullptr ? otherwise : config::trim(entry->value));
  }
  template <class T>
  void number(std::string_view key, T& into) {
    if (const ConfigEntry* entry = layers_.find(key)) {
      if (const auto value = config::parse_long(entry->value)) {
        into = static_cast<T>(*value);
      }
    }
  }
  void milliseconds(std::string_view key, std::chrono::milliseconds& into) {
    std::int64_t raw = into.count();
    number(key, raw);
    into = std::chrono::milliseconds(raw);
  }
  void boolean(std::string_view key, bool& into) {
    if (const ConfigEntry* entry = layers_.find(key)) {
      into = config::parse_boolean(entry->value).value_or(into);
    }
  }

  void identity() {
    std::int32_t id = config_.node_id.value();
    number("broker.id", id);
    number("node.id", id);
    if (id < 0) {
      fail("node.id", "a node id of 0 or above is needed");
    }
    config_.node_id = NodeId(id);
    const std::string roles = text("process.roles", "broker,controller");
    std::set<std::string_view> wanted;
    for (const std::string_view role : config::parse_list(roles)) {
      wanted.insert(role);
    }
    if (!wanted.contains("broker") || !wanted.contains("controller")) {
      fail("process.roles", "this release runs both roles, broker,controller, in one node");
    }
    if (const ConfigEntry* rack = layers_.find("broker.rack"); rack != nullptr && !config::trim(rack->value).empty()) {
      config_.rack = std::string(config::trim(rack->value));
    }
  }

  void listeners() {
    const auto bound = parse_listeners(text("listeners", kListenersDefault));
    if (!bound) {
      return fail("listeners", bound.error());
    }
    std::vector<NamedEndpoint> advertised;
    if (layers_.find("advertised.listeners") != nullptr) {
      auto parsed = parse_listeners(text("advertised.listeners", ""));
      if (!parsed) {
        return fail("advertised.listeners", parsed.error());
      }
      advertised = *std::move(parsed);
    }
    const std::string controller_names = text("controller.listener.names", kControllerListenerDefault);
    const std::vector<std::string_view> controllers = config::parse_list(controller_names);
    for (const NamedEndpoint& listener : *bound) {
      ListenerConfig made{.name = listener.name, .bind = listener.endpoint};
      made.is_controller = std::find(controllers.begin(), controllers.end(), listener.name) != controllers.end();
      for (const NamedEndpoint& told : advertised) {
        if (told.name == listener.name) {
          made.advertised = told.endpoint;
        }
      }
      config_.listeners.push_back(std::move(made));
    }
    if (std::none_of(config_.listeners.begin(), config_.listeners.end(),
                     [](const auto& l) { return l.is_controller; })) {
      return fail("controller.listener.names", "none of the listeners is '" + controller_names + "'");
    }
    if (std::all_of(config_.listeners.begin(), config_.listeners.end(),
                    [](const auto& l) { return l.is_controller; })) {
      return fail("listeners", "a listener for clients is needed beside the controller's");
    }
    protocols();
    inter_broker();
    if (const std::string at = text("moldau.http.listen", kHttpDefault); !at.empty()) {
      auto endpoint = parse_endpoint(at);
      if (!endpoint) {
        return fail("moldau.http.listen", endpoint.error());
      }
      config_.http = *std::move(endpoint);
    }
  }

  void protocols() {
    const auto map = parse_protocol_map(text("listener.security.protocol.map", ""));
    if (!map) {
      return fail("listener.security.protocol.map", map.error());
    }
    for (const ListenerConfig& listener : config_.listeners) {
      const auto found = map->find(listener.name);
      // Without a map a name is its own protocol, as in Kafka; a controller's name defaults to PLAINTEXT.
      const std::string protocol = found != map->end()                               ? found->second
                                   : listener.is_controller || map->empty() == false ? "PLAINTEXT"
                                                                                     : listener.name;
      if (protocol == "SSL" || protocol == "SASL_SSL" || protocol == "SASL_PLAINTEXT") {
        fail("listeners", "listener " + listener.name + " asks for " + protocol +
                              ", which this release does not have; serving it in the clear would open the cluster");
      } else if (protocol != "PLAINTEXT") {
        fail("listener.security.protocol.map", "no security protocol is given for listener " + listener.name);
      }
    }
    if (text("security.inter.broker.protocol", "PLAINTEXT") != "PLAINTEXT") {
      fail("security.inter.broker.protocol", "this release has PLAINTEXT only");
    }
  }

  void inter_broker() {
    for (const ListenerConfig& listener : config_.listeners) {
      if (!listener.is_controller && config_.inter_broker_listener.empty()) {
        config_.inter_broker_listener = listener.name;
      }
    }
    const std::string wanted = text("inter.broker.listener.name", config_.inter_broker_listener);
    if (config_.find_listener(wanted) == nullptr) {
      return fail("inter.broker.listener.name", "no listener is named " + wanted);
    }
    config_.inter_broker_listener = wanted;
  }

  void directories() {
    const std::string dirs = text("log.dirs", text("log.dir", kLogDirDefault));
    for (const std::string_view dir : config::parse_list(dirs)) {
      config_.log_dirs.emplace_back(dir);
    }
    if (config_.log_dirs.size() != 1) {
      fail(layers_.find("log.dirs") != nullptr ? "log.dirs" : "log.dir",
           "this release takes exactly one log directory");
      return;
    }
    config_.metadata_log_dir = text("metadata.log.dir", config_.log_dirs.front());
    if (config_.metadata_log_dir != config_.log_dirs.front()) {
      fail("metadata.log.dir", "this release keeps the metadata log in the log directory");
    }
  }

  void numbers() {
    number("moldau.shards", config_.shards);
    number("socket.request.max.bytes", config_.frame_bytes_max);
    number("socket.listen.backlog.size", config_.listen_backlog);
    number("moldau.request.memory.bytes", config_.request_memory_bytes);
    if (const ConfigEntry* queued = layers_.find("queued.max.request.bytes")) {
      if (const auto bytes = config::parse_long(queued->value); bytes && *bytes > 0) {
        if (*bytes < config_.frame_bytes_max) {
          fail("queued.max.request.bytes", "must be at least socket.request.max.bytes");
        }
        config_.request_memory_bytes = *bytes;
      }
    }
    milliseconds("connections.max.idle.ms", config_.connection_idle_max);
    number("max.connections", config_.connections_max);
    number("fetch.max.bytes", config_.fetch_bytes_max);
    number("max.incremental.fetch.session.cache.slots", config_.fetch_session_slots);
    number("moldau.decompressed.batch.bytes.max", config_.decompressed_bytes_max);
    number("num.partitions", config_.partitions_default);
    number("default.replication.factor", config_.replication_factor_default);
    boolean("auto.create.topics.enable", config_.auto_create_topics);
    boolean("delete.topic.enable", config_.delete_topics);
    number("num.recovery.threads.per.data.dir", config_.recovery_threads);
    milliseconds("replica.high.watermark.checkpoint.interval.ms", config_.high_watermark_checkpoint_interval);
    milliseconds("log.flush.offset.checkpoint.interval.ms", config_.recovery_point_checkpoint_interval);
    milliseconds("log.flush.start.offset.checkpoint.interval.ms", config_.log_start_checkpoint_interval);
    milliseconds("log.retention.check.interval.ms", config_.retention_check_interval);
    milliseconds("replica.lag.time.max.ms", config_.replica_lag_max);
    number("producer.id.expiration.ms", config_.producer_id_expiration_ms);
    milliseconds("producer.id.expiration.check.interval.ms", config_.producer_expiry_check_interval);
    milliseconds("broker.heartbeat.interval.ms", config_.heartbeat_interval);
    milliseconds("broker.session.timeout.ms", config_.session_timeout);
    milliseconds("metadata.max.idle.interval.ms", config_.metadata_idle_interval);
    number("metadata.log.max.record.bytes.between.snapshots", config_.snapshot_bytes_interval);
    milliseconds("metadata.log.max.snapshot.interval.ms", config_.snapshot_time_interval);
    number("metadata.log.segment.bytes", config_.metadata_segment_bytes);
    number("metadata.log.segment.ms", config_.metadata_segment_ms);
    number("metadata.max.retention.bytes", config_.metadata_retention_bytes);
    number("metadata.max.retention.ms", config_.metadata_retention_ms);
  }

  const ConfigLayers& layers_;
  NodeConfig config_;
  std::optional<ConfigFault> fault_;
};

}  // namespace

const ListenerConfig& NodeConfig::controller_listener() const {
  const auto found = std::find_if(listeners.begin(), listeners.end(), [](const auto& l) { return l.is_controller; });
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
