// Opens the logs of a log directory at start, several at a time, and makes new ones.
//
// Shard:      home shard; opening runs on Workers, at most `parallel_max` at a time per directory
//             (num.recovery.threads.per.data.dir).
// Order:      those with the least to recover first, so that what can serve soon does not wait for what cannot. What is
//             to be recovered is what lies above the recovery point; after a clean stop that is nothing, and the order
//             is that of the directory.
// Durability: make_log's partition.metadata and directory name are durable when it returns.
// Source:     LogManager.loadLogs, loadLog. Differences: a log that cannot be opened for another reason than input or
//             output (an old message format, a symbolic link) is left out and reported, where Kafka stops or loses the
//             directory; each log is handed out as soon as it is open.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "base/result.h"
#include "runtime/random.h"
#include "runtime/shard.h"
#include "runtime/workers.h"
#include "storage/directory/checkpointer.h"
#include "storage/directory/log_directory.h"
#include "storage/log/log.h"

namespace moldau::storage {

// Randomness that any thread may ask: logs move between shards and keep the environment they were opened with.
class SharedRandom final : public runtime::Random {
 public:
  explicit SharedRandom(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t next() override;  // splitmix64

 private:
  std::atomic<std::uint64_t> state_;
};

// What the metadata says about a directory found on the disk.
enum class LoadVerdict : std::uint8_t {
  kOpen,
  kStray,    // not a partition of this node, or of a topic that was deleted or re-created: to be set aside
  kDamaged,  // its topic id cannot be right
};

struct LoadedLog {
  TopicPartition name;
  Uuid topic_id;
  std::unique_ptr<Log> log;  // perhaps fenced: Log::fenced()
  Offset high_watermark{0};  // as checkpointed; 0 if nothing
};

// Kept on the disk, served by nobody.
struct UnloadedLog {
  std::string directory;
  TopicPartition name;
  Uuid topic_id;  // zero if unknown
  Error error;
};

// How far a load has come, for those who ask meanwhile; and how to end it.
struct LoadProgress {
  std::size_t logs = 0;  // to be opened
  std::size_t opened = 0;
  std::uint64_t bytes = 0;            // above the recovery points of those to be opened; 0 after a clean stop
  std::uint64_t recovered_bytes = 0;  // of those opened
  bool stop = false;                  // no other log is begun
};

// All are called on the home shard.
struct LoadPlan {
  // For each, before any is opened. The zero id: the directory has neither partition.metadata nor records, and is a
  // stray whatever is decided.
  Function<LoadVerdict(const TopicPartition&, const Uuid& topic_id)> decide;
  // When its turn comes; nothing: it is not wanted any more, and goes to `on_unwanted`.
  Function<std::optional<LogConfig>(const TopicPartition&, const Uuid& topic_id)> config_of;
  // As they were: the caller sets them aside. Before any log is opened.
  Function<void(std::vector<TopicPartition>)> on_strays;
  Function<void(LoadedLog)> on_loaded;
  Function<void(UnloadedLog)> on_unloaded;
  Function<void(const TopicPartition&, const Uuid& topic_id)> on_unwanted;
  // The registration whose durable ends count: epoch_that_counts().
  BrokerEpoch trusted_epoch = kNoBrokerEpoch;
  std::size_t parallel_max = 2;
  std::shared_ptr<LoadProgress> progress;
};

// After LogDirectory::claim(). `done(complete)` once, on the shard, after all that it calls; not complete: it was
// ended, or the directory failed meanwhile and is offline. Both must outlive the load.
void load_logs(LogDirectory& directory, LogEnvironment environment, runtime::Shard& shard, runtime::Workers& workers,
               LoadPlan plan, Function<void(bool)> done);

// What the files of the directory say of a partition: of the one with this topic id, whose directory may be lost. Zeros
// if nothing.
[[nodiscard]] PartitionMarks marks_found(const DirectoryContents& contents, const TopicPartition& name,
                                         const Uuid& topic_id, BrokerEpoch trusted_epoch);
// Whether records of this partition were on the disk, though there is no directory of its name: no log may take their
// place. By invariant C3 of the Checkpointer its files speak of no earlier topic of the name.
[[nodiscard]] bool was_there(const DirectoryContents& contents, const TopicPartition& name, const Uuid& topic_id);

// Makes the directory of a new partition and opens its empty log. kExists: there is one of that name with files in it.
// Blocks.
[[nodiscard]] Result<std::unique_ptr<Log>> make_log(const std::string& directory, LogEnvironment environment,
                                                    const TopicPartition& name, const Uuid& topic_id,
                                                    const LogConfig& config, std::int64_t now_ms);

}  // namespace moldau::storage
