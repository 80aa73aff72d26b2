#include "broker/handlers/log_dir_handlers.h"

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/messages/alter_replica_log_dirs_request.h"
#include "protocol/messages/alter_replica_log_dirs_response.h"
#include "protocol/messages/describe_log_dirs_request.h"
#include "protocol/messages/describe_log_dirs_response.h"

namespace moldau::broker {

using protocol::AlterReplicaLogDirsRequest;
using protocol::AlterReplicaLogDirsResponse;
using protocol::DescribeLogDirsRequest;
using protocol::DescribeLogDirsResponse;
using protocol::ErrorCode;

namespace {

// A request that waits for the home shard; it stays on its own.
struct Waiting final : Operation {
  explicit Waiting(Request waiting) : request(std::move(waiting)) {}
  Request request;
};

// Calls `answer(request, reply)` with what the channel replied, if the request is still there.
template <class Answer>
auto when_answered(ShardContext& context, Request request, Answer answer) {
  std::weak_ptr<Waiting> weak = context.operations.hold(std::make_shared<Waiting>(std::move(request)));
  return [weak, &operations = context.operations, answer = std::move(answer)](const auto& reply) {
    if (const std::shared_ptr<Waiting> waiting = weak.lock()) {
      operations.release(*waiting);
      answer(waiting->request, reply);
    }
  };
}

DescribeLogDirsResponse describe(const std::vector<LogDirView>& views) {
  DescribeLogDirsResponse response;
  for (const LogDirView& view : views) {
    auto& out = response.results.emplace_back();
    out.error_code = to_wire(view.error);
    out.log_dir = view.path;
    out.total_bytes = view.total_bytes;
    out.usable_bytes = view.usable_bytes;
    out.is_cordoned = view.is_cordoned;
    for (const ReplicaOnDisk& replica : view.replicas) {
      if (out.topics.empty() || out.topics.back().name != replica.partition.topic) {
        out.topics.emplace_back().name = replica.partition.topic;
      }
      out.topics.back().partitions.push_back({.partition_index = replica.partition.partition.value(),
                                              .partition_size = static_cast<std::int64_t>(replica.size_bytes),
                                              .offset_lag = replica.offset_lag,
                                              .is_future_key = replica.is_future});
    }
  }
  return response;
}

}  // namespace

void DescribeLogDirsHandler::handle(Request request) {
  const auto decoded = request.decode<DescribeLogDirsRequest>();
  if (!decoded) {
    return request.close();
  }
  std::optional<std::vector<TopicPartition>> only;
  if (decoded->topics) {
    only.emplace();
    for (const auto& topic : *decoded->topics) {
      for (const std::int32_t index : topic.partitions) {
        only->push_back({std::string(topic.topic), PartitionIndex(index)});
      }
    }
  }
  directories_.describe(std::move(only), when_answered(context_, std::move(request),
                                                       [](Request& waiting, const std::vector<LogDirView>& views) {
                                                         waiting.reply(describe(views));
                                                       }));
}

void AlterReplicaLogDirsHandler::handle(Request request) {
  const auto decoded = request.decode<AlterReplicaLogDirsRequest>();
  if (!decoded) {
    return request.close();
  }
  // Named twice, the last word counts.
  std::map<TopicPartition, std::string> wanted;
  for (const auto& directory : decoded->dirs) {
    for (const auto& topic : directory.topics) {
      for (const std::int32_t index : topic.partitions) {
        wanted.insert_or_assign({std::string(topic.name), PartitionIndex(index)}, std::string(directory.path));
      }
    }
  }
  std::vector<LogDirMove> moves;
  std::vector<TopicPartition> partitions;
  for (auto& [partition, path] : wanted) {
    partitions.push_back(partition);
    moves.push_back({partition, std::move(path)});
  }
  directories_.move(
      std::move(moves),
      when_answered(context_, std::move(request),
                    [partitions = std::move(partitions)](Request& waiting, const std::vector<ErrorCode>& outcomes) {
                      AlterReplicaLogDirsResponse response;
                      for (std::size_t i = 0; i < partitions.size(); ++i) {
                        const TopicPartition& partition = partitions[i];
                        if (response.results.empty() || response.results.back().topic_name != partition.topic) {
                          response.results.emplace_back().topic_name = partition.topic;
                        }
                        response.results.back().partitions.push_back(
                            {.partition_index = partition.partition.value(), .error_code = to_wire(outcomes[i])});
                      }
                      waiting.reply(response);
                    }));
}

}  // namespace moldau::broker
