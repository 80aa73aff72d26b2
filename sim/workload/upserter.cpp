#include "sim/workload/upserter.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/probe.h"
#include "protocol/record/batch.h"
#include "protocol/record/batch_builder.h"
#include "protocol/record/record_walker.h"

namespace moldau::sim {

namespace {
constexpr std::int16_t kAcksAll = -1;
constexpr std::int16_t kAcksLeader = 1;
constexpr std::uint32_t kReadPpm = 30'000;
constexpr std::uint32_t kAgainPpm = 50'000;
constexpr std::uint32_t kTombstonePpm = 250'000;
constexpr std::uint32_t kQuietPpm = 20'000;
constexpr std::size_t kDecompressedBytesMax = 1 << 20;
constexpr std::string_view kNumberHeader = "n";
constexpr record::Codec kCodecs[] = {record::Codec::kNone, record::Codec::kNone, record::Codec::kLz4,
                                     record::Codec::kZstd};
}  // namespace

Upserter::Upserter(runtime::World world, Workload& workload, SimRandom random, const UpserterOptions& options)
    : TopicClient(world, workload, random, kKeyedTopic),
      options_(options),
      report_([this](std::string line) { workload_.history.fault(std::move(line)); }),
      checker_(report_, options_.rules) {}

// A reading that a crash ended begins anew.
void Upserter::on_up() {
  if (phase_ == Phase::kRead) {
    phase_ = Phase::kUse;
  }
  step();
}

void Upserter::step() {
  if (!up() || finished_) {
    return;
  }
  if (const auto unknown = std::ranges::find(producers_, kNoProducerId, &Producer::id);
      options_.rules.idempotent && unknown != producers_.end()) {
    return request_producer_id([this, unknown](ProducerId id) {
      unknown->id = id;
      step();
    });
  }
  switch (phase_) {
    case Phase::kCreate: return make();
    case Phase::kUse: return use();
    case Phase::kRead: return read_on();
  }
}

void Upserter::make() {
  const Configs configs{
      {"cleanup.policy", "compact"},
      {"internal.segment.bytes", std::to_string(options_.segment_bytes)},
      {"index.interval.bytes", "200"},
      {"min.cleanable.dirty.ratio",
       fmt::format("{}.{:02}", options_.dirty_ratio_percent / 100, options_.dirty_ratio_percent % 100)},
      {"delete.retention.ms", std::to_string(options_.rules.delete_retention_ms)},
      {"min.compaction.lag.ms", std::to_string(options_.rules.min_compaction_lag_ms)},
  };
  create(configs, [this](bool made) {
    phase_ = made ? Phase::kUse : phase_;
    pause();
  });
}

void Upserter::use() {
  if (unacked_) {
    if (!options_.rules.idempotent) {
      checker_.on_sent_again(unacked_->first, unacked_->count);
    }
    return send();
  }
  if (finishing_ || random_.chance(kReadPpm)) {
    return begin_reading();
  }
  if (options_.rules.idempotent && random_.chance(kAgainPpm)) {
    if (const Producer& producer = producers_[random_.below(producers_.size())]; producer.last) {
      return send_again(producer);
    }
  }
  make_batch();
  send();
}

void Upserter::make_batch() {
  Batch batch{.count = static_cast<std::uint32_t>(random_.between(1, 4)),
              .acks = !options_.rules.idempotent && random_.chance(options_.acks_leader_ppm) ? kAcksLeader : kAcksAll,
              .producer = random_.chance(kQuietPpm) ? 1U : 0U,
              .bytes = {}};
  Producer& producer = producers_[batch.producer];
  record::BatchOptions options;
  options.codec = kCodecs[random_.below(std::size(kCodecs))];
  if (options_.rules.idempotent) {
    options.producer_id = producer.id;
    options.producer_epoch = ProducerEpoch(0);
    options.base_sequence = producer.next_sequence;
    producer.next_sequence += static_cast<std::int32_t>(batch.count);
  }
  record::BatchBuilder builder(options);
  for (std::uint32_t i = 0; i < batch.count; ++i) {
    const Upsert upsert{.key = static_cast<std::uint32_t>(random_.below(options_.keys)),
                        .tombstone = random_.chance(kTombstonePpm),
                        .timestamp = now_ms()};
    const std::uint64_t number = checker_.on_sent(upsert);
    batch.first = i == 0 ? number : batch.first;
    const std::string key = CompactedTopic::key_of(upsert.key);
    const std::optional<ByteVector> value = CompactedTopic::value_of(number, upsert);
    ByteVector tag(sizeof number);
    store_be(tag.data(), number);
    const record::HeaderView header{.key = kNumberHeader, .value = Bytes(tag)};
    builder.append({.timestamp = upsert.timestamp,
                    .key = as_bytes(key),
                    .value = value ? std::optional(Bytes(*value)) : std::nullopt,
                    .headers = {&header, 1}});
  }
  auto built = builder.build();
  MOLDAU_ASSERT(built.has_value());
  batch.bytes = *std::move(built);
  unacked_ = std::move(batch);
  producer.last.reset();
}

void Upserter::send() {
  produce(Bytes(unacked_->bytes), unacked_->acks, [this](std::optional<Appended> appended) {
    if (appended) {
      checker_.on_acked(unacked_->first, unacked_->count, appended->base, unacked_->acks == kAcksAll, era());
      Producer& producer = producers_[unacked_->producer];
      producer.last.emplace(*std::move(unacked_), appended->base);
      unacked_.reset();
    }
    pause();
  });
}

void Upserter::send_again(const Producer& producer) {
  const auto& [batch, base] = *producer.last;
  produce(Bytes(batch.bytes), kAcksAll, [this, first = batch.first, base](std::optional<Appended> appended) {
    if (appended && appended->base != base) {
      fault(fmt::format("I17: record {} was acknowledged at {}, and when it was sent again at {}", first, base.value(),
                        appended->base.value()));
    }
    pause();
  });
}

void Upserter::begin_reading() {
  list_offset(kEarliest, [this](Offset start) {
    list_offset(kLatest, [this, start](Offset end) {
      checker_.begin_reading(start, end, era());
      read_range_ = {.start = start, .end = end, .compacted = true};
      at_ = start;
      end_ = end;
      phase_ = Phase::kRead;
      step();
    });
  });
}

void Upserter::read_on() {
  if (at_ >= end_) {
    const bool good = checker_.end_reading(now_ms(), era());
    if (checker_.compacted_away() > 0) {
      MOLDAU_PROBE("sim.read_a_compacted_log");
    }
    phase_ = Phase::kUse;
    finished_ = good && finishing_;
    return good ? pause() : begin_reading();
  }
  fetch(at_, static_cast<std::int32_t>(random_.between(1, 20'000)), [this](std::optional<Fetched> fetched) {
    const Offset from = at_;
    if (fetched) {
      take(fetched->batches);
    }
    if (at_ == from) {
      fault(fmt::format("a fetch from {} below the end {} gave nothing", from.value(), end_.value()));
      at_ = end_;
    }
    step();
  });
}

void Upserter::take(Bytes bytes) {
  record::BatchIterator batches(bytes);
  for (;;) {
    const auto batch = batches.next();
    if (!batch || (*batch && !(*batch)->crc_matches())) {
      return fault(fmt::format("I13: a fetch from {} gave bytes that are no batch", at_.value()));
    }
    if (!*batch) {
      return;
    }
    take(**batch);
  }
}

void Upserter::take(const record::BatchView& batch) {
  record::RecordWalker walker(batch, scratch_, kDecompressedBytesMax);
  std::int32_t last = -1;
  while (const record::RecordView* record = walker.next()) {
    const Offset offset = batch.header.offset_at(record->offset_delta);
    const auto tag = record->headers().next();
    if (record->offset_delta <= last || record->offset_delta > batch.header.last_offset_delta || !record->key || !tag ||
        !tag->value || tag->value->size() != sizeof(std::uint64_t)) {
      return fault(fmt::format("I28: the record at {} is not of this topic", offset.value()));
    }
    last = record->offset_delta;
    if (offset >= at_) {
      checker_.on_read(offset, load_be<std::uint64_t>(tag->value->data()), *record->key, record->value,
                       batch.header.timestamp_at(record->timestamp_delta));
    }
  }
  if (!walker.ok()) {
    return fault(fmt::format("I13: the records of the batch at {} cannot be read", batch.header.base_offset.value()));
  }
  at_ = std::max(at_, batch.header.next_offset());
}

}  // namespace moldau::sim
