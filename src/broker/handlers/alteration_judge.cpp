#include "broker/handlers/alteration_judge.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config_schema/config_value.h"
#include "metadata/controller/config_schema.h"
#include "metadata/image/image.h"

namespace moldau::broker {

using metadata::ApiError;
using metadata::ConfigAlteration;
using metadata::ConfigOperation;
using metadata::ConfigResource;
using metadata::ConfigResourceType;
using metadata::ResourceAlterations;
using protocol::ErrorCode;

namespace {

constexpr std::string_view kArea = "config";

ApiError invalid_request(std::string why) {
  return {ErrorCode::kInvalidRequest, std::move(why)};
}

std::map<ConfigResource, std::size_t> count_resources(const std::vector<AskedAlteration>& resources) {
  std::map<ConfigResource, std::size_t> counts;
  for (const AskedAlteration& asked : resources) {
    ++counts[asked.wanted.resource];
  }
  return counts;
}

ApiError judge_form(const ResourceAlterations& wanted, bool replaces_all) {
  std::set<std::string_view> keys;
  for (const ConfigAlteration& one : wanted.alterations) {
    if (!keys.insert(one.key).second) {
      return invalid_request(one.key + " is named twice");
    }
  }
  for (const ConfigAlteration& one : wanted.alterations) {
    if (!one.value && (replaces_all || one.operation != ConfigOperation::kDelete)) {
      return invalid_request(one.key + " has no value");
    }
  }
  return {};
}

ApiError judge_level(const ConfigAlteration& wanted) {
  switch (wanted.operation) {
    case ConfigOperation::kSet:
    case ConfigOperation::kDelete: break;
    default: return invalid_request("a level can be set and deleted");
  }
  if (!runtime::LogLevels::exists(wanted.key)) {
    return {ErrorCode::kInvalidConfig, "there is no logger " + wanted.key};
  }
  if (wanted.operation == ConfigOperation::kDelete) {
    return wanted.key == runtime::LogLevels::kRoot ? invalid_request("the root has a level") : ApiError{};
  }
  if (!runtime::log_threshold_of(wanted.value.value_or(""))) {
    return {ErrorCode::kInvalidConfig, "levels are TRACE, DEBUG, INFO, WARN, ERROR and FATAL"};
  }
  return {};
}

class Judge {
 public:
  Judge(const AlterConfigsEnvironment& environment, AlterationRequest& request)
      : environment_(environment), request_(request) {}

  void at_a_broker() {
    const auto counts = count_resources(request_.resources);
    for (AskedAlteration& asked : request_.resources) {
      if (counts.at(asked.wanted.resource) > 1) {
        asked.outcome = invalid_request("the resource is named more than once");
        continue;
      }
      if (ApiError error = judge_form(asked.wanted, request_.replaces_all); error.failed()) {
        asked.outcome = std::move(error);
        continue;
      }
      judge_by_type(asked);
    }
  }

  void at_the_controller() {
    std::set<ConfigResource> seen;
    const auto counts = count_resources(request_.resources);
    std::erase_if(request_.resources, [&](const AskedAlteration& asked) {
      return asked.wanted.resource.type != ConfigResourceType::kBrokerLogger &&
             !seen.insert(asked.wanted.resource).second;
    });
    for (AskedAlteration& asked : request_.resources) {
      const ConfigResourceType type = asked.wanted.resource.type;
      if (type == ConfigResourceType::kBrokerLogger) {
        asked.outcome = request_.replaces_all ? invalid_request("levels are set by IncrementalAlterConfigs")
                                              : alter_levels(asked.wanted);
      } else if (!is_stored(type)) {
        asked.outcome = ApiError{ErrorCode::kUnsupportedVersion, "there is no such resource type"};
      } else if (counts.at(asked.wanted.resource) > 1) {
        asked.outcome = invalid_request("the resource is named more than once");
      } else if (cordons_more(asked.wanted)) {
        asked.outcome = ApiError{ErrorCode::kInvalidConfig, std::string(metadata::kCordonedLogDirsConfig) +
                                                                ": only its broker knows the directories"};
      }
    }
  }

 private:
  static bool is_stored(ConfigResourceType type) {
    return type == ConfigResourceType::kTopic || type == ConfigResourceType::kBroker ||
           type == ConfigResourceType::kClientMetrics || type == ConfigResourceType::kGroup;
  }

  // A controller does not know a broker's directories: there the list may only get shorter.
  [[nodiscard]] bool cordons_more(const ResourceAlterations& wanted) const {
    if (wanted.resource.type != ConfigResourceType::kBroker) {
      return false;
    }
    const std::shared_ptr<const metadata::Image> image = environment_.context.router.image();
    const metadata::ConfigMap& stored = image->config(ConfigResourceType::kBroker, wanted.resource.name);
    const auto found = stored.find(metadata::kCordonedLogDirsConfig);
    const std::string before = found == stored.end() ? "" : found->second;
    const std::vector<std::string_view> known = config::parse_list(before);
    return std::ranges::any_of(wanted.alterations, [&](const ConfigAlteration& one) {
      const bool adds = one.operation == ConfigOperation::kSet || one.operation == ConfigOperation::kAppend;
      return one.key == metadata::kCordonedLogDirsConfig && adds &&
             std::ranges::any_of(
                 config::parse_list(one.value ? std::string_view(*one.value) : ""),
                 [&](std::string_view directory) { return std::ranges::find(known, directory) == known.end(); });
    });
  }

  void judge_by_type(AskedAlteration& asked) {
    const ResourceAlterations& wanted = asked.wanted;
    if (wanted.resource.type == ConfigResourceType::kBrokerLogger && !request_.replaces_all) {
      asked.outcome = alter_levels(wanted);
    } else if (!is_stored(wanted.resource.type)) {
      asked.outcome = invalid_request("there is no such resource type");
    } else if (wanted.resource.type == ConfigResourceType::kBroker) {
      if (ApiError error = judge_broker(wanted); error.failed()) {
        asked.outcome = std::move(error);
      }
    }
  }

  [[nodiscard]] ApiError judge_broker(const ResourceAlterations& wanted) const {
    const BrokerConfigs& brokers = environment_.brokers;
    if (ApiError error = brokers.judge_name(wanted.resource.name); error.failed()) {
      return error;
    }
    const metadata::Image& image = *environment_.context.router.image();
    return request_.replaces_all ? brokers.judge_replacement(image, wanted) : brokers.judge(image, wanted);
  }

  // All of them or none.
  [[nodiscard]] ApiError alter_levels(const ResourceAlterations& wanted) const {
    if (wanted.resource.name.empty()) {
      return invalid_request("loggers are those of one broker: name it");
    }
    if (ApiError error = environment_.brokers.judge_name(wanted.resource.name); error.failed()) {
      return error;
    }
    for (const ConfigAlteration& one : wanted.alterations) {
      if (ApiError error = judge_level(one); error.failed()) {
        return error;
      }
      if (environment_.levels == nullptr) {
        return {ErrorCode::kInvalidConfig, "there is no logger " + one.key};
      }
    }
    for (const ConfigAlteration& one : wanted.alterations) {
      if (!request_.validate_only) {
        set_level(one);
      }
    }
    return {};
  }

  void set_level(const ConfigAlteration& wanted) const {
    if (wanted.operation == ConfigOperation::kDelete) {
      environment_.levels->unset(wanted.key);
      log(environment_.context.logger, LogLevel::kWarn, kArea, "logger {} follows the root again", wanted.key);
    } else {
      environment_.levels->set(wanted.key, *runtime::log_threshold_of(*wanted.value));
      log(environment_.context.logger, LogLevel::kWarn, kArea, "logger {} is at {} now", wanted.key, *wanted.value);
    }
  }

  const AlterConfigsEnvironment& environment_;
  AlterationRequest& request_;
};

}  // namespace

void judge_alterations(const AlterConfigsEnvironment& environment, AlterationRequest& request) {
  Judge judge(environment, request);
  if (environment.listener == ListenerKind::kController) {
    judge.at_the_controller();
  } else {
    judge.at_a_broker();
  }
}

}  // namespace moldau::broker
