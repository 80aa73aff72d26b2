#include "storage/directory/checkpointer.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace moldau::storage {

// What the files hold, as far as this process wrote them.
struct Checkpointer::Written {
  std::optional<std::string> content[4];
};

struct Checkpointer::Job {
  unsigned files = 0;
  std::vector<PartitionMarks> marks;
  BrokerEpoch broker_epoch = kNoBrokerEpoch;
  std::vector<Waiter> waiters;
  std::shared_ptr<Written> written;
  OffsetFiles offset_files;  // those written
  Result<> outcome;

  // On a worker.
  Result<> run(runtime::FileSystem& fs, const std::string& directory);

 private:
  Result<> replace(runtime::FileSystem& fs, const std::string& directory, std::size_t index, const char* file,
                   std::string content) const;
  [[nodiscard]] PartitionOffsets offsets(Offset PartitionMarks::* mark, bool zero) const;
  [[nodiscard]] DurableEnds durable_ends() const;
};

PartitionOffsets Checkpointer::Job::offsets(Offset PartitionMarks::* mark, bool zero) const {
  PartitionOffsets result;
  for (const PartitionMarks& partition : marks) {
    if (zero || partition.*mark > Offset(0)) {
      result.emplace(partition.name, partition.*mark);
    }
  }
  return result;
}

Result<> Checkpointer::Job::replace(runtime::FileSystem& fs, const std::string& directory, std::size_t index,
                                    const char* file, std::string content) const {
  if (written->content[index] == content) {
    return {};
  }
  MOLDAU_CHECK(runtime::replace_file(fs, runtime::join_path(directory, file), as_bytes(content)));
  written->content[index] = std::move(content);
  return {};
}

// Every partition that a file says something of has its topic id here, a durable end only where the topic keeps one.
DurableEnds Checkpointer::Job::durable_ends() const {
  constexpr Offset kNothing{0};
  DurableEnds ends;
  for (const PartitionMarks& partition : marks) {
    const Offset end = partition.keep_durable_end ? partition.durable_end : kNothing;
    if (end > kNothing || partition.recovery_point > kNothing || partition.log_start > kNothing ||
        partition.high_watermark > kNothing) {
      ends.emplace(partition.name, DurableEnd{partition.topic_id, broker_epoch, end});
    }
  }
  return ends;
}

Result<> Checkpointer::Job::run(runtime::FileSystem& fs, const std::string& directory) {
  struct File {
    unsigned flag;
    const char* name;
    Offset PartitionMarks::* mark;
    bool zero;
  };
  constexpr File kFiles[] = {{kRecoveryPoints, kRecoveryPointCheckpoint, &PartitionMarks::recovery_point, true},
                             {kLogStarts, kLogStartCheckpoint, &PartitionMarks::log_start, false},
                             {kHighWatermarks, kHighWatermarkCheckpoint, &PartitionMarks::high_watermark, true}};
  for (std::size_t i = 0; i < std::size(kFiles); ++i) {
    if ((files & kFiles[i].flag) != 0) {
      auto content = std::make_shared<const PartitionOffsets>(offsets(kFiles[i].mark, kFiles[i].zero));
      MOLDAU_CHECK(replace(fs, directory, i, kFiles[i].name, format_offset_checkpoint(*content)));
      offset_files[i] = std::move(content);
    }
  }
  if ((files & kDurableEnds) != 0 && broker_epoch != kNoBrokerEpoch) {
    MOLDAU_CHECK(replace(fs, directory, 3, kDurableEndFile, format_durable_ends(durable_ends())));
  }
  return {};
}

Checkpointer::Checkpointer(LogDirectory& directory, MarkSource& source, runtime::Shard& shard,
                           runtime::Workers& workers, const CheckpointIntervals& intervals)
    : directory_(directory),
      source_(source),
      shard_(shard),
      workers_(workers),
      intervals_(intervals),
      timer_(shard.timers(), [this] { on_tick(); }),
      written_(std::make_shared<Written>()),
      alive_(std::make_shared<Checkpointer*>(this)) {
  const DirectoryContents& found = directory.contents();
  on_disk_ = {std::make_shared<const PartitionOffsets>(found.recovery_points),
              std::make_shared<const PartitionOffsets>(found.log_starts),
              std::make_shared<const PartitionOffsets>(found.high_watermarks)};
}

Checkpointer::~Checkpointer() {
  *alive_ = nullptr;
}

void Checkpointer::start() {
  const runtime::MonoTime now = shard_.clock().now();
  next_[0] = now + intervals_.durable_ends;
  next_[1] = now + intervals_.high_watermarks;
  next_[2] = now + intervals_.recovery_points;
  next_[3] = now + intervals_.log_starts;
  timer_.arm(*std::ranges::min_element(next_));
}

void Checkpointer::on_tick() {
  constexpr File kFiles[] = {kDurableEnds, kHighWatermarks, kRecoveryPoints, kLogStarts};
  const std::chrono::milliseconds every[] = {intervals_.durable_ends, intervals_.high_watermarks,
                                             intervals_.recovery_points, intervals_.log_starts};
  const runtime::MonoTime now = shard_.clock().now();
  unsigned due = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    if (next_[i] <= now) {
      due |= kFiles[i];
      next_[i] = now + every[i];
    }
  }
  if (due != 0) {
    want(due, nullptr);
  }
  timer_.arm(*std::ranges::min_element(next_));
}

void Checkpointer::set_broker_epoch(BrokerEpoch epoch) {
  broker_epoch_ = epoch;
}

void Checkpointer::on_roll() {
  want(kDurableEnds, nullptr);
}

void Checkpointer::keep_log_starts(Function<void(bool)> done) {
  want(kLogStarts, [done = std::move(done)](Result<> outcome) mutable { done(outcome.has_value()); });
}

void Checkpointer::forget(const TopicPartition& name, Function<void(Result<>)> done) {
  if (!may_hold(name)) {
    return done({});
  }
  want(kOffsetFiles, std::move(done));
}

bool Checkpointer::may_hold(const TopicPartition& name) const {
  // The marks of a write in flight may be older than the name's release.
  return (in_flight_ & kOffsetFiles) != 0 || std::ranges::any_of(on_disk_, [&name](const auto& offsets) {
           const auto found = offsets->find(name);
           return found != offsets->end() && found->second > Offset(0);
         });
}

void Checkpointer::write_all(Function<void(Result<>)> done) {
  want(kAllFiles, std::move(done));
}

void Checkpointer::want(unsigned files, Function<void(Result<>)> done) {
  MOLDAU_ASSERT(shard_.is_current());
  if (directory_.offline() || resting_) {
    if (done) {
      done(fail(ErrorKind::kOffline, "log directory is offline or stopped"));
    }
    return;
  }
  wanted_ |= files;
  if (done) {
    waiters_.push_back({files, std::move(done)});
  }
  if (!busy_) {
    begin();
  }
}

void Checkpointer::begin() {
  busy_ = true;
  const unsigned files = in_flight_ = std::exchange(wanted_, 0);
  source_.collect_marks(directory_, [alive = alive_, files,
                                     waiters = std::exchange(waiters_, {})](std::vector<PartitionMarks> marks) mutable {
    if (Checkpointer* self = *alive) {
      self->write(files, std::move(waiters), std::move(marks));
    }
  });
}

void Checkpointer::write(unsigned files, std::vector<Waiter> waiters, std::vector<PartitionMarks> marks) {
  auto job = std::make_shared<Job>();
  job->files = in_flight_ = files | (any_lowered(marks) ? kRecoveryPoints : 0U);
  job->marks = std::move(marks);
  job->broker_epoch = broker_epoch_;
  job->waiters = std::move(waiters);
  job->written = written_;
  workers_.run([job, &fs = directory_.fs(), path = directory_.path()] { job->outcome = job->run(fs, path); }, shard_,
               [alive = alive_, job] {
                 if (Checkpointer* self = *alive) {
                   self->on_written(*job);
                 }
               });
}

// A truncated log ends below the recovery point in the file. Recovery would take that for lost records, so the file is
// not left as it is until its turn comes.
bool Checkpointer::any_lowered(const std::vector<PartitionMarks>& marks) const {
  return std::ranges::any_of(marks, [&](const PartitionMarks& partition) {
    const auto known = on_disk_[0]->find(partition.name);
    return known != on_disk_[0]->end() && partition.recovery_point < known->second;
  });
}

void Checkpointer::on_written(Job& job) {
  busy_ = false;
  in_flight_ = 0;
  for (std::size_t i = 0; i < on_disk_.size(); ++i) {
    if (job.offset_files[i]) {
      on_disk_[i] = std::move(job.offset_files[i]);
    }
  }
  if (!job.outcome) {
    directory_.fail(job.outcome.error());
  } else if ((job.files & kRecoveryPoints) != 0) {
    source_.on_recovery_points(directory_, *on_disk_[0]);
  }
  for (Waiter& waiter : job.waiters) {
    waiter.done(job.outcome);
  }
  if (stop_) {
    Callback stop = std::move(stop_);
    stop();
    return;
  }
  if (directory_.offline()) {
    wanted_ = 0;
    for (Waiter& waiter : std::exchange(waiters_, {})) {
      waiter.done(fail(ErrorKind::kOffline, "log directory is offline"));
    }
  } else if (wanted_ != 0 && !busy_) {
    begin();
  }
}

void Checkpointer::rest() {
  resting_ = true;
  timer_.cancel();
  wanted_ = 0;
  for (Waiter& waiter : std::exchange(waiters_, {})) {
    waiter.done(fail(ErrorKind::kClosed, "stopping"));
  }
}

void Checkpointer::stop(std::vector<PartitionMarks> marks, bool clean, Function<void(Result<>)> done) {
  rest();
  if (busy_) {
    stop_ = [this, marks = std::move(marks), clean, done = std::move(done)]() mutable {
      stop(std::move(marks), clean, std::move(done));
    };
    return;
  }
  if (directory_.offline()) {
    done(fail(ErrorKind::kOffline, "log directory is offline"));
    return;
  }
  busy_ = true;
  auto job = std::make_shared<Job>();
  job->files = kAllFiles;
  job->marks = std::move(marks);
  job->broker_epoch = broker_epoch_;
  job->written = written_;
  workers_.run(
      [job, clean, &fs = directory_.fs(), path = directory_.path()] {
        job->outcome = job->run(fs, path);
        if (job->outcome && clean) {
          job->outcome = write_clean_shutdown(fs, path, job->broker_epoch);
        }
      },
      shard_,
      [alive = alive_, job, done = std::move(done)]() mutable {
        if (Checkpointer* self = *alive; self != nullptr && !job->outcome) {
          self->directory_.fail(job->outcome.error());
        }
        done(job->outcome);
      });
}

}  // namespace moldau::storage
