// HostedDirectories: the log directories of a node together: which of them holds what, where a new partition goes, what
// is asked of all of them.
//
// Shard:      the home shard.
// Invariants: H1 a name is made anew only after the files of every directory have forgotten its last holder
//                (Checkpointer C3): a partition may have been moved.
// Source:     kafka.log.LogManager, KIP-858.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "base/result.h"
#include "broker/node/hosted_directory.h"
#include "broker/node/log_closer.h"
#include "runtime/timer.h"

namespace moldau::broker {

class HostedDirectories {
 public:
  struct Environment {
    const runtime::World& world;
    const NodeConfig& config;
    std::vector<storage::LogDirectory*> directories;  // of log.dirs, those that work
    std::vector<std::string> lost;                    // paths of log.dirs that do not
  };
  // `failed` is called once for each directory that fails, from inside what finds it.
  HostedDirectories(const Environment& environment, storage::MarkSource& marks, runtime::Workers& workers,
                    Function<void(HostedDirectory&, const Error&)> failed);
  ~HostedDirectories();

  [[nodiscard]] const std::vector<std::unique_ptr<HostedDirectory>>& all() const noexcept { return all_; }
  [[nodiscard]] const std::vector<std::string>& lost_at_start() const noexcept { return lost_; }
  [[nodiscard]] std::size_t online() const noexcept;
  // One of log.dirs did not work at the start, or has failed since.
  [[nodiscard]] bool any_lost() const noexcept { return online() < all_.size() + lost_.size(); }
  // Null: none of these, or (by id) not online.
  [[nodiscard]] HostedDirectory* holder_of(std::string_view partition_path) const noexcept;
  [[nodiscard]] HostedDirectory* online_by_id(const Uuid& id) const noexcept;
  [[nodiscard]] HostedDirectory* by_path(std::string_view path) const noexcept;
  // The one with the fewest partitions, the first of several; a cordoned one only if all are; null if none is online.
  [[nodiscard]] HostedDirectory* emptiest() const noexcept;

  // By cordoned.log.dirs: their paths, or "*" for all of them.
  void cordon(std::string_view paths);
  // Ids of those that are cordoned.
  [[nodiscard]] std::vector<Uuid> cordoned() const;

  // As HostedDirectory::inherit, of all.
  void inherit(const metadata::BrokerRegistration* newest, const Uuid& incarnation, Callback done);
  // Who is asked, and told, in a load: as in storage::LoadPlan.
  class Loads {
   public:
    virtual ~Loads() = default;
    virtual storage::LoadVerdict decide(HostedDirectory& directory, const TopicPartition& name, const Uuid& id) = 0;
    virtual std::optional<storage::LogConfig> config_of(const TopicPartition& name, const Uuid& id) = 0;
    virtual void on_strays(HostedDirectory& directory, std::vector<TopicPartition> names) = 0;
    virtual void on_loaded(HostedDirectory& directory, storage::LoadedLog log) = 0;
    virtual void on_unloaded(HostedDirectory& directory, const storage::UnloadedLog& log) = 0;
    virtual void on_unwanted(HostedDirectory& directory, const TopicPartition& name) = 0;
  };
  // All at the same time. HostedDirectory::all_loaded says how it ended; nobody is told of anything any more once this
  // is gone.
  void load(storage::LogEnvironment logs, Loads& loads, Callback done);
  void stop_loading();
  // ": 12 of 300 opened, 4096 of 1000000 bytes recovered" while a load goes on; else "".
  [[nodiscard]] std::string load_progress() const;
  // No file holds an offset under this name: Checkpointer::forget. `done` also if a directory failed meanwhile.
  void forget(const TopicPartition& name, Callback done);
  void forget_contents();
  // A clean stop of those that are online: closes their logs, writes the last checkpoints and the clean marks; logs of
  // lost ones are dropped as they are. `done` with the first error.
  void close(std::vector<ClosingLog> logs, Function<void(Result<>)> done);
  // Where records of this partition were, by the files of any directory, though it is in none of them.
  [[nodiscard]] HostedDirectory* last_holder_of(const TopicPartition& name, const Uuid& topic_id) const;

 private:
  void tell_progress();
  // `each(directory, done)` for all; `done` when the last of them has called its own.
  void on_each(Function<void(HostedDirectory&, Callback)> each, Callback done);

  const runtime::World& world_;
  const NodeConfig& config_;
  std::vector<std::unique_ptr<HostedDirectory>> all_;
  std::vector<std::string> lost_;
  Function<void(HostedDirectory&, const Error&)> failed_;
  bool loading_ = false;
  runtime::Timer progress_timer_;
  std::shared_ptr<HostedDirectories*> alive_;
};

}  // namespace moldau::broker
