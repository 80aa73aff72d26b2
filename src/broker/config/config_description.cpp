#include "broker/config/config_description.h"

#include <algorithm>
#include <set>
#include <utility>

#include "broker/config/broker_keys.h"
#include "broker/config/keys_without_effect.h"
#include "broker/config/resource_rules.h"
#include "config_schema/config_value.h"

namespace moldau::broker {

using metadata::ConfigMap;
using metadata::ConfigResourceType;

namespace {

constexpr std::string_view kOwnPrefix = "moldau.";

std::int8_t type_code(config::Type type) {
  switch (type) {
    case config::Type::kBoolean: return 1;
    case config::Type::kString: return 2;
    case config::Type::kInt: return 3;
    case config::Type::kShort: return 4;
    case config::Type::kLong: return 5;
    case config::Type::kDouble: return 6;
    case config::Type::kList: return 7;
    case config::Type::kClass: return 8;
    case config::Type::kPassword: return 9;
  }
  return 0;
}

// Kafka shows neither its internal keys nor those that it does not know, unless they are set.
bool shows_unset(const config::ConfigKey& key) {
  return !key.internal && !key.name.starts_with(kOwnPrefix);
}

std::optional<std::string> documentation_of(const config::ConfigKey& key) {
  if (!key.documentation.empty()) {
    return std::string(key.documentation);
  }
  const std::string_view why = why_without_effect(key.scope, key.name);
  return why.empty() ? "" : "no effect here: " + std::string(why);
}

DescribedConfig described(const config::ConfigKey& key) {
  DescribedConfig config;
  config.name = key.name;
  config.type = type_code(key.type);
  config.sensitive = key.is_sensitive();
  config.documentation = documentation_of(key);
  return config;
}

std::optional<std::string> default_of(const config::ConfigKey& key) {
  return key.default_is_null ? std::nullopt : std::optional<std::string>(key.default_value);
}

// The strongest one that gives a value says where it comes from; then secrets go.
void finish(DescribedConfig& config) {
  if (!config.synonyms.empty()) {
    config.source = config.synonyms.front().source;
  }
  if (config.sensitive) {
    config.value.reset();
    for (DescribedSynonym& synonym : config.synonyms) {
      synonym.value.reset();
    }
  }
}

}  // namespace

WantedKeys::WantedKeys(const std::optional<std::vector<std::string_view>>& keys) {
  if (keys) {
    sorted_ = *keys;
    std::ranges::sort(sorted_);
  }
}

bool WantedKeys::contains(std::string_view key) const {
  return sorted_.empty() || std::ranges::binary_search(sorted_, key);
}

std::vector<DescribedConfig> ConfigDescriber::topic(const metadata::Image& image, std::string_view name,
                                                    const WantedKeys& wanted) const {
  const metadata::ConfigLayers layers = topics_.layers_of(image, name);
  std::vector<DescribedConfig> configs;
  for (const config::ConfigKey& key : config::keys(config::Scope::kTopic)) {
    if (!wanted.contains(key.name) || (!shows_unset(key) && !layers.topic.contains(key.name))) {
      continue;
    }
    std::vector<ConfigSynonym> values = topics_.resolve(key, layers);
    DescribedConfig& config = configs.emplace_back(described(key));
    config.value = values.front().value;
    config.source = values.front().source;
    for (ConfigSynonym& value : values) {
      if (value.raw) {  // a key of topics alone has no broker key to name as its default
        config.synonyms.push_back({std::move(value.name), std::move(value.raw), value.source});
      }
    }
    finish(config);
  }
  return configs;
}

std::vector<DescribedSynonym> ConfigDescriber::broker_synonyms(std::string_view name,
                                                               const DynamicLayers& layers) const {
  const std::vector<std::string_view> names = names_of(name, true);
  std::vector<DescribedSynonym> synonyms;
  const auto add = [&](const ConfigMap& map, ConfigSource source) {
    for (const std::string_view one : names) {
      if (const auto found = map.find(one); found != map.end()) {
        synonyms.push_back({found->first, found->second, source});
      }
    }
  };
  add(layers.node, ConfigSource::kDynamicBroker);
  add(layers.cluster, ConfigSource::kDynamicDefaultBroker);
  add(brokers_.static_keys(), ConfigSource::kStaticBroker);
  for (const std::string_view one : names) {
    if (auto value = brokers_.default_of(one)) {
      synonyms.push_back({std::string(one), std::move(value), ConfigSource::kDefault});
    }
  }
  // Stronger names of the same thing have entries of their own.
  synonyms.erase(synonyms.begin(), std::ranges::find(synonyms, name, &DescribedSynonym::name));
  return synonyms;
}

DescribedConfig ConfigDescriber::broker_key(std::string_view name, const DynamicLayers& layers) const {
  DescribedConfig config;
  if (const config::ConfigKey* key = find_broker_key(name)) {
    config = described(*key);
  } else {
    config.sensitive = true;
    config.documentation = "";
  }
  config.name = name;
  config.read_only = !is_dynamic(name);
  config.synonyms = broker_synonyms(name, layers);
  return config;
}

std::vector<DescribedConfig> ConfigDescriber::broker(const metadata::Image& image, const WantedKeys& wanted) const {
  const DynamicLayers layers = brokers_.layers_of(image);
  const ConfigMap merged = brokers_.merged(layers);
  std::set<std::string_view> names;
  for (const config::ConfigKey& key : config::keys(config::Scope::kBroker)) {
    if (shows_unset(key) && !key.dynamic_only) {
      names.insert(key.name);
    }
  }
  for (const auto& [name, value] : merged) {
    names.insert(name);
  }
  std::vector<DescribedConfig> configs;
  for (const std::string_view name : names) {
    if (!wanted.contains(name)) {
      continue;
    }
    DescribedConfig& config = configs.emplace_back(broker_key(name, layers));
    const config::ConfigKey* key = find_broker_key(name);
    config.value = brokers_.value_in(merged, name);
    if (key != nullptr && config.value) {
      config.value = config::shown_value(*key, *config.value);
    }
    finish(config);
  }
  return configs;
}

std::vector<DescribedConfig> ConfigDescriber::all_brokers(const metadata::Image& image,
                                                          const WantedKeys& wanted) const {
  const DynamicLayers layers = brokers_.layers_of(image);
  std::vector<DescribedConfig> configs;
  for (const auto& [name, value] : layers.cluster) {
    if (!wanted.contains(name)) {
      continue;
    }
    DescribedConfig& config = configs.emplace_back(broker_key(name, layers));
    config.value = value;
    std::erase_if(config.synonyms, [](const DescribedSynonym& synonym) {
      return synonym.source != ConfigSource::kDynamicDefaultBroker;
    });
    finish(config);
  }
  return configs;
}

std::vector<DescribedConfig> ConfigDescriber::group(const metadata::Image& image, std::string_view name,
                                                    const WantedKeys& wanted) const {
  const ConfigMap& own = image.config(ConfigResourceType::kGroup, name);
  const DynamicLayers layers = brokers_.layers_of(image);
  const ConfigMap merged = brokers_.merged(layers);
  std::vector<DescribedConfig> configs;
  for (const config::ConfigKey& key : config::keys(config::Scope::kGroup)) {
    if (!wanted.contains(key.name)) {
      continue;
    }
    DescribedConfig& config = configs.emplace_back(described(key));
    const std::string_view broker_key = broker_key_of_group_key(key.name);
    if (broker_key.empty()) {
      config.value = default_of(key);
      config.synonyms.push_back({std::string(key.name), config.value, ConfigSource::kDefault});
    } else {
      config.value = brokers_.value_in(merged, broker_key);
      config.synonyms = broker_synonyms(broker_key, layers);
    }
    if (const auto found = own.find(key.name); found != own.end()) {
      config.value = found->second;
      config.synonyms.insert(config.synonyms.begin(),
                             {found->first, config::shown_value(key, found->second), ConfigSource::kGroup});
    }
    if (config.value) {
      config.value = config::shown_value(key, *config.value);
    }
    finish(config);
  }
  return configs;
}

std::vector<DescribedConfig> ConfigDescriber::client_metrics(const metadata::Image& image, std::string_view name,
                                                             const WantedKeys& wanted) const {
  const ConfigMap& own = image.config(ConfigResourceType::kClientMetrics, name);
  std::vector<DescribedConfig> configs;
  for (const config::ConfigKey& key : config::keys(config::Scope::kClientMetrics)) {
    if (!wanted.contains(key.name)) {
      continue;
    }
    DescribedConfig& config = configs.emplace_back(described(key));
    config.value = default_of(key);
    if (const auto found = own.find(key.name); found != own.end()) {
      config.value = config::shown_value(key, found->second);
      config.synonyms.push_back({found->first, config.value, ConfigSource::kClientMetrics});
    }
    finish(config);
  }
  return configs;
}

}  // namespace moldau::broker
