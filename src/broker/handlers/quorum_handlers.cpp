#include "broker/handlers/quorum_handlers.h"

#include <memory>
#include <utility>

#include "protocol/messages/describe_quorum_request.h"
#include "protocol/messages/describe_quorum_response.h"
#include "protocol/messages/init_producer_id_request.h"
#include "protocol/messages/init_producer_id_response.h"

namespace moldau::broker {

using protocol::DescribeQuorumRequest;
using protocol::DescribeQuorumResponse;
using protocol::ErrorCode;
using protocol::InitProducerIdRequest;
using protocol::InitProducerIdResponse;

namespace {

constexpr std::string_view kMetadataTopic = "__cluster_metadata";
constexpr std::int16_t kFirstVersionWithNodes = 2;

void answer_error(Request& request, ErrorCode error) {
  InitProducerIdResponse response;
  response.error_code = to_wire(error);
  response.producer_id = -1;
  response.producer_epoch = -1;
  request.reply(response);
}

void refuse(protocol::describe_quorum_response::PartitionData& out, ErrorCode error) {
  out.error_code = to_wire(error);
  out.error_message = protocol::default_message(error);
}

void fill(protocol::describe_quorum_response::PartitionData& out, const QuorumView& view, std::int64_t now_ms,
          bool names_directories) {
  out.leader_id = view.leader.value();
  out.leader_epoch = view.leader_epoch.value();
  out.high_watermark = view.high_watermark.value();
  for (const QuorumView::Voter& voter : view.voters) {
    auto& state = out.current_voters.emplace_back();
    state.replica_id = voter.id.value();
    if (names_directories) {
      state.replica_directory_id = voter.directory_id;
    }
    const bool leads = voter.id == view.leader;
    state.log_end_offset = leads ? view.log_end.value() : -1;
    state.last_fetch_timestamp = leads ? now_ms : -1;
    state.last_caught_up_timestamp = leads ? now_ms : -1;
  }
}

// The answer's texts are views into `view`.
void name_nodes(DescribeQuorumResponse& response, const QuorumView& view) {
  for (const QuorumView::Voter& voter : view.voters) {
    auto& node = response.nodes.emplace_back();
    node.node_id = voter.id.value();
    for (const QuorumView::Voter::Listener& listener : voter.listeners) {
      node.listeners.push_back({.name = listener.name, .host = listener.host, .port = listener.port});
    }
  }
}

}  // namespace

void InitProducerIdHandler::handle(Request request) {
  const auto decoded = request.decode<InitProducerIdRequest>();
  if (!decoded) {
    return request.close();
  }
  if ((decoded->producer_id == -1) != (decoded->producer_epoch == -1)) {
    return answer_error(request, ErrorCode::kInvalidRequest);
  }
  if (decoded->transactional_id) {
    return answer_error(
        request, decoded->transactional_id->empty() ? ErrorCode::kInvalidRequest : ErrorCode::kCoordinatorNotAvailable);
  }
  controller_.next_producer_id(
      [asked = std::make_unique<Request>(std::move(request))](std::expected<ProducerId, metadata::ApiError> id) {
        if (!id) {
          return answer_error(*asked, id.error().code);
        }
        InitProducerIdResponse response;
        response.producer_id = id->value();
        response.producer_epoch = 0;
        asked->reply(response);
      });
}

void DescribeQuorumHandler::handle(Request request) {
  auto decoded = request.decode<DescribeQuorumRequest>();
  if (!decoded) {
    return request.close();
  }
  const bool valid = decoded->topics.size() == 1 && decoded->topics[0].topic_name == kMetadataTopic &&
                     decoded->topics[0].partitions.size() == 1 && decoded->topics[0].partitions[0].partition_index == 0;
  if (!valid) {
    DescribeQuorumResponse response;
    for (const auto& topic : decoded->topics) {
      auto& out = response.topics.emplace_back();
      out.topic_name = topic.topic_name;
      for (const auto& partition : topic.partitions) {
        auto& refused = out.partitions.emplace_back();
        refused.partition_index = partition.partition_index;
        refuse(refused, ErrorCode::kUnknownTopicOrPartition);
      }
    }
    return request.reply(response);
  }
  controller_.describe_quorum([asked = std::make_unique<Request>(std::move(request)),
                               &clock = clock_](std::expected<QuorumView, metadata::ApiError> view) {
    DescribeQuorumResponse response;
    if (!view && view.error().code == ErrorCode::kNotLeaderOrFollower) {
      auto& topic = response.topics.emplace_back();
      topic.topic_name = kMetadataTopic;
      refuse(topic.partitions.emplace_back(), view.error().code);
      return asked->reply(response);
    }
    if (!view) {
      response.error_code = to_wire(view.error().code);
      response.error_message = message_of(view.error());
      return asked->reply(response);
    }
    auto& topic = response.topics.emplace_back();
    topic.topic_name = kMetadataTopic;
    const bool has_nodes = asked->version() >= kFirstVersionWithNodes;
    fill(topic.partitions.emplace_back(), *view, clock.wall_ms(), has_nodes);
    if (has_nodes) {
      name_nodes(response, *view);
    }
    asked->reply(response);
  });
}

}  // namespace moldau::broker
