#include "broker/node/live_config.h"

#include <algorithm>
#include <utility>

#include "broker/config/broker_keys.h"
#include "broker/config/config_keys.h"
#include "broker/config/keys_without_effect.h"

namespace moldau::broker {
namespace {

constexpr std::string_view kArea = "config";

// A key of topics that brokers give a default counts under its topic's name.
bool gives_topics_a_default(std::string_view broker_key) {
  return std::ranges::any_of(config::keys(config::Scope::kTopic), [&](const config::ConfigKey& key) {
    return std::ranges::find(key.synonyms, broker_key, &config::Synonym::broker_key) != key.synonyms.end();
  });
}

}  // namespace

LiveConfig::LiveConfig(const BrokerConfigs& configs, Logger& logger, Function<void(const NodeConfig&)> on_change)
    : configs_(configs), logger_(logger), on_change_(std::move(on_change)), merged_(configs.static_keys()) {}

bool LiveConfig::concerns_us(const metadata::ImageChanges& changes) const {
  return std::ranges::any_of(changes.configs, [this](const metadata::ConfigResource& resource) {
    return resource.type == metadata::ConfigResourceType::kBroker &&
           (resource.name.empty() || resource.name == configs_.node_name());
  });
}

void LiveConfig::on_image(const metadata::ImageUpdate& update) {
  if (!concerns_us(*update.changes)) {
    return;
  }
  metadata::ConfigMap merged = configs_.merged(configs_.layers_of(*update.after));
  if (merged == merged_) {
    return;
  }
  const auto read = configs_.read(merged);
  if (!read) {
    log(logger_, LogLevel::kError, kArea, "the changed configuration is not applied: {}", read.error().text);
    return;
  }
  tell(merged);
  merged_ = std::move(merged);
  on_change_(*read);
}

void LiveConfig::tell(const metadata::ConfigMap& merged) const {
  for (const auto& [name, value] : merged) {
    if (const auto found = merged_.find(name); found == merged_.end() || found->second != value) {
      tell_key(name, &value);
    }
  }
  for (const auto& [name, value] : merged_) {
    if (!merged.contains(name)) {
      tell_key(name, nullptr);
    }
  }
}

void LiveConfig::tell_key(std::string_view name, const std::string* value) const {
  const config::ConfigKey* key = find_broker_key(name);
  const std::string_view shown = value == nullptr                        ? "not set"
                                 : key == nullptr || key->is_sensitive() ? "set"
                                                                         : std::string_view(*value);
  const std::string_view why =
      key == nullptr ? "nobody knows it" : why_without_effect(config::Scope::kBroker, key->name);
  if (key != nullptr && (is_in_effect(key->name) || gives_topics_a_default(key->name))) {
    log(logger_, LogLevel::kInfo, kArea, "{} is {} now", name, shown);
  } else {
    log(logger_, LogLevel::kWarn, kArea, "{} is {} now, and changes nothing: {}", name, shown, why);
  }
}

}  // namespace moldau::broker
