// Turns committed records into images and publishes them to the shards of this node; asks for snapshots.
//
// Shard:      the metadata shard. Publishers are called on the shards that they were added for.
// Invariants: L1 nothing of an open metadata transaction is in committed_image() or published (KIP-868).
//             L2 each publisher sees every image's changes once, in order: `before` is the `after` of its last call, or
//                the empty image at first.
//             L3 within one turn many batches make one image; on_committed callbacks run after the image that holds
//                their records was posted to every shard, so an answer never overtakes the state it speaks of.
// Errors:     a record that contradicts the image, or a feature level of a later release: fault() once, and nothing is
//             loaded or published any more. The node must stop.
// Cost:       O(log n) a record; a turn without changes (no-ops) posts nothing.
// Source:     Kafka's MetadataLoader, MetadataBatchLoader, SnapshotGenerator. Difference: one image a turn, not one a
//             batch; snapshots follow the log's own policy.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/log.h"
#include "metadata/image/delta.h"
#include "metadata/loader/metadata_log.h"
#include "runtime/shard.h"

namespace moldau::metadata {

struct ImageUpdate {
  std::shared_ptr<const Image> before;
  std::shared_ptr<const Image> after;
  std::shared_ptr<const ImageChanges> changes;
};

class MetadataPublisher {
 public:
  virtual ~MetadataPublisher() = default;
  // On the publisher's shard. The first call tells the whole image as changes from the empty one.
  virtual void on_image(const ImageUpdate& update) = 0;
};

class MetadataLoader final : private runtime::TurnEndHook {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    // Every record below `end` is committed, loaded and posted to the publishers.
    virtual void on_committed(Offset end) = 0;
    // See Errors above.
    virtual void on_fault(const Error& error) = 0;
  };

  // All outlive it.
  MetadataLoader(runtime::Shard& shard, Logger& logger, Listener& listener);
  ~MetadataLoader() override;

  // --- from the log ---

  // A snapshot replaces all state: begin, its records, end. `end` is exclusive: the snapshot holds what lies below.
  void begin_snapshot(Offset end, LeaderEpoch epoch, std::int64_t last_contained_timestamp_ms);
  [[nodiscard]] Result<> add_snapshot_record(const records::AnyMetadataRecord& record);
  void end_snapshot();
  void on_commit(const CommittedBatch& batch);
  // Everything this node had to read first is read: images are published from now on.
  void on_caught_up();

  // --- for the controller and others on this shard ---

  // Makes what was committed this turn visible now.
  void flush();
  [[nodiscard]] const std::shared_ptr<const Image>& committed_image() const noexcept { return image_; }
  // The offset behind the last record that was loaded, visible or not: what a broker's heartbeat tells.
  [[nodiscard]] Offset loaded_end() const noexcept { return last_.offset + 1; }
  // A metadata transaction has begun and not ended.
  [[nodiscard]] bool transaction_open() const noexcept { return transaction_open_; }
  [[nodiscard]] bool faulted() const noexcept { return faulted_; }

  // Writes snapshots through `log` when it says that one is due. Once.
  void snapshot_through(MetadataLog& log) { snapshot_log_ = &log; }

  // `publisher` must stay alive until the callback of remove_publisher has run.
  using PublisherId = std::uint64_t;
  PublisherId add_publisher(runtime::Shard& shard, MetadataPublisher& publisher);
  // `removed` runs on the publisher's shard, after its last on_image.
  void remove_publisher(PublisherId id, Callback removed);

 private:
  struct Subscriber {
    runtime::Shard& shard;
    MetadataPublisher& publisher;
    bool told_everything = false;
  };

  void on_turn_end() override;
  [[nodiscard]] Result<> load(const records::AnyMetadataRecord& record, Offset offset);
  // Moves the open delta into image_; `provenance` is where it ends.
  void apply(const Provenance& provenance);
  void publish();
  void maybe_snapshot();
  void fail_with(const Error& error);

  runtime::Shard& shard_;
  Logger& logger_;
  Listener& listener_;
  MetadataLog* snapshot_log_ = nullptr;

  std::shared_ptr<const Image> image_ = std::make_shared<const Image>();      // visible
  std::shared_ptr<const Image> published_ = std::make_shared<const Image>();  // told to all subscribers
  ImageChanges unpublished_;                                                  // between the two
  bool compare_to_publish_ = false;  // a snapshot came between: the changes are found by comparing
  std::optional<Delta> delta_;       // behind image_
  Provenance last_;                  // of the last record loaded
  Provenance snapshot_provenance_;
  bool transaction_open_ = false;
  bool caught_up_ = false;
  bool told_commit_ = true;
  bool faulted_ = false;
  std::map<PublisherId, Subscriber> subscribers_;
  PublisherId next_id_ = 1;
  std::shared_ptr<MetadataLoader*> alive_;
};

}  // namespace moldau::metadata
