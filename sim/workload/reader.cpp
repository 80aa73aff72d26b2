#include "sim/workload/reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/probe.h"
#include "protocol/errors/error_code.h"
#include "protocol/messages/create_topics_request.h"
#include "protocol/messages/delete_records_request.h"
#include "protocol/messages/fetch_request.h"
#include "protocol/messages/offset_for_leader_epoch_request.h"

namespace moldau::sim {

using protocol::ErrorCode;
using std::chrono::microseconds;

namespace {
constexpr std::int16_t kFetchVersionMin = 4;
constexpr std::int16_t kFetchVersionMax = 12;  // the last one with topic names
constexpr std::int16_t kFetchVersionWithLastEpoch = 12;
constexpr std::int16_t kOffsetForLeaderEpochVersion = 4;
constexpr std::int16_t kCreateTopicsVersion = 7;
constexpr std::uint64_t kPauseMaxUs = 8000;
constexpr std::uint64_t kWaitMaxMs = 30;
constexpr std::int64_t kLatest = -1;
constexpr std::int64_t kEarliest = -2;
constexpr std::int16_t kDeleteRecordsVersion = 2;
}  // namespace

Reader::Reader(runtime::World world, Workload& workload, SimRandom random, ReaderOptions options)
    : Client(world, workload, random),
      options_(std::move(options)),
      tails_(workload.history.partitions(), Offset(0)),
      next_(shard_.timers(), [this] { step(); }) {}

void Reader::pause() {
  next_.arm(shard_.clock().now() + microseconds(random_.between(1, kPauseMaxUs)));
}

void Reader::step() {
  if (!up()) {
    return;
  }
  if (phase_ == Phase::kTail && wants_whole_) {
    begin_whole();
  }
  switch (phase_) {
    case Phase::kMakeTopic: return make_topic();
    case Phase::kTail: return read_tail();
    case Phase::kWhole: return read_on();
    case Phase::kLookUp: return look_up();
    case Phase::kFinished: return;
  }
}

void Reader::make_topic() {
  protocol::CreateTopicsRequest request;
  request.timeout_ms = 1000;
  protocol::create_topics_request::CreatableTopic topic;
  topic.name = kTopic;
  topic.num_partitions = static_cast<std::int32_t>(workload_.history.partitions());
  topic.replication_factor = 1;
  for (const auto& [name, value] : options_.topic_configs) {
    protocol::create_topics_request::CreatableTopicConfig config;
    config.name = name;
    config.value = value;
    topic.configs.push_back(std::move(config));
  }
  request.topics.push_back(std::move(topic));
  channel().call(request, kCreateTopicsVersion,
                 [this](const protocol::CreateTopicsResponse& response) { on_topic(response); });
}

void Reader::on_topic(const protocol::CreateTopicsResponse& response) {
  const ErrorCode error = response.topics.empty() ? ErrorCode::kUnknownServerError
                                                  : protocol::error_from_wire(response.topics[0].error_code);
  if (error == ErrorCode::kNone || error == ErrorCode::kTopicAlreadyExists) {
    phase_ = Phase::kTail;
  } else if (error == ErrorCode::kInvalidConfig || error == ErrorCode::kInvalidRequest) {
    workload_.history.fault("the topic was refused: " + std::string(response.topics[0].error_message.value_or("")));
  }
  pause();
}

void Reader::read_tail() {
  if (random_.chance(50'000)) {
    return ask_epoch_end();
  }
  if (random_.chance(options_.delete_ppm)) {
    return delete_records();
  }
  const auto index = static_cast<std::uint32_t>(random_.below(tails_.size()));
  const Offset seen = workload_.history.partition(index).highest_seen();
  const bool anywhere = random_.chance(400'000);
  const Offset from =
      anywhere ? Offset(static_cast<std::int64_t>(random_.between(0, static_cast<std::uint64_t>(seen.value()))))
               : std::max(tails_[index], workload_.history.partition(index).deleted());
  fetch(index, from, static_cast<std::int32_t>(random_.between(1, 12'000)), [this, index, anywhere](Offset next) {
    if (!anywhere) {
      tails_[index] = next;
    }
    pause();
  });
}

// Either where an older epoch ends, or, naming it as the current one, where the newest does.
void Reader::ask_epoch_end() {
  const auto index = static_cast<std::uint32_t>(random_.below(tails_.size()));
  PartitionHistory& history = workload_.history.partition(index);
  const auto seen = static_cast<std::uint64_t>(history.highest_seen().value());
  if (seen == 0) {
    return pause();
  }
  const bool newest = random_.chance(300'000);
  const LeaderEpoch asked = newest ? history.newest_epoch_seen()
                                   : history.epoch_before(Offset(static_cast<std::int64_t>(random_.between(1, seen))));
  protocol::OffsetForLeaderEpochRequest request;
  request.replica_id = -1;
  protocol::offset_for_leader_epoch_request::OffsetForLeaderTopic topic;
  topic.topic = kTopic;
  topic.partitions.push_back({.partition = static_cast<std::int32_t>(index),
                              .current_leader_epoch = newest ? asked.value() : -1,
                              .leader_epoch = asked.value(),
                              .unknown_tagged_fields = {}});
  request.topics.push_back(std::move(topic));
  const Offset high_watermark = history.high_watermark(era());
  channel().call(request, kOffsetForLeaderEpochVersion,
                 [this, index, asked, high_watermark](const protocol::OffsetForLeaderEpochResponse& response) {
                   on_epoch_end(response, index, asked, high_watermark);
                   pause();
                 });
}

void Reader::on_epoch_end(const protocol::OffsetForLeaderEpochResponse& response, std::uint32_t partition,
                          LeaderEpoch asked, Offset high_watermark) {
  if (response.topics.size() != 1 || response.topics[0].partitions.size() != 1) {
    return channel().close("epoch end without its partition");
  }
  const auto& data = response.topics[0].partitions[0];
  switch (protocol::error_from_wire(data.error_code)) {
    case ErrorCode::kNone: break;
    case ErrorCode::kFencedLeaderEpoch: MOLDAU_PROBE("sim.told_of_a_newer_epoch"); return;
    case ErrorCode::kUnknownLeaderEpoch:
      return workload_.history.fault(
          fmt::format("I1: partition {}: the leader does not know epoch {}, which was read", partition, asked.value()));
    default: return;
  }
  PartitionHistory& history = workload_.history.partition(partition);
  if (data.leader_epoch > asked.value()) {
    workload_.history.fault(fmt::format("partition {}: asked for the end of epoch {}, it answers for {}", partition,
                                        asked.value(), data.leader_epoch));
  } else if (data.end_offset >= 0) {  // below 0: all of that epoch is gone, and of every later one
    history.epochs().on_end(asked, Offset(data.end_offset), high_watermark, era());
  }
}

void Reader::delete_records() {
  const auto index = static_cast<std::uint32_t>(random_.below(tails_.size()));
  PartitionHistory& history = workload_.history.partition(index);
  const auto low = static_cast<std::uint64_t>(history.deleted().value());
  const auto high = static_cast<std::uint64_t>(history.known().acked_end.value());
  if (low >= high) {
    return pause();
  }
  const Offset target(static_cast<std::int64_t>(random_.between(low, low + (high - low) / 2)));
  protocol::DeleteRecordsRequest request;
  request.timeout_ms = 1000;
  auto& topic = request.topics.emplace_back();
  topic.name = kTopic;
  auto& asked = topic.partitions.emplace_back();
  asked.partition_index = static_cast<std::int32_t>(index);
  asked.offset = target.value();
  history.on_delete_sent(target);
  channel().call(request, kDeleteRecordsVersion, [this, index](const protocol::DeleteRecordsResponse& response) {
    if (response.topics.size() != 1 || response.topics[0].partitions.size() != 1 ||
        response.topics[0].partitions[0].error_code != 0) {
      return channel().close("delete records error");
    }
    MOLDAU_PROBE("sim.records_deleted");
    workload_.history.partition(index).on_deleted(Offset(response.topics[0].partitions[0].low_watermark));
    pause();
  });
}

void Reader::begin_whole() {
  phase_ = Phase::kWhole;
  at_ = end_ = Offset(-1);
}

void Reader::read_on() {
  if (end_ < Offset(0)) {
    return list_offset(kTopic, partition_, kLatest, [this](Offset end) {
      list_offset(kTopic, partition_, kEarliest, [this, end](Offset start) {
        workload_.history.partition(partition_).begin_whole_reading(start);
        at_ = start;
        end_ = end;
        step();
      });
    });
  }
  if (at_ < end_) {
    return fetch(partition_, at_, static_cast<std::int32_t>(random_.between(1000, 60'000)), [this](Offset next) {
      if (next <= at_) {
        workload_.history.fault(fmt::format("partition {}: a fetch from {} below the end {} gave nothing", partition_,
                                            at_.value(), end_.value()));
        next = end_;
      }
      at_ = next;
      step();
    });
  }
  workload_.history.partition(partition_).finish_whole_reading(end_, era());
  phase_ = Phase::kLookUp;
  lookups_done_ = 0;
  step();
}

void Reader::look_up() {
  PartitionHistory& history = workload_.history.partition(partition_);
  if (lookups_done_ >= options_.lookups || history.whole_start() == history.whole_end()) {
    return finish_partition();
  }
  ++lookups_done_;
  const Offset offset(
      static_cast<std::int64_t>(random_.between(static_cast<std::uint64_t>(history.whole_start().value()),
                                                static_cast<std::uint64_t>(history.whole_end().value() - 1))));
  fetch(partition_, offset, 1, [this, offset](Offset next) {
    PartitionHistory& known = workload_.history.partition(partition_);
    if (next <= offset) {
      workload_.history.fault(fmt::format("partition {}: the record at {} is not found", partition_, offset.value()));
    }
    const std::int64_t timestamp = known.timestamp_at(offset) + static_cast<std::int64_t>(random_.below(2));
    list_offset(kTopic, partition_, timestamp, [this, timestamp](Offset found) {
      PartitionHistory& whole = workload_.history.partition(partition_);
      const Offset expected = whole.first_at(timestamp);
      const bool none = expected == whole.whole_end();
      if (found != (none ? kNoOffset : expected)) {
        workload_.history.fault(fmt::format("partition {}: ListOffsets at {} gave {}, a scan gives {}", partition_,
                                            timestamp, found.value(), none ? -1 : expected.value()));
      }
      step();
    });
  });
}

void Reader::finish_partition() {
  ++partition_;
  if (partition_ == workload_.history.partitions()) {
    phase_ = Phase::kFinished;
    return;
  }
  begin_whole();
  step();
}

void Reader::fetch(std::uint32_t partition, Offset from, std::int32_t bytes_max, Function<void(Offset)> then) {
  const bool newest = random_.chance(600'000);  // the one that can tell of a divergence
  const auto version =
      newest ? kFetchVersionMax : static_cast<std::int16_t>(random_.between(kFetchVersionMin, kFetchVersionMax));
  const PartitionHistory& history = workload_.history.partition(partition);
  const Fetch known{.partition = partition,
                    .from = from,
                    .last_epoch = version < kFetchVersionWithLastEpoch ? kNoLeaderEpoch : history.epoch_before(from),
                    .known = history.known()};
  protocol::FetchRequest request;
  request.max_wait_ms = static_cast<std::int32_t>(random_.below(kWaitMaxMs));
  request.min_bytes = 1;
  request.max_bytes = bytes_max;
  request.isolation_level = static_cast<std::int8_t>(random_.below(2));
  protocol::fetch_request::FetchTopic topic;
  topic.topic = kTopic;
  protocol::fetch_request::FetchPartition asked;
  asked.partition = static_cast<std::int32_t>(partition);
  asked.fetch_offset = from.value();
  asked.last_fetched_epoch = known.last_epoch.value();
  asked.partition_max_bytes = bytes_max;
  topic.partitions.push_back(std::move(asked));
  request.topics.push_back(std::move(topic));
  channel().call(request, version,
                 [this, known, then = std::move(then)](const protocol::FetchResponse& response) mutable {
                   on_fetched(response, known, then);
                 });
}

void Reader::on_fetched(const protocol::FetchResponse& response, const Fetch& asked, Function<void(Offset)>& then) {
  const auto [partition, from, last_epoch, known] = asked;
  if (response.error_code != 0 || response.responses.size() != 1 || response.responses[0].partitions.size() != 1) {
    return channel().close("fetch without its partition");
  }
  const auto& data = response.responses[0].partitions[0];
  const ErrorCode error = protocol::error_from_wire(data.error_code);
  PartitionHistory& history = workload_.history.partition(partition);
  if (error == ErrorCode::kOffsetOutOfRange && phase_ == Phase::kTail) {
    // The tail above what was synced is gone, or the front was deleted.
    return list_offset(kTopic, partition, kEarliest, [this, partition](Offset start) {
      tails_[partition] = start;
      pause();
    });
  }
  const bool is_damage = error == ErrorCode::kCorruptMessage || error == ErrorCode::kUnknownServerError ||
                         error == ErrorCode::kOffsetOutOfRange || error == ErrorCode::kKafkaStorageError;
  if (is_damage && workload_.alive(era())) {
    workload_.history.fault(
        fmt::format("partition {}: a fetch from {} failed with error {}", partition, from.value(), data.error_code));
  }
  if (error != ErrorCode::kNone) {
    return channel().close("fetch error");
  }
  history.on_marks({.log_start = data.log_start_offset,
                    .high_watermark = data.high_watermark,
                    .last_stable = data.last_stable_offset},
                   known, era());
  if (data.diverging_epoch.end_offset >= 0 || data.diverging_epoch.epoch >= 0) {
    return then(on_diverging(data, asked));
  }
  if (last_epoch != kNoLeaderEpoch) {
    history.epochs().on_agreed(from, last_epoch, era());
  }
  const Offset next = history.on_batches(data.records ? data.records->bytes() : Bytes(), from, era());
  if (next > from && next.value() > data.high_watermark) {
    workload_.history.fault(fmt::format("I15: partition {}: a fetch gave records up to {}, the high watermark is {}",
                                        partition, next.value(), data.high_watermark));
  }
  then(next);
}

// What this client read behind the end of that epoch is gone.
Offset Reader::on_diverging(const protocol::fetch_response::PartitionData& data, const Fetch& asked) {
  MOLDAU_PROBE("sim.told_of_a_divergence");
  const Offset end(data.diverging_epoch.end_offset);
  if (asked.last_epoch == kNoLeaderEpoch || end >= asked.from ||
      data.diverging_epoch.epoch > asked.last_epoch.value() || (data.records && !data.records->bytes().empty())) {
    workload_.history.fault(
        fmt::format("partition {}: a fetch from {} after epoch {} was told that epoch {} ends at {}", asked.partition,
                    asked.from.value(), asked.last_epoch.value(), data.diverging_epoch.epoch, end.value()));
    return asked.from;
  }
  PartitionHistory& history = workload_.history.partition(asked.partition);
  history.epochs().on_end(asked.last_epoch, end, history.high_watermark(era()), era());
  return end;
}

}  // namespace moldau::sim
