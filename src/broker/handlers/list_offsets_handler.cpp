#include "broker/handlers/list_offsets_handler.h"

#include <algorithm>
#include <set>
#include <utility>

#include "broker/handlers/gather.h"
#include "protocol/messages/list_offsets_request.h"
#include "protocol/messages/list_offsets_response.h"

namespace moldau::broker {

using protocol::ErrorCode;
using protocol::ListOffsetsRequest;
using protocol::ListOffsetsResponse;

namespace {

constexpr std::int32_t kConsumerReplicaId = -1;
constexpr std::int32_t kDebuggingReplicaId = -2;
constexpr std::int16_t kFirstVersionWithEpochs = 4;

struct Question {
  TopicIdPartition id;
  replication::ListOffsetRequest request;
};
using Listed = std::expected<replication::ListedOffset, replication::Refusal>;

// The version from which a negative timestamp has a meaning; INT16_MAX: it has none.
std::int16_t first_version_of(std::int64_t timestamp) {
  switch (timestamp) {
    case replication::timestamp::kLatest:
    case replication::timestamp::kEarliest: return 1;
    case replication::timestamp::kMax: return 7;
    case replication::timestamp::kEarliestLocal: return 8;
    case replication::timestamp::kLatestTiered: return 9;
    case replication::timestamp::kEarliestPendingUpload: return 11;
    default: return timestamp >= 0 ? 1 : INT16_MAX;
  }
}

std::set<std::pair<std::string_view, std::int32_t>> partitions_named_twice(const ListOffsetsRequest& request) {
  std::set<std::pair<std::string_view, std::int32_t>> seen;
  std::set<std::pair<std::string_view, std::int32_t>> twice;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      if (!seen.insert({topic.name, partition.partition_index}).second) {
        twice.insert({topic.name, partition.partition_index});
      }
    }
  }
  return twice;
}

void fill(protocol::list_offsets_response::ListOffsetsPartitionResponse& partition, const std::optional<Listed>& listed,
          std::int16_t version) {
  if (!listed) {
    partition.error_code = to_wire(ErrorCode::kNotLeaderOrFollower);
  } else if (!*listed) {
    partition.error_code = to_wire(listed->error().code);
  } else {
    partition.timestamp = (*listed)->timestamp;
    partition.offset = (*listed)->offset.value();
    if (version >= kFirstVersionWithEpochs) {
      partition.leader_epoch = (*listed)->leader_epoch.value();
    }
  }
}

// One request until all its partitions are answered; the response already holds what needs no partition.
struct Pending {
  Request request;
  ListOffsetsRequest decoded;  // its names are views that the response uses
  ListOffsetsResponse response;
  std::vector<std::pair<std::size_t, std::size_t>> places;  // of each question in the response
};

}  // namespace

void ListOffsetsHandler::handle(Request request) {
  auto decoded = request.decode<ListOffsetsRequest>();
  if (!decoded) {
    return request.close();
  }
  const std::int16_t version = request.version();
  const auto twice = partitions_named_twice(*decoded);
  const metadata::Image& image = *context_.router.image();
  auto pending = std::make_shared<Pending>(Pending{std::move(request), *std::move(decoded), {}, {}});

  replication::ListOffsetRequest base;
  if (pending->decoded.replica_id != kConsumerReplicaId) {
    base.isolation = replication::FetchIsolation::kLogEnd;
  } else if (pending->decoded.isolation_level == 1) {
    base.isolation = replication::FetchIsolation::kLastStable;
  }
  base.leader_only = pending->decoded.replica_id != kDebuggingReplicaId;

  std::vector<Question> questions;
  for (const auto& topic_request : pending->decoded.topics) {
    auto& topic = pending->response.topics.emplace_back();
    topic.name = topic_request.name;
    const metadata::Topic* known = image.topic(topic_request.name);
    for (const auto& partition_request : topic_request.partitions) {
      const PartitionIndex index(partition_request.partition_index);
      const bool is_answered = std::any_of(topic.partitions.begin(), topic.partitions.end(), [&](const auto& answered) {
        return answered.partition_index == index.value();
      });
      if (twice.contains({topic_request.name, index.value()}) && is_answered) {
        continue;  // one refusal for all of them
      }
      auto& partition = topic.partitions.emplace_back();
      partition.partition_index = index.value();
      if (known == nullptr || known->partition(index) == nullptr) {
        partition.error_code = to_wire(ErrorCode::kUnknownTopicOrPartition);
      } else if (twice.contains({topic_request.name, index.value()})) {
        partition.error_code = to_wire(ErrorCode::kInvalidRequest);
      } else if (version < first_version_of(partition_request.timestamp)) {
        partition.error_code = to_wire(ErrorCode::kUnsupportedVersion);
      } else {
        Question question{.id = {known->id, index}, .request = base};
        question.request.timestamp = partition_request.timestamp;
        question.request.current_leader_epoch = LeaderEpoch(partition_request.current_leader_epoch);
        questions.push_back(question);
        pending->places.emplace_back(pending->response.topics.size() - 1, topic.partitions.size() - 1);
      }
    }
  }
  gather<Listed>(
      context_, peers_, std::move(questions),
      [](replication::Partition& partition, const Question& question) {
        return partition.list_offset(question.request);
      },
      [pending](std::vector<std::optional<Listed>> answers) {
        for (std::size_t i = 0; i < answers.size(); ++i) {
          const auto [topic, partition] = pending->places[i];
          fill(pending->response.topics[topic].partitions[partition], answers[i], pending->request.version());
        }
        pending->request.reply(pending->response);
      });
}

}  // namespace moldau::broker
