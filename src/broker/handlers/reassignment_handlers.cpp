#include "broker/handlers/reassignment_handlers.h"

#include <memory>
#include <utility>

#include "protocol/messages/alter_partition_reassignments_request.h"
#include "protocol/messages/alter_partition_reassignments_response.h"
#include "protocol/messages/list_partition_reassignments_request.h"
#include "protocol/messages/list_partition_reassignments_response.h"

namespace moldau::broker {

using protocol::AlterPartitionReassignmentsRequest;
using protocol::AlterPartitionReassignmentsResponse;
using protocol::ListPartitionReassignmentsRequest;
using protocol::ListPartitionReassignmentsResponse;

namespace {

metadata::AlterReassignments to_controller(const AlterPartitionReassignmentsRequest& decoded) {
  metadata::AlterReassignments request{.topics = {},
                                       .allow_replication_factor_change = decoded.allow_replication_factor_change};
  for (const auto& topic : decoded.topics) {
    auto& asked = request.topics.emplace_back();
    asked.name = topic.name;
    for (const auto& partition : topic.partitions) {
      asked.partitions.push_back(
          {PartitionIndex(partition.partition_index),
           partition.replicas ? std::optional(metadata::to_replicas(*partition.replicas)) : std::nullopt});
    }
  }
  return request;
}

metadata::ListReassignments to_controller(const ListPartitionReassignmentsRequest& decoded) {
  metadata::ListReassignments request;
  if (decoded.topics) {
    request.topics.emplace();
    for (const auto& topic : *decoded.topics) {
      auto& asked = request.topics->emplace_back();
      asked.name = topic.name;
      for (const std::int32_t index : topic.partition_indexes) {
        asked.partitions.emplace_back(index);
      }
    }
  }
  return request;
}

void add(protocol::alter_partition_reassignments_response::ReassignableTopicResponse& topic, std::int32_t partition,
         const metadata::ApiError& error) {
  topic.partitions.push_back(
      {.partition_index = partition, .error_code = to_wire(error.code), .error_message = message_of(error)});
}

}  // namespace

void AlterPartitionReassignmentsHandler::handle(Request request) {
  auto decoded = request.decode<AlterPartitionReassignmentsRequest>();
  if (!decoded) {
    return request.close();
  }
  if (decoded->topics.empty()) {
    return request.reply(AlterPartitionReassignmentsResponse());  // with an empty message, as Kafka's
  }
  metadata::AlterReassignments wish = to_controller(*decoded);
  controller_.alter_reassignments(
      std::move(wish),
      [asked = std::make_unique<Request>(std::move(request)), decoded = *std::move(decoded)](
          const std::expected<std::vector<metadata::ReassignmentsAltered>, metadata::ApiError>& altered) {
        AlterPartitionReassignmentsResponse response;
        response.error_message.reset();
        if (altered) {
          response.allow_replication_factor_change = decoded.allow_replication_factor_change;
          for (const metadata::ReassignmentsAltered& topic : *altered) {
            auto& out = response.responses.emplace_back();
            out.name = topic.topic;
            for (const auto& partition : topic.partitions) {
              add(out, partition.index.value(), partition.error);
            }
          }
          return asked->reply(response);
        }
        response.error_code = to_wire(altered.error().code);
        response.error_message = message_of(altered.error());
        for (const auto& topic : decoded.topics) {
          auto& out = response.responses.emplace_back();
          out.name = topic.name;
          for (const auto& partition : topic.partitions) {
            add(out, partition.partition_index, altered.error());
          }
        }
        asked->reply(response);
      });
}

void ListPartitionReassignmentsHandler::handle(Request request) {
  auto decoded = request.decode<ListPartitionReassignmentsRequest>();
  if (!decoded) {
    return request.close();
  }
  metadata::ListReassignments question = to_controller(*decoded);
  controller_.list_reassignments(
      std::move(question),
      [asked = std::make_unique<Request>(std::move(request)), decoded = *std::move(decoded)](
          const std::expected<std::vector<metadata::OngoingReassignments>, metadata::ApiError>& ongoing) {
        ListPartitionReassignmentsResponse response;
        response.error_message.reset();
        if (ongoing) {
          for (const metadata::OngoingReassignments& topic : *ongoing) {
            auto& out = response.topics.emplace_back();
            out.name = topic.topic;
            for (const auto& partition : topic.partitions) {
              auto& shown = out.partitions.emplace_back();
              shown.partition_index = partition.index.value();
              shown.replicas = metadata::to_raw(partition.replicas);
              shown.adding_replicas = metadata::to_raw(partition.adding);
              shown.removing_replicas = metadata::to_raw(partition.removing);
            }
          }
          return asked->reply(response);
        }
        response.error_code = to_wire(ongoing.error().code);
        response.error_message = message_of(ongoing.error());
        if (decoded.topics) {
          for (const auto& topic : *decoded.topics) {
            auto& out = response.topics.emplace_back();
            out.name = topic.name;
            for (const std::int32_t index : topic.partition_indexes) {
              out.partitions.emplace_back().partition_index = index;
            }
          }
        }
        asked->reply(response);
      });
}

}  // namespace moldau::broker
