// Moves replicas between this node's log directories: a copy grows in the background while the original serves, and
// takes its place when it has caught up.
//
//   begin -> copy -> hold -> seal -> carry -> assign -> replace -> retire -> rename -> done
//
//   begin     the copy's directory (-future) and its topic id are made durable
//   copy      what the original has, throttled by replica.alter.log.dirs.io.max.bytes.per.second
//   hold      the copy has all: appends to the partition wait from now on
//   seal      what came meanwhile, all of it synced
//   carry     what the cleaner knows of the original, it knows of the copy, durably
//   assign    the metadata says that the replica is in the new directory
//   replace   the partition reads from the copy; the checkpoints of its directory speak of it
//   retire    the original is renamed for deletion, durably
//   rename    the copy gets the partition's name, durably; appends go on
//
// Shard:      the home shard; the partition is asked on its own, the disks on workers.
// Invariants: M1 nothing is appended to the original once the copy is sealed, unless the metadata says again that the
//                replica is in the original's directory.
//             M2 at every moment a crash leaves the original under the partition's name, or a sealed copy to which the
//                metadata points (or one without any original): promote_futures() finishes what a crash interrupted.
// Errors:     what goes wrong before `assign` leaves the original as it was; the copy is removed.
// Bound:      one copy in memory for each move: FutureLog::kChunkBytesMax; kCopyingMax copy at a time, the others wait.
// Source:     kafka.server.ReplicaAlterLogDirsThread, kafka.log.LogManager.replaceCurrentWithFutureLog, KIP-113,
//             KIP-858. Differences: appends wait while the copy is sealed and the metadata is told, so that no record
//             that was acknowledged as synced is in a copy that is not; a copy that a restart interrupts begins anew.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/result.h"
#include "broker/config/topic_configs.h"
#include "broker/node/directory_assigner.h"
#include "broker/node/hosted_directories.h"
#include "broker/node/log_dir_report.h"
#include "broker/node/node_cleaner.h"
#include "broker/partitions/partition_home.h"
#include "broker/partitions/partition_router.h"
#include "metadata/image/image.h"
#include "runtime/bounded_workers.h"
#include "runtime/shard.h"
#include "runtime/timer.h"
#include "runtime/world.h"
#include "storage/directory/future_log.h"
#include "storage/log/log.h"

namespace moldau::broker {

class ReplicaMoves {
 public:
  static constexpr std::size_t kCopyingMax = 2;

  struct Environment {
    const runtime::World& world;
    const NodeConfig& config;
    const TopicConfigs& topic_configs;
    DirectoryAssigner& assigner;
    NodeCleaner& cleaner;
    runtime::Random& random;  // for any thread
    PartitionHome& home;
    std::vector<PartitionRouter*> routers;
  };
  explicit ReplicaMoves(Environment environment);
  ~ReplicaMoves();

  void on_image(std::shared_ptr<const metadata::Image> image);

  // Begins to move a hosted replica out of `from`. `begun` once the copy's directory is there, or with why it is not.
  void start(const TopicPartition& name, const Uuid& topic_id, HostedDirectory& from, HostedDirectory& to,
             Function<void(Result<>)> begun);
  // Where the replica is on its way to; null: it stays where it is.
  [[nodiscard]] HostedDirectory* destination_of(const TopicPartition& name) const;
  // Gives a move up, or sees it through if it is too late for that; `ended(moved)` when nothing of it is in flight.
  // False: there is none, and `ended` is not called.
  bool cancel(const TopicPartition& name, Function<void(bool)> ended);
  // What has failed is not waited for; what can go on does.
  void on_directory_failed(HostedDirectory& directory);
  // Moves that can be given up are, and begin anew at the next start; `ended` when the others are through.
  void stop(Callback ended);

  [[nodiscard]] std::vector<LogDirReport::Future> futures() const;
  [[nodiscard]] std::size_t size() const noexcept { return moves_.size(); }

 private:
  struct Move;
  using MovePtr = std::shared_ptr<Move>;

  template <class T>
  using Then = Function<void(const MovePtr&, T)>;
  template <class Work>
  void on_worker(const MovePtr& move, Work work, Then<Result<>> then);
  // `ask(partition)` on the partition's shard, `then(move, answer)` here; the answer is nothing if it cannot be asked.
  template <class T, class Ask>
  void on_shard(const MovePtr& move, Ask ask, Then<std::optional<T>> then);
  void after(const MovePtr& move, runtime::MonoTime when, Callback then);

  void begin(const MovePtr& move);
  void copy_next();
  void read(const MovePtr& move);
  void restart(const MovePtr& move, Offset start);
  void append(const MovePtr& move, const storage::Slice& slice);
  void on_written(const MovePtr& move, const Result<>& outcome);
  void hold(const MovePtr& move);
  void seal(const MovePtr& move, const storage::FutureLog::Equal& original);
  void carry(const MovePtr& move);
  void assign(const MovePtr& move);
  void replace(const MovePtr& move);
  void retire(const MovePtr& move);
  void rename(const MovePtr& move);
  // Before `assign`: the original stays; the copy goes unless its directory has failed, which `guilty` does if the
  // error is its own.
  void give_up(const MovePtr& move, const Error& error, HostedDirectory* guilty);
  // After `assign`: the metadata has to say first that the original counts again.
  void fall_back(const MovePtr& move, const Error& error);
  void end(const MovePtr& move);
  // True: the move is not to go on, and ends.
  [[nodiscard]] bool stop_here(const MovePtr& move);
  void hurry(const MovePtr& move);
  [[nodiscard]] std::int64_t bytes_per_second() const;

  Environment environment_;
  runtime::Shard& shard_;
  Logger& logger_;
  runtime::BoundedWorkers workers_;
  std::shared_ptr<const metadata::Image> image_ = std::make_shared<const metadata::Image>();
  std::map<TopicPartition, MovePtr> moves_;
  std::map<TopicPartition, std::unique_ptr<runtime::Timer>> timers_;  // of moves that pause
  std::size_t copying_ = 0;
  runtime::MonoTime next_copy_{};  // by the throttle, which all moves share
  bool stopping_ = false;
  Callback stopped_;
  std::shared_ptr<ReplicaMoves*> alive_;
};

}  // namespace moldau::broker
