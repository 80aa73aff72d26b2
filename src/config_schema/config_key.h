// What Kafka 4.3 says about each configuration key of brokers, topics, groups and client metrics subscriptions, and of
// our own keys, which begin with "moldau.". Tables without allocation; texts live as long as the program.
// Source: Kafka's ConfigDefs, by way of schema/configs, which also says how to add a key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace moldau::config {

enum class Scope : std::uint8_t { kBroker, kTopic, kGroup, kClientMetrics };
enum class Type : std::uint8_t { kBoolean, kString, kInt, kShort, kLong, kDouble, kList, kClass, kPassword };
enum class Importance : std::uint8_t { kHigh, kMedium, kLow };

// How a broker key may be changed while the broker runs. Keys of other scopes are always kClusterWide.
enum class UpdateMode : std::uint8_t { kReadOnly, kPerBroker, kClusterWide };

struct Check {
  enum class Kind : std::uint8_t {
    kAny,
    kRange,  // low..high, infinite where open
    kOneOf,  // `values`
    kOneOfNoCase,
    kList,  // no value empty; of `values` if there are any; one that is named twice counts once
    kNonEmptyString,
    kNonNull,
    kGzipLevel,  // 1..9 or -1
    kThrottledReplicas,
    kQuorumVoters,      // id@host:port
    kBootstrapServers,  // host:port
    kShareAutoOffsetReset,
  };
  Kind kind = Kind::kAny;
  double low = 0;
  double high = 0;
  std::span<const std::string_view> values;
  bool empty_allowed = true;  // of kList
  bool null_allowed = true;
};

// A broker key that gives a topic key's default, multiplied by `factor` (hours to milliseconds).
struct Synonym {
  std::string_view broker_key;
  std::int64_t factor = 1;
};

struct ConfigKey {
  std::string_view name;
  Scope scope{};
  Type type{};
  Importance importance{};
  UpdateMode mode = UpdateMode::kClusterWide;
  bool has_default = false;  // otherwise it must be set
  bool default_is_null = false;
  bool dynamic_only = false;       // set by AlterConfigs alone, not in server.properties
  bool internal = false;           // left out of Kafka's documentation
  std::string_view default_value;  // as Kafka prints it; "" if there is none or it is null
  Check check;
  std::span<const Synonym> synonyms;  // of a topic key: the first one that is set counts
  std::span<const std::string_view>
      precedence;                  // of a broker key: the keys for the same thing, the first set one counts
  std::string_view documentation;  // "" for keys that are not in effect yet

  [[nodiscard]] constexpr bool is_sensitive() const noexcept { return type == Type::kPassword; }
};

// All keys of a scope, by name.
[[nodiscard]] std::span<const ConfigKey> keys(Scope scope) noexcept;

// nullptr if the scope has no such key. O(log n).
[[nodiscard]] const ConfigKey* find(Scope scope, std::string_view name) noexcept;

}  // namespace moldau::config
