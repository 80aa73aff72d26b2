#include "broker/config/config_keys.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "broker/config/keys_without_effect.h"
#include "config_schema/config_key.h"
#include "config_schema/config_value.h"

namespace moldau::broker {
namespace {

// Broker keys that this release acts on. Every other key that Kafka knows is accepted and named in one warning.
const std::set<std::string_view> kKeysInEffect = {"advertised.listeners",
                                                  "auto.create.topics.enable",
                                                  "broker.heartbeat.interval.ms",
                                                  "broker.id",
                                                  "broker.rack",
                                                  "broker.session.timeout.ms",
                                                  "compression.gzip.level",
                                                  "compression.lz4.level",
                                                  "compression.type",
                                                  "compression.zstd.level",
                                                  "config.providers",
                                                  "connections.max.idle.ms",
                                                  "controller.listener.names",
                                                  "controller.quorum.bootstrap.servers",
                                                  "controller.quorum.voters",
                                                  "controller.quota.window.num",
                                                  "controller.quota.window.size.seconds",
                                                  "cordoned.log.dirs",
                                                  "default.replication.factor",
                                                  "delete.topic.enable",
                                                  "fetch.max.bytes",
                                                  "inter.broker.listener.name",
                                                  "listener.security.protocol.map",
                                                  "listeners",
                                                  "log.cleaner.backoff.ms",
                                                  "log.cleaner.dedupe.buffer.size",
                                                  "log.cleaner.delete.retention.ms",
                                                  "log.cleaner.enable",
                                                  "log.cleaner.io.buffer.load.factor",
                                                  "log.cleaner.io.buffer.size",
                                                  "log.cleaner.io.max.bytes.per.second",
                                                  "log.cleaner.max.compaction.lag.ms",
                                                  "log.cleaner.min.cleanable.ratio",
                                                  "log.cleaner.min.compaction.lag.ms",
                                                  "log.cleaner.threads",
                                                  "log.cleanup.policy",
                                                  "log.dir",
                                                  "log.dirs",
                                                  "log.flush.interval.messages",
                                                  "log.flush.interval.ms",
                                                  "log.flush.offset.checkpoint.interval.ms",
                                                  "log.flush.start.offset.checkpoint.interval.ms",
                                                  "log.flush.scheduler.interval.ms",
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
                                                  "max.connection.creation.rate",
                                                  "max.connections",
                                                  "max.connections.per.ip",
                                                  "max.connections.per.ip.overrides",
                                                  "max.incremental.fetch.session.cache.slots",
                                                  "max.request.partition.size.limit",
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
                                                  "quota.window.num",
                                                  "quota.window.size.seconds",
                                                  "replica.alter.log.dirs.io.max.bytes.per.second",
                                                  "replica.high.watermark.checkpoint.interval.ms",
                                                  "replica.lag.time.max.ms",
                                                  "security.inter.broker.protocol",
                                                  "socket.listen.backlog.size",
                                                  "socket.receive.buffer.bytes",
                                                  "socket.request.max.bytes",
                                                  "socket.send.buffer.bytes",
                                                  "unclean.leader.election.enable"};

// Keys that keep somebody out. Ignoring one would open the cluster, so a start with one of them is refused.
struct Guard {
  std::string_view key;
  bool (*keeps_out)(const config::ConfigKey& key, std::string_view value);
};

bool differs_from_default(const config::ConfigKey& key, std::string_view value) {
  return value != key.default_value;
}

constexpr Guard kGuards[] = {{"alter.config.policy.class.name", differs_from_default},
                             {"authorizer.class.name", differs_from_default},
                             {"client.quota.callback.class", differs_from_default},
                             {"create.topic.policy.class.name", differs_from_default},
                             {"delegation.token.secret.key", differs_from_default},
                             {"principal.builder.class", differs_from_default},
                             {"ssl.client.auth", differs_from_default}};
// Of the standard authorizer, whose keys Kafka's table does not have.
constexpr std::string_view kSuperUsers = "super.users";

constexpr std::string_view kWouldOpen =
    "not in effect in this release, and ignoring it would open the cluster: remove it to start without";

constexpr std::string_view kOfListeners = "all listeners share the keys without a listener's name";

constexpr std::string_view kListenerPrefix = "listener.name.";

// "listener.name.external.scram-sha-256.sasl.jaas.config": what one listener asks of those who connect to it.
bool secures_a_listener(std::string_view name) {
  if (!name.starts_with(kListenerPrefix)) {
    return false;
  }
  const std::string_view rest = name.substr(kListenerPrefix.size());
  return std::ranges::any_of(std::initializer_list<std::string_view>{".ssl.", ".sasl.", ".principal.builder.class",
                                                                     ".connections.max.reauth."},
                             [rest](std::string_view part) { return rest.find(part) != std::string_view::npos; });
}

// Of "listener.name.external.max.connections" the key "max.connections"; null: it is no key of a listener.
const config::ConfigKey* key_of_a_listener(std::string_view name) {
  if (!name.starts_with(kListenerPrefix)) {
    return nullptr;
  }
  const std::string_view rest = name.substr(kListenerPrefix.size());
  const std::size_t dot = rest.find('.');
  return dot == std::string_view::npos ? nullptr : config::find(config::Scope::kBroker, rest.substr(dot + 1));
}

// Those that a listener may have of its own.
constexpr std::string_view kListenerKeysInEffect[] = {"max.connection.creation.rate", "max.connections"};

// Letters to insert, delete or replace to make `b` of `a`. O(|a|·|b|), and the keys are short.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    row[j] = j;
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string name_with_hint(const std::string& name, const ConfigEntry& entry) {
  std::string told = name + " (" + entry.origin;
  if (const std::string_view meant = nearest_key(name); !meant.empty()) {
    told += "; did you mean " + std::string(meant) + "?";
  }
  return told + ")";
}

}  // namespace

std::string_view nearest_key(std::string_view unknown) {
  constexpr std::size_t kLettersForOne = 5;  // one wrong letter is forgiven for so many
  constexpr std::size_t kDistanceMax = 3;
  std::size_t best = std::min(kDistanceMax, unknown.size() / kLettersForOne) + 1;
  std::string_view nearest;
  for (const config::ConfigKey& key : config::keys(config::Scope::kBroker)) {
    const std::size_t longer = std::max(key.name.size(), unknown.size());
    if (longer - std::min(key.name.size(), unknown.size()) >= best) {
      continue;
    }
    if (const std::size_t distance = edit_distance(unknown, key.name); distance < best) {
      best = distance;
      nearest = key.name;
    }
  }
  return nearest;
}

bool is_in_effect(std::string_view broker_key) noexcept {
  return kKeysInEffect.contains(broker_key) || broker_key.starts_with("moldau.");
}

void judge_keys(ConfigReader& reader, NodeConfig& config) {
  std::string unknown;
  std::map<std::string_view, std::string> ineffective;  // by the reason
  const auto add = [](std::string& list, const std::string& item) { list += (list.empty() ? "" : ", ") + item; };
  for (const auto& [name, entry] : reader.layers().entries()) {
    const config::ConfigKey* key = config::find(config::Scope::kBroker, name);
    if (key == nullptr) {
      config.other_keys[name] = entry.value;
    }
    if (name.starts_with("config.providers.")) {
      continue;  // read before, by fill_from_providers()
    }
    if (secures_a_listener(name) || (name == kSuperUsers && !config::trim(entry.value).empty())) {
      reader.fail(name, kWouldOpen);
    } else if (const config::ConfigKey* own = key_of_a_listener(name)) {
      if (std::ranges::find(kListenerKeysInEffect, own->name) == std::end(kListenerKeysInEffect)) {
        add(ineffective[kOfListeners], name);
      } else if (const char* why = config::refuse_value(*own, entry.value)) {
        reader.fail(name, "'" + entry.value + "' " + why);
      }
    } else if (key == nullptr) {
      add(unknown, name_with_hint(name, entry));
    } else if (const char* why = config::refuse_value(*key, entry.value)) {
      reader.fail(name, (key->is_sensitive() ? "the value " : "'" + entry.value + "' ") + why);
    } else {
      config.set_keys[name] = entry.value;
      if (!is_in_effect(name)) {
        add(ineffective[why_without_effect(config::Scope::kBroker, name)], name);
      }
    }
  }
  for (const Guard& guard : kGuards) {
    const ConfigEntry* entry = reader.layers().find(guard.key);
    const config::ConfigKey* key = config::find(config::Scope::kBroker, guard.key);
    if (entry != nullptr && key != nullptr && guard.keeps_out(*key, config::trim(entry->value))) {
      reader.fail(guard.key, kWouldOpen);
    }
  }
  if (!unknown.empty()) {
    config.warnings.push_back("unknown configuration keys are ignored: " + unknown);
  }
  for (const auto& [why, names] : ineffective) {
    config.warnings.push_back("known configuration keys without effect here: " + names + ": " + std::string(why));
  }
}

}  // namespace moldau::broker
