// The common shape of the requests that ask something of partitions by topic name: ListOffsets, OffsetForLeaderEpoch,
// DeleteRecords.
//
// request → a question for each partition that can be asked, an error for each that cannot → the questions go to the
// owner shards (gather) → the answers are filled back where their partitions stand in the response, which keeps the
// request's order.
//
// What is named twice: ListOffsets and DeleteRecords go through a map of partitions in Kafka, so a topic is answered
// once, a partition once and a topic without partitions not at all. OffsetForLeaderEpoch answers entry by entry.
//
// Shard:    the connection's.
// Lifetime: the response's names are views into the request's frame; both live here until the answer has been given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
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

enum class Entries : std::uint8_t {
  kAsSent,
  kOncePerPartition,  // in the place of the partition's first entry, with what its last one says
};

// `Question` is a value with an `id`.
template <class RequestMessage, class ResponseMessage, class Question>
class PartitionInquiry {
 public:
  PartitionInquiry(Request request, RequestMessage decoded)
      : request_(std::move(request)), decoded_(std::move(decoded)) {}

  [[nodiscard]] const RequestMessage& decoded() const noexcept { return decoded_; }
  [[nodiscard]] std::int16_t version() const noexcept { return request_.version(); }

  // Walks the request. `refuse(partition request, named twice)` gives the error that counts before it is known whether
  // the partition exists; `judge(topic name, partition request, id)` the question for one that does, or its error.
  template <class Refuse, class Judge>
  void ask_each(const metadata::Image& image, Entries entries, Refuse refuse, Judge judge) {
    for (const Topic& asked : topics(entries)) {
      auto& topic = response_.topics.emplace_back();
      partition_inquiry::topic_name(topic) = asked.name;
      const metadata::Topic* known = image.topic(asked.name);
      for (const Entry& entry : asked.entries) {
        const PartitionIndex index(partition_inquiry::partition_index(*entry.request));
        auto& partition = topic.partitions.emplace_back();
        partition_inquiry::partition_index(partition) = index.value();
        const protocol::ErrorCode refused = refuse(*entry.request, entry.named_twice);
        if (refused != protocol::ErrorCode::kNone) {
          partition.error_code = to_wire(refused);
          continue;
        }
        if (known == nullptr || known->partition(index) == nullptr) {
          partition.error_code = to_wire(protocol::ErrorCode::kUnknownTopicOrPartition);
          continue;
        }
        std::expected<Question, protocol::ErrorCode> question =
            judge(asked.name, *entry.request, TopicIdPartition{known->id, index});
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
  void ask_each(const metadata::Image& image, Entries entries, Judge judge) {
    ask_each(image, entries, [](const auto&, bool) { return protocol::ErrorCode::kNone; }, std::move(judge));
  }

  // Answers the request with this error for every entry, as it was sent.
  void refuse_all(protocol::ErrorCode error) {
    for (const auto& topic_request : decoded_.topics) {
      auto& topic = response_.topics.emplace_back();
      partition_inquiry::topic_name(topic) = partition_inquiry::topic_name(topic_request);
      for (const auto& partition_request : topic_request.partitions) {
        auto& partition = topic.partitions.emplace_back();
        partition_inquiry::partition_index(partition) = partition_inquiry::partition_index(partition_request);
        partition.error_code = to_wire(error);
      }
    }
    request_.reply(response_);
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
  using TopicRequest = std::remove_reference_t<decltype(std::declval<RequestMessage&>().topics.front())>;
  using PartitionRequest = std::remove_reference_t<decltype(std::declval<TopicRequest&>().partitions.front())>;
  struct Entry {
    const PartitionRequest* request = nullptr;
    bool named_twice = false;
  };
  struct Topic {
    std::string_view name;
    std::vector<Entry> entries;
    std::map<std::int32_t, std::size_t> places;  // in entries, by partition
  };

  // Ordered maps: names and partitions are the client's choice. A name is compared once for each topic, not for each
  // partition: it may be long.
  [[nodiscard]] std::vector<Topic> topics(Entries mode) const {
    std::vector<Topic> topics;
    std::map<std::string_view, std::size_t> place_of;
    for (const auto& topic_request : decoded_.topics) {
      const std::string_view name = partition_inquiry::topic_name(topic_request);
      const bool merges = mode == Entries::kOncePerPartition;
      if (merges && topic_request.partitions.empty()) {
        continue;
      }
      const std::size_t place = merges ? place_of.try_emplace(name, topics.size()).first->second : topics.size();
      Topic& topic = place == topics.size() ? topics.emplace_back(Topic{.name = name, .entries = {}, .places = {}})
                                            : topics[place];
      for (const auto& partition_request : topic_request.partitions) {
        const std::int32_t index = partition_inquiry::partition_index(partition_request);
        if (!merges || topic.places.try_emplace(index, topic.entries.size()).second) {
          topic.entries.push_back({.request = &partition_request});
        } else {
          topic.entries[topic.places.at(index)] = {.request = &partition_request, .named_twice = true};
        }
      }
    }
    return topics;
  }

  Request request_;
  RequestMessage decoded_;  // its names are views that the response uses
  ResponseMessage response_;
  std::vector<Question> questions_;
  std::vector<std::pair<std::size_t, std::size_t>> places_;  // of each question in the response
};

}  // namespace moldau::broker
