#include "broker/config/broker_configs.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "broker/config/broker_keys.h"
#include "broker/config/change_rules.h"
#include "broker/config/config_layers.h"
#include "config_schema/config_value.h"
#include "metadata/controller/list_operations.h"

namespace moldau::broker {

using metadata::ApiError;
using metadata::ConfigMap;
using metadata::ConfigOperation;
using metadata::ConfigResourceType;
using protocol::ErrorCode;

namespace {

constexpr const char* kOrigin = "dynamic configuration";

// What a start is asked and a change is not, or what counts for nothing while a broker runs: what a listener without
// TLS and SASL is told about them; ${...} in values; whether compaction lags fit together, which each topic is asked.
bool is_for_a_start_alone(std::string_view name) {
  const auto split = split_listener_key(name);
  return (split && !is_limit_of_listeners(split->base)) || name.starts_with("config.providers") ||
         name == "log.cleaner.min.compaction.lag.ms" || name == "log.cleaner.max.compaction.lag.ms";
}

// Each key of `stronger` comes instead of the same thing in `keys`, whatever its name there.
void put_above(ConfigMap& keys, const ConfigMap& stronger) {
  for (const auto& [name, value] : stronger) {
    for (const std::string_view other : names_of(name, false)) {
      if (const auto found = keys.find(other); found != keys.end()) {
        keys.erase(found);
      }
    }
    keys.insert_or_assign(name, value);
  }
}

// What Kafka's broker makes of a list before it judges the value: its ConfigAdminManager, unlike the controller, keeps
// empty elements of the old value and repeated ones of the new.
std::string judged_list(std::string_view list, const metadata::ConfigAlteration& wanted) {
  std::vector<std::string_view> elements = metadata::split_list(list);
  const std::vector<std::string_view> named = metadata::split_list(*wanted.value);
  if (wanted.operation == ConfigOperation::kAppend) {
    const std::vector<std::string_view> before = list.empty() ? std::vector<std::string_view>{} : elements;
    elements = before;
    std::ranges::copy_if(named, std::back_inserter(elements),
                         [&](std::string_view one) { return std::ranges::find(before, one) == before.end(); });
    return metadata::join_list(elements);
  }
  for (const std::string_view one : named) {
    if (const auto found = std::ranges::find(elements, one); found != elements.end()) {
      elements.erase(found);
    }
  }
  return metadata::join_list(elements);
}

ApiError apply(ConfigMap& keys, const metadata::ConfigAlteration& wanted) {
  switch (wanted.operation) {
    case ConfigOperation::kSet: keys.insert_or_assign(wanted.key, *wanted.value); return {};
    case ConfigOperation::kDelete: keys.erase(wanted.key); return {};
    case ConfigOperation::kAppend:
    case ConfigOperation::kSubtract: break;
    default: return {ErrorCode::kInvalidRequest, "unknown operation on " + wanted.key};
  }
  const config::ConfigKey* key = config::find(config::Scope::kBroker, wanted.key);
  if (key == nullptr || key->type != config::Type::kList) {
    return {ErrorCode::kInvalidConfig, wanted.key + (key == nullptr ? " is no known key" : " is not a list")};
  }
  const auto found = keys.find(wanted.key);
  const std::string before = found == keys.end() ? std::string(key->default_value) : found->second;
  keys.insert_or_assign(wanted.key, judged_list(before, wanted));
  return {};
}

}  // namespace

BrokerConfigs::BrokerConfigs(const NodeConfig& config)
    : config_(config), node_name_(std::to_string(config.node_id.value())), static_keys_(config.set_keys) {
  for (const auto& [name, value] : config.other_keys) {
    static_keys_.emplace(name, value);
  }
  // Two names of one number: who sets one has set the other.
  if (const auto node = static_keys_.find("node.id"); node != static_keys_.end()) {
    static_keys_.emplace("broker.id", node->second);
  } else if (const auto broker = static_keys_.find("broker.id"); broker != static_keys_.end()) {
    static_keys_.emplace("node.id", broker->second);
  }
}

DynamicLayers BrokerConfigs::layers_of(const metadata::Image& image) const {
  return {.node = applicable_keys(image.config(ConfigResourceType::kBroker, node_name_), true),
          .cluster = applicable_keys(image.config(ConfigResourceType::kBroker, ""), false)};
}

std::optional<std::string> BrokerConfigs::default_of(std::string_view name) const {
  if (const auto assumed = config_.assumed_keys.find(name); assumed != config_.assumed_keys.end()) {
    return assumed->second;
  }
  const config::ConfigKey* key = config::find(config::Scope::kBroker, name);
  if (key == nullptr || !key->has_default || key->default_is_null) {
    return std::nullopt;
  }
  return std::string(key->default_value);
}

ConfigMap BrokerConfigs::merged(const DynamicLayers& layers) const {
  ConfigMap keys = static_keys_;
  put_above(keys, layers.cluster);
  put_above(keys, layers.node);
  return keys;
}

std::optional<std::string> BrokerConfigs::value_in(const ConfigMap& merged, std::string_view name) const {
  const auto found = merged.find(name);
  return found != merged.end() ? std::optional(found->second) : default_of(name);
}

std::expected<NodeConfig, ConfigFault> BrokerConfigs::read(const ConfigMap& merged) const {
  ConfigLayers layers;
  for (const auto& [name, value] : merged) {
    const auto fixed = static_keys_.find(name);
    if (!is_for_a_start_alone(name)) {
      layers.add(name, value, kOrigin);
    } else if (fixed != static_keys_.end()) {
      layers.add(name, fixed->second, kOrigin);
    }
  }
  return make_node_config(layers);
}

ApiError BrokerConfigs::judge_name(std::string_view resource) const {
  const auto id = config::parse_int(resource);
  if (resource.empty() || id == config_.node_id.value()) {
    return {};
  }
  if (!id) {
    return {ErrorCode::kInvalidRequest,
            "a broker is named by its id, an integer, and not by '" + std::string(resource) + "'"};
  }
  return {ErrorCode::kInvalidRequest, "this is broker " + node_name_ + ", and not " + std::string(resource)};
}

ApiError BrokerConfigs::judge(const metadata::Image& image, const metadata::ResourceAlterations& wanted) const {
  const bool for_one_broker = !wanted.resource.name.empty();
  ConfigMap proposed = applicable_keys(image.config(ConfigResourceType::kBroker, wanted.resource.name), for_one_broker);
  for (const metadata::ConfigAlteration& one : wanted.alterations) {
    if (ApiError error = apply(proposed, one); error.failed()) {
      return error;
    }
  }
  return judge_keys_of(image, for_one_broker, std::move(proposed));
}

ApiError BrokerConfigs::judge_replacement(const metadata::Image& image,
                                          const metadata::ResourceAlterations& wanted) const {
  ConfigMap proposed;
  for (const metadata::ConfigAlteration& one : wanted.alterations) {
    proposed.insert_or_assign(one.key, one.value.value_or(""));
  }
  return judge_keys_of(image, !wanted.resource.name.empty(), std::move(proposed));
}

ApiError BrokerConfigs::judge_keys_of(const metadata::Image& image, bool for_one_broker, ConfigMap proposed) const {
  if (std::string why = refuse_dynamic_keys(proposed, for_one_broker); !why.empty()) {
    return {ErrorCode::kInvalidRequest, std::move(why)};
  }
  DynamicLayers layers = layers_of(image);
  const ConfigMap before = merged(layers);
  (for_one_broker ? layers.node : layers.cluster) = std::move(proposed);
  const ConfigMap after = merged(layers);
  if (const auto readable = read(after); !readable) {
    return {ErrorCode::kInvalidRequest, readable.error().text};
  }
  if (std::string why = refuse_change(*this, config_, before, after); !why.empty()) {
    return {ErrorCode::kInvalidRequest, std::move(why)};
  }
  return {};
}

}  // namespace moldau::broker
