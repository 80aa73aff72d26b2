#include "broker/handlers/describe_topic_partitions_handler.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "broker/handlers/replica_view.h"
#include "metadata/controller/topic_name.h"
#include "protocol/messages/describe_topic_partitions_request.h"
#include "protocol/messages/describe_topic_partitions_response.h"

namespace moldau::broker {

using protocol::DescribeTopicPartitionsRequest;
using protocol::DescribeTopicPartitionsResponse;
using protocol::ErrorCode;

namespace {

using TopicAnswer = protocol::describe_topic_partitions_response::DescribeTopicPartitionsResponseTopic;
using PartitionAnswer = protocol::describe_topic_partitions_response::DescribeTopicPartitionsResponsePartition;
using CursorAnswer = protocol::describe_topic_partitions_response::Cursor;

void fill(PartitionAnswer& out, const metadata::Image& image, PartitionIndex index,
          const metadata::PartitionRegistration& partition, const std::string& listener) {
  out.partition_index = index.value();
  out.leader_id = has_endpoint(image, partition.leader, listener) ? partition.leader.value() : kNoNode.value();
  out.leader_epoch = partition.leader_epoch.value();
  out.replica_nodes = metadata::to_raw(partition.replicas);
  out.isr_nodes = metadata::to_raw(partition.isr);
  out.eligible_leader_replicas = metadata::to_raw(partition.elr);
  out.last_known_elr = metadata::to_raw(partition.last_known_elr);
  out.offline_replicas = offline_replicas(image, partition, listener);
}

TopicAnswer answer_for(std::string_view name) {
  TopicAnswer topic;
  topic.name = name;
  topic.is_internal = is_internal_topic(name);
  topic.topic_authorized_operations = kAllTopicOperations;
  return topic;
}

// One answer as it fills up.
class Page {
 public:
  Page(const metadata::Image& image, const std::string& listener, std::int32_t partitions_max,
       DescribeTopicPartitionsResponse& response)
      : image_(image), listener_(listener), left_(partitions_max), response_(response) {}

  // From partition `first` on. False: the page is full and has its cursor.
  [[nodiscard]] bool add(std::string_view name, std::int32_t first, bool name_missing) {
    if (left_ == 0) {
      set_cursor(name, 0);
      return false;
    }
    const metadata::Topic* topic = image_.topic(name);
    if (topic == nullptr) {
      if (name_missing) {
        TopicAnswer& missing = response_.topics.emplace_back(answer_for(name));
        missing.error_code = to_wire(metadata::topic_name_fault(name).empty() ? ErrorCode::kUnknownTopicOrPartition
                                                                              : ErrorCode::kInvalidTopicException);
      }
      return true;
    }
    TopicAnswer& out = response_.topics.emplace_back(answer_for(name));
    out.topic_id = topic->id;
    const auto count = static_cast<std::int32_t>(topic->partitions.size());
    std::int32_t next = std::min(first, count);
    for (; next < count && left_ > 0; ++next, --left_) {
      if (const auto* partition = topic->partition(PartitionIndex(next))) {
        fill(out.partitions.emplace_back(), image_, PartitionIndex(next), *partition, listener_);
      }
    }
    if (next < count) {
      set_cursor(name, next);
      return false;
    }
    return true;
  }

 private:
  void set_cursor(std::string_view topic, std::int32_t partition) {
    response_.next_cursor = CursorAnswer{.topic_name = topic, .partition_index = partition};
  }

  const metadata::Image& image_;
  const std::string& listener_;
  std::int32_t left_;
  DescribeTopicPartitionsResponse& response_;
};

void refuse(Request& request, const DescribeTopicPartitionsRequest& decoded) {
  DescribeTopicPartitionsResponse response;
  for (const auto& topic : decoded.topics) {
    auto& refused = response.topics.emplace_back();
    refused.name = topic.name;
    refused.error_code = to_wire(ErrorCode::kInvalidRequest);
  }
  request.reply(response);
}

}  // namespace

void DescribeTopicPartitionsHandler::handle(Request request) {
  const auto decoded = request.decode<DescribeTopicPartitionsRequest>();
  const ConnectionInfo* connection = request.connection();
  if (!decoded || connection == nullptr) {
    return request.close();
  }
  const std::string_view from = decoded->cursor ? decoded->cursor->topic_name : std::string_view();
  const std::int32_t first = decoded->cursor ? decoded->cursor->partition_index : 0;
  std::set<std::string_view> named;
  for (const auto& topic : decoded->topics) {
    if (topic.name >= from) {
      named.insert(topic.name);
    }
  }
  const bool asks_for_all = decoded->topics.empty();
  if (decoded->cursor && (first < 0 || (!asks_for_all && !named.contains(from)))) {
    return refuse(request, *decoded);
  }
  const std::shared_ptr<const metadata::Image> image = context_.router.image();
  const std::int32_t partitions_max =
      std::max(1, std::min(context_.limits.described_partitions_max, decoded->response_partition_limit));
  DescribeTopicPartitionsResponse response;
  Page page(*image, connection->listener_name, partitions_max, response);
  const auto first_of = [&](std::string_view name) { return name == from ? first : 0; };
  if (asks_for_all) {
    for (auto topic = image->topic_names().lower_bound(std::string(from)); topic != image->topic_names().end();
         ++topic) {
      if (!page.add(topic->key, first_of(topic->key), false)) {
        break;
      }
    }
  } else {
    for (const std::string_view name : named) {
      if (!page.add(name, first_of(name), true)) {
        break;
      }
    }
  }
  request.reply(response);
}

}  // namespace moldau::broker
