#include "broker/node/raft_metadata_log.h"

#include <utility>

#include "raft/driver/batch_file.h"

namespace moldau::broker {
namespace {

// A snapshot is written from the image by a worker thread, which shares nothing but the immutable image.
class SnapshotSink final : public metadata::RecordSink {
 public:
  explicit SnapshotSink(raft::BatchFileWriter& writer) : writer_(writer) {}
  void write(metadata::records::MetadataRecordAndVersion record) override { writer_.append(record); }

 private:
  raft::BatchFileWriter& writer_;
};

metadata::MetadataLog::Refused to_refusal(raft::AppendRefused refused) {
  using Refused = metadata::MetadataLog::Refused;
  switch (refused) {
    case raft::AppendRefused::kNotLeader: return Refused::kNotLeader;
    case raft::AppendRefused::kTooLarge: return Refused::kTooLarge;
    case raft::AppendRefused::kOverloaded: return Refused::kOverloaded;
    case raft::AppendRefused::kFailed: return Refused::kFailed;
  }
  return Refused::kFailed;
}

}  // namespace

std::expected<Offset, metadata::MetadataLog::Refused> RaftMetadataLog::append(LeaderEpoch epoch,
                                                                              metadata::RecordBatch records) {
  const auto appended = client_.append(epoch, std::move(records));
  if (!appended) {
    return std::unexpected(to_refusal(appended.error()));
  }
  return *appended;
}

bool RaftMetadataLog::write_snapshot(std::shared_ptr<const metadata::Image> image, Function<void(Result<>)> done) {
  const metadata::Provenance& at = image->provenance();
  return client_.write_snapshot(
      {at.offset + 1, at.epoch}, at.timestamp_ms,
      [image = std::move(image)](raft::BatchFileWriter& writer) {
        SnapshotSink sink(writer);
        image->write(sink);
      },
      std::move(done));
}

Result<> RaftMetadataLog::on_load_snapshot(OffsetAndEpoch id, raft::BatchFileReader& reader) {
  bool begun = false;
  for (;;) {
    MOLDAU_TRY(batch, reader.next());
    if (!std::exchange(begun, true)) {
      loader_.begin_snapshot(id.offset, id.epoch, reader.last_contained_log_timestamp());
    }
    if (!batch) {
      break;
    }
    for (const auto& record : batch->records) {
      MOLDAU_CHECK(loader_.add_snapshot_record(record.record));
    }
  }
  loader_.end_snapshot();
  return {};
}

void RaftMetadataLog::on_commit(const raft::MetadataBatch& batch) {
  loader_.on_commit({.base = batch.base,
                     .last = batch.last,
                     .epoch = batch.epoch,
                     .timestamp_ms = batch.append_timestamp_ms,
                     .records = batch.records});
}

void RaftMetadataLog::on_leader_change(LeaderEpoch epoch, NodeId leader) {
  if (leader == self_) {
    loader_.on_caught_up();
  }
  shell_->on_leader_change(epoch, leader);
  if (leader == self_) {
    events_.on_leading();
  }
}

}  // namespace moldau::broker
