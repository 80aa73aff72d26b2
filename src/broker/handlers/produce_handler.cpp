#include "broker/handlers/produce_handler.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/assert.h"
#include "broker/handlers/leader_endpoints.h"
#include "protocol/errors/error_code.h"
#include "protocol/messages/produce_response.h"

namespace moldau::broker {

using protocol::ErrorCode;
using protocol::ProduceRequest;
using protocol::ProduceResponse;

// One request on its way: the decoded request, an outcome per partition in request order. Held by the shard's
// operations or by `waiting_`, both gone before the handler: where a reference to it still locks, the handler is there.
struct ProduceHandler::Pending final : Operation {
  Pending(Request r, ProduceRequest d) : request(std::move(r)), decoded(std::move(d)) {}

  Request request;
  ProduceRequest decoded;
  std::vector<AppendOutcome> outcomes;
  std::vector<AppendItem> items;  // those that may be appended
  AppendTerms terms;
  std::size_t parts_left = 0;
};

namespace {

constexpr std::string_view kAdminClientId = "__admin_client";
constexpr std::int16_t kFirstVersionWithIds = 13;
constexpr std::int16_t kFirstVersionWithZstd = 7;
constexpr std::int16_t kFirstVersionWithLeaders = 10;

ErrorCode judge_topic(const metadata::Topic* topic, bool by_id, std::string_view client_id) {
  if (topic == nullptr) {
    return by_id ? ErrorCode::kUnknownTopicId : ErrorCode::kUnknownTopicOrPartition;
  }
  if (is_internal_topic(topic->name) && client_id != kAdminClientId) {
    return ErrorCode::kInvalidTopicException;
  }
  return ErrorCode::kNone;
}

bool are_valid_acks(std::int16_t acks) {
  return acks >= -1 && acks <= 1;
}

// A batch that claims to be of a transaction in a request that names none: Kafka refuses the whole request.
bool has_orphaned_transaction(const ProduceRequest& request) {
  if (request.transactional_id) {
    return false;
  }
  for (const auto& topic : request.topic_data) {
    for (const auto& data : topic.partition_data) {
      const auto header = data.records ? record::BatchHeader::parse(data.records->bytes())
                                       : Result<record::BatchHeader>(fail(ErrorKind::kTruncated, "no records"));
      if (header && header->is_transactional()) {
        return true;
      }
    }
  }
  return false;
}

protocol::produce_response::TopicProduceResponse& entry_of(ProduceResponse& response, std::string_view name,
                                                           const Uuid& id) {
  for (auto& topic : response.responses) {
    if (topic.name == name && topic.topic_id == id) {
      return topic;
    }
  }
  auto& topic = response.responses.emplace_back();
  topic.name = name;
  topic.topic_id = id;
  return topic;
}

void fill(protocol::produce_response::PartitionProduceResponse& partition, std::int32_t index,
          const AppendOutcome& outcome) {
  partition.index = index;
  partition.error_code = to_wire(outcome.error);
  partition.base_offset = outcome.base_offset;
  partition.log_append_time_ms = outcome.append_time_ms;
  partition.log_start_offset = outcome.log_start;
  if (outcome.message != nullptr) {
    partition.error_message = outcome.message;
  }
  partition.record_errors.reserve(outcome.record_errors.size());
  for (const record::RecordError& error : outcome.record_errors) {
    auto& refused = partition.record_errors.emplace_back();
    refused.batch_index = error.index;
    if (error.message != nullptr) {
      refused.batch_index_error_message = error.message;
    }
  }
}

}  // namespace

ProduceHandler::ProduceHandler(ShardContext& context, const std::vector<ShardContext*>& peers)
    : context_(context), peers_(peers) {}

void ProduceHandler::handle(Request request) {
  auto decoded = request.decode<ProduceRequest>();
  if (!decoded) {
    return request.close();
  }
  const std::int16_t version = request.version();
  const bool by_id = version >= kFirstVersionWithIds;
  auto pending = std::make_shared<Pending>(std::move(request), *std::move(decoded));
  const metadata::Image& image = *context_.router.image();
  const MutableBytes body = pending->request.body();

  pending->terms.zstd_allowed = version >= kFirstVersionWithZstd;
  pending->terms.deadline =
      context_.shard.clock().now() + std::chrono::milliseconds(std::max(0, pending->decoded.timeout_ms));
  const bool orphaned = has_orphaned_transaction(pending->decoded);
  for (const auto& topic_data : pending->decoded.topic_data) {
    const metadata::Topic* topic = by_id ? image.topic(topic_data.topic_id) : image.topic(topic_data.name);
    const ErrorCode topic_error = judge_topic(topic, by_id, pending->request.client_id());
    for (const auto& data : topic_data.partition_data) {
      AppendOutcome outcome{.index = pending->outcomes.size(), .error = topic_error};
      const PartitionIndex index{data.index};
      if (orphaned) {
        outcome.error = ErrorCode::kTransactionalIdAuthorizationFailed;
      } else if (topic_error != ErrorCode::kNone) {
        // Judged above, for all partitions of the topic.
      } else if (topic->partition(index) == nullptr) {
        outcome.error = ErrorCode::kUnknownTopicOrPartition;
      } else if (!data.records) {
        outcome.error = ErrorCode::kInvalidRecord;
      } else if (!are_valid_acks(pending->decoded.acks)) {
        outcome.error = ErrorCode::kInvalidRequiredAcks;
      } else {
        // The decoded view is constant; the same bytes of our own frame are patched in place.
        const Bytes records = data.records->bytes();
        const auto offset = records.empty() ? 0 : static_cast<std::size_t>(records.data() - body.data());
        pending->items.push_back(
            {.index = outcome.index, .id = {topic->id, index}, .records = body.subspan(offset, records.size())});
      }
      pending->outcomes.push_back(std::move(outcome));
    }
  }
  if (pending->items.empty()) {
    return answer(*pending);
  }
  pending->terms.acks = static_cast<replication::Acks>(pending->decoded.acks);
  std::vector<TopicIdPartition> ids;
  ids.reserve(pending->items.size());
  for (const AppendItem& item : pending->items) {
    ids.push_back(item.id);
  }
  find_and_append(pending, std::move(ids));
}

void ProduceHandler::find_and_append(const std::shared_ptr<Pending>& pending, std::vector<TopicIdPartition> ids) {
  const std::weak_ptr<Pending> weak = context_.operations.hold(pending);
  const ConnectionId connection = pending->request.connection_id();
  if (!waiting_.contains(connection)) {
    if (const std::optional<Owners> owners = known_owners(context_.router, ids)) {
      return append(pending, *owners);
    }
  }
  waiting_[connection].push_back({pending, std::nullopt});
  find_owners(context_.router, std::move(ids), [this, weak](const Owners& owners) {
    if (const auto asked = weak.lock()) {
      on_owners(asked, owners);
    }
  });
}

// Those behind may be known by now; the ones before them go first.
void ProduceHandler::on_owners(const std::shared_ptr<Pending>& pending, const Owners& owners) {
  const ConnectionId connection = pending->request.connection_id();
  const auto found = waiting_.find(connection);
  MOLDAU_ASSERT(found != waiting_.end());
  const auto own = std::ranges::find(found->second, pending, &Waiting::pending);
  MOLDAU_ASSERT(own != found->second.end());
  own->owners = owners;
  while (const std::optional<Waiting> next = take_ready(connection)) {
    append(next->pending, *next->owners);
  }
}

std::optional<ProduceHandler::Waiting> ProduceHandler::take_ready(ConnectionId connection) {
  const auto found = waiting_.find(connection);
  if (found == waiting_.end()) {
    return std::nullopt;
  }
  std::deque<Waiting>& queue = found->second;
  if (queue.empty()) {
    waiting_.erase(found);
    return std::nullopt;
  }
  if (!queue.front().owners) {
    return std::nullopt;
  }
  std::optional<Waiting> ready = std::move(queue.front());
  queue.pop_front();
  return ready;
}

void ProduceHandler::append(const std::shared_ptr<Pending>& pending, const Owners& owners) {
  std::vector<std::vector<AppendItem>> by_shard(peers_.size());
  for (std::size_t i = 0; i < owners.size(); ++i) {
    AppendItem& item = pending->items[i];
    if (owners[i]) {
      by_shard[*owners[i]].push_back(item);
    } else {
      pending->outcomes[item.index].error = ErrorCode::kNotLeaderOrFollower;
    }
  }
  pending->parts_left = static_cast<std::size_t>(
      std::count_if(by_shard.begin(), by_shard.end(), [](const auto& items) { return !items.empty(); }));
  if (pending->parts_left == 0) {
    context_.operations.release(*pending);
    return answer(*pending);
  }
  const std::weak_ptr<Pending> weak = pending;
  const auto take = [this, weak](std::vector<AppendOutcome> outcomes) {
    if (const auto waiting = weak.lock()) {
      on_part_done(*waiting, std::move(outcomes));
    }
  };
  for (std::uint32_t shard = 0; shard < by_shard.size(); ++shard) {
    if (by_shard[shard].empty()) {
      continue;
    }
    ShardContext* here = &context_;
    ShardContext* peer = peers_[shard];
    const AppendEnvironment environment{peer->router, peer->operations, peer->scratch,
                                        peer->limits.decompressed_bytes_max};
    if (shard == context_.shard.index()) {
      run_append_part(environment, std::move(by_shard[shard]), pending->terms, take);
      continue;
    }
    // The other shard works on our bytes and knows nothing else of the request.
    peer->shard.post([here, environment, take, terms = pending->terms, items = std::move(by_shard[shard])]() mutable {
      run_append_part(environment, std::move(items), terms, [here, take](std::vector<AppendOutcome> outcomes) mutable {
        here->shard.post([take, outcomes = std::move(outcomes)]() mutable { take(std::move(outcomes)); });
      });
    });
  }
}

void ProduceHandler::on_part_done(Pending& pending, std::vector<AppendOutcome> outcomes) {
  for (AppendOutcome& outcome : outcomes) {
    pending.outcomes[outcome.index] = std::move(outcome);
  }
  if (--pending.parts_left == 0) {
    context_.operations.release(pending);
    answer(pending);
  }
}

void ProduceHandler::answer(Pending& pending) {
  const bool any_error = std::any_of(pending.outcomes.begin(), pending.outcomes.end(),
                                     [](const AppendOutcome& outcome) { return outcome.error != ErrorCode::kNone; });
  if (pending.decoded.acks == 0) {
    return any_error ? pending.request.close() : pending.request.reply_nothing();
  }
  const std::int16_t version = pending.request.version();
  const std::shared_ptr<const metadata::Image> image = context_.router.image();  // the endpoints are views into it
  ProduceResponse response;
  LeaderEndpoints leaders;
  std::size_t next = 0;
  response.responses.reserve(pending.decoded.topic_data.size());
  for (const auto& topic_data : pending.decoded.topic_data) {
    if (topic_data.partition_data.empty()) {
      continue;
    }
    const metadata::Topic* known =
        version >= kFirstVersionWithIds ? image->topic(topic_data.topic_id) : image->topic(topic_data.name);
    auto& topic = entry_of(response, topic_data.name, topic_data.topic_id);
    for (const auto& data : topic_data.partition_data) {
      const AppendOutcome& outcome = pending.outcomes[next++];
      auto& partition = topic.partition_responses.emplace_back();
      fill(partition, data.index, outcome);
      if (outcome.error == ErrorCode::kNotLeaderOrFollower && version >= kFirstVersionWithLeaders) {
        leaders.name(partition.current_leader, outcome.leader, outcome.leader_epoch,
                     known == nullptr ? nullptr : known->partition(PartitionIndex(data.index)));
      }
    }
  }
  leaders.add_to(response, context_, pending.request.connection());
  pending.request.reply(response);
}

}  // namespace moldau::broker
