#include "broker/config/broker_keys.h"

#include <algorithm>
#include <cstddef>
#include <span>

#include "config_schema/config_value.h"

namespace moldau::broker {
namespace {

constexpr std::string_view kListenerPrefix = "listener.name.";
constexpr std::string_view kProviders = "config.providers";

// Set for a listener and one of its SASL mechanisms: "listener.name.external.scram-sha-256.sasl.jaas.config".
constexpr std::string_view kMechanismKeys[] = {"sasl.jaas.config", "sasl.login.callback.handler.class",
                                               "sasl.login.class", "sasl.server.callback.handler.class",
                                               "connections.max.reauth.ms"};

// Reloaded while a listener runs, and for a named listener only.
constexpr std::string_view kSecurityKeys[] = {"ssl.key.password",
                                              "ssl.keystore.certificate.chain",
                                              "ssl.keystore.key",
                                              "ssl.keystore.location",
                                              "ssl.keystore.password",
                                              "ssl.keystore.type",
                                              "ssl.truststore.certificates",
                                              "ssl.truststore.location",
                                              "ssl.truststore.password",
                                              "ssl.truststore.type"};

// A listener's keys that the default of all brokers may have too.
constexpr std::string_view kClusterWideOfListeners[] = {"max.connections", "max.connection.creation.rate",
                                                        "num.network.threads"};

bool is_one_of(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool is_of_one_broker(std::string_view name) {
  if (const auto split = split_listener_key(name)) {
    return !is_one_of(kClusterWideOfListeners, split->base);
  }
  const config::ConfigKey* key = config::find(config::Scope::kBroker, name);
  return key != nullptr && key->mode == config::UpdateMode::kPerBroker;
}

std::string refuse_key(std::string_view name, std::string_view value, bool for_one_broker) {
  const config::ConfigKey* exact = config::find(config::Scope::kBroker, name);
  if (exact != nullptr && exact->mode == config::UpdateMode::kReadOnly) {
    return std::string(name) + " cannot be changed while the broker runs";
  }
  if (is_one_of(kSecurityKeys, name)) {
    return std::string(name) + " can be changed for a listener only: listener.name.<listener>." + std::string(name);
  }
  const auto split = split_listener_key(name);
  const config::ConfigKey* key = split ? config::find(config::Scope::kBroker, split->base) : exact;
  if (key != nullptr && key->mode != config::UpdateMode::kReadOnly && !name.starts_with(kProviders)) {
    if (const char* why = config::refuse_value(*key, value)) {
      return std::string(name) + ": " + (key->is_sensitive() ? "the value" : "'" + std::string(value) + "'") + " " +
             why;
    }
  }
  if (!for_one_broker && is_of_one_broker(name)) {
    return std::string(name) + " is a key of one broker: name the broker";
  }
  return {};
}

}  // namespace

std::optional<ListenerKey> split_listener_key(std::string_view name) noexcept {
  if (!name.starts_with(kListenerPrefix)) {
    return std::nullopt;
  }
  const std::string_view rest = name.substr(kListenerPrefix.size());
  const std::size_t dot = rest.find('.');
  if (dot == std::string_view::npos) {
    return std::nullopt;
  }
  return ListenerKey{.listener = rest.substr(0, dot), .base = rest.substr(dot + 1)};
}

const config::ConfigKey* find_broker_key(std::string_view name) noexcept {
  if (const config::ConfigKey* exact = config::find(config::Scope::kBroker, name)) {
    return exact;
  }
  const auto split = split_listener_key(name);
  if (!split) {
    return nullptr;
  }
  for (const std::string_view mechanism_key : kMechanismKeys) {
    if (split->base.ends_with(mechanism_key)) {
      return config::find(config::Scope::kBroker, mechanism_key);
    }
  }
  return config::find(config::Scope::kBroker, split->base);
}

std::vector<std::string_view> names_of(std::string_view name, bool of_listener) {
  if (const config::ConfigKey* key = config::find(config::Scope::kBroker, name);
      key != nullptr && !key->precedence.empty()) {
    return {key->precedence.begin(), key->precedence.end()};
  }
  if (of_listener) {
    if (const auto split = split_listener_key(name)) {
      const config::ConfigKey* key = find_broker_key(name);
      return {name, key != nullptr ? key->name : split->base};
    }
  }
  return {name};
}

bool is_limit_of_listeners(std::string_view base) noexcept {
  return is_one_of(kClusterWideOfListeners, base);
}

bool is_dynamic(std::string_view name) noexcept {
  const config::ConfigKey* key = config::find(config::Scope::kBroker, name);
  return key != nullptr && key->mode != config::UpdateMode::kReadOnly;
}

std::string refuse_dynamic_keys(const metadata::ConfigMap& keys, bool for_one_broker) {
  for (const auto& [name, value] : keys) {
    if (std::string why = refuse_key(name, value, for_one_broker); !why.empty()) {
      return why;
    }
  }
  return {};
}

metadata::ConfigMap applicable_keys(const metadata::ConfigMap& stored, bool for_one_broker) {
  metadata::ConfigMap applicable = stored;
  std::erase_if(applicable,
                [&](const auto& entry) { return !refuse_key(entry.first, entry.second, for_one_broker).empty(); });
  return applicable;
}

}  // namespace moldau::broker
