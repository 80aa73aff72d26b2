#include "broker/handlers/create_partitions_handler.h"

#include <cstdint>
#include <memory>
#include <utility>

#include "protocol/messages/create_partitions_request.h"
#include "protocol/messages/create_partitions_response.h"

namespace moldau::broker {

using protocol::CreatePartitionsRequest;
using protocol::CreatePartitionsResponse;

namespace {

constexpr std::int16_t kFirstStrictVersion = 3;  // from here on a used-up quota refuses (KIP-599)

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
  metadata::MutationAsker asker{.client_id = std::string(request.client_id()),
                                .strict = request.version() >= kFirstStrictVersion};
  request.waits_for("the controller");
  controller_.create_partitions(
      std::move(wish), std::move(asker),
      [asked = std::make_unique<Request>(std::move(request)), decoded = *std::move(decoded)](
          const std::expected<Metered<std::vector<metadata::PartitionsAdded>>, metadata::ApiError>& added) {
        CreatePartitionsResponse response;
        if (added) {
          asked->hold_off(added->hold_off);
          for (const metadata::PartitionsAdded& topic : added->outcomes) {
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
