#include "broker/handlers/describe_producers_handler.h"

#include <expected>
#include <memory>
#include <utility>

#include "broker/handlers/gather.h"
#include "metadata/controller/topic_name.h"
#include "protocol/messages/describe_producers_request.h"
#include "protocol/messages/describe_producers_response.h"
#include "replication/partition/partition.h"
#include "storage/log/log.h"
#include "storage/producer_state/producer_entry.h"

namespace moldau::broker {

using protocol::DescribeProducersRequest;
using protocol::DescribeProducersResponse;
using protocol::ErrorCode;

namespace {

using ProducerAnswer = protocol::describe_producers_response::ProducerState;
using PartitionAnswer = protocol::describe_producers_response::PartitionResponse;

struct Question {
  TopicIdPartition id;
};
using Producers = std::expected<std::vector<ProducerAnswer>, ErrorCode>;

Producers producers_of(replication::Partition& partition) {
  const storage::Log* log = partition.log();
  if (log == nullptr || log->fenced() || partition.offline()) {
    return std::unexpected(ErrorCode::kKafkaStorageError);
  }
  std::vector<ProducerAnswer> producers;
  for (const auto& [id, entry] : log->producers()) {
    producers.push_back({.producer_id = id.value(),
                         .producer_epoch = entry.epoch.value(),
                         .last_sequence = entry.last_sequence(),
                         .last_timestamp = entry.last_timestamp,
                         .coordinator_epoch = entry.coordinator_epoch,
                         .current_txn_start_offset = entry.txn_first.value()});
  }
  return producers;
}

// The answer as it comes together; its names are views into the request.
struct Inquiry {
  Request request;
  DescribeProducersRequest decoded;
  DescribeProducersResponse response;
  std::vector<Question> questions;
  std::vector<std::pair<std::size_t, std::size_t>> places;  // of each question in the response

  void refuse(PartitionAnswer& partition, ErrorCode error) {
    partition.error_code = to_wire(error);
    partition.error_message = protocol::default_message(error);
  }

  void ask_each(const metadata::Image& image) {
    for (const auto& asked : decoded.topics) {
      auto& topic = response.topics.emplace_back();
      topic.name = asked.name;
      const metadata::Topic* known = image.topic(asked.name);
      const bool is_name = known != nullptr || metadata::topic_name_fault(asked.name).empty();
      for (const std::int32_t index : asked.partition_indexes) {
        auto& partition = topic.partitions.emplace_back();
        partition.partition_index = index;
        if (known == nullptr) {
          refuse(partition, is_name ? ErrorCode::kUnknownTopicOrPartition : ErrorCode::kInvalidTopicException);
        } else if (known->partition(PartitionIndex(index)) == nullptr) {
          partition.error_code = to_wire(ErrorCode::kUnknownTopicOrPartition);
        } else {
          questions.push_back({{known->id, PartitionIndex(index)}});
          places.emplace_back(response.topics.size() - 1, topic.partitions.size() - 1);
        }
      }
    }
  }

  void answer(std::vector<std::optional<Producers>> answers) {
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const auto [topic, index] = places[i];
      auto& partition = response.topics[topic].partitions[index];
      if (!answers[i]) {
        partition.error_code = to_wire(ErrorCode::kNotLeaderOrFollower);
      } else if (!*answers[i]) {
        partition.error_code = to_wire(answers[i]->error());
      } else {
        partition.active_producers = **std::move(answers[i]);
      }
    }
    request.reply(response);
  }
};

}  // namespace

void DescribeProducersHandler::handle(Request request) {
  auto decoded = request.decode<DescribeProducersRequest>();
  if (!decoded) {
    return request.close();
  }
  auto inquiry = std::make_shared<Inquiry>(Inquiry{std::move(request), *std::move(decoded), {}, {}, {}});
  inquiry->ask_each(*context_.router.image());
  gather<Producers>(
      context_, peers_, std::move(inquiry->questions),
      [](replication::Partition& partition, const Question&) { return producers_of(partition); },
      [inquiry](std::vector<std::optional<Producers>> answers) { inquiry->answer(std::move(answers)); });
}

}  // namespace moldau::broker
