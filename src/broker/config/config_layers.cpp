#include "broker/config/config_layers.h"

#include <set>
#include <utility>

#include "config_schema/config_value.h"
#include "storage/checkpoint/properties.h"

namespace moldau::broker {
namespace {

constexpr std::string_view kVariablePrefix = "KAFKA_";

// Variables of Kafka's scripts and container image that are not configuration keys.
const std::set<std::string_view> kScriptVariables = {"KAFKA_HEAP_OPTS",
                                                     "KAFKA_OPTS",
                                                     "KAFKA_JVM_PERFORMANCE_OPTS",
                                                     "KAFKA_LOG4J_OPTS",
                                                     "KAFKA_GC_LOG_OPTS",
                                                     "KAFKA_JMX_OPTS",
                                                     "KAFKA_JMX_PORT",
                                                     "KAFKA_JMX_HOSTNAME",
                                                     "KAFKA_DEBUG",
                                                     "KAFKA_HOME",
                                                     "KAFKA_VERSION",
                                                     "KAFKA_LOG4J_LOGGERS",
                                                     "KAFKA_LOG4J_ROOT_LOGLEVEL",
                                                     "KAFKA_TOOLS_LOG4J_LOGLEVEL",
                                                     "KAFKA_LOG4J_CMD_OPTS"};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::optional<ConfigFault> ConfigLayers::add_properties(const std::string& file_name, Bytes content) {
  auto properties = storage::parse_properties(content);
  if (!properties) {
    return ConfigFault{file_name + ":" + std::to_string(properties.error().detail()) + ": " +
                       properties.error().context()};
  }
  for (storage::Property& property : *properties) {
    entries_[std::move(property.key)] = {std::move(property.value), file_name + ":" + std::to_string(property.line)};
  }
  return std::nullopt;
}

std::string key_of_variable(std::string_view variable) {
  std::string key;
  for (std::size_t i = 0; i < variable.size();) {
    std::size_t underscores = 0;
    while (i + underscores < variable.size() && variable[i + underscores] == '_' && underscores < 3) {
      ++underscores;
    }
    if (underscores == 0) {
      key += lower(variable[i++]);
    } else {
      key += underscores == 1 ? '.' : underscores == 2 ? '_' : '-';
      i += underscores;
    }
  }
  return key;
}

std::optional<ConfigFault> ConfigLayers::add_environment(const std::vector<std::string>& environment) {
  for (const std::string& entry : environment) {
    const std::string_view text = entry;
    const std::size_t equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    if (equals == std::string_view::npos || !name.starts_with(kVariablePrefix) || kScriptVariables.contains(name)) {
      continue;
    }
    const std::string origin = "environment " + std::string(name);
    const std::string line = key_of_variable(name.substr(kVariablePrefix.size())) + std::string(text.substr(equals));
    auto properties = storage::parse_properties(as_bytes(line));
    if (!properties) {
      return ConfigFault{origin + ": " + properties.error().context()};
    }
    for (storage::Property& property : *properties) {
      entries_[std::move(property.key)] = {std::move(property.value), origin};
    }
  }
  return std::nullopt;
}

std::optional<ConfigFault> ConfigLayers::add_setting(std::string_view key_equals_value) {
  const std::size_t equals = key_equals_value.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return ConfigFault{"--set " + std::string(key_equals_value) + ": write it as key=value"};
  }
  entries_[std::string(config::trim(key_equals_value.substr(0, equals)))] = {
      std::string(config::trim(key_equals_value.substr(equals + 1))), "--set"};
  return std::nullopt;
}

void ConfigLayers::add(std::string key, std::string value, std::string origin) {
  entries_[std::move(key)] = {std::move(value), std::move(origin)};
}

const ConfigEntry* ConfigLayers::find(std::string_view key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : &found->second;
}

}  // namespace moldau::broker
