#include "sim/workload/churner.h"

#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/probe.h"
#include "protocol/errors/error_code.h"
#include "protocol/messages/delete_topics_request.h"
#include "protocol/record/batch.h"
#include "protocol/record/batch_builder.h"
#include "protocol/record/record_walker.h"
#include "sim/checker/record_name.h"

namespace moldau::sim {

using protocol::ErrorCode;

namespace {
constexpr std::uint32_t kChurnProducer = 1000;
constexpr std::int16_t kDeleteTopicsVersion = 5;  // the last one with names alone
constexpr std::int16_t kAcksAll = -1;
constexpr std::uint64_t kPauseMaxUs = 20'000;
constexpr std::uint32_t kReadPpm = 40'000;
constexpr std::uint32_t kRemovePpm = 60'000;
constexpr std::uint32_t kDeleteRecordsPpm = 60'000;
constexpr std::int32_t kTimeoutMs = 1000;
constexpr std::size_t kDecompressedBytesMax = 1 << 20;
}  // namespace

Churner::Churner(runtime::World world, Workload& workload, SimRandom random)
    : TopicClient(world, workload, random, kChurnTopic),
      report_([this](std::string line) { workload_.history.fault(std::move(line)); }),
      life_(report_) {}

// A reading that a crash ended begins anew.
void Churner::on_up() {
  if (phase_ == Phase::kRead) {
    phase_ = Phase::kUse;
  }
  step();
}

void Churner::pause() {
  TopicClient::pause(kPauseMaxUs);
}

void Churner::step() {
  if (!up() || finished_) {
    return;
  }
  switch (phase_) {
    case Phase::kCreate: return make();
    case Phase::kUse: return use();
    case Phase::kRead: return read_on();
    case Phase::kDelete: return remove();
  }
}

void Churner::use() {
  if (unacked_) {
    return write();
  }
  if (finishing_ || random_.chance(kReadPpm)) {
    return begin_reading();
  }
  if (random_.chance(kRemovePpm)) {
    phase_ = Phase::kDelete;
    return remove();
  }
  if (random_.chance(kDeleteRecordsPpm) && life_.deleted() < life_.acked_end()) {
    return remove_front();
  }
  write();
}

void Churner::make() {
  create({}, [this](bool made) {
    // It exists already only by an earlier try, whose answer was lost: the topic before is gone since it was deleted.
    if (made) {
      if (number_ > 0) {
        MOLDAU_PROBE("sim.topic_created_again");
      }
      life_.begin(number_);
      phase_ = Phase::kUse;
    }
    pause();
  });
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

void Churner::write() {
  if (!std::exchange(unacked_, true)) {
    life_.on_sent(number_++);
  }
  record::BatchBuilder builder({});
  const ByteVector value = value_of({.producer = kChurnProducer, .partition = 0, .number = number_ - 1});
  builder.append({.timestamp = now_ms(), .key = std::nullopt, .value = Bytes(value)});
  auto batch = builder.build();
  MOLDAU_ASSERT(batch.has_value());
  produce(Bytes(*batch), kAcksAll, [this](std::optional<Appended> appended) {
    if (appended) {
      life_.on_acked(number_ - 1, appended->base);
      unacked_ = false;
    }
    pause();
  });
}

void Churner::remove_front() {
  const Offset target(static_cast<std::int64_t>(random_.between(
      static_cast<std::uint64_t>(life_.deleted().value()), static_cast<std::uint64_t>(life_.acked_end().value()))));
  life_.on_delete_sent(target);
  delete_records(target, [this](std::optional<Offset> low) {
    if (low) {
      life_.on_deleted(*low);
    }
    pause();
  });
}

void Churner::begin_reading() {
  list_offset(kEarliest, [this](Offset start) {
    list_offset(kLatest, [this, start](Offset end) {
      life_.begin_reading(start, end);
      read_range_ = {.start = start, .end = end};
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
  fetch(at_, static_cast<std::int32_t>(random_.between(1, 20'000)), [this](std::optional<Fetched> fetched) {
    if (!fetched) {
      return channel().close("fetch error");
    }
    const Offset from = at_;
    take(fetched->batches);
    if (at_ == from) {
      fault(fmt::format("a fetch from {} below the end {} gave nothing", from.value(), end_.value()));
      at_ = end_;
    }
    step();
  });
}

void Churner::take(Bytes bytes) {
  record::BatchIterator batches(bytes);
  for (auto batch = batches.next(); batch && *batch; batch = batches.next()) {
    record::RecordWalker walker(**batch, scratch_, kDecompressedBytesMax);
    while (const record::RecordView* record = walker.next()) {
      const auto name = record->value ? name_of(*record->value) : std::nullopt;
      const Offset offset = (*batch)->header.offset_at(record->offset_delta);
      if (!name || name->producer != kChurnProducer) {
        fault(fmt::format("the value at {} is not of this topic", offset.value()));
      } else if (offset >= at_) {
        life_.on_read(offset, name->number);
        at_ = offset + 1;
      }
    }
  }
}

}  // namespace moldau::sim
