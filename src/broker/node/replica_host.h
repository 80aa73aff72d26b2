// The replicas of this node on disk: opens what the log directory holds, follows the metadata (new partitions, deleted
// topics, changed configurations), keeps the checkpoints.
//
// Shard:      the home shard.
// Invariants: R1 a partition of the image that is assigned to this node is hosted, or being made, once load() has
// ended.
//             R2 a directory is renamed for deletion only after its log was closed; until then its name stays taken, so
//             a
//                topic that is created again waits for it. Nor is it renamed before the checkpoints have forgotten it.
//             R3 no log is made where records of the partition were and cannot be read: it is not served, answers
//                KAFKA_STORAGE_ERROR, and what the checkpoints say of it is kept.
// Errors:     a directory that fails is told to `on_failure` once; its partitions answer KAFKA_STORAGE_ERROR. A
//             partition that cannot be opened, or is damaged, does not make the directory fail.
// Source:     kafka.server.ReplicaManager.applyDelta, BrokerMetadataPublisher, LogManager.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/log.h"
#include "broker/config/node_config.h"
#include "broker/config/topic_config_warnings.h"
#include "broker/config/topic_configs.h"
#include "broker/partitions/partition_home.h"
#include "broker/partitions/partition_router.h"
#include "metadata/loader/metadata_loader.h"
#include "runtime/bounded_workers.h"
#include "runtime/world.h"
#include "storage/directory/checkpointer.h"
#include "storage/directory/directory_remover.h"
#include "storage/directory/log_directory.h"
#include "storage/directory/log_loader.h"

namespace moldau::broker {

class ReplicaHost final : public metadata::MetadataPublisher, private storage::MarkSource {
 public:
  struct Environment {
    const runtime::World& world;
    const NodeConfig& config;
    const TopicConfigs& topic_configs;
    storage::LogDirectory& directory;
    storage::SharedRandom& random;
    PartitionHome& home;
    std::vector<PartitionRouter*> routers;
  };
  ReplicaHost(const Environment& environment, Function<void(const Error&)> on_failure);
  ~ReplicaHost() override;

  // Before this process registers as `incarnation`: what the durable ends say outlives the registration (G13).
  // `newest`: the registration before, if any. `done` on the home shard, not if the directory failed.
  void inherit(const metadata::BrokerRegistration* newest, const Uuid& incarnation, Callback done);
  // Opens every log that the image gives to this node; others are set aside. `epoch`: the registration of this process,
  // for the durable ends. `done` on the home shard, not if the directory failed.
  void load(BrokerEpoch epoch, Callback done);
  void on_image(const metadata::ImageUpdate& update) override;

  void keep_log_starts(Function<void(bool)> done) { checkpointer_.keep_log_starts(std::move(done)); }
  void on_roll() { checkpointer_.on_roll(); }
  // A partition's log failed.
  void fail_directory(const Error& error) { environment_.directory.fail(error); }

  // A clean stop: closes every log, writes the checkpoints and the clean mark. `done(error)` once; waits for load() to
  // end. kClosed: before load() nothing is known of the logs, so the directory stays as it is, without a clean mark:
  // what the process before may have left torn is still to be recovered.
  void stop(Function<void(Result<>)> done);

  [[nodiscard]] std::size_t partitions() const { return environment_.home.size(); }
  // Of those, and of the directories that could not be opened, the ones found damaged at the start.
  [[nodiscard]] std::size_t damaged() const noexcept { return damaged_.size(); }
  [[nodiscard]] bool loaded() const noexcept { return loaded_; }

 private:
  struct Creation {
    TopicPartition name;
    Uuid topic_id;
  };
  // A partition of this node that no log is open for.
  struct Unserved {
    storage::PartitionMarks marks;  // as read: kept in the files
    bool has_directory = false;
    bool has_its_id = false;  // so that the directory may go with the topic
  };

  void apply(const metadata::Image& image, const metadata::ImageChanges& changes);
  void host_if_ours(const metadata::Image& image, const metadata::Topic& topic, PartitionIndex index);
  void create(Creation creation);
  void make(Creation creation);
  void on_made(const Creation& creation, Result<std::unique_ptr<storage::Log>> log);
  void remove(const TopicIdPartition& id, const TopicPartition& name);
  void release_name(const TopicPartition& name);
  [[nodiscard]] bool is_ours(const TopicIdPartition& id) const;
  [[nodiscard]] storage::LoadDecision decide(const TopicPartition& name, const Uuid& topic_id) const;
  void on_loaded(storage::LoadResult result);
  void find_lost(const std::vector<TopicPartition>& strays);
  void refuse(Unserved unserved, const Error& error);
  void remove_unserved(Unserved unserved);
  // Ends in release_name(), once the checkpoints have forgotten the name and `rename` has freed it.
  void free_name(const TopicPartition& name, Function<void(Function<void(Result<>)>)> rename);
  // Puts what was read in the place of what damaged logs say, and adds the unserved.
  void keep_as_read(std::vector<storage::PartitionMarks>& marks) const;
  void begin_service();
  void keep_seeds();
  void expire_seeds_producers();
  void close_all(Function<void(Result<>)> done);
  void close_logs(std::vector<PartitionSeed> seeds, Function<void(std::vector<storage::PartitionMarks>, bool)> done);
  void collect_marks(const storage::LogDirectory& directory,
                     Function<void(std::vector<storage::PartitionMarks>)> done) override;
  void on_recovery_points(const storage::LogDirectory& directory, const storage::PartitionOffsets& points) override;

  Environment environment_;
  runtime::Shard& shard_;
  Logger& logger_;
  std::shared_ptr<const metadata::Image> image_ = std::make_shared<const metadata::Image>();
  runtime::BoundedWorkers workers_;  // for making and removing partitions
  storage::Checkpointer checkpointer_;
  storage::DirectoryRemover remover_;
  TopicConfigWarnings config_warnings_;
  std::map<TopicPartition, std::optional<Creation>> busy_names_;  // being made or removed; who waits for each
  std::set<TopicPartition> damaged_;
  std::map<TopicPartition, Unserved> unserved_;
  std::map<TopicPartition, storage::PartitionMarks> fenced_;  // as read: the next start is to find the fence too
  BrokerEpoch trusted_epoch_ = kNoBrokerEpoch;                // of the durable ends found
  runtime::Timer retention_timer_;
  runtime::Timer expiry_timer_;
  bool loading_ = false;
  bool loaded_ = false;
  bool all_loaded_ = false;
  bool stopping_ = false;
  Callback stop_once_loaded_;
  std::shared_ptr<ReplicaHost*> alive_;  // a load that ends finds out whether this is still there
};

}  // namespace moldau::broker
