// The common shape of the requests that ask something of partitions by topic name: ListOffsets, OffsetForLeaderEpoch,
// DeleteRecords.
//
// request → a question for each partition that can be asked, an error for each that cannot → the questions go to the
// owner shards (gather) → the answers are filled back where their partitions stand in the response, which keeps the
// request's order.
//
// Shard:    the connection's.
// Lifetime: the response's names are views into the request's frame; both live here until the answer has been given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "broker/handlers/gather.h"
#include "broker/request/request.h"
#include "metadata/image/image.h"
#include "protocol/errors/error_code.h"
#include "replication/partition/partition_types.h"

namespace moldau::broker {

namespace partition_inquiry {

// Kafka's schemas name these fields in two ways.
template <class Topic>
auto& topic_name(Topic& topic) {
  if constexpr (requires { topic.name; }) {
    return topic.name;
  } else {
    return topic.topic;
  }
}
template <class Partition>
auto& partition_index(Partition& partition) {
  if constexpr (requires { partition.partition_index; }) {
    return partition.partition_index;
  } else {
    return partition.partition;
  }
}

inline protocol::ErrorCode code_of(protocol::ErrorCode error) {
  return error;
}
inline protocol::ErrorCode code_of(const replication::Refusal& refusal) {
  return refusal.code;
}

}  // namespace partition_inquiry

// `Question` is a value with an `id`.
template <class RequestMessage, class ResponseMessage, class Question>
class PartitionInquiry {
 public:
  PartitionInquiry(Request request, RequestMessage decoded)
      : request_(std::move(request)), decoded_(std::move(decoded)) {}

  [[nodiscard]] const RequestMessage& decoded() const noexcept { return decoded_; }
  [[nodiscard]] std::int16_t version() const noexcept { return request_.version(); }

  // Walks the request. `judge(topic request, partition request, id)` gives the question for a partition that exists,
  // or its error. A partition for which `is_listed(topic request, partition request)` is false gets no entry.
  template <class IsListed, class Judge>
  void ask_each(const metadata::Image& image, IsListed is_listed, Judge judge) {
    for (const auto& topic_request : decoded_.topics) {
      auto& topic = response_.topics.emplace_back();
      const auto name = partition_inquiry::topic_name(topic_request);
      partition_inquiry::topic_name(topic) = name;
      const metadata::Topic* known = image.topic(name);
      for (const auto& partition_request : topic_request.partitions) {
        if (!is_listed(topic_request, partition_request)) {
          continue;
        }
        const PartitionIndex index(partition_inquiry::partition_index(partition_request));
        auto& partition = topic.partitions.emplace_back();
        partition_inquiry::partition_index(partition) = index.value();
        if (known == nullptr || known->partition(index) == nullptr) {
          partition.error_code = to_wire(protocol::ErrorCode::kUnknownTopicOrPartition);
          continue;
        }
        std::expected<Question, protocol::ErrorCode> question =
            judge(topic_request, partition_request, TopicIdPartition{known->id, index});
        if (question) {
          questions_.push_back(*std::move(question));
          places_.emplace_back(response_.topics.size() - 1, topic.partitions.size() - 1);
        } else {
          partition.error_code = to_wire(question.error());
        }
      }
    }
  }
  template <class Judge>
  void ask_each(const metadata::Image& image, Judge judge) {
    ask_each(image, [](const auto&, const auto&) { return true; }, std::move(judge));
  }

  [[nodiscard]] std::vector<Question> take_questions() { return std::move(questions_); }

  // Answers the request. `Answer` is std::expected<value, ErrorCode or Refusal>; `fill(partition response, value)` for
  // what was answered, `refused(partition response)` for every partition with an error.
  template <class Answer, class Fill, class Refused>
  void answer(const std::vector<std::optional<Answer>>& answers, Fill fill, Refused refused) {
    MOLDAU_ASSERT(answers.size() == places_.size());
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const auto [topic, index] = places_[i];
      auto& partition = response_.topics[topic].partitions[index];
      if (!answers[i]) {
        partition.error_code = to_wire(protocol::ErrorCode::kNotLeaderOrFollower);
      } else if (!*answers[i]) {
        partition.error_code = to_wire(partition_inquiry::code_of(answers[i]->error()));
      } else {
        fill(partition, **answers[i]);
      }
    }
    for (auto& topic : response_.topics) {
      for (auto& partition : topic.partitions) {
        if (partition.error_code != to_wire(protocol::ErrorCode::kNone)) {
          refused(partition);
        }
      }
    }
    request_.reply(response_);
  }
  template <class Answer, class Fill>
  void answer(const std::vector<std::optional<Answer>>& answers, Fill fill) {
    answer(answers, std::move(fill), [](const auto&) {});
  }

 private:
  Request request_;
  RequestMessage decoded_;  // its names are views that the response uses
  ResponseMessage response_;
  std::vector<Question> questions_;
  std::vector<std::pair<std::size_t, std::size_t>> places_;  // of each question in the response
};

}  // namespace moldau::broker
