#include "broker/handlers/client_quota_handlers.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metadata/image/client_quotas.h"
#include "protocol/messages/alter_client_quotas_request.h"
#include "protocol/messages/alter_client_quotas_response.h"
#include "protocol/messages/describe_client_quotas_request.h"
#include "protocol/messages/describe_client_quotas_response.h"

namespace moldau::broker {

using metadata::ApiError;
using metadata::QuotaEntity;
using protocol::AlterClientQuotasRequest;
using protocol::AlterClientQuotasResponse;
using protocol::DescribeClientQuotasRequest;
using protocol::DescribeClientQuotasResponse;
using protocol::ErrorCode;

namespace {

enum class MatchType : std::int8_t { kExact = 0, kDefault = 1, kSpecified = 2 };

ApiError invalid(std::string message) {
  return {ErrorCode::kInvalidRequest, std::move(message)};
}

// In Kafka's order of finding faults.
ApiError add_component(const protocol::describe_client_quotas_request::ComponentData& component,
                       metadata::QuotaFilter& filter) {
  std::string type(component.entity_type);
  if (type.empty()) {
    return invalid("an entity type is empty");
  }
  if (filter.exact.contains(type) || filter.of_type.contains(type)) {
    return invalid("entity type " + type + " is filtered twice");
  }
  if (type != metadata::kQuotaUser && type != metadata::kQuotaClientId && type != metadata::kQuotaIp) {
    return {ErrorCode::kUnsupportedVersion, "no quota entity is of type " + type};
  }
  const auto match = static_cast<MatchType>(component.match_type);
  if (match != MatchType::kExact && match != MatchType::kDefault && match != MatchType::kSpecified) {
    return invalid("match type " + std::to_string(component.match_type) + " is none");
  }
  if ((match == MatchType::kExact) != component.match.has_value()) {
    return invalid(match == MatchType::kExact ? "an exact match needs a name" : "only an exact match has a name");
  }
  if (match == MatchType::kSpecified) {
    filter.of_type.insert(std::move(type));
  } else if (component.match) {
    filter.exact.emplace(std::move(type), std::string(*component.match));
  } else {
    filter.exact.emplace(std::move(type), std::nullopt);
  }
  return {};
}

std::expected<metadata::QuotaFilter, ApiError> filter_of(const DescribeClientQuotasRequest& request) {
  metadata::QuotaFilter filter;
  filter.strict = request.strict;
  for (const auto& component : request.components) {
    if (ApiError error = add_component(component, filter); error.failed()) {
      return std::unexpected(std::move(error));
    }
  }
  const auto filters = [&](const char* type) { return filter.exact.contains(type) || filter.of_type.contains(type); };
  if (filters(metadata::kQuotaIp) && (filters(metadata::kQuotaUser) || filters(metadata::kQuotaClientId))) {
    return std::unexpected(invalid("an ip is never combined with a user or a client id"));
  }
  return filter;
}

// Parts that have no name stand for the default of their type. The answer's strings are views into `entity`.
template <class EntityData>
void fill_entity(std::vector<EntityData>& out, const QuotaEntity& entity) {
  for (const auto& [type, name] : entity) {
    auto& part = out.emplace_back();
    part.entity_type = type;
    part.entity_name.reset();
    if (name) {
      part.entity_name = *name;
    }
  }
}

std::vector<metadata::QuotaAlteration> to_controller(const AlterClientQuotasRequest& request) {
  std::vector<metadata::QuotaAlteration> alterations;
  alterations.reserve(request.entries.size());
  for (const auto& entry : request.entries) {
    auto& alteration = alterations.emplace_back();
    for (const auto& part : entry.entity) {
      alteration.entity.insert_or_assign(
          std::string(part.entity_type),
          part.entity_name ? std::optional(std::string(*part.entity_name)) : std::nullopt);
    }
    for (const auto& operation : entry.ops) {
      alteration.operations.push_back(
          {std::string(operation.key), operation.remove ? std::nullopt : std::optional(operation.value)});
    }
  }
  return alterations;
}

}  // namespace

void DescribeClientQuotasHandler::handle(Request request) {
  const auto decoded = request.decode<DescribeClientQuotasRequest>();
  if (!decoded) {
    return request.close();
  }
  DescribeClientQuotasResponse response;
  const auto filter = filter_of(*decoded);
  if (!filter) {
    response.error_code = to_wire(filter.error().code);
    response.error_message = filter.error().message;
    response.entries.reset();
    return request.reply(response);
  }
  auto& entries = response.entries.emplace();
  const std::shared_ptr<const metadata::Image> image = router_.image();  // the answer's strings are views into it
  for (const auto& quota : image->quotas()) {
    if (!filter->matches(quota.key)) {
      continue;
    }
    auto& entry = entries.emplace_back();
    fill_entity(entry.entity, quota.key);
    for (const auto& [key, value] : *quota.value) {
      entry.values.push_back({.key = key, .value = value});
    }
  }
  request.reply(response);
}

void AlterClientQuotasHandler::handle(Request request) {
  const auto decoded = request.decode<AlterClientQuotasRequest>();
  if (!decoded) {
    return request.close();
  }
  std::vector<metadata::QuotaAlteration> alterations = to_controller(*decoded);
  std::vector<QuotaEntity> asked_for;
  asked_for.reserve(alterations.size());
  for (const metadata::QuotaAlteration& alteration : alterations) {
    asked_for.push_back(alteration.entity);
  }
  controller_.alter_client_quotas(
      std::move(alterations), decoded->validate_only,
      [asked = std::make_unique<Request>(std::move(request)), asked_for = std::move(asked_for)](
          const std::expected<std::vector<metadata::QuotaOutcome>, ApiError>& outcomes) mutable {
        AlterClientQuotasResponse response;
        const auto add = [&](const QuotaEntity& entity, const ApiError& error) {
          auto& entry = response.entries.emplace_back();
          entry.error_code = to_wire(error.code);
          entry.error_message.reset();
          if (!error.message.empty()) {
            entry.error_message = error.message;
          }
          fill_entity(entry.entity, entity);
        };
        if (outcomes) {
          for (const metadata::QuotaOutcome& outcome : *outcomes) {
            add(outcome.entity, outcome.error);
          }
        } else {
          for (const QuotaEntity& entity : asked_for) {
            add(entity, outcomes.error());
          }
        }
        asked->reply(response);
      });
}

}  // namespace moldau::broker
