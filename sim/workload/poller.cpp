#include "sim/workload/poller.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include <fmt/format.h>

#include "base/probe.h"
#include "protocol/errors/error_code.h"
#include "protocol/messages/metadata_request.h"
#include "protocol/messages/metadata_response.h"

namespace moldau::sim {

using protocol::ErrorCode;
using std::chrono::microseconds;

namespace {
constexpr std::int16_t kFetchVersion = 17;  // the newest one that consumers use
constexpr std::int16_t kMetadataVersion = 12;
constexpr std::int64_t kLatest = -1;
constexpr std::int64_t kEarliest = -2;
constexpr std::uint64_t kPauseMaxUs = 15'000;
constexpr std::uint64_t kWaitMaxMs = 30;
constexpr std::uint32_t kLeaveOutPpm = 30'000;

std::int32_t next_epoch(std::int32_t epoch) {
  return epoch == std::numeric_limits<std::int32_t>::max() ? 1 : epoch + 1;
}
}  // namespace

Poller::Poller(runtime::World world, Workload& workload, SimRandom random)
    : Client(world, workload, random),
      positions_(workload.history.partitions()),
      next_(shard_.timers(), [this] { step(); }) {}

// A session outlives its connection, but not its process; and where an answer was lost, what the broker knows of it is
// uncertain.
void Poller::on_down() {
  next_.cancel();
  if (asking_ || random_.chance(500'000)) {
    begin_session();
  }
}

void Poller::begin_session() {
  asking_ = false;
  session_id_ = 0;
  session_epoch_ = 0;
  for (Position& position : positions_) {
    position.told.reset();
  }
}

void Poller::pause() {
  next_.arm(shard_.clock().now() + microseconds(random_.between(1, kPauseMaxUs)));
}

void Poller::step() {
  if (!up() || finished_) {
    return;
  }
  if (!topic_id_) {
    return ask_topic_id();
  }
  if (finishing_) {
    const auto unknown = std::ranges::find_if(positions_, [](const Position& p) { return !p.end; });
    if (unknown != positions_.end()) {
      return ask_end(static_cast<std::uint32_t>(unknown - positions_.begin()));
    }
    finished_ = std::ranges::all_of(positions_, [](const Position& p) { return p.next >= *p.end; });
    if (finished_) {
      return;
    }
  }
  poll();
}

void Poller::ask_topic_id() {
  protocol::MetadataRequest request;
  request.allow_auto_topic_creation = false;
  request.topics->emplace_back().name = kTopic;
  channel().call(request, kMetadataVersion, [this](const protocol::MetadataResponse& response) {
    if (response.topics.size() == 1 && response.topics[0].error_code == 0) {
      topic_id_ = response.topics[0].topic_id;
    }
    pause();
  });
}

void Poller::ask_end(std::uint32_t partition) {
  list_offset(kTopic, partition, kLatest, [this, partition](Offset end) {
    positions_[partition].end = end;
    step();
  });
}

void Poller::draw_left_out() {
  for (Position& position : positions_) {
    if (finishing_) {
      position.left_out = false;
    } else if (random_.chance(kLeaveOutPpm)) {
      position.left_out = !position.left_out;
    }
  }
}

void Poller::add_changes(protocol::FetchRequest& request) {
  protocol::fetch_request::FetchTopic changed{.topic_id = *topic_id_};
  protocol::fetch_request::ForgottenTopic forgotten{.topic_id = *topic_id_};
  for (std::size_t i = 0; i < positions_.size(); ++i) {
    Position& position = positions_[i];
    const auto index = static_cast<std::int32_t>(i);
    if (position.left_out) {
      if (position.told) {
        forgotten.partitions.push_back(index);
        position.told.reset();
      }
    } else if (position.told != position.next) {
      auto& asked = changed.partitions.emplace_back();
      asked.partition = index;
      asked.fetch_offset = position.next.value();
      asked.partition_max_bytes = static_cast<std::int32_t>(random_.between(1, 20'000));
      position.told = position.next;
    }
  }
  if (!changed.partitions.empty()) {
    request.topics.push_back(std::move(changed));
  }
  if (!forgotten.partitions.empty()) {
    request.forgotten_topics_data.push_back(std::move(forgotten));
  }
}

void Poller::poll() {
  draw_left_out();
  protocol::FetchRequest request;
  request.max_wait_ms = static_cast<std::int32_t>(random_.below(kWaitMaxMs));
  request.min_bytes = 1;
  request.max_bytes = static_cast<std::int32_t>(random_.between(1, 40'000));
  request.session_id = session_id_;
  request.session_epoch = session_epoch_;
  add_changes(request);
  if (session_epoch_ == 0 && request.topics.empty()) {
    return pause();  // all are left out: a session of nothing
  }
  std::vector<PartitionHistory::Known> known;
  for (std::uint32_t i = 0; i < positions_.size(); ++i) {
    known.push_back(workload_.history.partition(i).known());
  }
  asking_ = true;
  channel().call(request, kFetchVersion,
                 [this, known](const protocol::FetchResponse& response) { on_polled(response, known); });
}

void Poller::on_polled(const protocol::FetchResponse& response, const std::vector<PartitionHistory::Known>& known) {
  asking_ = false;
  const ErrorCode error = protocol::error_from_wire(response.error_code);
  if (error == ErrorCode::kFetchSessionIdNotFound) {
    MOLDAU_PROBE("sim.fetch_session_lost");
    begin_session();
    return pause();
  }
  if (error != ErrorCode::kNone) {
    workload_.history.fault(
        fmt::format("session {} epoch {}: refused with error {}", session_id_, session_epoch_, response.error_code));
    return channel().close("fetch session error");
  }
  if (session_epoch_ == 0) {
    session_id_ = response.session_id;
  }
  session_epoch_ = session_id_ == 0 ? 0 : next_epoch(session_epoch_);
  for (const auto& topic : response.responses) {
    for (const auto& data : topic.partitions) {
      if (static_cast<std::size_t>(data.partition_index) >= positions_.size()) {
        return workload_.history.fault(fmt::format("a poll got partition {}", data.partition_index));
      }
      if (!take(data, known)) {
        return;
      }
    }
  }
  if (session_id_ == 0) {
    begin_session();
  }
  pause();
}

bool Poller::take(const protocol::fetch_response::PartitionData& data,
                  const std::vector<PartitionHistory::Known>& known) {
  const auto index = static_cast<std::uint32_t>(data.partition_index);
  PartitionHistory& history = workload_.history.partition(index);
  Position& position = positions_[index];
  const ErrorCode error = protocol::error_from_wire(data.error_code);
  if (error == ErrorCode::kOffsetOutOfRange) {
    // The front was deleted, or the tail lost.
    list_offset(kTopic, index, kEarliest, [this, index](Offset start) {
      positions_[index].next = start;
      pause();
    });
    return false;
  }
  if ((error == ErrorCode::kCorruptMessage || error == ErrorCode::kUnknownTopicId) && workload_.alive(era())) {
    workload_.history.fault(
        fmt::format("partition {}: a poll at {} failed with error {}", index, position.next.value(), data.error_code));
  }
  if (error != ErrorCode::kNone) {
    begin_session();
    channel().close("poll error");
    return false;
  }
  history.on_marks({.log_start = data.log_start_offset,
                    .high_watermark = data.high_watermark,
                    .last_stable = data.last_stable_offset},
                   known[index], era());
  const Offset next = history.on_batches(data.records ? data.records->bytes() : Bytes(), position.next, era());
  if (next > position.next && next.value() > data.high_watermark) {
    workload_.history.fault(fmt::format("I15: partition {}: a poll gave records up to {}, the high watermark is {}",
                                        index, next.value(), data.high_watermark));
  }
  position.next = next;
  return true;
}

}  // namespace moldau::sim
