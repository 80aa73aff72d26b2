// LogCleaner: compacts the logs of a node, the dirtiest first, without keeping their shards.
//
// Shard:      the home shard. The work is done on Workers in slices of at most IoThrottle::kSliceBytesMax, between
// which
//             the cleaner sees whether it is to go on; a log's shard is visited to take a task, and to put a group of
//             segments in place.
// Invariants: N1 a log is compacted by one job at a time, at most `threads` jobs run.
//             N2 what a job wrote is on the disk before cleaner-offset-checkpoint says so.
//             N3 a log that cannot be compacted is set aside with its reason, tried again after a while that doubles up
//                to kRetryMax, and never given up.
//             N4 after leave(id) no job touches the log's directory.
// Errors:     kIo in a log's files, and a swap that failed halfway: `on_failure` with the log directory. Anything else
// sets
//             the log aside.
// Bound:      per job: its share of log.cleaner.dedupe.buffer.size (no more than the dirty offsets need) and of
//             log.cleaner.io.buffer.size; freed when it ends.
// Source:     LogCleaner, LogCleanerManager. Differences: Kafka sets a log aside until the next start;
// max.compaction.lag
//             is asked for only where it is bounded.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/result.h"
#include "runtime/fs.h"
#include "runtime/shard.h"
#include "runtime/timer.h"
#include "runtime/workers.h"
#include "storage/cleaner/cleaned_offsets.h"
#include "storage/cleaner/cleaner_config.h"
#include "storage/cleaner/io_throttle.h"
#include "storage/cleaner/log_register.h"
#include "storage/compaction/compaction_pass.h"

namespace moldau::storage {

// A log that could not be compacted when it was tried last.
struct SetAside {
  TopicPartition name;
  std::string reason;
  std::uint64_t dirty_bytes = 0;
  std::chrono::milliseconds delay{0};
  runtime::MonoTime retry_at{};
};

struct CleanerMetrics {
  std::size_t jobs = 0;             // running
  double dirty_ratio_max = 0.0;     // at the last look
  std::int64_t overdue_ms_max = 0;  // beyond max.compaction.lag.ms, at the last look
  std::int64_t since_last_look_ms = 0;
  std::uint64_t passes = 0;
  std::uint64_t failures = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t records_read = 0;
  std::uint64_t records_kept = 0;
  double last_map_utilization = 0.0;
  std::int64_t last_pass_ms = 0;
  std::vector<SetAside> set_aside;
};

class LogCleaner {
 public:
  static constexpr std::chrono::milliseconds kRetryMin = std::chrono::seconds(15);
  static constexpr std::chrono::milliseconds kRetryMax = std::chrono::minutes(30);

  struct Environment {
    runtime::FileSystem& fs;
    runtime::Shard& shard;
    runtime::Workers& workers;
    Logger& logger;
    LogRegister& logs;
  };
  LogCleaner(const Environment& environment, const CleanerConfig& config,
             Function<void(const std::string& directory, const Error&)> on_failure);
  ~LogCleaner();
  LogCleaner(const LogCleaner&) = delete;
  LogCleaner& operator=(const LogCleaner&) = delete;

  // What cleaner-offset-checkpoint of a log directory said. Before start().
  void adopt(const std::string& directory, PartitionOffsets found) { offsets_.adopt(directory, std::move(found)); }
  void start();
  // From the next job and the next slice on.
  void on_config(const CleanerConfig& config);

  // The log is about to be closed, deleted or moved: `left` once no job works on it, at once if none does. No survey
  // may name it any more; a log that stays is given out until then, so that a swap that was begun is finished.
  void leave(const TopicIdPartition& id, Callback left);
  // Before the log is moved, while no job has it: what is known of it will be true of its copy, and is in that
  // directory's file when `done` runs.
  void carry(const TopicPartition& name, const std::string& directory, Function<void(Result<>)> done) {
    offsets_.carry(name, directory, std::move(done));
  }
  // The log is in this directory and in no other.
  void settle(const TopicPartition& name, const std::string& directory) { offsets_.forget_elsewhere(name, directory); }
  // Its name may be taken again afterwards.
  void forget(const TopicPartition& name, Function<void(Result<>)> done) { offsets_.forget(name, std::move(done)); }
  // Before the logs are closed: jobs end with the slice at hand, a swap that was begun is finished.
  void stop(Callback stopped);

  [[nodiscard]] CleanerMetrics metrics() const;

 private:
  struct Job;

  void look();
  void on_survey(std::vector<SurveyedLog> logs);
  void begin(SurveyedLog log);
  void on_task(const std::shared_ptr<Job>& job, bool found);
  void run_slice(const std::shared_ptr<Job>& job);
  void on_slice(const std::shared_ptr<Job>& job);
  void pause(const std::shared_ptr<Job>& job);
  void resume(Job& paused);
  void hurry(Job& job);
  void swap(const std::shared_ptr<Job>& job);
  void install(const std::shared_ptr<Job>& job);
  void finish_swap(const std::shared_ptr<Job>& job);
  void discard_and(const std::shared_ptr<Job>& job, Callback then);
  void give_up(const std::shared_ptr<Job>& job, const Error& error);
  void complete(const std::shared_ptr<Job>& job);
  void end(const std::shared_ptr<Job>& job);
  [[nodiscard]] bool should_end(const Job& job) const;
  void set_aside(const TopicIdPartition& id, const TopicPartition& name, std::uint64_t dirty_bytes, const Error& error);
  void run(const std::shared_ptr<Job>& job, Function<void(Job&)> work, Callback done);
  void arm(std::chrono::milliseconds after);
  void tell_if_stopped();

  Environment environment_;
  CleanerConfig config_;
  Function<void(const std::string&, const Error&)> on_failure_;
  CleanedOffsets offsets_;
  IoThrottle throttle_;
  KeyHashSecret secret_;
  std::vector<std::shared_ptr<Job>> jobs_;
  std::map<TopicIdPartition, SetAside> set_aside_;
  CleanerMetrics counted_;
  runtime::MonoTime last_look_{};
  runtime::Timer timer_;
  bool started_ = false;
  bool looking_ = false;
  bool stopping_ = false;
  Callback stopped_;
  std::shared_ptr<LogCleaner*> alive_;
};

}  // namespace moldau::storage
