#include "broker/handlers/offset_for_leader_epoch_handler.h"

#include <utility>

#include "broker/handlers/gather.h"
#include "protocol/messages/offset_for_leader_epoch_request.h"
#include "protocol/messages/offset_for_leader_epoch_response.h"

namespace moldau::broker {

using protocol::ErrorCode;
using protocol::OffsetForLeaderEpochRequest;
using protocol::OffsetForLeaderEpochResponse;

namespace {

struct Question {
  TopicIdPartition id;
  LeaderEpoch epoch;
  LeaderEpoch current_leader_epoch;
};
using End = std::expected<replication::EpochEnd, replication::Refusal>;

struct Pending {
  Request request;
  OffsetForLeaderEpochRequest decoded;
  OffsetForLeaderEpochResponse response;
  std::vector<std::pair<std::size_t, std::size_t>> places;
};

}  // namespace

void OffsetForLeaderEpochHandler::handle(Request request) {
  auto decoded = request.decode<OffsetForLeaderEpochRequest>();
  if (!decoded) {
    return request.close();
  }
  const metadata::Image& image = *context_.router.image();
  auto pending = std::make_shared<Pending>(Pending{std::move(request), *std::move(decoded), {}, {}});
  std::vector<Question> questions;
  for (const auto& topic_request : pending->decoded.topics) {
    auto& topic = pending->response.topics.emplace_back();
    topic.topic = topic_request.topic;
    const metadata::Topic* known = image.topic(topic_request.topic);
    for (const auto& partition_request : topic_request.partitions) {
      auto& partition = topic.partitions.emplace_back();
      const PartitionIndex index(partition_request.partition);
      partition.partition = index.value();
      if (known == nullptr || known->partition(index) == nullptr) {
        partition.error_code = to_wire(ErrorCode::kUnknownTopicOrPartition);
        continue;
      }
      questions.push_back({.id = {known->id, index},
                           .epoch = LeaderEpoch(partition_request.leader_epoch),
                           .current_leader_epoch = LeaderEpoch(partition_request.current_leader_epoch)});
      pending->places.emplace_back(pending->response.topics.size() - 1, topic.partitions.size() - 1);
    }
  }
  gather<End>(
      context_, peers_, std::move(questions),
      [](replication::Partition& partition, const Question& question) {
        return partition.end_offset_for_epoch(question.epoch, question.current_leader_epoch, true);
      },
      [pending](std::vector<std::optional<End>> answers) {
        for (std::size_t i = 0; i < answers.size(); ++i) {
          const auto [topic_at, partition_at] = pending->places[i];
          auto& partition = pending->response.topics[topic_at].partitions[partition_at];
          if (!answers[i]) {
            partition.error_code = to_wire(ErrorCode::kNotLeaderOrFollower);
          } else if (!*answers[i]) {
            partition.error_code = to_wire(answers[i]->error().code);
          } else {
            partition.leader_epoch = (*answers[i])->epoch.value();
            partition.end_offset = (*answers[i])->end.value();
          }
        }
        pending->request.reply(pending->response);
      });
}

}  // namespace moldau::broker
