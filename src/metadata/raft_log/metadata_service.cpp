#include "metadata/raft_log/metadata_service.h"

#include <utility>

namespace moldau::metadata {
namespace {

class SnapshotSink final : public RecordSink {
 public:
  explicit SnapshotSink(raft::BatchFileWriter& writer) : writer_(writer) {}
  void write(records::MetadataRecordAndVersion record) override { writer_.append(record); }

 private:
  raft::BatchFileWriter& writer_;
};

}  // namespace

MetadataService::MetadataService(runtime::Shard& shard, raft::RaftClient& client, const ConfigSchema& schema,
                                 Logger& logger, ControllerShell::Options options,
                                 Function<void(const Error&)> on_failure)
    : client_(client),
      on_failure_(std::move(on_failure)),
      loader_(shard, logger, *this),
      controller_(shard, *this, loader_, schema, logger, std::move(options)) {}

void MetadataService::start() {
  loader_.snapshot_through(*this);
  client_.start(*this);
}

std::expected<Offset, MetadataLog::Refused> MetadataService::append(LeaderEpoch epoch, RecordBatch records) {
  const auto appended = client_.append(epoch, std::move(records));
  if (appended) {
    return *appended;
  }
  switch (appended.error()) {
    case raft::AppendRefused::kNotLeader: return std::unexpected(Refused::kNotLeader);
    case raft::AppendRefused::kTooLarge: return std::unexpected(Refused::kTooLarge);
    case raft::AppendRefused::kOverloaded: return std::unexpected(Refused::kOverloaded);
    case raft::AppendRefused::kFailed: break;
  }
  return std::unexpected(Refused::kFailed);
}

bool MetadataService::write_snapshot(std::shared_ptr<const Image> image, Function<void(Result<>)> done) {
  const Provenance& last = image->provenance();
  const std::int64_t timestamp_ms = last.timestamp_ms;
  return client_.write_snapshot(
      OffsetAndEpoch{last.offset + 1, last.epoch}, timestamp_ms,
      [image = std::move(image)](raft::BatchFileWriter& writer) {
        SnapshotSink sink(writer);
        image->write(sink);
      },
      std::move(done));
}

Result<> MetadataService::on_load_snapshot(OffsetAndEpoch id, raft::BatchFileReader& reader) {
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

void MetadataService::on_commit(const raft::MetadataBatch& batch) {
  loader_.on_commit({batch.base, batch.last, batch.epoch, batch.append_timestamp_ms, batch.records});
}

void MetadataService::on_leader_change(LeaderEpoch epoch, NodeId leader) {
  loader_.on_caught_up();
  controller_.on_leader_change(epoch, leader);
}

void MetadataService::on_failure(const Error& error) {
  if (!std::exchange(failed_, true)) {
    controller_.stop();
    on_failure_(error);
  }
}

}  // namespace moldau::metadata
