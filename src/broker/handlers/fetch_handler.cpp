#include "broker/handlers/fetch_handler.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "broker/handlers/request_places.h"
#include "protocol/messages/fetch_request.h"
#include "protocol/messages/fetch_response.h"

namespace moldau::broker {

using protocol::ErrorCode;
using protocol::FetchRequest;
using protocol::FetchResponse;

namespace {

constexpr std::int16_t kFirstVersionWithIds = 13;
constexpr std::int16_t kFirstVersionWithReplicaState = 15;
constexpr std::int32_t kDebuggingReplicaId = -2;
constexpr std::int32_t kFutureReplicaId = -3;
constexpr std::int8_t kReadUncommitted = 0;
constexpr std::int8_t kReadCommitted = 1;

std::int32_t replica_of(const FetchRequest& request, std::int16_t version) {
  return version >= kFirstVersionWithReplicaState ? request.replica_state.replica_id : request.replica_id;
}

// A partition named twice counts once, in its first place with its last values, as in Kafka.
void merge_repeated(std::vector<FetchPartition>& partitions, RequestPlaces& places) {
  std::vector<bool> dropped(partitions.size());
  bool any_dropped = false;
  places.for_each_repeated([&](std::span<const std::size_t> numbers) {
    partitions[numbers.front()] = partitions[numbers.back()];
    for (const std::size_t later : numbers.subspan(1)) {
      dropped[later] = true;
    }
    any_dropped = true;
  });
  if (any_dropped) {
    std::size_t i = 0;
    std::erase_if(partitions, [&](const FetchPartition&) { return static_cast<bool>(dropped[i++]); });
  }
}

FetchSessionCache::Request to_session_request(const FetchRequest& request, std::int16_t version,
                                              const metadata::Image& image) {
  FetchSessionCache::Request session{.session_id = request.session_id,
                                     .session_epoch = request.session_epoch,
                                     .from_follower = replica_of(request, version) >= 0,
                                     .uses_topic_ids = version >= kFirstVersionWithIds};
  RequestPlaces places;
  for (const auto& topic : request.topics) {
    const std::size_t place = places.topic(topic.topic_id, session.uses_topic_ids ? "" : topic.topic);
    const metadata::Topic* known = session.uses_topic_ids ? image.topic(topic.topic_id) : nullptr;
    const auto named =
        std::make_shared<const FetchTopic>(topic.topic_id, std::string(known == nullptr ? topic.topic : known->name));
    for (const auto& partition : topic.partitions) {
      places.add(place, partition.partition);
      session.partitions.push_back({.key = {named, partition.partition},
                                    .fetch_offset = partition.fetch_offset,
                                    .follower_log_start = partition.log_start_offset,
                                    .partition_bytes_max = partition.partition_max_bytes,
                                    .current_leader_epoch = partition.current_leader_epoch,
                                    .last_fetched_epoch = partition.last_fetched_epoch});
    }
  }
  merge_repeated(session.partitions, places);
  for (const auto& topic : request.forgotten_topics_data) {
    const auto named = std::make_shared<const FetchTopic>(topic.topic_id, std::string(topic.topic));
    for (const std::int32_t partition : topic.partitions) {
      session.forgotten.push_back({named, partition});
    }
  }
  return session;
}

FetchTerms terms_of(const FetchRequest& request, std::int16_t version, const HandlerLimits& limits) {
  const std::int32_t replica = replica_of(request, version);
  FetchTerms terms;
  terms.max_wait_ms = request.max_wait_ms;
  terms.bytes_max = static_cast<std::size_t>(std::clamp(request.max_bytes, 0, limits.fetch_bytes_max));
  terms.min_bytes = std::min(static_cast<std::size_t>(std::max(0, request.min_bytes)), terms.bytes_max);
  terms.leader_only = replica != kDebuggingReplicaId;
  terms.bytes_max_is_negative = request.max_bytes < 0;
  terms.replica = NodeId(replica);
  if (replica >= 0 || replica == kFutureReplicaId) {
    terms.isolation = replication::FetchIsolation::kLogEnd;
  } else if (request.isolation_level == kReadCommitted) {
    terms.isolation = replication::FetchIsolation::kLastStable;
  }
  return terms;
}

// Whether something would be read: Kafka looks at the isolation level only then.
bool names_known_partition(const FetchRequest& request, std::int16_t version, const metadata::Image& image) {
  return std::ranges::any_of(request.topics, [&](const auto& asked) {
    const metadata::Topic* topic =
        version >= kFirstVersionWithIds ? image.topic(asked.topic_id) : image.topic(asked.topic);
    return topic != nullptr && std::ranges::any_of(asked.partitions, [&](const auto& partition) {
             return topic->partition(PartitionIndex(partition.partition)) != nullptr;
           });
  });
}

// What Kafka answers to a request that it cannot make sense of: UNKNOWN_SERVER_ERROR everywhere.
FetchResponse failed_answer(const FetchRequest& request) {
  FetchResponse response;
  response.error_code = to_wire(ErrorCode::kUnknownServerError);
  for (const auto& asked : request.topics) {
    auto& topic = response.responses.emplace_back();
    topic.topic = asked.topic;
    topic.topic_id = asked.topic_id;
    for (const auto& partition : asked.partitions) {
      auto& data = topic.partitions.emplace_back();
      data.partition_index = partition.partition;
      data.error_code = to_wire(ErrorCode::kUnknownServerError);
      data.high_watermark = -1;
      data.records.emplace();
    }
  }
  return response;
}

}  // namespace

FetchHandler::FetchHandler(ShardContext& context, const std::vector<ShardContext*>& peers)
    : context_(context), peers_(peers), sessions_(context, peers), alive_(std::make_shared<FetchHandler*>(this)) {}

FetchHandler::~FetchHandler() = default;

void FetchHandler::handle(Request request) {
  const auto decoded = request.decode<FetchRequest>();
  if (!decoded) {
    return request.close();
  }
  const bool isolation_exists =
      decoded->isolation_level == kReadUncommitted || decoded->isolation_level == kReadCommitted;
  if (!isolation_exists && (decoded->session_id != kNoSession ||
                            names_known_partition(*decoded, request.version(), *context_.router.image()))) {
    return request.reply(failed_answer(*decoded));
  }
  FetchTerms terms = terms_of(*decoded, request.version(), context_.limits);
  request.waits_for("data", std::chrono::milliseconds(std::max(0, terms.max_wait_ms)));
  if (const auto burst = request.fetch_burst(); burst && terms.replica < NodeId{0}) {
    // More would be held off for sure, however idle the client was.
    terms.bytes_max = static_cast<std::size_t>(std::min(static_cast<double>(terms.bytes_max), *burst));
    terms.min_bytes = std::min(terms.min_bytes, terms.bytes_max);
  }
  FetchSessionCache::Request asked = to_session_request(*decoded, request.version(), *context_.router.image());
  if (std::optional<FetchContext> session = sessions_.try_open(asked)) {
    return start(std::move(request), *std::move(session), terms);
  }
  const ConnectionId connection = request.connection_id();
  opening_.emplace(connection, Opening{std::move(request), terms});
  sessions_.open_elsewhere(std::move(asked),
                           [weak = std::weak_ptr<FetchHandler*>(alive_), connection](FetchContext session) {
                             if (const auto alive = weak.lock()) {
                               (*alive)->on_opened(connection, std::move(session));
                             }
                           });
}

void FetchHandler::on_opened(ConnectionId connection, FetchContext session) {
  const auto found = opening_.find(connection);
  if (found == opening_.end()) {
    return;  // the connection has gone
  }
  Opening opening = std::move(found->second);
  opening_.erase(found);
  start(std::move(opening.request), std::move(session), opening.terms);
}

void FetchHandler::start(Request request, FetchContext session, const FetchTerms& terms) {
  if (session.error() != ErrorCode::kNone) {
    FetchResponse response;
    response.error_code = to_wire(session.error());
    return request.reply(response);
  }
  const ConnectionId connection = request.connection_id();
  auto operation = std::make_shared<FetchOperation>(context_, peers_, sessions_, std::move(request), std::move(session),
                                                    terms, [this, connection] { finish(connection); });
  MOLDAU_ASSERT(!operations_.contains(connection));  // one request at a time: Connection's C2
  operations_.emplace(connection, operation);
  operation->start();
}

void FetchHandler::finish(ConnectionId connection) {
  operations_.erase(connection);
}

void FetchHandler::on_connection_closed(ConnectionId connection) {
  opening_.erase(connection);
  if (const auto found = operations_.find(connection); found != operations_.end()) {
    const std::shared_ptr<FetchOperation> operation = std::move(found->second);
    operations_.erase(found);
    operation->abandon();
  }
}

}  // namespace moldau::broker
