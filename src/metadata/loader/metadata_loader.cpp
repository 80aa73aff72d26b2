#include "metadata/loader/metadata_loader.h"

#include <utility>

#include "base/assert.h"
#include "base/probe.h"

namespace moldau::metadata {
namespace {

// Adds the changes of a following delta; `before` is the image that `into` starts from.
void merge(ImageChanges& into, const ImageChanges& more, const Image& before) {
  for (const auto& [id, name] : more.deleted_topics) {
    into.topics.erase(id);
    if (before.topic(id) != nullptr) {
      into.deleted_topics.emplace(id, name);
    }
  }
  for (const auto& [id, partitions] : more.topics) {
    into.topics[id].insert(partitions.begin(), partitions.end());
  }
  into.brokers.insert(more.brokers.begin(), more.brokers.end());
  into.controllers.insert(more.controllers.begin(), more.controllers.end());
  into.configs.insert(more.configs.begin(), more.configs.end());
  into.features |= more.features;
  into.quotas |= more.quotas;
  into.producer_ids |= more.producer_ids;
  into.acls |= more.acls;
  into.scram |= more.scram;
  into.tokens |= more.tokens;
}

void post_update(runtime::Shard& shard, MetadataPublisher& publisher, ImageUpdate update) {
  shard.post([&publisher, update = std::move(update)] { publisher.on_image(update); });
}

}  // namespace

MetadataLoader::MetadataLoader(runtime::Shard& shard, Logger& logger, Listener& listener)
    : shard_(shard), logger_(logger), listener_(listener), alive_(std::make_shared<MetadataLoader*>(this)) {}

MetadataLoader::~MetadataLoader() {
  *alive_ = nullptr;
  shard_.cancel_turn_end(*this);
}

void MetadataLoader::begin_snapshot(Offset end, LeaderEpoch epoch, std::int64_t last_contained_timestamp_ms) {
  snapshot_provenance_ = {end - 1, epoch, last_contained_timestamp_ms};
  transaction_open_ = false;
  delta_.emplace(std::make_shared<const Image>());
}

Result<> MetadataLoader::add_snapshot_record(const records::AnyMetadataRecord& record) {
  MOLDAU_ASSERT(delta_.has_value());
  return delta_->replay(record, snapshot_provenance_.offset);
}

void MetadataLoader::end_snapshot() {
  MOLDAU_ASSERT(delta_.has_value());
  image_ = delta_->apply(snapshot_provenance_);
  delta_.reset();
  last_ = snapshot_provenance_;
  unpublished_ = {};
  compare_to_publish_ = true;
  told_commit_ = false;
  shard_.at_turn_end(*this);
}

void MetadataLoader::on_commit(const CommittedBatch& batch) {
  if (faulted_) {
    return;
  }
  Offset offset = batch.base;
  for (const auto& record : batch.records) {
    last_ = {offset - 1, batch.epoch, batch.timestamp_ms};
    if (const Result<> loaded = load(record.record, offset); !loaded) {
      log(logger_, LogLevel::kError, "metadata", "cannot load the {} at offset {}: {}",
          records::type_of(record.record).name, offset.value(), loaded.error().message());
      fail_with(loaded.error());
      return;
    }
    ++offset;
  }
  last_ = {batch.last, batch.epoch, batch.timestamp_ms};
  told_commit_ = false;
  shard_.at_turn_end(*this);
}

Result<> MetadataLoader::load(const records::AnyMetadataRecord& record, Offset offset) {
  if (std::holds_alternative<records::BeginTransactionRecord>(record)) {
    if (transaction_open_) {
      return fail(ErrorKind::kCorrupt, "a metadata transaction within another", 0, offset.value());
    }
    apply(last_);
    transaction_open_ = true;
    return {};
  }
  const bool ends = std::holds_alternative<records::EndTransactionRecord>(record);
  const bool aborts = std::holds_alternative<records::AbortTransactionRecord>(record);
  if (ends || aborts) {
    if (!transaction_open_) {
      return fail(ErrorKind::kCorrupt, "the end of no metadata transaction", 0, offset.value());
    }
    if (aborts) {
      MOLDAU_PROBE("metadata_loader.aborted_transaction");
      delta_.reset();
    }
    transaction_open_ = false;
    return {};
  }
  if (!delta_) {
    delta_.emplace(image_);
  }
  return delta_->replay(record, offset);
}

void MetadataLoader::apply(const Provenance& provenance) {
  if (!delta_) {
    delta_.emplace(image_);
  }
  if (!compare_to_publish_) {
    merge(unpublished_, delta_->changes(), *published_);
  }
  image_ = delta_->apply(provenance);
  delta_.reset();
}

void MetadataLoader::flush() {
  if (!faulted_ && !transaction_open_ && image_->provenance() != last_) {
    apply(last_);
  }
}

void MetadataLoader::on_caught_up() {
  if (!caught_up_) {
    caught_up_ = true;
    shard_.at_turn_end(*this);
  }
}

void MetadataLoader::on_turn_end() {
  if (faulted_) {
    return;
  }
  flush();
  if (caught_up_) {
    publish();
  }
  if (!std::exchange(told_commit_, true)) {
    listener_.on_committed(loaded_end());
  }
  maybe_snapshot();
}

void MetadataLoader::publish() {
  if (std::exchange(compare_to_publish_, false)) {
    unpublished_ = difference(*published_, *image_);
  }
  const std::shared_ptr<const Image> before = published_;
  const auto changes = std::make_shared<const ImageChanges>(std::exchange(unpublished_, {}));
  if (!changes->empty()) {
    published_ = image_;
  }
  const auto empty = std::make_shared<const Image>();
  std::shared_ptr<const ImageChanges> everything;  // for those who were added since
  for (auto& [id, subscriber] : subscribers_) {
    if (!std::exchange(subscriber.told_everything, true)) {
      if (!everything) {
        everything = std::make_shared<const ImageChanges>(difference(*empty, *published_));
      }
      post_update(subscriber.shard, subscriber.publisher, {empty, published_, everything});
    } else if (!changes->empty()) {
      post_update(subscriber.shard, subscriber.publisher, {before, published_, changes});
    }
  }
}

MetadataLoader::PublisherId MetadataLoader::add_publisher(runtime::Shard& shard, MetadataPublisher& publisher) {
  const PublisherId id = next_id_++;
  subscribers_.emplace(id, Subscriber{shard, publisher});
  shard_.at_turn_end(*this);
  return id;
}

void MetadataLoader::remove_publisher(PublisherId id, Callback removed) {
  const auto found = subscribers_.find(id);
  MOLDAU_ASSERT(found != subscribers_.end());
  runtime::Shard& shard = found->second.shard;
  subscribers_.erase(found);
  shard.post(std::move(removed));
}

void MetadataLoader::maybe_snapshot() {
  // An image inside a transaction stands before its beginning, which need not be the end of a batch.
  if (snapshot_log_ == nullptr || transaction_open_ || !image_->metadata_version() || !snapshot_log_->snapshot_due()) {
    return;
  }
  const Offset end = image_->provenance().offset + 1;
  const bool begun = snapshot_log_->write_snapshot(image_, [alive = alive_, end](Result<> outcome) {
    if (MetadataLoader* self = *alive; self != nullptr && outcome) {
      log(self->logger_, LogLevel::kInfo, "metadata", "wrote a snapshot of the records below offset {}", end.value());
    } else if (self != nullptr) {
      log(self->logger_, LogLevel::kError, "metadata", "cannot write a snapshot: {}", outcome.error().message());
    }
  });
  if (!begun) {
    MOLDAU_PROBE("metadata_loader.snapshot_later");
  }
}

void MetadataLoader::fail_with(const Error& error) {
  faulted_ = true;
  listener_.on_fault(error);
}

}  // namespace moldau::metadata
