#include "broker/handlers/delete_records_handler.h"

#include <algorithm>
#include <chrono>
#include <expected>
#include <utility>

#include "broker/handlers/gather.h"
#include "protocol/messages/delete_records_request.h"
#include "protocol/messages/delete_records_response.h"

namespace moldau::broker {

using protocol::DeleteRecordsRequest;
using protocol::DeleteRecordsResponse;
using protocol::ErrorCode;

namespace {

constexpr std::int64_t kNoLowWatermark = -1;

struct Question {
  TopicIdPartition id;
  Offset offset;
  runtime::MonoTime deadline;
};
using LowWatermark = std::expected<Offset, ErrorCode>;

struct Pending {
  Request request;
  DeleteRecordsRequest decoded;
  DeleteRecordsResponse response;
  std::vector<std::pair<std::size_t, std::size_t>> places;
};

}  // namespace

void DeleteRecordsHandler::handle(Request request) {
  auto decoded = request.decode<DeleteRecordsRequest>();
  if (!decoded) {
    return request.close();
  }
  const metadata::Image& image = *context_.router.image();
  const runtime::MonoTime deadline =
      context_.shard.clock().now() + std::chrono::milliseconds(std::max(0, decoded->timeout_ms));
  auto pending = std::make_shared<Pending>(Pending{std::move(request), *std::move(decoded), {}, {}});
  std::vector<Question> questions;
  for (const auto& topic_request : pending->decoded.topics) {
    auto& topic = pending->response.topics.emplace_back();
    topic.name = topic_request.name;
    const metadata::Topic* known = image.topic(topic_request.name);
    for (const auto& partition_request : topic_request.partitions) {
      auto& partition = topic.partitions.emplace_back();
      const PartitionIndex index(partition_request.partition_index);
      partition.partition_index = index.value();
      partition.low_watermark = kNoLowWatermark;
      if (known == nullptr || known->partition(index) == nullptr) {
        partition.error_code = to_wire(ErrorCode::kUnknownTopicOrPartition);
      } else if (is_internal_topic(topic_request.name)) {
        partition.error_code = to_wire(ErrorCode::kInvalidTopicException);
      } else {
        questions.push_back(
            {.id = {known->id, index}, .offset = Offset(partition_request.offset), .deadline = deadline});
        pending->places.emplace_back(pending->response.topics.size() - 1, topic.partitions.size() - 1);
      }
    }
  }
  gather_later<LowWatermark>(
      context_, peers_, std::move(questions),
      [](replication::Partition& partition, const Question& question, auto reply) {
        partition.delete_records(question.offset, question.deadline,
                                 [reply = std::move(reply)](LowWatermark low) mutable { reply(std::move(low)); });
      },
      [pending](std::vector<std::optional<LowWatermark>> answers) {
        for (std::size_t i = 0; i < answers.size(); ++i) {
          const auto [topic_at, partition_at] = pending->places[i];
          auto& partition = pending->response.topics[topic_at].partitions[partition_at];
          if (!answers[i]) {
            partition.error_code = to_wire(ErrorCode::kNotLeaderOrFollower);
          } else if (!*answers[i]) {
            partition.error_code = to_wire(answers[i]->error());
          } else {
            partition.low_watermark = (*answers[i])->value();
          }
        }
        pending->request.reply(pending->response);
      });
}

}  // namespace moldau::broker
