// The replicas of this node on disk: opens what the log directories hold, follows the metadata (new partitions, deleted
// topics, changed configurations), keeps the checkpoints, and goes on without a directory that fails.
//
// Shard:      the home shard.
// Invariants: R1 a partition of the image that is assigned to this node is hosted, or being opened or made, or known as
//                not served, once the service has begun.
//             R2 a directory is renamed for deletion only after its log was closed; until then its name stays taken, so
//                a topic that is created again waits for it. Nor is it renamed before the checkpoints have forgotten
//                it.
//             R3 no log is made where records of the partition were and cannot be read, or may be: it is not served,
//                answers KAFKA_STORAGE_ERROR, and what the checkpoints say of it is kept.
//             R4 until a log is open, its name is taken, requests for it are answered at once with
//                NOT_LEADER_OR_FOLLOWER, and the checkpoints say of it what they said.
// Errors:     a log directory that fails takes its partitions out of service; they answer KAFKA_STORAGE_ERROR. The last
//             one, or the one with the metadata log, ends the node. A partition that cannot be opened, or is damaged,
//             does not make the directory fail.
// Source:     kafka.server.ReplicaManager.applyDelta, BrokerMetadataPublisher, LogManager; KIP-858. Difference: a
//             partition older than this process of which the metadata does not know the directory is not made anew
//             while a directory is lost.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "broker/config/node_config.h"
#include "broker/config/topic_configs.h"
#include "broker/node/directory_assigner.h"
#include "broker/node/future_promotion.h"
#include "broker/node/hosted_directories.h"
#include "broker/node/hosted_marks.h"
#include "broker/node/log_dir_requests.h"
#include "broker/node/node_cleaner.h"
#include "broker/node/replica_moves.h"
#include "broker/node/seed_upkeep.h"
#include "broker/partitions/partition_home.h"
#include "broker/partitions/partition_router.h"
#include "metadata/loader/metadata_loader.h"
#include "runtime/bounded_workers.h"
#include "runtime/timer.h"
#include "runtime/world.h"
#include "storage/directory/log_directory.h"
#include "storage/directory/log_loader.h"

namespace moldau::broker {

class ReplicaHost final : public metadata::MetadataPublisher, private HostedDirectories::Loads {
 public:
  struct Environment {
    const runtime::World& world;
    const NodeConfig& config;
    const TopicConfigs& topic_configs;
    std::vector<storage::LogDirectory*> directories;  // of log.dirs, those that work
    std::vector<std::string> lost;                    // paths of log.dirs that do not
    const storage::LogDirectory* metadata;            // the one with the metadata log
    storage::SharedRandom& random;
    PartitionHome& home;
    std::vector<PartitionRouter*> routers;
  };
  struct Events {
    Function<void(const std::string&)> on_fatal;            // nothing can go on: one line
    Function<void(std::vector<Uuid>)> on_directories_lost;  // ids of all that have failed in this process
    Function<void(std::vector<Uuid>)> on_cordoned;          // ids of all that are
  };
  ReplicaHost(const Environment& environment, Events events);
  ~ReplicaHost() override;

  // Before this process registers as `incarnation`: HostedDirectory::inherit. `done` on the home shard, not after
  // on_fatal.
  void inherit(const metadata::BrokerRegistration* newest, const Uuid& incarnation, Callback done);
  // Opens every log that the image gives to this node; others are set aside. `epoch`: the registration of this process,
  // for the durable ends. `serve` on the home shard, not after on_fatal: when all are open, or after a
  // second when the others still recover; each serves as soon as it is open.
  void load(BrokerEpoch epoch, Callback serve);
  // The way to the controller, once this process is registered.
  void open_assignments(DirectoryAssigner::Send send) { assigner_.open(std::move(send)); }
  void on_image(const metadata::ImageUpdate& update) override;

  // Of the directory that holds this partition's directory: its log starts are kept, a log of it rolled, failed.
  void keep_log_starts(std::string_view partition_path, Function<void(bool)> done);
  void on_roll(std::string_view partition_path);
  void on_storage_failure(std::string_view partition_path, const Error& error);

  // A clean stop: closes every log, writes the checkpoints and the clean mark, which says nothing of a directory with
  // logs that were not opened yet. `done(error)` once; waits for what is being opened. kClosed: before load() nothing
  // is known of the logs, so the directories stay as they are, without a clean mark: what the process before may have
  // left torn is still to be recovered.
  void stop(Function<void(Result<>)> done);

  [[nodiscard]] std::size_t partitions() const { return environment_.home.size(); }
  // Of those, and of the directories that could not be opened, the ones found damaged at the start.
  [[nodiscard]] std::size_t damaged() const noexcept { return damaged_.size(); }
  // Not hosted, for their log directory is lost.
  [[nodiscard]] std::size_t lost_partitions() const noexcept { return lost_partitions_; }
  [[nodiscard]] LogDirRequests& log_dirs() noexcept { return requests_; }
  [[nodiscard]] const HostedDirectories& directories() const noexcept { return directories_; }
  [[nodiscard]] bool serving() const noexcept { return serving_; }
  [[nodiscard]] bool loaded() const noexcept { return loaded_; }
  [[nodiscard]] storage::CleanerMetrics cleaner_metrics() const { return cleaner_.metrics(); }

 private:
  struct Creation {
    TopicPartition name;
    Uuid topic_id;
  };
  // A partition of this node that no log is open for.
  struct Unserved {
    Uuid topic_id;
    HostedDirectory* where = nullptr;  // null: unknown
    bool has_directory = false;
    bool has_its_id = false;  // so that the directory may go with the topic
    bool lost = false;        // with its log directory
  };
  struct Stray {
    HostedDirectory* where;
    TopicPartition name;
    bool deleted = false;  // its topic, since the load began: it goes, others are kept
  };
  struct Opening {
    Uuid topic_id;
    HostedDirectory* where;
  };

  void take_image(std::shared_ptr<const metadata::Image> image);
  void open_logs();
  void apply(const metadata::Image& image, const metadata::ImageChanges& changes);
  void host_if_ours(const metadata::Image& image, const metadata::Topic& topic, PartitionIndex index);
  [[nodiscard]] HostedDirectory* place(const Creation& creation);
  void create(Creation creation);
  void make(Creation creation, HostedDirectory& where);
  void on_made(const Creation& creation, HostedDirectory& where, Result<std::unique_ptr<storage::Log>> log);
  void remove(const TopicIdPartition& id, const TopicPartition& name);
  void on_removed(PartitionSeed seed);
  void release_name(const TopicPartition& name);
  // `done` once no file says anything of the name's last holder.
  void forget(const TopicPartition& name, Callback done);
  [[nodiscard]] bool is_ours(const TopicIdPartition& id) const;
  storage::LoadVerdict decide(HostedDirectory& directory, const TopicPartition& name, const Uuid& topic_id) override;
  std::optional<storage::LogConfig> config_of(const TopicPartition& name, const Uuid& topic_id) override;
  void on_strays(HostedDirectory& directory, std::vector<TopicPartition> names) override;
  void on_loaded(HostedDirectory& directory, storage::LoadedLog log) override;
  void on_unloaded(HostedDirectory& directory, const storage::UnloadedLog& log) override;
  void on_unwanted(HostedDirectory& directory, const TopicPartition& name) override;
  void on_load_ended();
  void serve();
  void set_epochs();
  void begin_interrupted();
  void expect_unopened();
  bool stop_expecting(const TopicPartition& name);
  void remove_stray(const Stray& stray);
  void find_lost();
  void refuse(const TopicPartition& name, const Unserved& unserved, const Error& error);
  void remove_unserved(const TopicPartition& name, const Unserved& unserved);
  // Ends in release_name(), once the checkpoints have forgotten the name and `rename` has freed it.
  void free_name(const TopicPartition& name, Function<void(Function<void(Result<>)>)> rename);
  void begin_service();
  void tell_directory(const TopicIdPartition& id, HostedDirectory& where);
  void on_directory_failed(HostedDirectory& directory, const Error& error);
  void lose_seeds(HostedDirectory& directory);
  // Now, or once no log is being opened.
  void once_loaded(Callback then);
  void close_all(Function<void(Result<>)> done);

  Environment environment_;
  Events events_;
  runtime::Shard& shard_;
  Logger& logger_;
  std::shared_ptr<const metadata::Image> image_ = std::make_shared<const metadata::Image>();
  runtime::BoundedWorkers workers_;  // for making and removing partitions
  HostedMarks marks_;
  HostedDirectories directories_;
  DirectoryAssigner assigner_;
  NodeCleaner cleaner_;
  ReplicaMoves moves_;
  LogDirRequests requests_;
  SeedUpkeep upkeep_;
  std::map<TopicPartition, std::optional<Creation>> busy_names_;  // being made or removed; who waits for each
  std::vector<InterruptedMove> interrupted_;                      // by the end of the process before
  std::string cordoned_;                                          // as configured
  std::vector<Stray> strays_;                                     // found by load()
  std::set<TopicPartition> damaged_;
  std::map<TopicPartition, Unserved> unserved_;
  std::size_t lost_partitions_ = 0;
  std::map<TopicPartition, Opening> opening_;  // once the service has begun
  bool loading_ = false;
  bool loaded_ = false;
  bool serving_ = false;
  BrokerEpoch epoch_ = kNoBrokerEpoch;
  Callback serve_;
  runtime::Timer patience_;
  bool stopping_ = false;
  Callback stop_once_loaded_;
  std::shared_ptr<ReplicaHost*> alive_;  // a load that ends finds out whether this is still there
};

}  // namespace moldau::broker
