#include "broker/partitions/fetch_part.h"

#include <utility>

#include "base/assert.h"
#include "broker/partitions/partition_router.h"
#include "replication/partition/partition.h"

namespace moldau::broker {

using replication::FetchIsolation;

Offset bound_of(const replication::ReadResult& result, FetchIsolation isolation) {
  switch (isolation) {
    case FetchIsolation::kHighWatermark: return result.high_watermark;
    case FetchIsolation::kLastStable: return result.last_stable;
    case FetchIsolation::kLogEnd: return result.log_end;
  }
  return result.high_watermark;
}

FetchPart::FetchPart(PartitionRouter& router, std::vector<FetchItem> items, Deliver deliver)
    : router_(router), items_(std::move(items)), deliver_(std::move(deliver)), seen_(items_.size()) {}

FetchPart::~FetchPart() {
  router_.shard().cancel_turn_end(*this);
}

FetchRead FetchPart::read_one(const FetchItem& item) {
  FetchRead read{.index = item.index, .asked = true};
  replication::Partition* partition = router_.local(item.id);
  if (partition == nullptr) {
    read.error = protocol::ErrorCode::kUnknownTopicOrPartition;
    return read;
  }
  auto result = partition->read(item.read);
  router_.traffic().on_read(item.id.topic_id, result ? protocol::ErrorCode::kNone : result.error().code);
  if (result) {
    read.result = std::move(*result);
  } else {
    read.error = result.error().code;
    read.leader = result.error().leader;
    read.leader_epoch = result.error().leader_epoch;
  }
  return read;
}

void FetchPart::read_all() {
  MOLDAU_ASSERT(unparked_.empty());
  std::vector<FetchRead> reads;
  reads.reserve(items_.size());
  for (std::size_t i = 0; i < items_.size(); ++i) {
    reads.push_back(read_one(items_[i]));
    seen_[i] = bound_of(reads.back().result, items_[i].read.isolation);
    unparked_.push_back(i);
  }
  deliver_(std::move(reads));
}

void FetchPart::park() {
  parked_.resize(items_.size());
  for (const std::size_t i : std::exchange(unparked_, {})) {
    replication::Partition* partition = router_.local(items_[i].id);
    if (!parked_[i]) {
      parked_[i] = std::make_unique<Parked>([this, i](replication::WakeReason) { on_woken(i); });
    }
    if (partition != nullptr) {
      partition->park(seen_[i], items_[i].read.isolation, parked_[i]->waiter);
    }
    // What happened between the read and now has woken nobody.
    const FetchRead again = read_one(items_[i]);
    if (again.error != protocol::ErrorCode::kNone || bound_of(again.result, items_[i].read.isolation) != seen_[i]) {
      parked_[i]->waiter.withdraw();
      on_woken(i);
    }
  }
}

void FetchPart::on_woken(std::size_t item) {
  woken_.push_back(item);
  router_.shard().at_turn_end(*this);
}

void FetchPart::on_turn_end() {
  std::vector<FetchRead> reads;
  for (const std::size_t i : std::exchange(woken_, {})) {
    reads.push_back(read_one(items_[i]));
    seen_[i] = bound_of(reads.back().result, items_[i].read.isolation);
    unparked_.push_back(i);
  }
  if (!reads.empty()) {
    deliver_(std::move(reads));
  }
}

}  // namespace moldau::broker
