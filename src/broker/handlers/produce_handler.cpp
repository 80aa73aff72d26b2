#include "broker/handlers/produce_handler.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "broker/handlers/leader_endpoints.h"
#include "broker/handlers/request_places.h"
#include "protocol/errors/error_code.h"
#include "protocol/messages/produce_response.h"
#include "protocol/record/batch.h"
#include "protocol/record/batch_format.h"
#include "protocol/record/codec.h"
#include "protocol/record/validate.h"

namespace moldau::broker {

using protocol::ErrorCode;
using protocol::ProduceRequest;
using protocol::ProduceResponse;

// One request on its way: the decoded request, an outcome per partition, numbered in request order. Held by the shard's
// operations or by `waiting_`, both gone before the handler: where a reference to it still locks, the handler is there.
struct ProduceHandler::Pending final : Operation {
  Pending(Request r, ProduceRequest d) : request(std::move(r)), decoded(std::move(d)) {}

  Request request;
  ProduceRequest decoded;
  std::vector<AppendOutcome> outcomes;
  std::vector<bool> superseded;            // by partition: named again, and answered elsewhere
  std::vector<std::size_t> topic_numbers;  // by topic of the request; the same for one that is named again
  std::size_t topics = 0;                  // different ones
  std::vector<AppendItem> items;           // those that may be appended
  AppendTerms terms;
  std::size_t parts_left = 0;
};

namespace {

constexpr std::string_view kAdminClientId = "__admin_client";
constexpr std::int16_t kFirstVersionWithIds = 13;
constexpr std::int16_t kFirstVersionWithZstd = 7;
constexpr std::int16_t kFirstVersionWithLeaders = 10;

// What makes Kafka refuse a request as a whole: the first unreadable batch, unless one that claims to be of a
// transaction comes before it; and that one, in a request that names no transaction.
struct WholeRefusal {
  ErrorCode error = ErrorCode::kNone;
  const char* message = nullptr;
};
std::optional<WholeRefusal> refuse_whole(const ProduceRequest& request) {
  for (const auto& topic : request.topic_data) {
    for (const auto& data : topic.partition_data) {
      const Bytes records = data.records ? data.records->bytes() : Bytes{};
      const record::FrameStep first = record::next_frame(records);
      if (first.framing == record::Framing::kCorrupt) {
        return WholeRefusal{ErrorCode::kCorruptMessage, "impossible batch length or magic"};
      }
      if (first.framing != record::Framing::kBatch || first.magic != record::kMagic2) {
        continue;
      }
      const auto attributes = load_be<std::uint16_t>(records.data() + record::kAttributesAt);  // 26 bytes are there
      if ((attributes & record::kTransactionalBit) != 0) {
        return request.transactional_id ? std::nullopt
                                        : std::optional(WholeRefusal{ErrorCode::kTransactionalIdAuthorizationFailed});
      }
    }
  }
  return std::nullopt;
}

// Before version 7 Kafka asks the first batch of each partition that exists for its codec, and fails on a number that
// is none's.
std::optional<WholeRefusal> refuse_codec(const ProduceRequest& request, const metadata::Image& image) {
  for (const auto& topic_data : request.topic_data) {
    const metadata::Topic* topic = image.topic(topic_data.name);
    for (const auto& data : topic_data.partition_data) {
      if (topic == nullptr || topic->partition(PartitionIndex(data.index)) == nullptr || !data.records) {
        continue;
      }
      const Bytes records = data.records->bytes();
      const record::FrameStep first = record::next_frame(records);
      if (first.framing == record::Framing::kBatch && first.magic == record::kMagic2 &&
          (load_be<std::uint16_t>(records.data() + record::kAttributesAt) & record::kCodecMask) >
              std::to_underlying(record::Codec::kZstd)) {
        return WholeRefusal{ErrorCode::kUnknownServerError};
      }
    }
  }
  return std::nullopt;
}

// What Kafka finds partition by partition before it appends to any: such a refusal names no log start.
ErrorCode judge_partition(const metadata::Topic* topic, bool by_id, PartitionIndex index,
                          const std::optional<wire::Records>& records, MutableBytes bytes, bool zstd_allowed) {
  if (topic == nullptr) {
    return by_id ? ErrorCode::kUnknownTopicId : ErrorCode::kUnknownTopicOrPartition;
  }
  if (topic->partition(index) == nullptr) {
    return ErrorCode::kUnknownTopicOrPartition;
  }
  if (!records) {
    return ErrorCode::kInvalidRecord;
  }
  const auto framed = record::check_produce_framing(bytes, zstd_allowed);
  return framed ? ErrorCode::kNone : framed.error().code;
}

// What it finds when it comes to append.
ErrorCode judge_append(const metadata::Topic& topic, std::int16_t acks, std::string_view client_id) {
  if (acks < -1 || acks > 1) {
    return ErrorCode::kInvalidRequiredAcks;
  }
  return is_internal_topic(topic.name) && client_id != kAdminClientId ? ErrorCode::kInvalidTopicException
                                                                      : ErrorCode::kNone;
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
  auto pending = std::make_shared<Pending>(std::move(request), *std::move(decoded));
  pending->terms.source = {context_.shard.index(), pending->request.connection_id()};
  pending->terms.zstd_allowed = pending->request.version() >= kFirstVersionWithZstd;
  pending->terms.deadline =
      context_.shard.clock().now() + std::chrono::milliseconds(std::max(0, pending->decoded.timeout_ms));
  if (pending->decoded.acks == 0) {
    pending->request.exempt_from_time();
  } else if (pending->decoded.acks < 0) {
    pending->request.waits_for("its replicas and disks");
  }
  judge(*pending);
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

// Gives every partition its outcome or its item. One that is named again counts once, as in Kafka: the last batch that
// is one is appended, and the last that is none is answered, else that append.
void ProduceHandler::judge(Pending& pending) {
  struct Named {
    const metadata::Topic* topic;
    PartitionIndex index;
    MutableBytes bytes;
  };
  const bool by_id = pending.request.version() >= kFirstVersionWithIds;
  const metadata::Image& image = *context_.router.image();
  const MutableBytes body = pending.request.body();
  std::optional<WholeRefusal> whole = refuse_whole(pending.decoded);
  if (!whole && !pending.terms.zstd_allowed) {
    whole = refuse_codec(pending.decoded, image);
  }
  RequestPlaces places;
  std::vector<Named> named;
  std::vector<bool> appendable;
  for (const auto& topic_data : pending.decoded.topic_data) {
    const metadata::Topic* topic = by_id ? image.topic(topic_data.topic_id) : image.topic(topic_data.name);
    const std::size_t number = pending.topic_numbers.emplace_back(places.topic(topic_data.topic_id, topic_data.name));
    for (const auto& data : topic_data.partition_data) {
      // The decoded view is constant; the same bytes of our own frame are patched in place.
      const Bytes records = data.records ? data.records->bytes() : Bytes{};
      const auto offset = records.empty() ? 0 : static_cast<std::size_t>(records.data() - body.data());
      named.push_back({topic, PartitionIndex(data.index), body.subspan(offset, records.size())});
      places.add(number, data.index);
      AppendOutcome& outcome = pending.outcomes.emplace_back();
      outcome.error = whole ? whole->error
                            : judge_partition(topic, by_id, named.back().index, data.records, named.back().bytes,
                                              pending.terms.zstd_allowed);
      outcome.message = whole ? whole->message : nullptr;
      appendable.push_back(outcome.error == ErrorCode::kNone);
    }
  }
  pending.topics = places.topics();
  pending.superseded.assign(named.size(), false);
  places.for_each_repeated([&](std::span<const std::size_t> numbers) {
    std::optional<std::size_t> appended;
    std::optional<std::size_t> refused;
    for (const std::size_t i : numbers) {
      (appendable[i] ? appended : refused) = i;
      appendable[i] = false;
      pending.superseded[i] = true;
    }
    if (appended) {
      appendable[*appended] = true;
    }
    pending.superseded[refused ? *refused : *appended] = false;
  });
  for (std::size_t i = 0; i < named.size(); ++i) {
    pending.outcomes[i].index = i;
    if (!appendable[i]) {
      continue;
    }
    pending.outcomes[i].error = judge_append(*named[i].topic, pending.decoded.acks, pending.request.client_id());
    if (pending.outcomes[i].error == ErrorCode::kNone) {
      pending.items.push_back({.index = i, .id = {named[i].topic->id, named[i].index}, .records = named[i].bytes});
    }
  }
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
      pending->outcomes[item.index].error = context_.router.why_nowhere(item.id);
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
    const AppendEnvironment environment{peer->router, peer->operations, peer->append_turns, peer->scratch,
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
  const bool any_error = std::ranges::any_of(pending.outcomes, [&](const AppendOutcome& outcome) {
    return outcome.error != ErrorCode::kNone && !pending.superseded[outcome.index];
  });
  pending.request.charge_produce();
  if (pending.decoded.acks == 0) {
    return any_error ? pending.request.close() : pending.request.reply_nothing();
  }
  const std::int16_t version = pending.request.version();
  const std::shared_ptr<const metadata::Image> image = context_.router.image();  // the endpoints are views into it
  ProduceResponse response;
  LeaderEndpoints leaders;
  std::size_t next = 0;
  response.responses.reserve(pending.topics);
  constexpr std::size_t kNone = SIZE_MAX;
  std::vector<std::size_t> entries(pending.topics, kNone);  // by topic number: its place in the response
  for (std::size_t i = 0; i < pending.decoded.topic_data.size(); ++i) {
    const auto& topic_data = pending.decoded.topic_data[i];
    const metadata::Topic* known =
        version >= kFirstVersionWithIds ? image->topic(topic_data.topic_id) : image->topic(topic_data.name);
    for (const auto& data : topic_data.partition_data) {
      const AppendOutcome& outcome = pending.outcomes[next++];
      if (pending.superseded[outcome.index]) {
        continue;
      }
      std::size_t& entry = entries[pending.topic_numbers[i]];
      if (entry == kNone) {
        entry = response.responses.size();
        response.responses.push_back({.name = topic_data.name, .topic_id = topic_data.topic_id});
      }
      auto& topic = response.responses[entry];
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
