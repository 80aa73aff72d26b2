// The static configuration of a node, understood and checked: what start-up and the parts of a node take their small
// structs from. Fixed for the life of the process.
//
// Errors: a wrong value, a key that contradicts another (listener_config.h, config_rules.h), or a key that would open
// the
//         cluster if it were ignored (an authorizer, a policy, a listener with TLS or SASL) is a fault that stops the
//         start, with its origin.
//         A key that Kafka knows and that has no effect here, and a key that nobody knows, are one warning each kind.
// Source: Kafka's KafkaConfig; inventory §4.1. Difference: everything has a default, so that a node starts without a
//         configuration (architecture D11).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/ip_address.h"
#include "broker/config/config_layers.h"
#include "broker/quota/rate.h"
#include "runtime/net.h"
#include "storage/cleaner/cleaner_config.h"

namespace moldau::broker {

struct ListenerConfig {
  std::string name;
  runtime::Endpoint bind;                       // host "" means every address
  std::optional<runtime::Endpoint> advertised;  // none: the address at which the client reached us
  bool is_controller = false;
  bool is_told = true;                       // false: advertised.listeners is set and leaves it out
  std::string wildcard_host = "localhost";   // stands for "every address" where an address is told
  std::int32_t connections_max = INT32_MAX;  // listener.name.X.max.connections
  std::int32_t creation_rate = INT32_MAX;    // listener.name.X.max.connection.creation.rate
  bool is_for_brokers_alone = false;         // brokers use it among themselves, and clients have another

  // What the cluster is told: the advertised address or the bound one. Its port may be 0: any free one.
  [[nodiscard]] runtime::Endpoint told() const;
  [[nodiscard]] bool tells_wildcard() const;  // then told() has wildcard_host
};

struct NodeConfig {
  NodeId node_id{1};
  std::vector<ListenerConfig> listeners;
  std::string controller_name;  // of the listener that the quorum uses: the first of controller.listener.names
  std::string inter_broker_listener;
  std::optional<std::string> rack;  // broker.rack

  std::vector<std::string> log_dirs;
  std::string metadata_log_dir;
  std::optional<runtime::Endpoint> http;  // moldau.http.listen; none: no HTTP server
  std::int32_t shards = 0;                // moldau.shards; 0: one a core

  std::int32_t frame_bytes_max = 104'857'600;  // socket.request.max.bytes
  std::int32_t listen_backlog = 50;            // socket.listen.backlog.size
  std::int64_t request_memory_bytes = -1;      // queued.max.request.bytes, moldau.request.memory.bytes; -1: by memory
  std::chrono::milliseconds connection_idle_max = std::chrono::minutes(10);  // connections.max.idle.ms
  std::int32_t connections_max = INT32_MAX;                                  // max.connections
  std::int32_t connections_per_ip_max = INT32_MAX;                           // max.connections.per.ip
  std::map<IpAddress, std::size_t> connections_per_ip_overrides;             // max.connections.per.ip.overrides
  std::int32_t connection_creation_rate = INT32_MAX;                         // max.connection.creation.rate
  std::int32_t socket_receive_buffer_bytes = -1;      // socket.receive.buffer.bytes, if set; -1: the system's
  std::int32_t socket_send_buffer_bytes = -1;         // socket.send.buffer.bytes, if set
  std::size_t descriptors_max = INT32_MAX;            // that the process may open: limits connections too; no key
  std::int32_t described_partitions_max = 2000;       // max.request.partition.size.limit
  std::int32_t fetch_bytes_max = 57'671'680;          // fetch.max.bytes
  std::int32_t fetch_session_slots = 1000;            // max.incremental.fetch.session.cache.slots
  std::int64_t decompressed_bytes_max = 104'857'600;  // moldau.decompressed.batch.bytes.max

  QuotaWindow quota_window;           // quota.window.num, quota.window.size.seconds
  QuotaWindow mutation_quota_window;  // controller.quota.window.num, controller.quota.window.size.seconds
  std::chrono::milliseconds slow_request_after = std::chrono::seconds(1);  // moldau.slow.request.ms; negative: never

  std::int32_t partitions_default = 1;          // num.partitions
  std::int32_t replication_factor_default = 1;  // default.replication.factor
  bool auto_create_topics = true;
  bool delete_topics = true;  // delete.topic.enable

  std::int32_t recovery_threads = 2;  // num.recovery.threads.per.data.dir
  std::chrono::milliseconds high_watermark_checkpoint_interval = std::chrono::seconds(5);
  std::chrono::milliseconds recovery_point_checkpoint_interval = std::chrono::seconds(60);
  std::chrono::milliseconds log_start_checkpoint_interval = std::chrono::seconds(60);
  std::chrono::milliseconds retention_check_interval = std::chrono::minutes(5);
  std::chrono::milliseconds replica_lag_max = std::chrono::seconds(30);
  std::int32_t producer_id_expiration_ms = 86'400'000;
  std::chrono::milliseconds producer_expiry_check_interval = std::chrono::minutes(10);

  storage::CleanerConfig cleaner;

  std::chrono::milliseconds heartbeat_interval = std::chrono::seconds(2);
  std::chrono::milliseconds session_timeout = std::chrono::seconds(9);
  std::chrono::milliseconds metadata_idle_interval = std::chrono::milliseconds(500);  // metadata.max.idle.interval.ms
  std::int64_t snapshot_bytes_interval = 20'971'520;  // metadata.log.max.record.bytes.between.snapshots
  std::chrono::milliseconds snapshot_time_interval = std::chrono::hours(1);  // metadata.log.max.snapshot.interval.ms
  std::int32_t metadata_segment_bytes = 1 << 30;
  std::int64_t metadata_segment_ms = 604'800'000;
  std::int64_t metadata_retention_bytes = 104'857'600;
  std::int64_t metadata_retention_ms = 604'800'000;

  // Every key that was set, for DescribeConfigs and for topic defaults; values as written.
  std::map<std::string, std::string, std::less<>> set_keys;
  // Those that Kafka does not know, and keys of single listeners.
  std::map<std::string, std::string, std::less<>> other_keys;
  // What this node has of keys that were not set and that Kafka asks for, or gives another default.
  std::map<std::string, std::string, std::less<>> assumed_keys;
  std::vector<std::string> warnings;

  [[nodiscard]] const ListenerConfig& controller_listener() const;
  [[nodiscard]] const ListenerConfig* find_listener(std::string_view name) const;
};

[[nodiscard]] std::expected<NodeConfig, ConfigFault> make_node_config(const ConfigLayers& layers);

}  // namespace moldau::broker
