// Opens the logs of a log directory at start, several at a time, and makes new ones.
//
// Shard:      home shard; opening runs on Workers, at most `parallel_max` at a time per directory
//             (num.recovery.threads.per.data.dir).
// Durability: make_log's partition.metadata and directory name are durable when it returns.
// Source:     LogManager.loadLogs, loadLog. Differences: a log that cannot be opened for another reason than input or
//             output (an old message format, a symbolic link) is left out and reported, where Kafka stops or loses the
//             directory.
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
struct LoadDecision {
  LoadVerdict verdict = LoadVerdict::kOpen;
  LogConfig config;
};

// How far a load has come, for those who ask meanwhile.
struct LoadProgress {
  std::size_t logs = 0;  // to be opened
  std::size_t opened = 0;
  std::uint64_t recovered_bytes = 0;  // of those opened: what lay above their recovery points
};

struct LoadPlan {
  // Called on the home shard. The zero id: the directory has neither partition.metadata nor records, and is a stray
  // whatever is decided.
  Function<LoadDecision(const TopicPartition&, const Uuid& topic_id)> decide;
  // The registration whose durable ends count: epoch_that_counts().
  BrokerEpoch trusted_epoch = kNoBrokerEpoch;
  std::size_t parallel_max = 2;
  std::shared_ptr<LoadProgress> progress;  // null: nobody asks
};

struct LoadedLog {
  TopicPartition name;
  Uuid topic_id;
  std::unique_ptr<Log> log;  // perhaps fenced: Log::fenced()
  Offset high_watermark{0};  // as checkpointed; 0 if nothing
};

struct UnloadedLog {
  std::string directory;
  TopicPartition name;
  Uuid topic_id;  // zero if unknown
  Error error;
};

struct LoadResult {
  std::vector<LoadedLog> loaded;       // by name
  std::vector<UnloadedLog> unloaded;   // kept on the disk, served by nobody
  std::vector<TopicPartition> strays;  // as they were: the caller sets them aside
};

// After LogDirectory::claim(). `done` once, on the shard; if the directory failed meanwhile it is offline and the
// result holds what was opened before. Both must outlive the load.
void load_logs(LogDirectory& directory, LogEnvironment environment, runtime::Shard& shard, runtime::Workers& workers,
               LoadPlan plan, Function<void(LoadResult)> done);

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
