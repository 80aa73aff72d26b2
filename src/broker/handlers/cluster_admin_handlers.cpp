#include "broker/handlers/cluster_admin_handlers.h"

#include <memory>
#include <utility>

#include "protocol/messages/unregister_broker_request.h"
#include "protocol/messages/unregister_broker_response.h"
#include "protocol/messages/update_features_request.h"
#include "protocol/messages/update_features_response.h"

namespace moldau::broker {

using protocol::ErrorCode;
using protocol::UnregisterBrokerRequest;
using protocol::UnregisterBrokerResponse;
using protocol::UpdateFeaturesRequest;
using protocol::UpdateFeaturesResponse;

namespace {

constexpr std::int16_t kLastVersionWithResults = 1;

}  // namespace

void UpdateFeaturesHandler::handle(Request request) {
  auto decoded = request.decode<UpdateFeaturesRequest>();
  if (!decoded) {
    return request.close();
  }
  metadata::UpdateFeatures wish{.updates = {}, .validate_only = decoded->validate_only};
  for (const auto& update : decoded->feature_updates) {
    // The permission to downgrade of version 0 counts for nothing, as in Kafka.
    wish.updates.push_back(
        {.feature = std::string(update.feature), .level = update.max_version_level, .type = update.upgrade_type});
  }
  controller_.update_features(std::move(wish),
                              [asked = std::make_unique<Request>(std::move(request)), decoded = *std::move(decoded)](
                                  const std::expected<metadata::Nothing, metadata::ApiError>& updated) {
                                UpdateFeaturesResponse response;
                                response.error_message.reset();
                                if (!updated) {
                                  response.error_code = to_wire(updated.error().code);
                                  response.error_message = message_of(updated.error());
                                } else if (asked->version() <= kLastVersionWithResults) {
                                  for (const auto& update : decoded.feature_updates) {
                                    response.results.push_back({.feature = update.feature,
                                                                .error_code = to_wire(ErrorCode::kNone),
                                                                .error_message = protocol::name(ErrorCode::kNone)});
                                  }
                                }
                                asked->reply(response);
                              });
}

void UnregisterBrokerHandler::handle(Request request) {
  const auto decoded = request.decode<UnregisterBrokerRequest>();
  if (!decoded) {
    return request.close();
  }
  const NodeId broker(decoded->broker_id);
  controller_.unregister_broker(broker, [asked = std::make_unique<Request>(std::move(request))](
                                            const std::expected<metadata::Nothing, metadata::ApiError>& done) {
    UnregisterBrokerResponse response;  // an empty message for success, as Kafka's
    if (!done) {
      response.error_code = to_wire(done.error().code);
      response.error_message = message_of(done.error());
    }
    asked->reply(response);
  });
}

}  // namespace moldau::broker
