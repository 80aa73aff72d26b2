#include "broker/handlers/config_handlers.h"

#include <algorithm>
#include <deque>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metadata/controller/topic_name.h"
#include "protocol/messages/describe_configs_request.h"
#include "protocol/messages/describe_configs_response.h"
#include "protocol/messages/incremental_alter_configs_request.h"
#include "protocol/messages/incremental_alter_configs_response.h"

namespace moldau::broker {

using metadata::ConfigResourceType;
using protocol::DescribeConfigsRequest;
using protocol::DescribeConfigsResponse;
using protocol::ErrorCode;
using protocol::IncrementalAlterConfigsRequest;
using protocol::IncrementalAlterConfigsResponse;

namespace {

constexpr const char* kTopicsOnly = "this release describes and alters the configs of topics only";
constexpr auto kTopicType = static_cast<std::int8_t>(ConfigResourceType::kTopic);

// DescribeConfigs' codes of value types.
std::int8_t type_code(config::Type type) {
  switch (type) {
    case config::Type::kBoolean: return 1;
    case config::Type::kString: return 2;
    case config::Type::kInt: return 3;
    case config::Type::kShort: return 4;
    case config::Type::kLong: return 5;
    case config::Type::kDouble: return 6;
    case config::Type::kList: return 7;
    case config::Type::kClass: return 8;
    case config::Type::kPassword: return 9;
  }
  return 0;
}

// Keeps the texts that a response only views.
class TextKeeper {
 public:
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

 private:
  std::deque<std::string> texts_;
};

void describe_topic(protocol::describe_configs_response::DescribeConfigsResult& out, const TopicConfigs& configs,
                    const metadata::Image& image, const DescribeConfigsRequest& request,
                    const std::optional<std::vector<std::string_view>>& keys, TextKeeper& texts) {
  const metadata::ConfigLayers layers = configs.layers_of(image, out.resource_name);
  for (const config::ConfigKey& key : config::keys(config::Scope::kTopic)) {
    const bool hidden = (key.internal || key.name.starts_with("moldau.")) && !layers.topic.contains(key.name);
    const bool wanted = !keys || keys->empty() || std::find(keys->begin(), keys->end(), key.name) != keys->end();
    if (hidden || !wanted) {
      continue;
    }
    std::vector<ConfigSynonym> values = configs.resolve(key, layers);
    auto& described = out.configs.emplace_back();
    described.name = key.name;
    described.is_sensitive = key.is_sensitive();
    described.config_source = static_cast<std::int8_t>(values.front().source);
    described.config_type = type_code(key.type);
    const auto shown = [&](std::optional<std::string>& value) -> std::optional<std::string_view> {
      if (!value || key.is_sensitive()) {
        return std::nullopt;
      }
      return texts.keep(*std::move(value));
    };
    described.documentation.reset();
    if (request.include_documentation && !key.documentation.empty()) {
      described.documentation = key.documentation;
    }
    if (request.include_synonyms) {
      for (ConfigSynonym& value : values) {
        if (!value.raw) {
          continue;  // a key of topics alone has no broker key to name as its default
        }
        auto& synonym = described.synonyms.emplace_back();
        synonym.name = texts.keep(value.name);
        synonym.value = shown(value.raw);
        synonym.source = static_cast<std::int8_t>(value.source);
      }
    }
    described.value = shown(values.front().value);
  }
}

// What a described resource holds until its answer is encoded, and then in the answer; near enough.
std::size_t bytes_of(const protocol::describe_configs_response::DescribeConfigsResult& described) {
  std::size_t bytes = 0;
  for (const auto& config : described.configs) {
    bytes += sizeof config + sizeof(std::string) + config.value.value_or("").size();
    bytes += config.documentation.value_or("").size();
    for (const auto& synonym : config.synonyms) {
      bytes += sizeof synonym + 2 * sizeof(std::string) + synonym.name.size() + synonym.value.value_or("").size();
    }
  }
  return bytes;
}

using Decided = std::expected<std::vector<metadata::ResourceOutcome>, metadata::ApiError>;

// Says what was decided of each resource.
class Decisions {
 public:
  explicit Decisions(const Decided& decided) : decided_(decided) {
    if (decided) {
      for (const metadata::ResourceOutcome& outcome : *decided) {
        by_resource_.emplace(outcome.resource, &outcome.error);
      }
    }
  }

  [[nodiscard]] metadata::ApiError of(const metadata::ConfigResource& resource) const {
    if (!decided_) {
      return decided_.error();
    }
    const auto found = by_resource_.find(resource);
    return found == by_resource_.end()
               ? metadata::ApiError{ErrorCode::kUnknownServerError, "the controller gave no answer"}
               : *found->second;
  }

 private:
  const Decided& decided_;
  std::map<metadata::ConfigResource, const metadata::ApiError*> by_resource_;
};

}  // namespace

void DescribeConfigsHandler::handle(Request request) {
  const auto decoded = request.decode<DescribeConfigsRequest>();
  if (!decoded) {
    return request.close();
  }
  const std::shared_ptr<const metadata::Image> image = context_.router.image();
  DescribeConfigsResponse response;
  TextKeeper texts;
  std::size_t described_bytes = 0;
  for (const auto& resource : decoded->resources) {
    auto& out = response.results.emplace_back();
    out.resource_type = resource.resource_type;
    out.resource_name = resource.resource_name;
    if (resource.resource_type != kTopicType) {
      out.error_code = to_wire(ErrorCode::kInvalidRequest);
      out.error_message = kTopicsOnly;
    } else if (!metadata::topic_name_fault(resource.resource_name).empty()) {
      out.error_code = to_wire(ErrorCode::kInvalidTopicException);
      out.error_message = "not a topic name";
    } else if (image->topic(resource.resource_name) == nullptr) {
      out.error_code = to_wire(ErrorCode::kUnknownTopicOrPartition);
      out.error_message = "no such topic";
    } else if (described_bytes > kDescribedBytesMax) {
      out.error_code = to_wire(ErrorCode::kPolicyViolation);
      out.error_message = "the answer would be too large: fewer resources at once";
    } else {
      describe_topic(out, configs_, *image, *decoded, resource.configuration_keys, texts);
      described_bytes += bytes_of(out);
    }
  }
  request.reply(response);
}

void IncrementalAlterConfigsHandler::handle(Request request) {
  const auto decoded = request.decode<IncrementalAlterConfigsRequest>();
  if (!decoded) {
    return request.close();
  }
  std::vector<metadata::ResourceAlterations> alterations;
  std::vector<metadata::ResourceOutcome> outcomes;  // one per resource of the request, filled in when decided
  for (const auto& resource : decoded->resources) {
    metadata::ConfigResource named{.type = static_cast<ConfigResourceType>(resource.resource_type),
                                   .name = std::string(resource.resource_name)};
    if (resource.resource_type != kTopicType) {
      outcomes.push_back({std::move(named), {ErrorCode::kInvalidRequest, kTopicsOnly}});
      continue;
    }
    if (std::string fault = metadata::topic_name_fault(named.name); !fault.empty()) {
      outcomes.push_back({std::move(named), {ErrorCode::kInvalidTopicException, std::move(fault)}});
      continue;
    }
    outcomes.push_back({named, {}});
    auto& out = alterations.emplace_back();
    out.resource = std::move(named);
    for (const auto& config : resource.configs) {
      auto& alteration = out.alterations.emplace_back();
      alteration.key = config.name;
      alteration.operation = static_cast<metadata::ConfigOperation>(config.config_operation);
      if (config.value) {
        alteration.value = *config.value;
      }
    }
  }
  controller_.alter_configs(std::move(alterations), decoded->validate_only,
                            [asked = std::make_unique<Request>(std::move(request)),
                             outcomes = std::move(outcomes)](const Decided& decided) mutable {
                              const Decisions decisions(decided);
                              IncrementalAlterConfigsResponse response;
                              for (metadata::ResourceOutcome& outcome : outcomes) {
                                if (!outcome.error.failed()) {
                                  outcome.error = decisions.of(outcome.resource);
                                }
                                auto& out = response.responses.emplace_back();
                                out.resource_type = static_cast<std::int8_t>(outcome.resource.type);
                                out.resource_name = outcome.resource.name;
                                out.error_code = to_wire(outcome.error.code);
                                out.error_message.reset();
                                if (!outcome.error.message.empty()) {
                                  out.error_message = outcome.error.message;
                                }
                              }
                              asked->reply(response);
                            });
}

}  // namespace moldau::broker
