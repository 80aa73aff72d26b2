#include "broker/config/topic_configs.h"

#include <algorithm>

#include "broker/config/broker_keys.h"
#include "broker/config/config_reader.h"
#include "broker/config/resource_rules.h"
#include "config_schema/config_value.h"
#include "metadata/controller/topic_name.h"
#include "protocol/record/codec.h"
#include "replication/partition/partition_types.h"

namespace moldau::broker {

using metadata::ConfigMap;
using metadata::ConfigResourceType;
using protocol::ErrorCode;

namespace {

config::Scope scope_of(ConfigResourceType type) {
  switch (type) {
    case ConfigResourceType::kTopic: return config::Scope::kTopic;
    case ConfigResourceType::kGroup: return config::Scope::kGroup;
    case ConfigResourceType::kClientMetrics: return config::Scope::kClientMetrics;
    default: return config::Scope::kBroker;
  }
}

const config::ConfigKey* find_key(ConfigResourceType type, std::string_view key) {
  return config::find(scope_of(type), key);
}

// A broker value as the topic key counts it: hours become milliseconds, and any negative "no bound" of retention is -1.
std::string scaled(const config::ConfigKey& key, const std::string& value, std::int64_t factor) {
  const auto number = config::parse_long(value);
  if (number && *number < 0 && key.name == "retention.ms") {
    return "-1";
  }
  return factor != 1 && number && *number >= 0 ? std::to_string(*number * factor) : value;
}

// What compression.type asks for; nothing for `producer`, and for a name of a newer release.
std::optional<record::Codec> codec_of(std::string_view compression_type) {
  if (compression_type == "uncompressed") {
    return record::Codec::kNone;
  }
  const auto codec = record::codec_from_name(compression_type);
  return codec == record::Codec::kNone ? std::nullopt : codec;  // "none" is not how it is spelt
}

}  // namespace

TopicConfigs::TopicConfigs(const NodeConfig& config)
    : config_(config), node_name_(std::to_string(config.node_id.value())) {}

std::string TopicConfigs::broker_value(const metadata::Image& image, std::string_view key) const {
  for (const std::string_view name : {std::string_view(node_name_), std::string_view()}) {
    const ConfigMap& layer = image.config(ConfigResourceType::kBroker, name);
    if (const auto found = layer.find(key); found != layer.end()) {
      return found->second;
    }
  }
  if (const auto found = config_.set_keys.find(key); found != config_.set_keys.end()) {
    return found->second;
  }
  const config::ConfigKey* known = config::find(config::Scope::kBroker, key);
  return known == nullptr ? std::string() : std::string(known->default_value);
}

metadata::ConfigLayers TopicConfigs::layers_of(const metadata::Image& image, std::string_view topic) const {
  return {.topic = image.config(ConfigResourceType::kTopic, topic),
          .node = image.config(ConfigResourceType::kBroker, node_name_),
          .cluster = image.config(ConfigResourceType::kBroker, "")};
}

std::vector<ConfigSynonym> TopicConfigs::resolve(const config::ConfigKey& key,
                                                 const metadata::ConfigLayers& layers) const {
  std::vector<ConfigSynonym> values;
  if (const auto found = layers.topic.find(key.name); found != layers.topic.end()) {
    std::string shown = config::shown_value(key, found->second);
    values.push_back({std::string(key.name), shown, ConfigSource::kTopic, shown});
  }
  const auto add_layer = [&](const ConfigMap& map, ConfigSource source) {
    for (const config::Synonym& synonym : key.synonyms) {
      const auto found = map.find(synonym.broker_key);
      if (found == map.end()) {
        continue;
      }
      const std::string value = scaled(key, found->second, synonym.factor);
      if (config::refuse_value(key, value) == nullptr) {  // what a controller stored unasked counts for nothing
        values.push_back({std::string(synonym.broker_key), config::shown_value(key, value), source, found->second});
      }
    }
  };
  add_layer(layers.node, ConfigSource::kDynamicBroker);
  add_layer(layers.cluster, ConfigSource::kDynamicDefaultBroker);
  add_layer(config_.set_keys, ConfigSource::kStaticBroker);
  // The last synonym is the one with a default of its own; a key without synonyms is its own default.
  const std::string name(key.synonyms.empty() ? key.name : key.synonyms.back().broker_key);
  // Of several synonyms Kafka names a default for retention alone: its hours; the others' milliseconds default to
  // nothing.
  const bool names_default = key.synonyms.size() == 1 || key.name == "retention.ms";
  const config::ConfigKey* broker_key =
      names_default ? config::find(config::Scope::kBroker, key.synonyms.back().broker_key) : nullptr;
  values.push_back({name, key.default_is_null ? std::nullopt : std::optional<std::string>(key.default_value),
                    ConfigSource::kDefault,
                    broker_key != nullptr ? std::optional<std::string>(broker_key->default_value) : std::nullopt});
  return values;
}

bool TopicConfigs::is_list(ConfigResourceType type, std::string_view key) const {
  // Kafka's controller knows lists of these two alone.
  if (type != ConfigResourceType::kTopic && type != ConfigResourceType::kBroker) {
    return false;
  }
  const config::ConfigKey* found = find_key(type, key);
  return found != nullptr && found->type == config::Type::kList;
}

std::optional<std::string> TopicConfigs::default_value(ConfigResourceType type, std::string_view key) const {
  const config::ConfigKey* found = find_key(type, key);
  if (found == nullptr || !found->has_default || found->default_is_null) {
    return std::nullopt;
  }
  return std::string(found->default_value);
}

metadata::ApiError TopicConfigs::validate(const metadata::ConfigResource& resource, const ConfigMap& proposed,
                                          const ConfigMap& /*existing*/) const {
  switch (resource.type) {
    case ConfigResourceType::kTopic:
      if (resource.name.empty()) {
        return {ErrorCode::kInvalidRequest, "topics have no common configuration: name one"};
      }
      if (std::string fault = metadata::topic_name_fault(resource.name); !fault.empty()) {
        return {ErrorCode::kInvalidTopicException, std::move(fault)};
      }
      return judge_topic_config(config_, proposed);
    case ConfigResourceType::kBroker: {
      // The broker that was asked has judged the keys: those that nobody knows are stored too.
      const auto id = config::parse_int(resource.name);
      const bool is_id = resource.name.empty() || (id && *id >= 0);
      return is_id ? metadata::ApiError{}
                   : metadata::ApiError{ErrorCode::kInvalidRequest, "'" + resource.name + "' is no broker id"};
    }
    case ConfigResourceType::kGroup: return judge_group_config(config_, resource.name, proposed);
    case ConfigResourceType::kClientMetrics: return judge_client_metrics_config(resource.name, proposed);
    default: return {ErrorCode::kInvalidRequest, "this resource type has no dynamic configuration"};
  }
}

std::optional<std::string> TopicConfigs::effective_topic_value(std::string_view key,
                                                               const metadata::ConfigLayers& layers) const {
  const config::ConfigKey* found = config::find(config::Scope::kTopic, key);
  return found == nullptr ? std::nullopt : resolve(*found, layers).front().value;
}

std::vector<metadata::EffectiveConfig> TopicConfigs::effective_topic_configs(
    const metadata::ConfigLayers& layers) const {
  std::vector<metadata::EffectiveConfig> effective;
  for (const config::ConfigKey& key : config::keys(config::Scope::kTopic)) {
    // Our own keys and Kafka's internal ones show only where they are set: clients of Kafka do not expect them.
    const bool shown = !key.internal && !key.name.starts_with("moldau.");
    if (!shown && !layers.topic.contains(key.name)) {
      continue;
    }
    ConfigSynonym value = resolve(key, layers).front();
    effective.push_back({.name = std::string(key.name),
                         .value = std::move(value.value),
                         .source = static_cast<std::int8_t>(value.source),
                         .read_only = false,
                         .sensitive = key.is_sensitive()});
  }
  return effective;
}

storage::CleanerConfig TopicConfigs::cleaner_of(const metadata::Image& image) const {
  storage::CleanerConfig cleaner = config_.cleaner;
  const metadata::ConfigLayers stored = layers_of(image, "");
  const ConfigMap node = applicable_keys(stored.node, true);
  const ConfigMap cluster = applicable_keys(stored.cluster, false);
  const auto changed = [&](std::string_view key) -> const std::string* {
    for (const ConfigMap* layer : {&node, &cluster}) {
      if (const auto found = layer->find(key); found != layer->end()) {
        return &found->second;
      }
    }
    return nullptr;
  };
  const auto number = [&](std::string_view key, auto& into) {
    if (const std::string* value = changed(key)) {
      into = static_cast<std::remove_reference_t<decltype(into)>>(config::parse_long(*value).value_or(into));
    }
  };
  const auto real = [&](std::string_view key, double& into) {
    if (const std::string* value = changed(key)) {
      into = config::parse_double(*value).value_or(into);
    }
  };
  std::int64_t backoff_ms = cleaner.backoff.count();
  number("log.cleaner.backoff.ms", backoff_ms);
  cleaner.backoff = std::min(std::chrono::milliseconds(backoff_ms), ConfigReader::kForever);
  number("log.cleaner.threads", cleaner.threads);
  if (cleaner.threads < 1) {
    cleaner.threads = config_.cleaner.threads;  // 0 is of the right type; nobody can set it while a broker runs
  }
  number("log.cleaner.dedupe.buffer.size", cleaner.dedupe_buffer_bytes);
  real("log.cleaner.io.buffer.load.factor", cleaner.dedupe_load_factor);
  number("log.cleaner.io.buffer.size", cleaner.io_buffer_bytes);
  real("log.cleaner.io.max.bytes.per.second", cleaner.io_bytes_per_second);
  return cleaner;
}

std::int32_t TopicConfigs::producer_id_expiration_ms(const metadata::ConfigLayers& layers) const {
  constexpr std::string_view kKey = "producer.id.expiration.ms";
  for (const ConfigMap* layer : {&layers.node, &layers.cluster}) {
    if (const auto found = layer->find(kKey); found != layer->end()) {
      if (const auto value = config::parse_int(found->second); value && *value >= 1) {
        return *value;
      }
    }
  }
  return config_.producer_id_expiration_ms;
}

replication::PartitionConfig TopicConfigs::config_of(const metadata::Image& image, std::string_view topic) const {
  const metadata::ConfigLayers layers = layers_of(image, topic);
  const auto text = [&](std::string_view key) { return effective_topic_value(key, layers); };
  // Values were validated when they were set; one that a newer release wrote and we cannot read counts as the default.
  const auto number = [&](std::string_view key, auto& into) {
    if (const auto value = text(key)) {
      if (const auto parsed = config::parse_long(*value)) {
        into = static_cast<std::remove_reference_t<decltype(into)>>(*parsed);
      }
    }
  };
  replication::PartitionConfig made;
  storage::LogConfig& log = made.log;
  number("segment.bytes", log.segment_bytes);
  number("internal.segment.bytes", log.segment_bytes);
  number("segment.ms", log.segment_ms);
  number("segment.jitter.ms", log.segment_jitter_ms);
  number("segment.index.bytes", log.segment_index_bytes);
  number("index.interval.bytes", log.index_interval_bytes);
  number("retention.ms", log.retention_ms);
  number("retention.bytes", log.retention_bytes);
  number("file.delete.delay.ms", log.file_delete_delay_ms);
  number("min.compaction.lag.ms", log.min_compaction_lag_ms);
  number("max.compaction.lag.ms", log.max_compaction_lag_ms);
  number("delete.retention.ms", log.delete_retention_ms);
  number("flush.messages", made.flush_messages);
  number("flush.ms", made.flush_ms);
  number("min.insync.replicas", made.min_isr);
  number("max.message.bytes", made.produce.max_message_bytes);
  number("message.timestamp.before.max.ms", made.produce.timestamp_before_max_ms);
  number("message.timestamp.after.max.ms", made.produce.timestamp_after_max_ms);
  if (const auto policy = text("cleanup.policy")) {
    const auto policies = config::parse_list(*policy);
    log.cleanup_delete = std::find(policies.begin(), policies.end(), "delete") != policies.end();
    log.cleanup_compact = std::find(policies.begin(), policies.end(), "compact") != policies.end();
  }
  if (const auto ratio = text("min.cleanable.dirty.ratio")) {
    log.min_cleanable_dirty_ratio = config::parse_double(*ratio).value_or(log.min_cleanable_dirty_ratio);
  }
  if (text("message.timestamp.type") == "LogAppendTime") {
    made.produce.timestamp_type = record::TimestampType::kLogAppendTime;
  }
  if (const auto codec = codec_of(text("compression.type").value_or("producer"))) {
    int level = record::level_range(*codec).standard;
    switch (*codec) {
      case record::Codec::kGzip: number("compression.gzip.level", level); break;
      case record::Codec::kLz4: number("compression.lz4.level", level); break;
      case record::Codec::kZstd: number("compression.zstd.level", level); break;
      case record::Codec::kNone:
      case record::Codec::kSnappy: break;
    }
    made.produce.compression = record::TargetCompression{
        .codec = *codec, .level = record::is_valid_level(*codec, level) ? level : record::level_range(*codec).standard};
  }
  if (const auto sync = text("moldau.acks.all.sync")) {
    made.acks_all_sync = config::parse_boolean(*sync).value_or(true);
  }
  log.producer_id_expiration_ms = producer_id_expiration_ms(layers);
  log.decompressed_bytes_max = static_cast<std::size_t>(config_.decompressed_bytes_max);
  return made;
}

}  // namespace moldau::broker
