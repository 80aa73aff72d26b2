#include "broker/config/config_rules.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config_schema/config_key.h"
#include "config_schema/config_value.h"

namespace moldau::broker {
namespace {

constexpr std::string_view kRetention = "retention.ms";

// `lesser` may not be larger than `greater`, and not equal to it if `strictly`.
struct Order {
  std::string_view lesser;
  std::string_view greater;
  bool strictly = false;
  bool negative_is_no_bound = false;  // of `greater`
};
constexpr Order kOrders[] = {
    {"replica.fetch.wait.max.ms", "replica.socket.timeout.ms"},
    {"replica.fetch.wait.max.ms", "replica.lag.time.max.ms"},
    {"log.cleaner.min.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms"},
    {"connection.failed.authentication.delay.ms", "connections.max.idle.ms", true, true},
};

// Intervals of timers.
constexpr std::string_view kPositive[] = {"broker.heartbeat.interval.ms", "broker.session.timeout.ms",
                                          "replica.high.watermark.checkpoint.interval.ms"};

void check_orders(ConfigReader& reader) {
  for (const Order& order : kOrders) {
    const auto lesser = reader.number_or_default(order.lesser);
    const auto greater = reader.number_or_default(order.greater);
    if (!lesser || !greater || (order.negative_is_no_bound && *greater < 0)) {
      continue;
    }
    if (order.strictly ? *lesser >= *greater : *lesser > *greater) {
      const bool blame_lesser = reader.is_set(order.lesser);
      const std::string_view key = blame_lesser ? order.lesser : order.greater;
      const std::string_view other = blame_lesser ? order.greater : order.lesser;
      const std::string_view relation = blame_lesser ? (order.strictly ? "must be less than " : "must be at most ")
                                                     : (order.strictly ? "must be more than " : "must be at least ");
      reader.fail(key, std::string(relation) + std::string(other) + ", which is " +
                           std::to_string(blame_lesser ? *greater : *lesser));
    }
  }
}

// nullopt: a topic could not be given this. Hours and minutes become milliseconds; any negative retention is no bound.
const char* refuse_topic_default(const config::ConfigKey& topic_key, std::int64_t value) {
  if (topic_key.name == kRetention) {
    return value == 0 ? "would delete every record at once; -1 is no bound" : nullptr;
  }
  return config::refuse_value(topic_key, std::to_string(value));
}

void check_topic_defaults(ConfigReader& reader) {
  for (const config::ConfigKey& topic_key : config::keys(config::Scope::kTopic)) {
    for (const config::Synonym& synonym : topic_key.synonyms) {
      const ConfigEntry* entry = reader.layers().find(synonym.broker_key);
      if (entry == nullptr) {
        continue;
      }
      const config::ConfigKey* broker_key = config::find(config::Scope::kBroker, synonym.broker_key);
      const bool is_number =
          broker_key != nullptr && (broker_key->type == config::Type::kInt || broker_key->type == config::Type::kLong);
      const auto value = config::parse_long(entry->value);
      if (is_number && value) {
        if (const char* why = refuse_topic_default(topic_key, *value * synonym.factor)) {
          reader.fail(synonym.broker_key, "'" + entry->value + "' " + why);
        }
      }
      break;  // the first one that is set counts
    }
  }
}

void check_identity(ConfigReader& reader) {
  if (reader.is_set("broker.id") && reader.is_set("node.id") &&
      reader.number_or_default("broker.id") != reader.number_or_default("node.id")) {
    reader.fail("broker.id", "must be node.id, which is " + reader.text("node.id", ""));
  }
}

void check_cleaner(ConfigReader& reader) {
  constexpr std::int64_t kBytesPerThreadMin = 1 << 20;
  const auto buffer = reader.number_or_default("log.cleaner.dedupe.buffer.size");
  const auto threads = reader.number_or_default("log.cleaner.threads");
  if (!buffer || !threads) {
    return;
  }
  if (*threads < 1) {
    reader.fail("log.cleaner.threads", "must be at least 1");
  } else if (*buffer / *threads <= kBytesPerThreadMin) {
    reader.fail("log.cleaner.dedupe.buffer.size", "must be more than 1 MiB for each of log.cleaner.threads");
  }
}

// Letters and digits with dots and hyphens between them; or an IPv6 address.
bool is_host(std::string_view text) {
  if (text.empty()) {
    return false;
  }
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!is_plain && std::string_view(".-:%_").find(c) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

void check_connections_per_ip(ConfigReader& reader) {
  constexpr std::string_view kKey = "max.connections.per.ip.overrides";
  const std::string overrides = reader.text(kKey, "");
  const auto items = config::parse_list(overrides);
  for (const std::string_view item : items) {
    const std::size_t colon = item.rfind(':');
    const auto count = colon == std::string_view::npos ? std::nullopt : config::parse_int(item.substr(colon + 1));
    if (!count || !is_host(config::trim(item.substr(0, colon)))) {
      reader.fail(kKey, "'" + std::string(item) + "' is no pair host:number");
    }
  }
  if (reader.number_or_default("max.connections.per.ip") == 0 && items.empty()) {
    reader.fail("max.connections.per.ip", "can be 0 only beside max.connections.per.ip.overrides");
  }
}

void check_requests(ConfigReader& reader) {
  const auto queued = reader.number_or_default("queued.max.request.bytes");
  const auto request = reader.number_or_default("socket.request.max.bytes");
  if (queued && request && *queued > 0 && *queued < *request) {
    reader.fail("queued.max.request.bytes", "must be at least socket.request.max.bytes");
  }
}

// Kafka logs this and starts: a broker that beats too seldom loses its lease now and then.
void warn_of_rare_heartbeats(const ConfigReader& reader, std::vector<std::string>& warnings) {
  const auto beat = reader.number_or_default("broker.heartbeat.interval.ms");
  const auto session = reader.number_or_default("broker.session.timeout.ms");
  if (beat && session && *beat * 2 > *session) {
    warnings.push_back("broker.heartbeat.interval.ms (" + std::to_string(*beat) +
                       ") should be at most half of broker.session.timeout.ms (" + std::to_string(*session) + ")");
  }
}

}  // namespace

void check_rules(ConfigReader& reader, std::vector<std::string>& warnings) {
  check_identity(reader);
  check_topic_defaults(reader);
  check_orders(reader);
  check_cleaner(reader);
  check_connections_per_ip(reader);
  check_requests(reader);
  for (const std::string_view key : kPositive) {
    if (const auto value = reader.number_or_default(key); value && *value < 1) {
      reader.fail(key, "must be at least 1");
    }
  }
  warn_of_rare_heartbeats(reader, warnings);
}

}  // namespace moldau::broker
