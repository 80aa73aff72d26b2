// The static configuration of a node before it is understood: keys, values, and where each came from.
//
// Layers, strongest first: --set key=value, the environment (KAFKA_LOG_RETENTION_MS=…), server.properties, what a node
// without configuration starts with. Unknown keys are kept for a warning; a key given twice in one layer: the last
// counts. Source: Kafka's server.properties and the environment mapping of its container image.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace moldau::broker {

// A fault in the configuration, as one line for the operator: "server.properties:12: log.segment.bytes: must be …".
struct ConfigFault {
  std::string text;
};

struct ConfigEntry {
  std::string value;
  std::string origin;  // "server.properties:12", "environment KAFKA_NODE_ID", "--set"
};

class ConfigLayers {
 public:
  // Adds a layer above those added before. The first malformed line is the fault.
  [[nodiscard]] std::optional<ConfigFault> add_properties(const std::string& file_name, Bytes content);
  // Takes variables that begin with KAFKA_; `environment` is NAME=value entries. Kafka's image writes them into
  // server.properties as they are: escapes count as there, and a further line is a further property.
  [[nodiscard]] std::optional<ConfigFault> add_environment(const std::vector<std::string>& environment);
  [[nodiscard]] std::optional<ConfigFault> add_setting(std::string_view key_equals_value);

  // One key above what was added before.
  void add(std::string key, std::string value, std::string origin);

  [[nodiscard]] const ConfigEntry* find(std::string_view key) const;
  [[nodiscard]] const std::map<std::string, ConfigEntry, std::less<>>& entries() const noexcept { return entries_; }

 private:
  std::map<std::string, ConfigEntry, std::less<>> entries_;
};

// KAFKA_LOG_RETENTION_MS -> log.retention.ms: lower case, '_' becomes '.', "__" becomes '_', "___" becomes '-'.
[[nodiscard]] std::string key_of_variable(std::string_view variable);

}  // namespace moldau::broker
