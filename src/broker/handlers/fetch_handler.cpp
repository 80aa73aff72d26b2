#include "broker/handlers/fetch_handler.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "broker/handlers/fetch_operation.h"
#include "protocol/messages/fetch_request.h"
#include "protocol/messages/fetch_response.h"

namespace moldau::broker {

using protocol::ErrorCode;
using protocol::FetchRequest;
using protocol::FetchResponse;

namespace {

constexpr std::int16_t kFirstVersionWithIds = 13;
constexpr std::int16_t kFirstVersionWithReplicaState = 15;
constexpr std::int32_t kConsumerReplicaId = -1;
constexpr std::int32_t kDebuggingReplicaId = -2;

std::int32_t replica_of(const FetchRequest& request, std::int16_t version) {
  return version >= kFirstVersionWithReplicaState ? request.replica_state.replica_id : request.replica_id;
}

FetchSessionCache::Request to_session_request(const FetchRequest& request, std::int16_t version) {
  FetchSessionCache::Request session{.session_id = request.session_id,
                                     .session_epoch = request.session_epoch,
                                     .from_follower = replica_of(request, version) >= 0,
                                     .uses_topic_ids = version >= kFirstVersionWithIds};
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      session.partitions.push_back({.key = {topic.topic_id, std::string(topic.topic), partition.partition},
                                    .fetch_offset = partition.fetch_offset,
                                    .follower_log_start = partition.log_start_offset,
                                    .partition_bytes_max = partition.partition_max_bytes,
                                    .current_leader_epoch = partition.current_leader_epoch,
                                    .last_fetched_epoch = partition.last_fetched_epoch});
    }
  }
  for (const auto& topic : request.forgotten_topics_data) {
    for (const std::int32_t partition : topic.partitions) {
      session.forgotten.push_back({topic.topic_id, std::string(topic.topic), partition});
    }
  }
  return session;
}

}  // namespace

FetchHandler::FetchHandler(ShardContext& context, const std::vector<ShardContext*>& peers, FetchSessionCache& sessions)
    : context_(context), peers_(peers), sessions_(sessions) {}

FetchHandler::~FetchHandler() = default;

void FetchHandler::handle(Request request) {
  const auto decoded = request.decode<FetchRequest>();
  if (!decoded) {
    return request.close();
  }
  FetchContext session = sessions_.open(to_session_request(*decoded, request.version()), context_.shard.clock().wall_ms());
  if (session.error() != ErrorCode::kNone) {
    FetchResponse response;
    response.error_code = to_wire(session.error());
    return request.reply(response);
  }
  const std::int32_t replica = replica_of(*decoded, request.version());
  FetchTerms terms;
  terms.max_wait_ms = decoded->max_wait_ms;
  terms.bytes_max = static_cast<std::size_t>(std::clamp(decoded->max_bytes, 0, context_.limits.fetch_bytes_max));
  terms.min_bytes = std::min(static_cast<std::size_t>(std::max(0, decoded->min_bytes)), terms.bytes_max);
  terms.leader_only = replica != kDebuggingReplicaId;
  if (replica != kConsumerReplicaId) {
    terms.isolation = replication::FetchIsolation::kLogEnd;
  } else if (decoded->isolation_level == 1) {
    terms.isolation = replication::FetchIsolation::kLastStable;
  }
  const ConnectionId connection = request.connection_id();
  auto operation = std::make_shared<FetchOperation>(context_, peers_, sessions_, std::move(request), std::move(session),
                                                    terms, [this, connection] { finish(connection); });
  MOLDAU_ASSERT(!operations_.contains(connection));  // one request at a time: Connection's C2
  operations_.emplace(connection, operation);
  operation->start();
}

void FetchHandler::finish(ConnectionId connection) { operations_.erase(connection); }

void FetchHandler::on_connection_closed(ConnectionId connection) {
  if (const auto found = operations_.find(connection); found != operations_.end()) {
    const std::shared_ptr<FetchOperation> operation = std::move(found->second);
    operations_.erase(found);
    operation->abandon();
  }
}

}  // namespace moldau::broker
