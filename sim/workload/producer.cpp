#include "sim/workload/producer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/probe.h"
#include "protocol/errors/error_code.h"
#include "protocol/messages/init_producer_id_request.h"
#include "protocol/messages/produce_request.h"
#include "protocol/record/batch_builder.h"

namespace moldau::sim {

using protocol::ErrorCode;
using std::chrono::microseconds;

namespace {
constexpr std::size_t kWindow = 5;  // of an idempotent producer
constexpr std::int16_t kAcksAll = -1;
constexpr std::int16_t kAcksLeader = 1;
constexpr std::uint32_t kAgainPpm = 60'000;
constexpr std::int16_t kProduceVersionMin = 3;
constexpr std::int16_t kProduceVersionMax = 12;  // the last one with topic names
constexpr std::int32_t kProduceTimeoutMs = 1500;
constexpr record::Codec kCodecs[] = {record::Codec::kNone, record::Codec::kNone, record::Codec::kNone,
                                     record::Codec::kLz4, record::Codec::kSnappy};

// Answers that say that the producer's state on the broker is not what was acknowledged.
bool contradicts_acks(ErrorCode error) {
  return error == ErrorCode::kOutOfOrderSequenceNumber || error == ErrorCode::kDuplicateSequenceNumber ||
         error == ErrorCode::kUnknownProducerId || error == ErrorCode::kInvalidProducerEpoch ||
         error == ErrorCode::kCorruptMessage || error == ErrorCode::kInvalidRecord;
}
}  // namespace

Producer::Producer(runtime::World world, Workload& workload, SimRandom random, const ProducerOptions& options)
    : Client(world, workload, random),
      options_(options),
      partitions_(workload.history.partitions()),
      next_(shard_.timers(), [this] { produce_one(); }) {}

bool Producer::drained() const {
  return !workload_.producing &&
         std::all_of(partitions_.begin(), partitions_.end(), [](const Partition& p) { return p.unacked.empty(); });
}

void Producer::on_down() {
  next_.cancel();
  for (Partition& partition : partitions_) {
    // By the time the next connection is up, what follows it may have pushed it out of the broker's window.
    std::erase_if(partition.unacked, [](const Batch& batch) { return batch.acked_at.has_value(); });
    for (Batch& batch : partition.unacked) {
      batch.sent = false;
    }
  }
}

void Producer::on_up() {
  if (!options_.idempotent || producer_id_ != kNoProducerId) {
    send_unsent();
    return pause();
  }
  protocol::InitProducerIdRequest request;
  request.transactional_id = std::nullopt;
  request.transaction_timeout_ms = 60'000;
  channel().call(request, protocol::InitProducerIdRequest::kMaxVersion,
                 [this](const protocol::InitProducerIdResponse& response) { on_producer_id(response); });
}

void Producer::on_producer_id(const protocol::InitProducerIdResponse& response) {
  if (response.error_code != 0) {
    return channel().close("no producer id");
  }
  producer_id_ = ProducerId(response.producer_id);
  producer_epoch_ = ProducerEpoch(response.producer_epoch);
  workload_.history.on_producer_id(producer_id_);
  pause();
}

void Producer::pause() {
  next_.arm(shard_.clock().now() + microseconds(random_.between(1, options_.pause_max_us)));
}

void Producer::produce_one() {
  if (!workload_.producing || !up()) {
    return;
  }
  std::vector<std::uint32_t> chosen;
  for (std::uint32_t i = 0; i < partitions_.size(); ++i) {
    if (random_.chance(500'000) && partitions_[i].unacked.size() < in_flight_max(partitions_[i])) {
      if (!send_again(partitions_[i])) {
        make_batch(i);
      }
      chosen.push_back(i);
    }
  }
  if (!chosen.empty()) {
    send(std::move(chosen));
  }
  pause();
}

std::size_t Producer::in_flight_max(const Partition& partition) const noexcept {
  return options_.idempotent && !partition.acked.empty() ? kWindow : 1;
}

// The broker remembers the last five batches that it appended: those of `acked` while nothing is on its way.
bool Producer::send_again(Partition& partition) {
  if (!partition.unacked.empty() || partition.acked.empty() || !random_.chance(kAgainPpm)) {
    return false;
  }
  partition.unacked.push_back(partition.acked[random_.below(partition.acked.size())]);
  partition.unacked.back().sent = false;
  return true;
}

void Producer::make_batch(std::uint32_t index) {
  Partition& partition = partitions_[index];
  Batch batch{.first = {.producer = options_.number, .partition = index, .number = partition.next_number},
              .count = static_cast<std::uint32_t>(random_.between(1, options_.records_max)),
              .bytes = {},
              .sent = false,
              .acked_at = std::nullopt};
  record::BatchOptions options;
  options.codec = kCodecs[random_.below(std::size(kCodecs))];
  if (options_.idempotent) {
    options.producer_id = producer_id_;
    options.producer_epoch = producer_epoch_;
    options.base_sequence = static_cast<std::int32_t>(batch.first.number);
  }
  record::BatchBuilder builder(options);
  for (std::uint32_t i = 0; i < batch.count; ++i) {
    RecordName name = batch.first;
    name.number += i;
    const ByteVector value = value_of(name);
    builder.append({.timestamp = shard_.clock().wall_ms(), .key = std::nullopt, .value = Bytes(value)});
  }
  auto built = builder.build();
  MOLDAU_ASSERT(built.has_value());
  batch.bytes = *std::move(built);
  partition.next_number += batch.count;
  workload_.history.partition(index).on_sent(batch.first, batch.count,
                                             {.idempotent = options_.idempotent, .synced = options_.synced});
  partition.unacked.push_back(std::move(batch));
}

// The oldest batch of each partition, then the second, and so on: a partition's order is kept.
void Producer::send_unsent() {
  for (std::size_t depth = 0; depth < kWindow; ++depth) {
    std::vector<std::uint32_t> chosen;
    for (std::uint32_t i = 0; i < partitions_.size(); ++i) {
      if (depth < partitions_[i].unacked.size() && !partitions_[i].unacked[depth].sent) {
        chosen.push_back(i);
      }
    }
    if (!chosen.empty() && up()) {
      send(std::move(chosen));
    }
  }
}

// The oldest unsent batch of each of the partitions, as one request.
void Producer::send(std::vector<std::uint32_t> chosen) {
  protocol::ProduceRequest request;
  request.acks = options_.synced ? kAcksAll : kAcksLeader;
  request.timeout_ms = kProduceTimeoutMs;
  protocol::produce_request::TopicProduceData topic;
  topic.name = kTopic;
  for (const std::uint32_t index : chosen) {
    auto& unacked = partitions_[index].unacked;
    const auto batch = std::find_if(unacked.begin(), unacked.end(), [](const Batch& b) { return !b.sent; });
    MOLDAU_ASSERT(batch != unacked.end(), index);
    batch->sent = true;
    protocol::produce_request::PartitionProduceData data;
    data.index = static_cast<std::int32_t>(index);
    data.records = wire::Records(batch->bytes);
    topic.partition_data.push_back(std::move(data));
  }
  request.topic_data.push_back(std::move(topic));
  const auto version = static_cast<std::int16_t>(random_.between(kProduceVersionMin, kProduceVersionMax));
  channel().call(request, version, [this, asked = chosen.size()](const protocol::ProduceResponse& response) {
    on_answer(response, asked);
  });
}

void Producer::on_answer(const protocol::ProduceResponse& response, std::size_t partitions_asked) {
  std::size_t answered = 0;
  for (const auto& topic : response.responses) {
    for (const auto& partition : topic.partition_responses) {
      ++answered;
      on_partition(partition);
    }
  }
  if (answered != partitions_asked) {
    workload_.history.fault(fmt::format("a Produce of {} partitions was answered for {}", partitions_asked, answered));
  }
}

// Answers come in the order of the requests, so this one is for the partition's oldest batch.
void Producer::on_partition(const protocol::ProduceResponse::PartitionProduceResponse& answer) {
  const auto index = static_cast<std::uint32_t>(answer.index);
  if (index >= partitions_.size() || partitions_[index].unacked.empty() || !partitions_[index].unacked.front().sent) {
    return workload_.history.fault(
        fmt::format("a Produce answer for partition {}, which nothing asked for", answer.index));
  }
  if (!up()) {
    return;  // an earlier partition of this answer gave the connection up: all is sent again
  }
  Batch& batch = partitions_[index].unacked.front();
  if (const ErrorCode error = protocol::error_from_wire(answer.error_code); error != ErrorCode::kNone) {
    if (contradicts_acks(error)) {
      workload_.history.fault(fmt::format("partition {}: {} with {} records{} was refused with error {}", index,
                                          to_string(batch.first), batch.count, batch.acked_at ? ", sent again," : "",
                                          answer.error_code));
    }
    return channel().close("produce error");
  }
  const Offset base(answer.base_offset);
  PartitionHistory& history = workload_.history.partition(index);
  if (batch.acked_at) {
    MOLDAU_PROBE("sim.acknowledged_batch_sent_again");
    history.on_duplicate_acked(batch.first, *batch.acked_at, base);
  } else if (!options_.synced) {
    history.on_acked_by_leader(batch.first, batch.count, base, era());
  } else {
    history.on_acked(batch.first, batch.count, base);
    if (options_.idempotent) {
      batch.acked_at = base;
      partitions_[index].acked.push_back(std::move(batch));
      if (partitions_[index].acked.size() > kWindow) {
        partitions_[index].acked.pop_front();
      }
    }
  }
  partitions_[index].unacked.pop_front();
}

}  // namespace moldau::sim
