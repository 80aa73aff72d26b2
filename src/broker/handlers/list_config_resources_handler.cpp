#include "broker/handlers/list_config_resources_handler.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "metadata/image/image.h"
#include "protocol/errors/error_code.h"
#include "protocol/messages/list_config_resources_request.h"
#include "protocol/messages/list_config_resources_response.h"

namespace moldau::broker {

using metadata::ConfigResourceType;
using protocol::ListConfigResourcesRequest;
using protocol::ListConfigResourcesResponse;

namespace {

constexpr std::int16_t kFirstVersionWithTypes = 1;
// In the order of the answer.
constexpr ConfigResourceType kTypes[] = {ConfigResourceType::kGroup, ConfigResourceType::kClientMetrics,
                                         ConfigResourceType::kBrokerLogger, ConfigResourceType::kBroker,
                                         ConfigResourceType::kTopic};

bool is_offered(std::int8_t type, std::int16_t version) {
  if (version < kFirstVersionWithTypes) {
    return static_cast<ConfigResourceType>(type) == ConfigResourceType::kClientMetrics;
  }
  return std::ranges::find(kTypes, static_cast<ConfigResourceType>(type)) != std::end(kTypes);
}

}  // namespace

void ListConfigResourcesHandler::handle(Request request) {
  const auto decoded = request.decode<ListConfigResourcesRequest>();
  const ConnectionInfo* connection = request.connection();
  if (!decoded || connection == nullptr) {
    return request.close();
  }
  ListConfigResourcesResponse response;
  const std::int16_t version = request.version();
  if (!std::ranges::all_of(decoded->resource_types, [&](std::int8_t type) { return is_offered(type, version); })) {
    response.error_code = to_wire(protocol::ErrorCode::kUnsupportedVersion);
    return request.reply(response);
  }
  const auto wants = [&](ConfigResourceType type) {
    const auto code = static_cast<std::int8_t>(type);
    return decoded->resource_types.empty()
               ? is_offered(code, version)
               : std::ranges::find(decoded->resource_types, code) != decoded->resource_types.end();
  };
  const std::shared_ptr<const metadata::Image> image = context_.router.image();
  std::deque<std::string> kept;  // ids as text, which the response views
  const auto add = [&](ConfigResourceType type, std::string_view name) {
    auto& out = response.config_resources.emplace_back();
    out.resource_name = name;
    out.resource_type = static_cast<std::int8_t>(type);
  };
  for (const ConfigResourceType type : kTypes) {
    if (!wants(type)) {
      continue;
    }
    switch (type) {
      case ConfigResourceType::kGroup:
      case ConfigResourceType::kClientMetrics:
        for (const auto& [resource, keys] : image->configs()) {
          if (resource.type == type) {
            add(type, resource.name);
          }
        }
        break;
      case ConfigResourceType::kBrokerLogger:
      case ConfigResourceType::kBroker:
        for (const auto& [id, broker] : image->brokers()) {
          if (!broker->fenced() && broker->endpoint(connection->listener_name) != nullptr) {
            add(type, kept.emplace_back(std::to_string(id.value())));
          }
        }
        break;
      default:
        for (const auto& [name, id] : image->topic_names()) {
          add(type, name);
        }
    }
  }
  request.reply(response);
}

}  // namespace moldau::broker
