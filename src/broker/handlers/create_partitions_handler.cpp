#include "broker/handlers/create_partitions_handler.h"

#include <memory>
#include <utility>

#include "protocol/messages/create_partitions_request.h"
#include "protocol/messages/create_partitions_response.h"

namespace moldau::broker {

using protocol::CreatePartitionsRequest;
using protocol::CreatePartitionsResponse;

namespace {

metadata::CreatePartitions to_controller(const CreatePartitionsRequest& decoded) {
  metadata::CreatePartitions request{.topics = {}, .validate_only = decoded.validate_only};
  for (const auto& topic : decoded.topics) {
    auto& addition = request.topics.emplace_back();
    addition.topic = topic.name;
    addition.count = topic.count;
    if (topic.assignments) {
      addition.assignments.emplace();
      for (const auto& assignment : *topic.assignments) {
        addition.assignments->push_back(metadata::to_replicas(assignment.broker_ids));
      }
    }
  }
  return request;
}

void add(CreatePartitionsResponse& response, std::string_view topic, const metadata::ApiError& error) {
  response.results.push_back({.name = topic, .error_code = to_wire(error.code), .error_message = message_of(error)});
}

}  // namespace

void CreatePartitionsHandler::handle(Request request) {
  auto decoded = request.decode<CreatePartitionsRequest>();
  if (!decoded) {
    return request.close();
  }
  metadata::CreatePartitions wish = to_controller(*decoded);
  controller_.create_partitions(
      std::move(wish), [asked = std::make_unique<Request>(std::move(request)), decoded = *std::move(decoded)](
                           const std::expected<std::vector<metadata::PartitionsAdded>, metadata::ApiError>& added) {
        CreatePartitionsResponse response;
        if (added) {
          for (const metadata::PartitionsAdded& topic : *added) {
            add(response, topic.topic, topic.error);
          }
        } else {
          for (const auto& topic : decoded.topics) {
            add(response, topic.name, added.error());
          }
        }
        asked->reply(response);
      });
}

}  // namespace moldau::broker
