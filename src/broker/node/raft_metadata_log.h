// The metadata log of raft/driver as the controller and the loader know it, and its events as calls to them.
// Shard: home.
#pragma once

#include <expected>
#include <memory>
#include <utility>

#include "base/callback.h"
#include "metadata/loader/controller_shell.h"
#include "metadata/loader/metadata_loader.h"
#include "metadata/loader/metadata_log.h"
#include "raft/driver/raft_client.h"

namespace moldau::broker {

class RaftMetadataLog final : public metadata::MetadataLog, public raft::RaftListener {
 public:
  struct Events {
    Callback on_leading;                     // this node leads, and everything before its epoch was loaded
    Function<void(const Error&)> on_failed;  // the metadata log is lost: the node must stop
  };
  RaftMetadataLog(NodeId self, raft::RaftClient& client, metadata::MetadataLoader& loader, Events events)
      : self_(self), client_(client), loader_(loader), events_(std::move(events)) {}

  // Before RaftClient::start.
  void wire(metadata::ControllerShell& shell) { shell_ = &shell; }

  // metadata::MetadataLog
  [[nodiscard]] std::expected<Offset, Refused> append(LeaderEpoch epoch, metadata::RecordBatch records) override;
  [[nodiscard]] Offset next_offset() const override { return client_.next_offset(); }
  void resign(LeaderEpoch epoch) override { client_.resign(epoch); }
  [[nodiscard]] bool snapshot_due() const override { return client_.snapshot_due(); }
  [[nodiscard]] bool write_snapshot(std::shared_ptr<const metadata::Image> image,
                                    Function<void(Result<>)> done) override;

  // raft::RaftListener
  [[nodiscard]] Result<> on_load_snapshot(OffsetAndEpoch id, raft::BatchFileReader& reader) override;
  void on_commit(const raft::MetadataBatch& batch) override;
  void on_leader_change(LeaderEpoch epoch, NodeId leader) override;
  void on_failure(const Error& error) override { events_.on_failed(error); }

 private:
  NodeId self_;
  raft::RaftClient& client_;
  metadata::MetadataLoader& loader_;
  Events events_;
  metadata::ControllerShell* shell_ = nullptr;
};

}  // namespace moldau::broker
