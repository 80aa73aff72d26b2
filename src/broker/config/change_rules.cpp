#include "broker/config/change_rules.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "broker/config/broker_configs.h"
#include "broker/config/broker_keys.h"
#include "broker/config/node_config.h"
#include "config_schema/config_value.h"

namespace moldau::broker {
namespace {

using metadata::ConfigMap;

constexpr std::string_view kThreads[] = {
    "background.threads",
    "log.cleaner.threads",
    "num.io.threads",
    "num.recovery.threads.per.data.dir",
    "num.replica.fetchers",
    "remote.log.manager.copier.thread.pool.size",
    "remote.log.manager.expiration.thread.pool.size",
    "remote.log.manager.follower.thread.pool.size",
    "remote.log.reader.threads",
};
// Of each listener: 0 would let nobody in.
constexpr std::string_view kConnectionLimits[] = {"max.connections", "max.connection.creation.rate"};
// The only class that stands for a part of this broker.
constexpr std::string_view kOwnReporter = "org.apache.kafka.common.metrics.JmxReporter";
constexpr std::string_view kOwnPrincipalBuilder =
    "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder";

class Rules {
 public:
  Rules(const BrokerConfigs& configs, const NodeConfig& node, const ConfigMap& before, const ConfigMap& after)
      : configs_(configs), node_(node), before_(before), after_(after) {}

  std::string refuse() const {
    for (const auto rule : {&Rules::threads, &Rules::connections, &Rules::local_retention, &Rules::directories,
                            &Rules::classes, &Rules::listeners}) {
      if (std::string why = (this->*rule)(); !why.empty()) {
        return why;
      }
    }
    return {};
  }

 private:
  [[nodiscard]] std::optional<std::int64_t> number(const ConfigMap& keys, std::string_view name) const {
    const auto value = configs_.value_in(keys, name);
    return value ? config::parse_long(*value) : std::nullopt;
  }
  [[nodiscard]] std::string text(const ConfigMap& keys, std::string_view name) const {
    return std::string(config::trim(configs_.value_in(keys, name).value_or("")));
  }
  // Before the keys of each listener that clients use.
  [[nodiscard]] std::vector<std::string> listener_prefixes() const {
    std::vector<std::string> prefixes;
    for (const ListenerConfig& listener : node_.listeners) {
      if (!listener.is_controller) {
        std::string name = listener.name;
        std::ranges::transform(name, name.begin(),
                               [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        prefixes.push_back("listener.name." + name + ".");
      }
    }
    return prefixes;
  }

  // A listener's own number, else that of all.
  [[nodiscard]] std::optional<std::int64_t> number_of(const ConfigMap& keys, const std::string& prefix,
                                                      std::string_view key) const {
    const auto own = number(keys, prefix + std::string(key));
    return own ? own : number(keys, key);
  }

  std::string threads() const {
    for (const std::string_view key : kThreads) {
      if (std::string why = refuse_threads(key, number(before_, key), number(after_, key)); !why.empty()) {
        return why;
      }
    }
    constexpr std::string_view kNetwork = "num.network.threads";
    for (const std::string& prefix : listener_prefixes()) {
      if (std::string why = refuse_threads(prefix + std::string(kNetwork), number_of(before_, prefix, kNetwork),
                                           number_of(after_, prefix, kNetwork));
          !why.empty()) {
        return why;
      }
    }
    return {};
  }

  static std::string refuse_threads(std::string_view key, std::optional<std::int64_t> old_count,
                                    std::optional<std::int64_t> new_count) {
    if (!old_count || !new_count || *old_count == *new_count) {
      return {};
    }
    if (*new_count < 1 || *new_count < *old_count / 2 || *new_count > *old_count * 2) {
      return std::string(key) + ": " + std::to_string(*new_count) + " is not between the half and the double of " +
             std::to_string(*old_count) + ", which is in force";
    }
    return {};
  }

  std::string connections() const {
    for (const std::string& prefix : listener_prefixes()) {
      for (const std::string_view key : kConnectionLimits) {
        if (const auto limit = number_of(after_, prefix, key); limit && *limit < 1) {
          return prefix + std::string(key) + ": " + std::to_string(*limit) + " would let nobody in";
        }
      }
    }
    return {};
  }

  std::string local_retention() const {
    const auto time = retention_ms();
    if (std::string why = refuse_local("log.local.retention.ms", time != -1, time); !why.empty()) {
      return why;
    }
    const std::int64_t bytes = number(after_, "log.retention.bytes").value_or(-1);
    return refuse_local("log.local.retention.bytes", bytes > -1, bytes);
  }

  // The first of these that is set; less than -1 is no bound either.
  [[nodiscard]] std::int64_t retention_ms() const {
    constexpr std::int64_t kMinute = 60'000;
    std::int64_t retention = 0;
    if (const auto ms = number(after_, "log.retention.ms")) {
      retention = *ms;
    } else if (const auto minutes = number(after_, "log.retention.minutes")) {
      retention = *minutes * kMinute;
    } else {
      retention = number(after_, "log.retention.hours").value_or(-1) * 60 * kMinute;
    }
    return std::max<std::int64_t>(retention, -1);
  }

  [[nodiscard]] std::string refuse_local(std::string_view key, bool is_bounded, std::int64_t retention) const {
    constexpr std::int64_t kAsRetention = -2;
    const std::int64_t local = number(after_, key).value_or(kAsRetention);
    if (!is_bounded || local == kAsRetention || (local != -1 && local <= retention)) {
      return {};
    }
    return std::string(key) + ": " + std::to_string(local) + " is more than the whole retention, " +
           std::to_string(retention);
  }

  std::string directories() const {
    const std::string cordoned = text(after_, "cordoned.log.dirs");
    const std::vector<std::string_view> named = config::parse_list(cordoned);
    for (const std::string_view directory : named) {
      if (directory == "*") {
        if (named.size() > 1) {
          return "cordoned.log.dirs: '*' stands alone";
        }
      } else if (std::ranges::find(node_.log_dirs, directory) == node_.log_dirs.end()) {
        return "cordoned.log.dirs: '" + std::string(directory) + "' is no log directory of this broker";
      }
    }
    return {};
  }

  std::string classes() const {
    const std::string reporters = text(after_, "metric.reporters");
    for (const std::string_view reporter : config::parse_list(reporters)) {
      if (reporter != kOwnReporter) {
        return "metric.reporters: there is no class " + std::string(reporter);
      }
    }
    const std::string builder = text(after_, "principal.builder.class");
    if (builder != kOwnPrincipalBuilder) {
      return "principal.builder.class: there is no class " + builder;
    }
    return {};
  }

  std::string listeners() const {
    for (const std::string_view key : {"listeners", "listener.security.protocol.map"}) {
      if (config::trim(text(before_, key)) != config::trim(text(after_, key))) {
        return std::string(key) + ": the listeners of a running broker stay as they are: restart it";
      }
    }
    return {};
  }

  const BrokerConfigs& configs_;
  const NodeConfig& node_;
  const ConfigMap& before_;
  const ConfigMap& after_;
};

}  // namespace

std::string refuse_change(const BrokerConfigs& configs, const NodeConfig& node, const ConfigMap& before,
                          const ConfigMap& after) {
  return Rules(configs, node, before, after).refuse();
}

}  // namespace moldau::broker
