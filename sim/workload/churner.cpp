#include "sim/workload/churner.h"

#include <chrono>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/probe.h"
#include "protocol/errors/error_code.h"
#include "protocol/messages/create_topics_request.h"
#include "protocol/messages/delete_records_request.h"
#include "protocol/messages/delete_records_response.h"
#include "protocol/messages/delete_topics_request.h"
#include "protocol/messages/fetch_request.h"
#include "protocol/messages/produce_request.h"
#include "protocol/record/batch.h"
#include "protocol/record/batch_builder.h"
#include "protocol/record/record_walker.h"
#include "sim/checker/record_name.h"

namespace moldau::sim {

using protocol::ErrorCode;
using std::chrono::microseconds;

namespace {
constexpr std::uint32_t kChurnProducer = 1000;
constexpr std::int16_t kCreateTopicsVersion = 7;
constexpr std::int16_t kDeleteTopicsVersion = 5;  // the last one with names alone
constexpr std::int16_t kDeleteRecordsVersion = 2;
constexpr std::int16_t kFetchVersion = 12;    // the last one with topic names
constexpr std::int16_t kProduceVersion = 12;  // the last one with topic names
constexpr std::int16_t kAcksAll = -1;
constexpr std::int64_t kLatest = -1;
constexpr std::int64_t kEarliest = -2;
constexpr std::uint64_t kPauseMaxUs = 20'000;
constexpr std::uint32_t kReadPpm = 40'000;
constexpr std::uint32_t kRemovePpm = 60'000;
constexpr std::uint32_t kDeleteRecordsPpm = 60'000;
constexpr std::int32_t kTimeoutMs = 1000;
constexpr std::size_t kDecompressedBytesMax = 1 << 20;
}  // namespace

Churner::Churner(runtime::World world, Workload& workload, SimRandom random)
    : Client(world, workload, random),
      report_([this](std::string line) { workload_.history.fault(std::move(line)); }),
      life_(report_),
      next_(shard_.timers(), [this] { step(); }) {}

// A reading that a crash ended begins anew.
void Churner::on_up() {
  if (phase_ == Phase::kRead) {
    phase_ = Phase::kUse;
  }
  step();
}

void Churner::pause() {
  next_.arm(shard_.clock().now() + microseconds(random_.between(1, kPauseMaxUs)));
}

void Churner::step() {
  if (!up() || finished_) {
    return;
  }
  switch (phase_) {
    case Phase::kCreate: return create();
    case Phase::kUse: return use();
    case Phase::kRead: return read_on();
    case Phase::kDelete: return remove();
  }
}

void Churner::use() {
  if (unacked_) {
    return produce();
  }
  if (finishing_ || random_.chance(kReadPpm)) {
    return begin_reading();
  }
  if (random_.chance(kRemovePpm)) {
    phase_ = Phase::kDelete;
    return remove();
  }
  if (random_.chance(kDeleteRecordsPpm) && life_.deleted() < life_.acked_end()) {
    return delete_records();
  }
  produce();
}

void Churner::create() {
  protocol::CreateTopicsRequest request;
  request.timeout_ms = kTimeoutMs;
  auto& topic = request.topics.emplace_back();
  topic.name = kChurnTopic;
  topic.num_partitions = 1;
  topic.replication_factor = 1;
  channel().call(request, kCreateTopicsVersion,
                 [this](const protocol::CreateTopicsResponse& response) { on_created(response); });
}

void Churner::on_created(const protocol::CreateTopicsResponse& response) {
  const ErrorCode error = response.topics.size() == 1 ? protocol::error_from_wire(response.topics[0].error_code)
                                                      : ErrorCode::kUnknownServerError;
  // It exists already only by an earlier try, whose answer was lost: the topic before is gone since it was deleted.
  if (error == ErrorCode::kNone || error == ErrorCode::kTopicAlreadyExists) {
    if (number_ > 0) {
      MOLDAU_PROBE("sim.topic_created_again");
    }
    life_.begin(number_);
    phase_ = Phase::kUse;
  }
  pause();
}

void Churner::remove() {
  protocol::DeleteTopicsRequest request;
  request.timeout_ms = kTimeoutMs;
  request.topic_names.push_back(kChurnTopic);
  channel().call(request, kDeleteTopicsVersion,
                 [this](const protocol::DeleteTopicsResponse& response) { on_removed(response); });
}

void Churner::on_removed(const protocol::DeleteTopicsResponse& response) {
  const ErrorCode error = response.responses.size() == 1 ? protocol::error_from_wire(response.responses[0].error_code)
                                                         : ErrorCode::kUnknownServerError;
  if (error == ErrorCode::kNone || error == ErrorCode::kUnknownTopicOrPartition) {
    phase_ = Phase::kCreate;
  }
  // At once as often as later: the directory of the one before may still be there.
  random_.chance(500'000) ? step() : pause();
}

void Churner::produce() {
  if (!std::exchange(unacked_, true)) {
    life_.on_sent(number_++);
  }
  record::BatchBuilder builder({});
  const ByteVector value = value_of({.producer = kChurnProducer, .partition = 0, .number = number_ - 1});
  builder.append({.timestamp = shard_.clock().wall_ms(), .key = std::nullopt, .value = Bytes(value)});
  auto batch = builder.build();
  MOLDAU_ASSERT(batch.has_value());
  protocol::ProduceRequest request;
  request.acks = kAcksAll;
  request.timeout_ms = kTimeoutMs;
  auto& topic = request.topic_data.emplace_back();
  topic.name = kChurnTopic;
  topic.partition_data.emplace_back().records = wire::Records(*batch);
  channel().call(request, kProduceVersion,
                 [this](const protocol::ProduceResponse& response) { on_produced(response); });
}

void Churner::on_produced(const protocol::ProduceResponse& response) {
  if (response.responses.size() != 1 || response.responses[0].partition_responses.size() != 1) {
    return channel().close("produce without its partition");
  }
  const auto& answer = response.responses[0].partition_responses[0];
  if (answer.error_code == 0) {
    life_.on_acked(number_ - 1, Offset(answer.base_offset));
    unacked_ = false;
  }
  pause();
}

void Churner::delete_records() {
  const Offset target(static_cast<std::int64_t>(random_.between(
      static_cast<std::uint64_t>(life_.deleted().value()), static_cast<std::uint64_t>(life_.acked_end().value()))));
  protocol::DeleteRecordsRequest request;
  request.timeout_ms = kTimeoutMs;
  auto& topic = request.topics.emplace_back();
  topic.name = kChurnTopic;
  topic.partitions.emplace_back().offset = target.value();
  life_.on_delete_sent(target);
  channel().call(request, kDeleteRecordsVersion, [this](const protocol::DeleteRecordsResponse& response) {
    if (response.topics.size() == 1 && response.topics[0].partitions.size() == 1 &&
        response.topics[0].partitions[0].error_code == 0) {
      life_.on_deleted(Offset(response.topics[0].partitions[0].low_watermark));
    }
    pause();
  });
}

void Churner::begin_reading() {
  list_offset(kChurnTopic, 0, kEarliest, [this](Offset start) {
    list_offset(kChurnTopic, 0, kLatest, [this, start](Offset end) {
      life_.begin_reading(start, end);
      at_ = start;
      end_ = end;
      phase_ = Phase::kRead;
      step();
    });
  });
}

void Churner::read_on() {
  if (at_ >= end_) {
    life_.end_reading();
    phase_ = Phase::kUse;
    finished_ = finishing_;
    return pause();
  }
  protocol::FetchRequest request;
  request.min_bytes = 1;
  request.max_bytes = 1 << 20;
  auto& topic = request.topics.emplace_back();
  topic.topic = kChurnTopic;
  auto& partition = topic.partitions.emplace_back();
  partition.fetch_offset = at_.value();
  partition.partition_max_bytes = static_cast<std::int32_t>(random_.between(1, 20'000));
  channel().call(request, kFetchVersion, [this](const protocol::FetchResponse& response) { on_fetched(response); });
}

void Churner::on_fetched(const protocol::FetchResponse& response) {
  if (response.error_code != 0 || response.responses.size() != 1 || response.responses[0].partitions.size() != 1 ||
      response.responses[0].partitions[0].error_code != 0) {
    return channel().close("fetch error");
  }
  const auto& data = response.responses[0].partitions[0];
  const Offset from = at_;
  record::BatchIterator batches(data.records ? data.records->bytes() : Bytes());
  for (auto batch = batches.next(); batch && *batch; batch = batches.next()) {
    record::RecordWalker walker(**batch, scratch_, kDecompressedBytesMax);
    while (const record::RecordView* record = walker.next()) {
      const auto name = record->value ? name_of(*record->value) : std::nullopt;
      const Offset offset = (*batch)->header.offset_at(record->offset_delta);
      if (!name || name->producer != kChurnProducer) {
        workload_.history.fault(fmt::format("churn: the value at {} is not of this topic", offset.value()));
      } else if (offset >= at_) {
        life_.on_read(offset, name->number);
        at_ = offset + 1;
      }
    }
  }
  if (at_ == from) {
    workload_.history.fault(
        fmt::format("churn: a fetch from {} below the end {} gave nothing", from.value(), end_.value()));
    at_ = end_;
  }
  step();
}

}  // namespace moldau::sim
