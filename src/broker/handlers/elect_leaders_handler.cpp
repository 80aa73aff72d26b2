#include "broker/handlers/elect_leaders_handler.h"

#include <memory>
#include <utility>

#include "protocol/messages/elect_leaders_request.h"
#include "protocol/messages/elect_leaders_response.h"

namespace moldau::broker {

using protocol::ElectLeadersRequest;
using protocol::ElectLeadersResponse;

namespace {

constexpr std::int16_t kFirstVersionWithErrorOfAll = 1;

metadata::ElectLeaders to_controller(const ElectLeadersRequest& decoded) {
  metadata::ElectLeaders request{.type = decoded.election_type, .topics = std::nullopt};
  if (decoded.topic_partitions) {
    request.topics.emplace();
    for (const auto& topic : *decoded.topic_partitions) {
      auto& asked = request.topics->emplace_back();
      asked.name = topic.topic;
      for (const std::int32_t index : topic.partitions) {
        asked.partitions.emplace_back(index);
      }
    }
  }
  return request;
}

void add(protocol::elect_leaders_response::ReplicaElectionResult& topic, std::int32_t partition,
         const metadata::ApiError& error) {
  topic.partition_result.push_back(
      {.partition_id = partition, .error_code = to_wire(error.code), .error_message = message_of(error)});
}

}  // namespace

void ElectLeadersHandler::handle(Request request) {
  auto decoded = request.decode<ElectLeadersRequest>();
  if (!decoded) {
    return request.close();
  }
  if (decoded->topic_partitions && decoded->topic_partitions->empty()) {
    return request.reply(ElectLeadersResponse());  // whatever the election type says
  }
  metadata::ElectLeaders wish = to_controller(*decoded);
  controller_.elect_leaders(
      std::move(wish), [asked = std::make_unique<Request>(std::move(request)), decoded = *std::move(decoded)](
                           const std::expected<std::vector<metadata::LeadersElected>, metadata::ApiError>& elected) {
        ElectLeadersResponse response;
        if (elected) {
          for (const metadata::LeadersElected& topic : *elected) {
            auto& out = response.replica_election_results.emplace_back();
            out.topic = topic.topic;
            for (const auto& partition : topic.partitions) {
              add(out, partition.index.value(), partition.error);
            }
          }
          return asked->reply(response);
        }
        if (asked->version() >= kFirstVersionWithErrorOfAll) {
          response.error_code = to_wire(elected.error().code);
        }
        if (decoded.topic_partitions) {
          for (const auto& topic : *decoded.topic_partitions) {
            auto& out = response.replica_election_results.emplace_back();
            out.topic = topic.topic;
            for (const std::int32_t index : topic.partitions) {
              add(out, index, elected.error());
            }
          }
        }
        asked->reply(response);
      });
}

}  // namespace moldau::broker
