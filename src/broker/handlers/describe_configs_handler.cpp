#include "broker/handlers/describe_configs_handler.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <utility>

#include "metadata/controller/topic_name.h"
#include "protocol/messages/describe_configs_request.h"
#include "protocol/messages/describe_configs_response.h"

namespace moldau::broker {

using metadata::ApiError;
using metadata::ConfigResourceType;
using protocol::DescribeConfigsRequest;
using protocol::DescribeConfigsResponse;
using protocol::ErrorCode;

namespace {

std::unexpected<ApiError> refuse(ErrorCode code, std::string why) {
  return std::unexpected(ApiError{code, std::move(why)});
}

bool is_known(std::int8_t type) {
  switch (static_cast<ConfigResourceType>(type)) {
    case ConfigResourceType::kTopic:
    case ConfigResourceType::kBroker:
    case ConfigResourceType::kBrokerLogger:
    case ConfigResourceType::kClientMetrics:
    case ConfigResourceType::kGroup: return true;
    case ConfigResourceType::kUnknown: return false;
  }
  return false;
}

std::optional<std::string_view> view(const std::optional<std::string>& text) {
  return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

// What a described resource holds until its answer is encoded, and then in the answer; near enough.
std::size_t bytes_of(const std::vector<DescribedConfig>& configs) {
  std::size_t bytes = 0;
  for (const DescribedConfig& config : configs) {
    bytes += 2 * sizeof config + config.value.value_or("").size() + config.documentation.value_or("").size();
    for (const DescribedSynonym& synonym : config.synonyms) {
      bytes += 2 * sizeof synonym + synonym.name.size() + synonym.value.value_or("").size();
    }
  }
  return bytes;
}

void write(protocol::describe_configs_response::DescribeConfigsResult& out, const std::vector<DescribedConfig>& configs,
           const DescribeConfigsRequest& request) {
  for (const DescribedConfig& config : configs) {
    auto& described = out.configs.emplace_back();
    described.name = config.name;
    described.value = view(config.value);
    described.read_only = config.read_only;
    described.is_sensitive = config.sensitive;
    described.config_source = static_cast<std::int8_t>(config.source);
    described.config_type = config.type;
    described.documentation = std::nullopt;
    if (request.include_documentation || config.source == ConfigSource::kLogger) {
      described.documentation = view(config.documentation);
    }
    if (request.include_synonyms) {
      for (const DescribedSynonym& synonym : config.synonyms) {
        auto& shown = described.synonyms.emplace_back();
        shown.name = synonym.name;
        shown.value = view(synonym.value);
        shown.source = static_cast<std::int8_t>(synonym.source);
      }
    }
  }
}

}  // namespace

DescribeConfigsHandler::Described DescribeConfigsHandler::describe(const metadata::Image& image, std::int8_t type,
                                                                   std::string_view name,
                                                                   const WantedKeys& wanted) const {
  switch (static_cast<ConfigResourceType>(type)) {
    case ConfigResourceType::kTopic:
      if (std::string fault = metadata::topic_name_fault(name); !fault.empty()) {
        return refuse(ErrorCode::kInvalidTopicException, std::move(fault));
      }
      if (image.topic(name) == nullptr) {
        return refuse(ErrorCode::kUnknownTopicOrPartition, "no such topic");
      }
      return describer_.topic(image, name, wanted);
    case ConfigResourceType::kBroker:
      if (ApiError error = brokers_.judge_name(name); error.failed()) {
        return std::unexpected(std::move(error));
      }
      return name.empty() ? describer_.all_brokers(image, wanted) : describer_.broker(image, wanted);
    case ConfigResourceType::kBrokerLogger: return describe_loggers(name, wanted);
    case ConfigResourceType::kClientMetrics:
      if (name.empty()) {
        return refuse(ErrorCode::kInvalidRequest, "a subscription has a name");
      }
      return describer_.client_metrics(image, name, wanted);
    case ConfigResourceType::kGroup:
      if (name.empty()) {
        return refuse(ErrorCode::kInvalidRequest, "a group has a name");
      }
      return describer_.group(image, name, wanted);
    case ConfigResourceType::kUnknown: break;
  }
  return refuse(ErrorCode::kInvalidRequest, "there is no resource type " + std::to_string(type));
}

DescribeConfigsHandler::Described DescribeConfigsHandler::describe_loggers(std::string_view name,
                                                                           const WantedKeys& wanted) const {
  if (name.empty()) {
    return refuse(ErrorCode::kInvalidRequest, "loggers are those of one broker: name it");
  }
  if (ApiError error = brokers_.judge_name(name); error.failed()) {
    return std::unexpected(std::move(error));
  }
  std::vector<DescribedConfig> configs;
  if (levels_ == nullptr) {
    return configs;
  }
  for (const auto& [logger, threshold] : levels_->all()) {
    if (wanted.contains(logger)) {
      configs.push_back({.name = std::string(logger),
                         .value = std::string(runtime::name_of(threshold)),
                         .source = ConfigSource::kLogger,
                         .synonyms = {},
                         .documentation = ""});
    }
  }
  return configs;
}

void DescribeConfigsHandler::handle(Request request) {
  const auto decoded = request.decode<DescribeConfigsRequest>();
  if (!decoded) {
    return request.close();
  }
  const std::shared_ptr<const metadata::Image> image = context_.router.image();
  const bool any_unknown =
      std::ranges::any_of(decoded->resources, [](const auto& resource) { return !is_known(resource.resource_type); });
  DescribeConfigsResponse response;
  std::deque<Described> kept;  // the response views it
  std::size_t described_bytes = 0;
  for (const auto& resource : decoded->resources) {
    auto& out = response.results.emplace_back();
    out.resource_type = resource.resource_type;
    out.resource_name = resource.resource_name;
    Described& described = kept.emplace_back(
        refuse(ErrorCode::kPolicyViolation, "the answer would be too large: fewer resources at once"));
    if (any_unknown) {
      described = refuse(ErrorCode::kInvalidRequest, "the request names a resource type that there is not");
    } else if (described_bytes <= kDescribedBytesMax) {
      described =
          describe(*image, resource.resource_type, resource.resource_name, WantedKeys(resource.configuration_keys));
    }
    if (described) {
      write(out, *described, *decoded);
      described_bytes += bytes_of(*described);
    } else {
      out.error_code = to_wire(described.error().code);
      out.error_message = described.error().message;
    }
  }
  request.reply(response);
}

}  // namespace moldau::broker
