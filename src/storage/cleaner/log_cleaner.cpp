#include "storage/cleaner/log_cleaner.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/probe.h"

namespace moldau::storage {
namespace {

constexpr std::string_view kArea = "cleaner";

std::string text_of(const TopicPartition& name) {
  return name.topic + "-" + std::to_string(name.partition.value());
}

double megabytes(std::uint64_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

}  // namespace

std::optional<SurveyedLog> LogSurvey::look(const TopicIdPartition& id, Log& log, Offset last_stable) const {
  if (!log.config().cleanup_compact || log.fenced() || log.offline()) {
    return std::nullopt;
  }
  std::string directory = runtime::parent_path(log.directory());
  const auto known = CleanedOffsets::find(*cleaned, directory, log.name());
  return SurveyedLog{.id = id,
                     .name = log.name(),
                     .directory = std::move(directory),
                     .range = log.cleanable_range(known, last_stable, now_ms),
                     .dirty_ratio_min = log.config().min_cleanable_dirty_ratio};
}

struct LogCleaner::Job {
  Job(runtime::Shard& shard, SurveyedLog surveyed, Function<void(Job&)> go_on)
      : log(std::move(surveyed)),
        began(shard.clock().now()),
        pause(shard.timers(), [this, go_on = std::move(go_on)]() mutable { go_on(*this); }) {}

  SurveyedLog log;
  runtime::MonoTime began;
  Result<CompactionTask> task = fail(ErrorKind::kInvalid, "no task yet");
  std::unique_ptr<CompactionPass> pass;
  Result<CompactionPass::Progress> progress = CompactionPass::Progress::kMore;
  std::uint64_t charged_bytes = 0;
  Result<bool> agreed = false;
  Result<> outcome;
  runtime::Timer pause;
  bool leaving = false;
  std::vector<Callback> left;  // who waits for the end
};

LogCleaner::LogCleaner(const Environment& environment, const CleanerConfig& config,
                       Function<void(const std::string&, const Error&)> on_failure)
    : environment_(environment),
      config_(config),
      on_failure_(std::move(on_failure)),
      offsets_(environment.fs, environment.shard, environment.workers,
               [this](const std::string& directory, const Error& error) { on_failure_(directory, error); }),
      throttle_(config.io_bytes_per_second),
      secret_{environment.shard.random().next(), environment.shard.random().next()},
      timer_(environment.shard.timers(), [this] { look(); }),
      alive_(std::make_shared<LogCleaner*>(this)) {}

LogCleaner::~LogCleaner() {
  *alive_ = nullptr;
}

void LogCleaner::start() {
  MOLDAU_ASSERT(!started_);
  started_ = true;
  arm(config_.backoff);
}

void LogCleaner::on_config(const CleanerConfig& config) {
  if (config == config_) {
    return;
  }
  config_ = config;
  throttle_.set_rate(config.io_bytes_per_second);
  if (started_ && !stopping_ && !looking_) {
    arm(config_.backoff);
  }
}

void LogCleaner::arm(std::chrono::milliseconds after) {
  timer_.arm(environment_.shard.clock().now() + after);
}

// --- which log ---

void LogCleaner::look() {
  if (stopping_ || looking_) {
    return;
  }
  if (!config_.enable || jobs_.size() >= static_cast<std::size_t>(std::max(config_.threads, 0))) {
    return arm(std::max(config_.backoff, std::chrono::milliseconds(1)));
  }
  looking_ = true;
  last_look_ = environment_.shard.clock().now();
  environment_.logs.survey({offsets_.all(), environment_.shard.clock().wall_ms()},
                           [alive = alive_](std::vector<SurveyedLog> logs) {
                             if (LogCleaner* self = *alive) {
                               self->on_survey(std::move(logs));
                             }
                           });
}

void LogCleaner::on_survey(std::vector<SurveyedLog> logs) {
  looking_ = false;
  if (stopping_) {
    return tell_if_stopped();
  }
  const runtime::MonoTime now = environment_.shard.clock().now();
  SurveyedLog* dirtiest = nullptr;
  counted_.dirty_ratio_max = 0.0;
  counted_.overdue_ms_max = 0;
  for (SurveyedLog& log : logs) {
    const bool at_work = std::ranges::any_of(jobs_, [&](const auto& job) { return job->log.id == log.id; });
    const auto aside = set_aside_.find(log.id);
    if (at_work || (aside != set_aside_.end() && now < aside->second.retry_at)) {
      continue;
    }
    if (!log.range) {
      if (log.range.error().kind() == ErrorKind::kIo) {
        on_failure_(log.directory, log.range.error());
      }
      set_aside(log.id, log.name, 0, log.range.error());
      continue;
    }
    if (log.range->resets_checkpoint) {
      offsets_.set(log.directory, log.name, log.range->first_dirty);
    }
    counted_.dirty_ratio_max = std::max(counted_.dirty_ratio_max, log.range->dirty_ratio());
    counted_.overdue_ms_max = std::max(counted_.overdue_ms_max, log.range->overdue_ms);
    if (log.range->is_due(log.dirty_ratio_min) &&
        (dirtiest == nullptr || log.range->dirty_ratio() > dirtiest->range->dirty_ratio())) {
      dirtiest = &log;
    }
  }
  if (dirtiest == nullptr) {
    return arm(std::max(config_.backoff, std::chrono::milliseconds(1)));
  }
  begin(std::move(*dirtiest));
  look();  // for another thread, or to wait
}

void LogCleaner::set_aside(const TopicIdPartition& id, const TopicPartition& name, std::uint64_t dirty_bytes,
                           const Error& error) {
  MOLDAU_PROBE("cleaner.set_aside");
  SetAside& entry = set_aside_[id];
  entry.name = name;
  entry.reason = error.message();
  entry.dirty_bytes = dirty_bytes;
  entry.delay = entry.delay.count() == 0 ? kRetryMin : std::min(entry.delay * 2, kRetryMax);
  entry.retry_at = environment_.shard.clock().now() + entry.delay;
  // A segment that retention took meanwhile is no failure.
  const bool overtaken = error.kind() == ErrorKind::kNotFound || error.kind() == ErrorKind::kLocked;
  counted_.failures += overtaken ? 0 : 1;
  log(environment_.logger, overtaken ? LogLevel::kInfo : LogLevel::kWarn, kArea,
      "{} cannot be compacted: {}; tried again in {} s", text_of(name), entry.reason,
      std::chrono::duration_cast<std::chrono::seconds>(entry.delay).count());
}

// --- one job ---

void LogCleaner::begin(SurveyedLog log) {
  auto job = std::make_shared<Job>(environment_.shard, std::move(log), [this](Job& paused) { resume(paused); });
  jobs_.push_back(job);
  environment_.logs.with_log(
      job->log.id,
      [job, now_ms = environment_.shard.clock().wall_ms()](Log& found, Offset) {
        // The range is of a moment ago. What was cut or deleted since is no longer to be compacted.
        const CleanableRange& range = *job->log.range;
        const bool holds = found.config().cleanup_compact && found.log_end() >= range.first_uncleanable &&
                           found.log_start() <= range.first_dirty &&
                           found.active_segment_base() >= range.first_uncleanable;
        job->task = holds ? found.compaction_task(range, now_ms)
                          : Result<CompactionTask>(fail(ErrorKind::kNotFound, "the log has changed"));
      },
      [alive = alive_, job](bool found) {
        if (LogCleaner* self = *alive) {
          self->on_task(job, found);
        }
      });
}

void LogCleaner::on_task(const std::shared_ptr<Job>& job, bool found) {
  if (!found || should_end(*job)) {
    return end(job);
  }
  if (!job->task) {
    return give_up(job, job->task.error());
  }
  const auto threads = static_cast<std::size_t>(std::max(config_.threads, 1));
  const CompactionLimits limits{
      .map_bytes = static_cast<std::size_t>(std::max<std::int64_t>(config_.dedupe_buffer_bytes, 0)) / threads,
      .map_load_factor = config_.dedupe_load_factor,
      .buffer_bytes = static_cast<std::size_t>(std::max(config_.io_buffer_bytes, 0)) / threads / 2};
  job->pass =
      std::make_unique<CompactionPass>(environment_.fs, environment_.logger, *std::move(job->task), limits, secret_);
  run_slice(job);
}

bool LogCleaner::should_end(const Job& job) const {
  return stopping_ || job.leaving || !config_.enable;
}

// `done` on this shard, not if the cleaner is gone by then.
void LogCleaner::run(const std::shared_ptr<Job>& job, Function<void(Job&)> work, Callback done) {
  environment_.workers.run([job, work = std::move(work)]() mutable { work(*job); }, environment_.shard,
                           [alive = alive_, done = std::move(done)]() mutable {
                             if (*alive != nullptr) {
                               done();
                             }
                           });
}

void LogCleaner::run_slice(const std::shared_ptr<Job>& job) {
  if (should_end(*job)) {
    return discard_and(job, [this, job] { end(job); });
  }
  run(
      job, [bytes = throttle_.slice_bytes()](Job& at) { at.progress = at.pass->work(bytes); },
      [this, job] { on_slice(job); });
}

void LogCleaner::on_slice(const std::shared_ptr<Job>& job) {
  if (!job->progress) {
    return discard_and(job, [this, job] { give_up(job, job->progress.error()); });
  }
  switch (*job->progress) {
    case CompactionPass::Progress::kMore: return pause(job);
    case CompactionPass::Progress::kGroupReady: return swap(job);
    case CompactionPass::Progress::kDone: return complete(job);
  }
}

// For as long as the throttle wants it.
void LogCleaner::pause(const std::shared_ptr<Job>& job) {
  const std::uint64_t bytes = job->pass->io_bytes();
  const runtime::MonoTime now = environment_.shard.clock().now();
  const runtime::MonoTime when = throttle_.charge(bytes - std::exchange(job->charged_bytes, bytes), now);
  if (when - now < std::chrono::milliseconds(1) || should_end(*job)) {
    return run_slice(job);
  }
  job->pause.arm(when);
}

void LogCleaner::resume(Job& paused) {
  const auto job = std::ranges::find_if(jobs_, [&](const auto& each) { return each.get() == &paused; });
  MOLDAU_ASSERT(job != jobs_.end());
  run_slice(std::shared_ptr(*job));
}

// It is to end: a pause need not be waited for.
void LogCleaner::hurry(Job& job) {
  if (job.pause.armed()) {
    job.pause.cancel();
    resume(job);
  }
}

void LogCleaner::swap(const std::shared_ptr<Job>& job) {
  if (should_end(*job)) {
    return discard_and(job, [this, job] { end(job); });
  }
  environment_.logs.with_log(
      job->log.id,
      [job](Log& found, Offset) {
        job->agreed = found.config().cleanup_compact
                          ? found.begin_swap(job->pass->group())
                          : Result<bool>(fail(ErrorKind::kNotFound, "the topic is not compacted any more"));
      },
      [alive = alive_, job](bool found) {
        LogCleaner* self = *alive;
        if (self == nullptr) {
          return;
        }
        if (!found) {
          self->discard_and(job, [self, job] { self->end(job); });
        } else if (!job->agreed) {
          self->discard_and(job, [self, job] { self->give_up(job, job->agreed.error()); });
        } else if (!*job->agreed) {
          self->discard_and(job, [self, job] { self->pause(job); });
        } else {
          self->install(job);
        }
      });
}

// From here on there is no way back, and a stop waits.
void LogCleaner::install(const std::shared_ptr<Job>& job) {
  run(
      job, [](Job& at) { at.outcome = at.pass->install(); },
      [this, job] {
        if (!job->outcome) {
          on_failure_(job->log.directory, job->outcome.error());
          return end(job);
        }
        finish_swap(job);
      });
}

void LogCleaner::finish_swap(const std::shared_ptr<Job>& job) {
  environment_.logs.with_log(
      job->log.id,
      [job, now_ms = environment_.shard.clock().wall_ms()](Log& found, Offset) {
        job->outcome = found.finish_swap(job->pass->group(), now_ms);
      },
      [alive = alive_, job](bool found) {
        LogCleaner* self = *alive;
        if (self == nullptr) {
          return;
        }
        if (!found) {
          self->end(job);  // deleted meanwhile
        } else if (!job->outcome) {
          self->on_failure_(job->log.directory, job->outcome.error());
          self->end(job);
        } else {
          self->pause(job);
        }
      });
}

void LogCleaner::discard_and(const std::shared_ptr<Job>& job, Callback then) {
  run(
      job, [](Job& at) { at.outcome = at.pass->discard(); },
      [this, job, then = std::move(then)]() mutable {
        // kNotFound: the directory went with its topic. Else they are removed by the next pass, or the next start.
        if (!job->outcome && job->outcome.error().kind() != ErrorKind::kNotFound) {
          log(environment_.logger, LogLevel::kWarn, kArea, "{}: unfinished files of a compaction are left: {}",
              text_of(job->log.name), job->outcome.error().message());
        }
        then();
      });
}

void LogCleaner::give_up(const std::shared_ptr<Job>& job, const Error& error) {
  switch (error.kind()) {
    case ErrorKind::kOffline: break;
    case ErrorKind::kIo: on_failure_(job->log.directory, error); break;
    default: set_aside(job->log.id, job->log.name, job->log.range->dirty_bytes, error);
  }
  end(job);
}

void LogCleaner::complete(const std::shared_ptr<Job>& job) {
  const CompactionPass& pass = *job->pass;
  const CompactionCounts counts = pass.counts();
  const auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(environment_.shard.clock().now() - job->began);
  set_aside_.erase(job->log.id);
  offsets_.set(job->log.directory, job->log.name, pass.end());
  ++counted_.passes;
  counted_.bytes_read += counts.indexed_bytes + counts.read_bytes;
  counted_.bytes_written += counts.written_bytes;
  counted_.records_read += counts.records.records_read;
  counted_.records_kept += counts.records.records_kept;
  counted_.last_map_utilization = counts.map_utilization;
  counted_.last_pass_ms = took.count();
  log(environment_.logger, LogLevel::kInfo, kArea,
      "{}: compacted up to offset {} (dirty from {}): {:.1f} MB became {:.1f} MB, {} of {} records stay; {} ms, table "
      "{:.0f} % full",
      text_of(job->log.name), pass.end().value(), pass.task().first_dirty.value(), megabytes(counts.read_bytes),
      megabytes(counts.written_bytes), counts.records.records_kept, counts.records.records_read, took.count(),
      100 * counts.map_utilization);
  if (counts.records.records_without_key > 0) {
    log(environment_.logger, LogLevel::kWarn, kArea, "{}: {} records without a key were removed",
        text_of(job->log.name), counts.records.records_without_key);
  }
  end(job);
}

void LogCleaner::end(const std::shared_ptr<Job>& job) {
  std::erase(jobs_, job);
  job->pause.cancel();
  for (Callback& left : std::exchange(job->left, {})) {
    left();
  }
  if (stopping_) {
    return tell_if_stopped();
  }
  // What is dirty next is looked for at once, as long as there was something.
  arm(std::chrono::milliseconds(0));
}

// --- the end ---

void LogCleaner::leave(const TopicIdPartition& id, Callback left) {
  set_aside_.erase(id);
  const auto at_work = std::ranges::find_if(jobs_, [&](const auto& job) { return job->log.id == id; });
  if (at_work == jobs_.end()) {
    return left();
  }
  Job& job = **at_work;
  job.leaving = true;
  job.left.push_back(std::move(left));
  hurry(job);
}

void LogCleaner::stop(Callback stopped) {
  MOLDAU_ASSERT(!stopping_);
  stopping_ = true;
  stopped_ = std::move(stopped);
  timer_.cancel();
  for (const auto& job : std::vector(jobs_)) {
    hurry(*job);
  }
  tell_if_stopped();
}

void LogCleaner::tell_if_stopped() {
  if (jobs_.empty() && !looking_ && stopped_) {
    offsets_.stop(std::exchange(stopped_, Callback{}));
  }
}

CleanerMetrics LogCleaner::metrics() const {
  CleanerMetrics metrics = counted_;
  metrics.jobs = jobs_.size();
  metrics.since_last_look_ms =
      last_look_ == runtime::MonoTime{}
          ? 0
          : std::chrono::duration_cast<std::chrono::milliseconds>(environment_.shard.clock().now() - last_look_)
                .count();
  for (const auto& [id, entry] : set_aside_) {
    metrics.set_aside.push_back(entry);
  }
  return metrics;
}

}  // namespace moldau::storage
