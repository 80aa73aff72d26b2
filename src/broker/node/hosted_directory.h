// HostedDirectory: one directory of log.dirs as the replica host keeps it: its checkpoints, its removals, and what its
// files said of partitions that are not served from it.
//
// Shard:      the home shard.
// Invariants: H1 what the files say of a partition that is in this directory and not served is written back as it was
//                read, so that the next start finds it.
// Bound:      one entry for each partition that is damaged, or not served.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "base/result.h"
#include "broker/config/node_config.h"
#include "metadata/image/broker_registration.h"
#include "runtime/shard.h"
#include "runtime/workers.h"
#include "runtime/world.h"
#include "storage/directory/checkpointer.h"
#include "storage/directory/directory_remover.h"
#include "storage/directory/log_directory.h"
#include "storage/directory/log_loader.h"

namespace moldau::broker {

class HostedDirectory final : private storage::MarkSource {
 public:
  // `workers` make and remove partitions; all outlive it.
  HostedDirectory(storage::LogDirectory& directory, storage::MarkSource& marks, const runtime::World& world,
                  runtime::Workers& workers, const NodeConfig& config);
  HostedDirectory(const HostedDirectory&) = delete;
  HostedDirectory& operator=(const HostedDirectory&) = delete;

  [[nodiscard]] storage::LogDirectory& directory() noexcept { return directory_; }
  [[nodiscard]] const storage::LogDirectory& directory() const noexcept { return directory_; }
  [[nodiscard]] bool online() const noexcept { return !directory_.offline(); }
  [[nodiscard]] storage::Checkpointer& checkpointer() noexcept { return checkpointer_; }
  [[nodiscard]] storage::DirectoryRemover& remover() noexcept { return remover_; }

  // Before this process registers as `incarnation`: what the durable ends say outlives the registration (G13).
  // `newest`: the registration before, if any. `done` also if the directory failed.
  void inherit(const metadata::BrokerRegistration* newest, const Uuid& incarnation, Callback done);
  // Opens its logs; `plan` without the epoch and the progress, `done` as of storage::load_logs.
  void load(storage::LogEnvironment logs, storage::LoadPlan plan, Function<void(bool)> done);
  // No other log is opened.
  void stop_loading() noexcept { progress_->stop = true; }
  [[nodiscard]] const storage::LoadProgress& progress() const noexcept { return *progress_; }

  // What the files said of a partition when the directory was opened; until forget_contents().
  [[nodiscard]] storage::PartitionMarks marks_found(const TopicPartition& name, const Uuid& topic_id) const {
    return storage::marks_found(directory_.contents(), name, topic_id, trusted_epoch_);
  }

  // From now on the marks of this partition are written as they were read.
  void keep(const storage::PartitionMarks& as_read) { kept_.insert_or_assign(as_read.name, as_read); }
  void stop_keeping(const TopicPartition& name) { kept_.erase(name); }
  [[nodiscard]] bool keeps_any() const noexcept { return !kept_.empty(); }
  // Puts what is kept in the place of what damaged logs say, and adds the rest of it.
  void keep_as_read(std::vector<storage::PartitionMarks>& marks) const;

  // How many partitions are here or being made here: for the placement of others.
  std::size_t partitions = 0;
  // New replicas go elsewhere: cordoned.log.dirs (KIP-1066).
  bool cordoned = false;
  // A clean stop may say so: every log was opened.
  bool all_loaded = false;

 private:
  void collect_marks(const storage::LogDirectory& directory,
                     Function<void(std::vector<storage::PartitionMarks>)> done) override;
  void on_recovery_points(const storage::LogDirectory& directory, const storage::PartitionOffsets& points) override {
    marks_.on_recovery_points(directory, points);
  }

  storage::LogDirectory& directory_;
  storage::MarkSource& marks_;
  runtime::Shard& shard_;
  runtime::Workers& load_workers_;
  runtime::Workers& workers_;
  storage::Checkpointer checkpointer_;
  storage::DirectoryRemover remover_;
  std::shared_ptr<storage::LoadProgress> progress_ = std::make_shared<storage::LoadProgress>();
  std::map<TopicPartition, storage::PartitionMarks> kept_;
  BrokerEpoch trusted_epoch_ = kNoBrokerEpoch;  // of the durable ends found
};

}  // namespace moldau::broker
