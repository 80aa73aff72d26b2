#include "sim/workload/shrinker.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/probe.h"
#include "protocol/record/batch.h"
#include "protocol/record/batch_builder.h"
#include "protocol/record/record_walker.h"
#include "sim/checker/record_name.h"

namespace moldau::sim {

namespace {
constexpr std::int16_t kAcksAll = -1;
constexpr std::uint32_t kReadPpm = 30'000;
constexpr std::uint32_t kLookUps = 6;  // after a reading
constexpr std::size_t kDecompressedBytesMax = 1 << 20;
}  // namespace

Shrinker::Shrinker(runtime::World world, Workload& workload, SimRandom random, const ShrinkerOptions& options)
    : TopicClient(world, workload, random, kShrinkingTopic),
      options_(options),
      report_([this](std::string line) { workload_.history.fault(std::move(line)); }),
      checker_(report_, options_.rules) {}

// A reading that a crash ended begins anew.
void Shrinker::on_up() {
  if (phase_ == Phase::kRead || phase_ == Phase::kLookUp) {
    phase_ = Phase::kUse;
  }
  step();
}

void Shrinker::step() {
  if (!up() || finished_) {
    return;
  }
  if (producer_id_ == kNoProducerId) {
    return request_producer_id([this](ProducerId id) {
      producer_id_ = id;
      step();
    });
  }
  switch (phase_) {
    case Phase::kCreate: return make();
    case Phase::kUse: return use();
    case Phase::kRead: return read_on();
    case Phase::kLookUp: return look_up();
  }
}

void Shrinker::make() {
  const Configs configs{
      {"cleanup.policy", "delete"},
      {"internal.segment.bytes", std::to_string(options_.segment_bytes)},
      {"index.interval.bytes", "200"},
      {"retention.ms", std::to_string(options_.rules.retention_ms)},
      {"retention.bytes", std::to_string(options_.rules.retention_bytes)},
  };
  create(configs, [this](bool made) {
    phase_ = made ? Phase::kUse : phase_;
    pause();
  });
}

void Shrinker::use() {
  if (unacked_) {
    return send();
  }
  if (finishing_ || random_.chance(kReadPpm)) {
    return begin_reading();
  }
  if (random_.chance(options_.delete_ppm) && checker_.deleted() < checker_.acked_end()) {
    return remove_front();
  }
  make_batch();
  send();
}

void Shrinker::make_batch() {
  Batch batch{.count = static_cast<std::uint32_t>(random_.between(1, 3)), .bytes = {}};
  record::BatchBuilder builder(
      {.producer_id = producer_id_, .producer_epoch = ProducerEpoch(0), .base_sequence = next_sequence_});
  next_sequence_ += static_cast<std::int32_t>(batch.count);
  for (std::uint32_t i = 0; i < batch.count; ++i) {
    newest_ms_ = std::max(newest_ms_, now_ms());
    const std::uint64_t number = checker_.on_sent(newest_ms_);
    batch.first = i == 0 ? number : batch.first;
    const ByteVector value = value_of({.producer = kShrinkProducer, .partition = 0, .number = number});
    builder.append({.timestamp = newest_ms_, .key = std::nullopt, .value = Bytes(value)});
  }
  auto built = builder.build();
  MOLDAU_ASSERT(built.has_value());
  batch.bytes = *std::move(built);
  unacked_ = std::move(batch);
}

void Shrinker::send() {
  const Offset deleted = checker_.deleted();
  produce(Bytes(unacked_->bytes), kAcksAll, [this, deleted](std::optional<Appended> appended) {
    if (appended) {
      checker_.on_acked(unacked_->first, unacked_->count, appended->base, unacked_->bytes.size());
      checker_.on_log_start(appended->log_start, deleted, now_ms());
      unacked_.reset();
    }
    pause();
  });
}

void Shrinker::remove_front() {
  const auto low = static_cast<std::uint64_t>(checker_.deleted().value());
  const auto high = static_cast<std::uint64_t>(checker_.acked_end().value());
  const Offset target(static_cast<std::int64_t>(random_.between(low, low + (high - low) / 2)));
  checker_.on_delete_sent(target);
  delete_records(target, [this](std::optional<Offset> low_watermark) {
    if (low_watermark) {
      checker_.on_deleted(*low_watermark);
    }
    pause();
  });
}

void Shrinker::begin_reading() {
  const Offset deleted = checker_.deleted();
  list_offset(kEarliest, [this, deleted](Offset start) {
    checker_.on_log_start(start, deleted, now_ms());
    list_offset(kLatest, [this, start](Offset end) {
      checker_.begin_reading(start, end);
      read_range_ = {.start = end, .end = end};  // retention goes on after the reading
      at_ = start;
      phase_ = Phase::kRead;
      step();
    });
  });
}

void Shrinker::read_on() {
  if (at_ >= checker_.read_end()) {
    checker_.end_reading();
    phase_ = Phase::kLookUp;
    lookups_left_ = kLookUps;
    return step();
  }
  const Offset deleted = checker_.deleted();
  fetch(at_, static_cast<std::int32_t>(random_.between(1, 20'000)), [this, deleted](std::optional<Fetched> fetched) {
    if (!fetched) {
      MOLDAU_PROBE("sim.front_went_under_a_reading");
      phase_ = Phase::kUse;  // begins anew at the end of the run; else some other time
      return pause();
    }
    checker_.on_log_start(fetched->log_start, deleted, now_ms());
    const Offset from = at_;
    take(fetched->batches);
    if (at_ == from) {
      fault(fmt::format("a fetch from {} below the end {} gave nothing", from.value(), checker_.read_end().value()));
      at_ = checker_.read_end();
    }
    step();
  });
}

void Shrinker::take(Bytes bytes) {
  record::BatchIterator batches(bytes);
  for (auto batch = batches.next(); batch && *batch; batch = batches.next()) {
    const record::BatchHeader& header = (*batch)->header;
    if (!(*batch)->crc_matches()) {
      return fault(fmt::format("I13: the batch at {} has a wrong CRC", header.base_offset.value()));
    }
    record::RecordWalker walker(**batch, scratch_, kDecompressedBytesMax);
    while (const record::RecordView* record = walker.next()) {
      const Offset offset = header.offset_at(record->offset_delta);
      if (offset >= at_) {
        checker_.on_read(offset, record->value.value_or(Bytes()), header.timestamp_at(record->timestamp_delta));
        at_ = offset + 1;
      }
    }
  }
}

void Shrinker::look_up() {
  if (lookups_left_ == 0 || checker_.read_start() == checker_.read_end()) {
    phase_ = Phase::kUse;
    finished_ = finishing_;
    return pause();
  }
  --lookups_left_;
  const Offset offset(
      static_cast<std::int64_t>(random_.between(static_cast<std::uint64_t>(checker_.read_start().value()),
                                                static_cast<std::uint64_t>(checker_.read_end().value() - 1))));
  const std::int64_t timestamp = checker_.timestamp_at(offset) + static_cast<std::int64_t>(random_.below(2));
  list_offset(timestamp, [this, timestamp](Offset found) {
    list_offset(kEarliest, [this, timestamp, found](Offset start) {
      checker_.on_log_start(start, checker_.deleted(), now_ms());
      checker_.on_offset_for_time(timestamp, found, start);
      step();
    });
  });
}

}  // namespace moldau::sim
