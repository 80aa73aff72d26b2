// The metadata of one node, put together: the raft log, the loader that makes images of it, the controller that writes
// to it.
//
// Shard:      the metadata shard. Outlives nothing that it was given; close() first, then destroy.
// Errors:     on_failure runs once, when the log cannot be written any more or holds what this release cannot load: the
//             node must stop.
// Source:     Kafka's SharedServer and ControllerServer, as far as they wire these three.
#pragma once

#include <memory>

#include "metadata/loader/controller_shell.h"
#include "metadata/loader/metadata_loader.h"
#include "metadata/loader/metadata_log.h"
#include "raft/driver/raft_client.h"

namespace moldau::metadata {

class MetadataService final : private MetadataLog, private raft::RaftListener, private MetadataLoader::Listener {
 public:
  MetadataService(runtime::Shard& shard, raft::RaftClient& client, const ConfigSchema& schema, Logger& logger,
                  ControllerShell::Options options, Function<void(const Error&)> on_failure);

  // Begins to load and to take part in elections. Once.
  void start();
  // Decides nothing from now on and gives up the leadership; the client is the caller's to close.
  void stop() { controller_.stop(); }

  [[nodiscard]] MetadataLoader& loader() noexcept { return loader_; }
  [[nodiscard]] ControllerShell& controller() noexcept { return controller_; }

 private:
  // MetadataLog
  [[nodiscard]] std::expected<Offset, Refused> append(LeaderEpoch epoch, RecordBatch records) override;
  [[nodiscard]] Offset next_offset() const override { return client_.next_offset(); }
  void resign(LeaderEpoch epoch) override { client_.resign(epoch); }
  [[nodiscard]] bool snapshot_due() const override { return client_.snapshot_due(); }
  [[nodiscard]] bool write_snapshot(std::shared_ptr<const Image> image, Function<void(Result<>)> done) override;
  // raft::RaftListener
  [[nodiscard]] Result<> on_load_snapshot(OffsetAndEpoch id, raft::BatchFileReader& reader) override;
  void on_commit(const raft::MetadataBatch& batch) override;
  void on_leader_change(LeaderEpoch epoch, NodeId leader) override;
  void on_failure(const Error& error) override;
  // MetadataLoader::Listener
  void on_committed(Offset end) override { controller_.on_committed(end); }
  void on_fault(const Error& error) override { on_failure(error); }

  raft::RaftClient& client_;
  Function<void(const Error&)> on_failure_;
  bool failed_ = false;
  MetadataLoader loader_;
  ControllerShell controller_;
};

}  // namespace moldau::metadata
