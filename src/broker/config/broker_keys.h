// Which broker keys may be changed while a broker runs, under which names a key is known, and which keys are for one
// broker alone. Facts about names: nothing here knows a configuration.
//
// A key may stand for one listener: "listener.name.external.max.connections" is max.connections of `external`, and
// comes before max.connections there. Source: Kafka's DynamicBrokerConfig; KIP-226.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config_schema/config_key.h"
#include "metadata/image/image.h"

namespace moldau::broker {

struct ListenerKey {
  std::string_view listener;
  std::string_view base;  // of a login of one SASL mechanism: with the mechanism before it
  friend bool operator==(const ListenerKey&, const ListenerKey&) = default;
};
// nullopt for a key that is not one listener's.
[[nodiscard]] std::optional<ListenerKey> split_listener_key(std::string_view name) noexcept;

// The key of this name; of a listener's key, the one it stands for. nullptr for a key that nobody knows.
[[nodiscard]] const config::ConfigKey* find_broker_key(std::string_view name) noexcept;

// The keys that say the same as `name`, strongest first; `name` is one of them. With `of_listener` the key that a
// listener's key stands for comes behind it.
[[nodiscard]] std::vector<std::string_view> names_of(std::string_view name, bool of_listener);

// What is asked of dynamic keys before their values count: no key that only a start can set, no security key without a
// listener, values of the right type, and no key of one broker in the default of all. "" if they may be, else why not.
[[nodiscard]] std::string refuse_dynamic_keys(const metadata::ConfigMap& keys, bool for_one_broker);

// Of what is stored, the keys that refuse_dynamic_keys takes: the others are ignored, whoever wrote them.
[[nodiscard]] metadata::ConfigMap applicable_keys(const metadata::ConfigMap& stored, bool for_one_broker);

// Of a listener's key, its base: one that bounds connections or threads, and not what TLS or SASL asks.
[[nodiscard]] bool is_limit_of_listeners(std::string_view base) noexcept;

// May be set by AlterConfigs: a key that Kafka knows and that is not fixed at the start.
[[nodiscard]] bool is_dynamic(std::string_view name) noexcept;

}  // namespace moldau::broker
