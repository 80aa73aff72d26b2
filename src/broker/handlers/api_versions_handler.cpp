#include "broker/handlers/api_versions_handler.h"

#include <algorithm>
#include <memory>

#include "metadata/image/metadata_version.h"
#include "protocol/errors/error_code.h"
#include "protocol/messages/api_versions_request.h"
#include "protocol/messages/api_versions_response.h"

namespace moldau::broker {

using protocol::ApiVersionsRequest;
using protocol::ApiVersionsResponse;
using protocol::ErrorCode;

namespace {

constexpr std::int16_t kFirstVersionWithSoftware = 3;
constexpr std::int16_t kFirstVersionWithLevelZero = 4;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// [a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?
bool is_software_name(std::string_view name) {
  return !name.empty() && is_alphanumeric(name.front()) && is_alphanumeric(name.back()) &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_alphanumeric(c) || c == '-' || c == '.'; });
}

void add_range(ApiVersionsResponse& response, const protocol::ApiInfo& api) {
  auto& range = response.api_keys.emplace_back();
  range.api_key = static_cast<std::int16_t>(api.key);
  range.min_version = api.key == protocol::ApiKey::kProduce ? std::int16_t{0} : api.min_version;
  range.max_version = api.max_version;
}

void add_features(ApiVersionsResponse& response, const metadata::Image& image, std::int16_t kraft_version,
                  std::int16_t version) {
  for (const metadata::SupportedFeature& feature : metadata::supported_features()) {
    if (feature.min == 0 && version < kFirstVersionWithLevelZero) {
      continue;  // older clients take level 0 for a malformed range
    }
    response.supported_features.push_back(
        {.name = feature.name, .min_version = feature.min, .max_version = feature.max});
  }
  if (image.metadata_version()) {
    response.finalized_features_epoch = image.provenance().offset.value();
    response.finalized_features.push_back({.name = metadata::kMetadataVersionFeature,
                                           .max_version_level = image.metadata_version()->value(),
                                           .min_version_level = image.metadata_version()->value()});
    // Lives in the log's control records, not in the image.
    if (kraft_version > 0) {
      response.finalized_features.push_back({.name = metadata::kKRaftVersionFeature,
                                             .max_version_level = kraft_version,
                                             .min_version_level = kraft_version});
    }
    for (const auto& [name, level] : image.features()) {
      response.finalized_features.push_back({.name = name, .max_version_level = level, .min_version_level = level});
    }
  }
}

}  // namespace

void ApiVersionsHandler::handle(Request request) {
  ApiVersionsResponse response;
  if (!request.api().supports(request.version())) {
    response.error_code = to_wire(ErrorCode::kUnsupportedVersion);
    add_range(response, request.api());
    return request.reply_as(response, 0);
  }
  const auto decoded = request.decode<ApiVersionsRequest>();
  if (!decoded) {
    return request.close();
  }
  if (request.version() >= kFirstVersionWithSoftware) {
    if (!is_software_name(decoded->client_software_name) || !is_software_name(decoded->client_software_version)) {
      response.error_code = to_wire(ErrorCode::kInvalidRequest);
      return request.reply(response);
    }
    if (ConnectionInfo* connection = request.connection()) {
      connection->software_name = decoded->client_software_name;
      connection->software_version = decoded->client_software_version;
    }
  }
  for (const protocol::ApiInfo* api : dispatcher_.served()) {
    add_range(response, *api);
  }
  const std::shared_ptr<const metadata::Image> image = router_.image();
  if (request.version() >= kFirstVersionWithSoftware) {
    add_features(response, *image, identity_.kraft_version, request.version());
  }
  request.reply(response);
}

}  // namespace moldau::broker
