#include "broker/config/resource_rules.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config_schema/config_key.h"
#include "config_schema/config_value.h"
#include "config_schema/java_pattern.h"

namespace moldau::broker {

using metadata::ApiError;
using metadata::ConfigMap;
using protocol::ErrorCode;

namespace {

ApiError invalid(std::string why) {
  return {ErrorCode::kInvalidConfig, std::move(why)};
}

ApiError judge_values(config::Scope scope, const ConfigMap& proposed, ErrorCode unknown_key) {
  for (const auto& [name, value] : proposed) {
    if (config::find(scope, name) == nullptr) {
      return {unknown_key, "unknown configuration key " + name};
    }
  }
  for (const auto& [name, value] : proposed) {
    if (const char* why = config::refuse_value(*config::find(scope, name), value)) {
      return invalid(name + ": '" + value + "' " + why);
    }
  }
  return {};
}

std::optional<std::int64_t> number_in(const ConfigMap& map, std::string_view key) {
  const auto found = map.find(key);
  return found == map.end() ? std::nullopt : config::parse_long(found->second);
}

std::int64_t broker_number(const NodeConfig& node, std::string_view key) {
  if (const auto set = number_in(node.set_keys, key)) {
    return *set;
  }
  const config::ConfigKey* known = config::find(config::Scope::kBroker, key);
  return known == nullptr ? 0 : config::parse_long(known->default_value).value_or(0);
}

// Of a key of groups: the broker keys between which it lies.
struct Bounds {
  std::string_view key;
  std::string_view min;  // "" for none
  std::string_view max;
  bool of_set_only = false;  // judged only where it is set
};
constexpr Bounds kGroupBounds[] = {
    {"consumer.heartbeat.interval.ms", "group.consumer.min.heartbeat.interval.ms",
     "group.consumer.max.heartbeat.interval.ms"},
    {"consumer.session.timeout.ms", "group.consumer.min.session.timeout.ms", "group.consumer.max.session.timeout.ms"},
    {"consumer.assignment.interval.ms", "group.consumer.min.assignment.interval.ms",
     "group.consumer.max.assignment.interval.ms", true},
    {"share.heartbeat.interval.ms", "group.share.min.heartbeat.interval.ms", "group.share.max.heartbeat.interval.ms"},
    {"share.session.timeout.ms", "group.share.min.session.timeout.ms", "group.share.max.session.timeout.ms"},
    {"share.record.lock.duration.ms", "group.share.min.record.lock.duration.ms",
     "group.share.max.record.lock.duration.ms"},
    {"share.delivery.count.limit", "group.share.min.delivery.count.limit", "group.share.max.delivery.count.limit"},
    {"share.partition.max.record.locks", "group.share.min.partition.max.record.locks",
     "group.share.max.partition.max.record.locks"},
    {"share.assignment.interval.ms", "group.share.min.assignment.interval.ms", "group.share.max.assignment.interval.ms",
     true},
    {"streams.heartbeat.interval.ms", "group.streams.min.heartbeat.interval.ms",
     "group.streams.max.heartbeat.interval.ms"},
    {"streams.session.timeout.ms", "group.streams.min.session.timeout.ms", "group.streams.max.session.timeout.ms"},
    {"streams.num.standby.replicas", "", "group.streams.max.standby.replicas"},
    {"streams.assignment.interval.ms", "group.streams.min.assignment.interval.ms",
     "group.streams.max.assignment.interval.ms", true},
};
constexpr std::string_view kGroupKinds[] = {"consumer", "share", "streams"};

// The subscription's selectors: "client_id=c.*".
constexpr std::string_view kMatchParameters[] = {"client_instance_id",    "client_id",
                                                 "client_software_name",  "client_software_version",
                                                 "client_source_address", "client_source_port"};
constexpr std::int64_t kPushIntervalMinMs = 100;
constexpr std::int64_t kPushIntervalMaxMs = 3'600'000;

bool is_selector(std::string_view text) {
  // As Java splits at "=": trailing empty parts do not count.
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return false;
  }
  const std::string_view name = config::trim(text.substr(0, equals));
  const std::string_view pattern = text.substr(equals + 1);
  const std::size_t end = std::min(pattern.find('='), pattern.size());
  if (end == 0 || pattern.find_first_not_of('=', end) != std::string_view::npos) {
    return false;
  }
  return std::ranges::find(kMatchParameters, name) != std::end(kMatchParameters) &&
         config::is_java_pattern(config::trim(pattern.substr(0, end)));
}

}  // namespace

ApiError judge_topic_config(const NodeConfig& node, const ConfigMap& proposed) {
  if (ApiError error = judge_values(config::Scope::kTopic, proposed, ErrorCode::kInvalidConfig); error.failed()) {
    return error;
  }
  const auto lag = [&](std::string_view key, std::string_view broker_key) {
    const auto own = number_in(proposed, key);
    return own ? *own : broker_number(node, broker_key);
  };
  const std::int64_t least = lag("min.compaction.lag.ms", "log.cleaner.min.compaction.lag.ms");
  const std::int64_t most = lag("max.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms");
  if (least > most) {
    return invalid("min.compaction.lag.ms, " + std::to_string(least) + ", is larger than max.compaction.lag.ms, " +
                   std::to_string(most));
  }
  if (const auto remote = proposed.find("remote.storage.enable");
      remote != proposed.end() && config::parse_boolean(remote->second).value_or(false)) {
    return invalid("remote.storage.enable: this cluster has no tiered storage");
  }
  return {};
}

std::string_view broker_key_of_group_key(std::string_view group_key) noexcept {
  for (const config::ConfigKey& key : config::keys(config::Scope::kBroker)) {
    constexpr std::string_view kPrefix = "group.";
    if (key.name.starts_with(kPrefix) && key.name.substr(kPrefix.size()) == group_key) {
      return key.name;
    }
  }
  return "";
}

ApiError judge_group_config(const NodeConfig& node, std::string_view group, const ConfigMap& proposed) {
  if (group.empty()) {
    return {ErrorCode::kInvalidRequest, "groups have no common configuration: name one"};
  }
  if (ApiError error = judge_values(config::Scope::kGroup, proposed, ErrorCode::kInvalidConfig); error.failed()) {
    return error;
  }
  const auto value_of = [&](std::string_view key) {
    const auto own = number_in(proposed, key);
    return own ? *own : broker_number(node, broker_key_of_group_key(key));
  };
  for (const Bounds& bounds : kGroupBounds) {
    if (bounds.of_set_only && !proposed.contains(bounds.key)) {
      continue;
    }
    const std::int64_t value = value_of(bounds.key);
    if (!bounds.min.empty() && value < broker_number(node, bounds.min)) {
      return invalid(std::string(bounds.key) + " must be at least " + std::string(bounds.min));
    }
    if (value > broker_number(node, bounds.max)) {
      return invalid(std::string(bounds.key) + " must be at most " + std::string(bounds.max));
    }
  }
  for (const std::string_view kind : kGroupKinds) {
    const std::string session = std::string(kind) + ".session.timeout.ms";
    const std::string heartbeat = std::string(kind) + ".heartbeat.interval.ms";
    if (value_of(session) <= value_of(heartbeat)) {
      return invalid(session + " must be more than " + heartbeat);
    }
  }
  return {};
}

ApiError judge_client_metrics_config(std::string_view subscription, const ConfigMap& proposed) {
  if (subscription.empty()) {
    return {ErrorCode::kInvalidRequest, "a subscription needs a name"};
  }
  if (ApiError error = judge_values(config::Scope::kClientMetrics, proposed, ErrorCode::kInvalidRequest);
      error.failed()) {
    return error;
  }
  if (const auto interval = number_in(proposed, "interval.ms");
      interval && (*interval < kPushIntervalMinMs || *interval > kPushIntervalMaxMs)) {
    return {ErrorCode::kInvalidRequest, "interval.ms must be 100 to 3600000"};
  }
  if (const auto match = proposed.find("match"); match != proposed.end()) {
    for (const std::string_view selector : config::parse_list(match->second)) {
      if (!is_selector(selector)) {
        return invalid("match: '" + std::string(selector) + "' is no selector of clients");
      }
    }
  }
  return {};
}

}  // namespace moldau::broker
