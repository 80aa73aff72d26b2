// LogDirectory: one directory of log.dirs that this process holds: its lock, its identity, what its files said when it
// was opened, and whether it still works.
//
// Shard:      opened by start-up (blocking), then lives on the home shard. Partitions on other shards report a failure
// by
//             posting to it.
// Invariants: D1  nothing is written to the directory before claim() has removed .kafka_cleanshutdown durably.
//             D2  once failed, nothing is written to it again (G5).
// Errors:     DirectoryFault: `refuse` means that the whole start must be refused (another process has it, names in it
//             that are not ours to judge); otherwise only this directory is lost (input or output failed).
// Source:     kafka.log.LogManager. Differences: the lock, the identity and all directory names are checked before the
//             first write; lost+found is left alone where Kafka stops.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/result.h"
#include "runtime/fs.h"
#include "storage/checkpoint/clean_shutdown.h"
#include "storage/checkpoint/durable_end_file.h"
#include "storage/checkpoint/meta_properties.h"
#include "storage/checkpoint/offset_checkpoint.h"
#include "storage/directory/partition_directory.h"

namespace moldau::storage {

inline constexpr const char* kLockFile = ".lock";
inline constexpr const char* kClusterMetadataTopic = "__cluster_metadata";

struct DirectoryFault {
  Error error;
  std::string text;  // one line for the operator, with the path
  bool refuse = false;
  std::string path;  // of the log directory
};

// A directory of a partition as found. Those of __cluster_metadata are raft's and not listed.
struct FoundPartition {
  std::string directory;  // the whole path
  TopicPartition name;
  // Of partition.metadata. kNotFound: it has none and no records, a creation that a crash interrupted. kCorrupt: it has
  // none, and records.
  Result<Uuid> topic_id;
};

// What the files said when the directory was opened.
struct DirectoryContents {
  CleanShutdown shutdown;
  PartitionOffsets recovery_points;
  PartitionOffsets high_watermarks;
  PartitionOffsets log_starts;
  PartitionOffsets cleaned;
  DurableEnds durable_ends;
  DurableEndHeirs heirs;
  std::vector<FoundPartition> partitions;
  std::vector<std::string> deleting;    // whole paths of *-delete
  std::vector<FoundPartition> futures;  // copies on their way from another directory, or left of such
  std::vector<std::string> strays;      // kept as they are
};

class LogDirectory {
 public:
  // Makes the directory if it is missing, locks it, reads it. A checkpoint that cannot be parsed counts as empty and is
  // reported: recovery then scans all, high watermarks are found anew. Blocks.
  [[nodiscard]] static std::expected<std::unique_ptr<LogDirectory>, DirectoryFault> open(runtime::FileSystem& fs,
                                                                                         Logger& logger,
                                                                                         std::string path);

  // Before the first write of this process: takes .kafka_cleanshutdown away, and what was dropped. Blocks. Call once.
  [[nodiscard]] Result<> claim();
  // Whether the partition that was found there never had a record, as far as its files and the checkpoints say. Blocks.
  [[nodiscard]] bool never_used(const FoundPartition& found) const;
  // The partition's directory is not one of the contents any more; claim() removes it.
  void drop(const std::string& partition);
  // Writes meta.properties. Blocks.
  [[nodiscard]] Result<> write_identity(const MetaProperties& identity);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  // Whether a partition's directory of this path lies in this directory, under whatever name.
  [[nodiscard]] bool holds(std::string_view partition_path) const noexcept;
  [[nodiscard]] const std::optional<MetaProperties>& identity() const noexcept { return identity_; }
  // The directory id, or the zero id while it has none.
  [[nodiscard]] Uuid id() const noexcept;
  [[nodiscard]] const DirectoryContents& contents() const noexcept { return contents_; }
  // For whoever renames what was found, before the logs are loaded.
  [[nodiscard]] DirectoryContents& contents() noexcept { return contents_; }
  // The contents are of no use any more once all logs are loaded.
  void forget_contents() { contents_ = {}; }
  [[nodiscard]] runtime::FileSystem& fs() const noexcept { return fs_; }
  [[nodiscard]] Logger& logger() const noexcept { return logger_; }
  [[nodiscard]] std::string path_of(const char* file) const { return runtime::join_path(path_, file); }

  // --- failure; home shard ---

  // Called once, with the first failure.
  void on_failure(Function<void(LogDirectory&, const Error&)> callback) { failed_callback_ = std::move(callback); }
  // A write or a sync in this directory failed. Later calls change nothing.
  void fail(const Error& error);
  [[nodiscard]] bool offline() const noexcept { return failure_.has_value(); }
  [[nodiscard]] const std::optional<Error>& failure() const noexcept { return failure_; }

 private:
  LogDirectory(runtime::FileSystem& fs, Logger& logger, std::string path)
      : fs_(fs), logger_(logger), path_(std::move(path)) {}
  std::optional<DirectoryFault> read_files();
  std::optional<DirectoryFault> scan();
  Result<Uuid> topic_id_of(const std::string& partition);
  PartitionOffsets read_offsets(const char* file);

  runtime::FileSystem& fs_;
  Logger& logger_;
  std::string path_;
  std::unique_ptr<runtime::FileLock> lock_;
  std::optional<MetaProperties> identity_;
  DirectoryContents contents_;
  std::vector<std::string> dropped_;  // whole paths
  std::optional<Error> failure_;
  Function<void(LogDirectory&, const Error&)> failed_callback_;
};

}  // namespace moldau::storage
