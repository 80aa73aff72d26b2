#include "storage/directory/log_loader.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/assert.h"
#include "storage/checkpoint/partition_metadata.h"
#include "storage/segment/segment_files.h"

namespace moldau::storage {
namespace {

Offset offset_of(const PartitionOffsets& offsets, const TopicPartition& partition) {
  const auto found = offsets.find(partition);
  return found == offsets.end() ? Offset(0) : found->second;
}

// An opened log without open files (D7): its first user opens them. It is synced, for unsynced files stay open.
Result<std::unique_ptr<Log>> open_idle(LogEnvironment environment, const std::string& directory,
                                       const TopicPartition& name, const LogConfig& config, const OpenHints& hints) {
  MOLDAU_TRY(log, Log::open(environment, directory, name, config, hints));
  log->release_idle_resources();  // writes the index, which is to be synced too
  if (log->has_unsynced()) {
    const SyncTicket ticket = log->collect_unsynced();
    if (const Result<> synced = ticket.run(environment.fs); !synced) {
      log->on_sync_failed(synced.error());
      return std::unexpected(synced.error());
    }
    log->on_synced(ticket);
  }
  log->release_idle_resources();
  return log;
}

// Of the segments that recovery reads; a partition whose files cannot be looked at is tried last.
std::uint64_t bytes_above(runtime::FileSystem& fs, const std::string& directory, Offset recovery_point) {
  const auto entries = fs.list(directory);
  if (!entries) {
    return UINT64_MAX;
  }
  std::map<Offset, std::string> segments;
  for (const runtime::DirEntry& entry : *entries) {
    const auto file = parse_log_file_name(entry.name);
    if (file && file->role == FileRole::kLog && file->stage == FileStage::kLive) {
      segments.emplace(file->base, entry.name);
    }
  }
  auto first = segments.upper_bound(recovery_point);
  if (first != segments.begin()) {
    --first;  // the one that has the recovery point
  }
  std::uint64_t bytes = 0;
  for (; first != segments.end(); ++first) {
    bytes += fs.file_size(runtime::join_path(directory, first->second)).value_or(0);
  }
  return bytes;
}

// Carries one load through its jobs; kept alive by them.
class Loading final : public std::enable_shared_from_this<Loading> {
 public:
  Loading(LogDirectory& directory, LogEnvironment environment, runtime::Shard& shard, runtime::Workers& workers,
          LoadPlan plan, Function<void(bool)> done)
      : directory_(directory),
        environment_(environment),
        shard_(shard),
        workers_(workers),
        plan_(std::move(plan)),
        done_(std::move(done)) {}

  void start() {
    MOLDAU_ASSERT(plan_.parallel_max > 0 && plan_.progress);
    sort_out();
    plan_.progress->logs = waiting_.size();
    if (directory_.contents().shutdown.clean || waiting_.empty()) {
      shard_.post([self = shared_from_this()] { self->begin(); });
    } else {
      weigh();
    }
  }

 private:
  struct Waiting {
    const FoundPartition* found = nullptr;
    std::uint64_t bytes = 0;  // to be recovered
  };
  struct Job {
    Waiting of;
    LogConfig config;
    OpenHints hints;
    std::optional<Result<std::unique_ptr<Log>>> opened;
  };

  void sort_out() {
    std::vector<TopicPartition> strays;
    for (const FoundPartition& partition : directory_.contents().partitions) {
      const bool unknown = !partition.topic_id && partition.topic_id.error().kind() == ErrorKind::kNotFound;
      if (!partition.topic_id && !unknown) {
        leave_out(partition, partition.topic_id.error());
        continue;
      }
      const LoadVerdict verdict = plan_.decide(partition.name, unknown ? kZeroUuid : *partition.topic_id);
      if (verdict == LoadVerdict::kDamaged) {
        leave_out(partition, Error(ErrorKind::kCorrupt, "partition.metadata names a topic that is not this one's"));
      } else if (verdict == LoadVerdict::kStray || unknown) {
        // Without an id it is what a crash left of a creation: nothing was ever appended to it.
        strays.push_back(partition.name);
      } else {
        waiting_.push_back({&partition});
      }
    }
    if (!strays.empty()) {
      plan_.on_strays(std::move(strays));
    }
  }

  void weigh() {
    workers_.run(
        [self = shared_from_this()] {
          const PartitionOffsets& recovery_points = self->directory_.contents().recovery_points;
          for (Waiting& waiting : self->waiting_) {
            waiting.bytes = bytes_above(self->environment_.fs, waiting.found->directory,
                                        offset_of(recovery_points, waiting.found->name));
          }
          std::ranges::sort(self->waiting_, {}, [](const Waiting& one) { return std::pair(one.bytes, one.found); });
        },
        shard_, [self = shared_from_this()] { self->begin(); });
  }

  void begin() {
    for (Waiting& waiting : waiting_) {
      waiting.bytes = waiting.bytes == UINT64_MAX ? 0 : waiting.bytes;
      plan_.progress->bytes += waiting.bytes;
    }
    const std::size_t width = std::clamp(waiting_.size(), std::size_t{1}, plan_.parallel_max);
    for (std::size_t i = 0; i < width; ++i) {
      begin_next();
    }
  }

  void begin_next() {
    while (next_ < waiting_.size() && !directory_.offline() && !plan_.progress->stop) {
      const Waiting& waiting = waiting_[next_++];
      if (auto config = plan_.config_of(waiting.found->name, *waiting.found->topic_id)) {
        return run(waiting, *std::move(config));
      }
      ++plan_.progress->opened;
      plan_.on_unwanted(waiting.found->name, *waiting.found->topic_id);
    }
    if (in_flight_ == 0 && !finished_) {
      finished_ = true;
      shard_.post([self = shared_from_this()] { self->done_(self->next_ == self->waiting_.size()); });
    }
  }

  void run(const Waiting& waiting, LogConfig config) {
    auto job = std::make_shared<Job>(waiting, std::move(config));
    const FoundPartition& partition = *waiting.found;
    const DirectoryContents& contents = directory_.contents();
    job->hints.clean_shutdown = contents.shutdown.clean;
    job->hints.recovery_point = offset_of(contents.recovery_points, partition.name);
    job->hints.log_start = offset_of(contents.log_starts, partition.name);
    job->hints.compacted_below = offset_of(contents.cleaned, partition.name);
    job->hints.durable_end =
        trusted_durable_end(contents.durable_ends, partition.name, *partition.topic_id, plan_.trusted_epoch);
    job->hints.now_ms = shard_.clock().wall_ms();
    ++in_flight_;
    workers_.run(
        [job, environment = environment_] {
          const FoundPartition& found = *job->of.found;
          job->opened.emplace(open_idle(environment, found.directory, found.name, job->config, job->hints));
        },
        shard_, [self = shared_from_this(), job] { self->on_done(*job); });
  }

  void on_done(Job& job) {
    --in_flight_;
    ++plan_.progress->opened;
    plan_.progress->recovered_bytes += job.of.bytes;
    const FoundPartition& found = *job.of.found;
    if (*job.opened) {
      plan_.on_loaded({found.name, *found.topic_id, **std::move(job.opened),
                       offset_of(directory_.contents().high_watermarks, found.name)});
    } else {
      leave_out(found, job.opened->error());
    }
    begin_next();
  }

  void leave_out(const FoundPartition& partition, const Error& error) {
    log(directory_.logger(), LogLevel::kError, "storage", "{} is not opened: {}", partition.directory, error.message());
    if (error.kind() == ErrorKind::kIo || error.kind() == ErrorKind::kNoSpace) {
      directory_.fail(error);
    }
    plan_.on_unloaded({partition.directory, partition.name, partition.topic_id.value_or(kZeroUuid), error});
  }

  LogDirectory& directory_;
  LogEnvironment environment_;
  runtime::Shard& shard_;
  runtime::Workers& workers_;
  LoadPlan plan_;
  Function<void(bool)> done_;
  std::vector<Waiting> waiting_;
  std::size_t next_ = 0;
  std::size_t in_flight_ = 0;
  bool finished_ = false;
};

}  // namespace

std::uint64_t SharedRandom::next() {
  std::uint64_t value = state_.fetch_add(0x9E37'79B9'7F4A'7C15, std::memory_order_relaxed) + 0x9E37'79B9'7F4A'7C15;
  value = (value ^ (value >> 30)) * 0xBF58'476D'1CE4'E5B9;
  value = (value ^ (value >> 27)) * 0x94D0'49BB'1331'11EB;
  return value ^ (value >> 31);
}

void load_logs(LogDirectory& directory, LogEnvironment environment, runtime::Shard& shard, runtime::Workers& workers,
               LoadPlan plan, Function<void(bool)> done) {
  std::make_shared<Loading>(directory, environment, shard, workers, std::move(plan), std::move(done))->start();
}

PartitionMarks marks_found(const DirectoryContents& contents, const TopicPartition& name, const Uuid& topic_id,
                           BrokerEpoch trusted_epoch) {
  const auto durable = trusted_durable_end(contents.durable_ends, name, topic_id, trusted_epoch);
  return {.name = name,
          .topic_id = topic_id,
          .high_watermark = offset_of(contents.high_watermarks, name),
          .recovery_point = offset_of(contents.recovery_points, name),
          .log_start = offset_of(contents.log_starts, name),
          .durable_end = durable.value_or(Offset(0)),
          .keep_durable_end = durable.has_value()};
}

bool was_there(const DirectoryContents& contents, const TopicPartition& name, const Uuid& topic_id) {
  const auto known = contents.durable_ends.find(name);
  if (known != contents.durable_ends.end()) {
    return known->second.topic_id == topic_id;
  }
  const PartitionMarks marks = marks_found(contents, name, topic_id, kNoBrokerEpoch);
  return std::max({marks.high_watermark, marks.recovery_point, marks.log_start}) > Offset(0);
}

Result<std::unique_ptr<Log>> make_log(const std::string& directory, LogEnvironment environment,
                                      const TopicPartition& name, const Uuid& topic_id, const LogConfig& config,
                                      std::int64_t now_ms) {
  const std::string path = runtime::join_path(directory, partition_directory_name(name));
  MOLDAU_TRY(there, environment.fs.exists(path));
  if (there) {
    // What a crash during an earlier attempt left is empty but for partition.metadata.
    MOLDAU_TRY(entries, environment.fs.list(path));
    for (const runtime::DirEntry& entry : entries) {
      if (!entry.name.starts_with(kPartitionMetadataFile)) {
        return fail(ErrorKind::kExists, "a partition directory of that name has files in it");
      }
    }
  }
  MOLDAU_CHECK(environment.fs.make_dirs(path));
  MOLDAU_CHECK(write_partition_metadata(environment.fs, path, topic_id));
  MOLDAU_CHECK(environment.fs.sync_dir(directory));
  OpenHints hints;
  hints.new_directory = true;
  hints.now_ms = now_ms;
  return open_idle(environment, path, name, config, hints);
}

}  // namespace moldau::storage
