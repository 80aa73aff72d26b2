#include "broker/handlers/alter_configs_handler.h"

#include <map>
#include <memory>
#include <utility>

#include "broker/handlers/alteration_judge.h"
#include "protocol/messages/alter_configs_request.h"
#include "protocol/messages/alter_configs_response.h"
#include "protocol/messages/incremental_alter_configs_request.h"
#include "protocol/messages/incremental_alter_configs_response.h"

namespace moldau::broker {

using metadata::ApiError;
using metadata::ConfigOperation;
using protocol::ErrorCode;

namespace {

using Decided = std::expected<std::vector<metadata::ResourceOutcome>, ApiError>;

template <class Resource>
AskedAlteration& add_resource(AlterationRequest& request, const Resource& resource) {
  AskedAlteration& asked = request.resources.emplace_back();
  asked.wanted.resource = {.type = static_cast<metadata::ConfigResourceType>(resource.resource_type),
                           .name = std::string(resource.resource_name)};
  return asked;
}

void add_key(AskedAlteration& asked, std::string_view key, ConfigOperation operation,
             const std::optional<std::string_view>& value) {
  asked.wanted.alterations.push_back({.key = std::string(key),
                                      .operation = operation,
                                      .value = value ? std::optional<std::string>(*value) : std::nullopt});
}

// What the controller said of each resource that it was asked about.
void take_outcomes(AlterationRequest& request, const Decided& decided) {
  std::map<metadata::ConfigResource, const ApiError*> by_resource;
  if (decided) {
    for (const metadata::ResourceOutcome& outcome : *decided) {
      by_resource.emplace(outcome.resource, &outcome.error);
    }
  }
  for (AskedAlteration& asked : request.resources) {
    if (asked.outcome) {
      continue;
    }
    if (!decided) {
      asked.outcome = decided.error();
    } else if (const auto found = by_resource.find(asked.wanted.resource); found != by_resource.end()) {
      asked.outcome = *found->second;
    } else {
      asked.outcome = ApiError{ErrorCode::kUnknownServerError, "the controller gave no answer"};
    }
  }
}

template <class Response>
void answer(Request& request, const AlterationRequest& done) {
  Response response;
  for (const AskedAlteration& asked : done.resources) {
    auto& out = response.responses.emplace_back();
    out.resource_type = static_cast<std::int8_t>(asked.wanted.resource.type);
    out.resource_name = asked.wanted.resource.name;
    out.error_code = to_wire(asked.outcome->code);
    out.error_message.reset();
    if (!asked.outcome->message.empty()) {
      out.error_message = asked.outcome->message;
    }
  }
  request.reply(response);
}

template <class Response>
void carry_out(const AlterConfigsEnvironment& environment, Request request, AlterationRequest asked) {
  judge_alterations(environment, asked);
  std::vector<metadata::ResourceAlterations> left;
  for (const AskedAlteration& one : asked.resources) {
    if (!one.outcome) {
      left.push_back(one.wanted);
    }
  }
  if (left.empty()) {
    return answer<Response>(request, asked);
  }
  metadata::AlterConfigs wanted{
      .resources = std::move(left), .validate_only = asked.validate_only, .replaces_all = asked.replaces_all};
  environment.controller.alter_configs(std::move(wanted),
                                       [waiting = std::make_unique<std::pair<Request, AlterationRequest>>(
                                            std::move(request), std::move(asked))](const Decided& decided) mutable {
                                         take_outcomes(waiting->second, decided);
                                         answer<Response>(waiting->first, waiting->second);
                                       });
}

}  // namespace

void IncrementalAlterConfigsHandler::handle(Request request) {
  const auto decoded = request.decode<protocol::IncrementalAlterConfigsRequest>();
  if (!decoded) {
    return request.close();
  }
  AlterationRequest asked{.resources = {}, .validate_only = decoded->validate_only};
  for (const auto& resource : decoded->resources) {
    AskedAlteration& one = add_resource(asked, resource);
    for (const auto& config : resource.configs) {
      add_key(one, config.name, static_cast<ConfigOperation>(config.config_operation), config.value);
    }
  }
  carry_out<protocol::IncrementalAlterConfigsResponse>(environment_, std::move(request), std::move(asked));
}

void AlterConfigsHandler::handle(Request request) {
  const auto decoded = request.decode<protocol::AlterConfigsRequest>();
  if (!decoded) {
    return request.close();
  }
  AlterationRequest asked{.resources = {}, .validate_only = decoded->validate_only, .replaces_all = true};
  for (const auto& resource : decoded->resources) {
    AskedAlteration& one = add_resource(asked, resource);
    for (const auto& config : resource.configs) {
      add_key(one, config.name, ConfigOperation::kSet, config.value);
    }
  }
  carry_out<protocol::AlterConfigsResponse>(environment_, std::move(request), std::move(asked));
}

}  // namespace moldau::broker
