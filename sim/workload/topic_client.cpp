#include "sim/workload/topic_client.h"

#include <chrono>

#include "protocol/errors/error_code.h"
#include "protocol/messages/create_topics_request.h"
#include "protocol/messages/create_topics_response.h"
#include "protocol/messages/delete_records_request.h"
#include "protocol/messages/delete_records_response.h"
#include "protocol/messages/fetch_request.h"
#include "protocol/messages/fetch_response.h"
#include "protocol/messages/init_producer_id_request.h"
#include "protocol/messages/init_producer_id_response.h"
#include "protocol/messages/produce_request.h"
#include "protocol/messages/produce_response.h"

namespace moldau::sim {

using protocol::ErrorCode;
using std::chrono::microseconds;

namespace {
constexpr std::int16_t kCreateTopicsVersion = 7;
constexpr std::int16_t kDeleteRecordsVersion = 2;
constexpr std::int16_t kFetchVersion = 12;    // the last one with topic names
constexpr std::int16_t kProduceVersion = 12;  // the last one with topic names
constexpr std::int32_t kTimeoutMs = 1000;
constexpr std::int32_t kProducerTimeoutMs = 60'000;
}  // namespace

TopicClient::TopicClient(runtime::World world, Workload& workload, SimRandom random, std::string_view topic)
    : Client(world, workload, random), topic_(topic), next_(shard_.timers(), [this] { step(); }) {}

void TopicClient::pause(std::uint64_t pause_max_us) {
  next_.arm(shard_.clock().now() + microseconds(random_.between(1, pause_max_us)));
}

void TopicClient::fault(const std::string& what) {
  workload_.history.fault(std::string(topic_) + ": " + what);
}

void TopicClient::create(const Configs& configs, Function<void(bool)> made) {
  protocol::CreateTopicsRequest request;
  request.timeout_ms = kTimeoutMs;
  auto& asked = request.topics.emplace_back();
  asked.name = topic_;
  asked.num_partitions = 1;
  asked.replication_factor = 1;
  for (const auto& [name, value] : configs) {
    auto& config = asked.configs.emplace_back();
    config.name = name;
    config.value = value;
  }
  channel().call(request, kCreateTopicsVersion,
                 [this, made = std::move(made)](const protocol::CreateTopicsResponse& response) mutable {
                   const ErrorCode error = response.topics.size() == 1
                                               ? protocol::error_from_wire(response.topics[0].error_code)
                                               : ErrorCode::kUnknownServerError;
                   if (error == ErrorCode::kInvalidConfig || error == ErrorCode::kInvalidRequest) {
                     fault("refused: " + std::string(response.topics[0].error_message.value_or("")));
                   }
                   made(error == ErrorCode::kNone || error == ErrorCode::kTopicAlreadyExists);
                 });
}

void TopicClient::request_producer_id(Function<void(ProducerId)> then) {
  protocol::InitProducerIdRequest request;
  request.transactional_id = std::nullopt;
  request.transaction_timeout_ms = kProducerTimeoutMs;
  channel().call(request, protocol::InitProducerIdRequest::kMaxVersion,
                 [this, then = std::move(then)](const protocol::InitProducerIdResponse& response) mutable {
                   if (response.error_code != 0) {
                     return channel().close("no producer id");
                   }
                   const ProducerId id(response.producer_id);
                   workload_.history.on_producer_id(id);
                   then(id);
                 });
}

void TopicClient::produce(Bytes batch, std::int16_t acks, Function<void(std::optional<Appended>)> then) {
  protocol::ProduceRequest request;
  request.acks = acks;
  request.timeout_ms = kTimeoutMs;
  auto& asked = request.topic_data.emplace_back();
  asked.name = topic_;
  asked.partition_data.emplace_back().records = wire::Records(batch);
  channel().call(request, kProduceVersion,
                 [this, then = std::move(then)](const protocol::ProduceResponse& response) mutable {
                   if (response.responses.size() != 1 || response.responses[0].partition_responses.size() != 1) {
                     return channel().close("produce without its partition");
                   }
                   const auto& answer = response.responses[0].partition_responses[0];
                   const ErrorCode error = protocol::error_from_wire(answer.error_code);
                   if (error == ErrorCode::kOutOfOrderSequenceNumber || error == ErrorCode::kInvalidProducerEpoch ||
                       error == ErrorCode::kCorruptMessage || error == ErrorCode::kInvalidRecord ||
                       error == ErrorCode::kRecordListTooLarge) {
                     fault("a batch was refused with error " + std::to_string(answer.error_code));
                   }
                   then(error != ErrorCode::kNone
                            ? std::nullopt
                            : std::optional(Appended{Offset(answer.base_offset), Offset(answer.log_start_offset)}));
                 });
}

void TopicClient::delete_records(Offset target, Function<void(std::optional<Offset>)> then) {
  protocol::DeleteRecordsRequest request;
  request.timeout_ms = kTimeoutMs;
  auto& asked = request.topics.emplace_back();
  asked.name = topic_;
  asked.partitions.emplace_back().offset = target.value();
  channel().call(request, kDeleteRecordsVersion,
                 [then = std::move(then)](const protocol::DeleteRecordsResponse& response) mutable {
                   const bool done = response.topics.size() == 1 && response.topics[0].partitions.size() == 1 &&
                                     response.topics[0].partitions[0].error_code == 0;
                   then(done ? std::optional(Offset(response.topics[0].partitions[0].low_watermark)) : std::nullopt);
                 });
}

void TopicClient::fetch(Offset from, std::int32_t bytes_max, Function<void(std::optional<Fetched>)> then) {
  protocol::FetchRequest request;
  request.min_bytes = 1;
  request.max_bytes = 1 << 20;
  auto& asked = request.topics.emplace_back();
  asked.topic = topic_;
  auto& partition = asked.partitions.emplace_back();
  partition.fetch_offset = from.value();
  partition.partition_max_bytes = bytes_max;
  channel().call(
      request, kFetchVersion, [this, from, then = std::move(then)](const protocol::FetchResponse& response) mutable {
        if (response.error_code != 0 || response.responses.size() != 1 ||
            response.responses[0].partitions.size() != 1) {
          return channel().close("fetch without its partition");
        }
        const auto& data = response.responses[0].partitions[0];
        const ErrorCode error = protocol::error_from_wire(data.error_code);
        if (error == ErrorCode::kOffsetOutOfRange) {
          return then(std::nullopt);
        }
        const bool is_damage = error == ErrorCode::kCorruptMessage || error == ErrorCode::kUnknownServerError ||
                               error == ErrorCode::kKafkaStorageError;
        if (is_damage && workload_.alive(era())) {
          fault("G13: a fetch from " + std::to_string(from.value()) + " failed with error " +
                std::to_string(data.error_code));
        }
        if (error != ErrorCode::kNone) {
          return channel().close("fetch error");
        }
        then(Fetched{.batches = data.records ? data.records->bytes() : Bytes(),
                     .log_start = Offset(data.log_start_offset),
                     .high_watermark = Offset(data.high_watermark)});
      });
}

}  // namespace moldau::sim
