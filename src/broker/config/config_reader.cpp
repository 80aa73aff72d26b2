#include "broker/config/config_reader.h"

#include <algorithm>

#include "config_schema/config_key.h"
#include "config_schema/config_value.h"

namespace moldau::broker {

std::string ConfigReader::text(std::string_view key, std::string_view otherwise) const {
  const ConfigEntry* entry = layers_.find(key);
  return std::string(entry == nullptr ? otherwise : config::trim(entry->value));
}

std::optional<std::int64_t> ConfigReader::number_set(std::string_view key) const {
  const ConfigEntry* entry = layers_.find(key);
  return entry == nullptr ? std::nullopt : config::parse_long(entry->value);
}

std::optional<std::int64_t> ConfigReader::number_or_default(std::string_view key) const {
  if (is_set(key)) {
    return number_set(key);
  }
  const config::ConfigKey* known = config::find(config::Scope::kBroker, key);
  return known == nullptr ? std::nullopt : config::parse_long(known->default_value);
}

void ConfigReader::milliseconds(std::string_view key, std::chrono::milliseconds& into) const {
  std::int64_t raw = into.count();
  number(key, raw);
  into = std::min(std::chrono::milliseconds(raw), kForever);
}

void ConfigReader::boolean(std::string_view key, bool& into) const {
  if (const ConfigEntry* entry = layers_.find(key)) {
    into = config::parse_boolean(entry->value).value_or(into);
  }
}

void ConfigReader::real(std::string_view key, double& into) const {
  if (const ConfigEntry* entry = layers_.find(key)) {
    into = config::parse_double(entry->value).value_or(into);
  }
}

void ConfigReader::fail(std::string_view key, std::string_view why) {
  if (fault_) {
    return;
  }
  const ConfigEntry* entry = layers_.find(key);
  fault_ = ConfigFault{(entry == nullptr ? std::string("configuration") : entry->origin) + ": " + std::string(key) +
                       ": " + std::string(why)};
}

}  // namespace moldau::broker
