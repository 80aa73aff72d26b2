#include "storage/cleaner/cleaned_offsets.h"

#include <algorithm>
#include <utility>

namespace moldau::storage {

CleanedOffsets::CleanedOffsets(runtime::FileSystem& fs, runtime::Shard& shard, runtime::Workers& workers,
                               Function<void(const std::string&, const Error&)> on_failure)
    : fs_(fs),
      shard_(shard),
      workers_(workers),
      on_failure_(std::move(on_failure)),
      alive_(std::make_shared<CleanedOffsets*>(this)) {}

CleanedOffsets::~CleanedOffsets() {
  *alive_ = nullptr;
}

std::optional<Offset> CleanedOffsets::find(const ByDirectory& offsets, const std::string& directory,
                                           const TopicPartition& name) {
  const auto of_directory = offsets.find(directory);
  if (of_directory == offsets.end()) {
    return std::nullopt;
  }
  const auto found = of_directory->second.find(name);
  return found == of_directory->second.end() ? std::nullopt : std::optional(found->second);
}

void CleanedOffsets::adopt(const std::string& directory, PartitionOffsets found) {
  auto next = std::make_shared<ByDirectory>(*offsets_);
  next->insert_or_assign(directory, std::move(found));
  offsets_ = std::move(next);
}

void CleanedOffsets::change(const std::string& directory, const TopicPartition& name, std::optional<Offset> offset) {
  auto next = std::make_shared<ByDirectory>(*offsets_);
  if (offset) {
    (*next)[directory].insert_or_assign(name, *offset);
  } else {
    (*next)[directory].erase(name);
  }
  offsets_ = std::move(next);
}

void CleanedOffsets::set(const std::string& directory, const TopicPartition& name, Offset offset) {
  if (find(*offsets_, directory, name) != offset) {
    change(directory, name, offset);
    write(directory);
  }
}

void CleanedOffsets::carry(const TopicPartition& name, const std::string& directory, Function<void(Result<>)> done) {
  std::optional<Offset> known;
  for (const auto& [other, offsets] : *offsets_) {
    known = std::max(known, find(*offsets_, other, name));
  }
  File& file = files_[directory];
  if (!known || (find(*offsets_, directory, name) == known && !file.writing)) {
    return done({});
  }
  if (file.failed) {
    return done(fail(ErrorKind::kOffline, "the cleaner's checkpoint could not be written"));
  }
  change(directory, name, known);
  file.waiters.push_back(std::move(done));
  write(directory);
}

void CleanedOffsets::forget_elsewhere(const TopicPartition& name, const std::string& directory) {
  for (const auto& [other, offsets] : *std::shared_ptr(offsets_)) {
    if (other != directory && offsets.contains(name)) {
      change(other, name, std::nullopt);
      write(other);
    }
  }
}

void CleanedOffsets::forget(const TopicPartition& name, Function<void(Result<>)> done) {
  struct Round {
    Function<void(Result<>)> done;
    Result<> outcome;
    std::size_t left = 1;
    void count_down(const Result<>& one) {
      outcome = outcome ? one : outcome;
      if (--left == 0) {
        done(outcome);
      }
    }
  };
  auto round = std::make_shared<Round>(std::move(done));
  // A write in flight may still hold what has just gone.
  for (const auto& [directory, offsets] : *std::shared_ptr(offsets_)) {
    File& file = files_[directory];
    if (!offsets.contains(name) && !file.writing) {
      continue;
    }
    if (file.failed) {
      round->outcome = fail(ErrorKind::kOffline, "the cleaner's checkpoint could not be written");
      continue;
    }
    if (offsets.contains(name)) {
      change(directory, name, std::nullopt);
    }
    ++round->left;
    file.waiters.push_back([round](const Result<>& written) { round->count_down(written); });
    write(directory);
  }
  round->count_down(round->outcome);
}

void CleanedOffsets::write(const std::string& directory) {
  File& file = files_[directory];
  file.changed = true;
  if (file.writing || file.failed) {
    return;
  }
  file.writing = true;
  file.changed = false;
  struct Job {
    std::shared_ptr<const ByDirectory> offsets;
    std::string directory;
    std::vector<Function<void(Result<>)>> waiters;
    Result<> outcome;
  };
  auto job = std::make_shared<Job>(offsets_, directory, std::exchange(file.waiters, {}));
  workers_.run(
      [job, &fs = fs_] {
        job->outcome = write_offset_checkpoint(fs, runtime::join_path(job->directory, kCleanerCheckpoint),
                                               job->offsets->at(job->directory));
      },
      shard_,
      [job, alive = alive_] {
        if (CleanedOffsets* self = *alive) {
          self->on_written(job->directory, std::move(job->waiters), job->outcome);
        }
      });
}

void CleanedOffsets::on_written(const std::string& directory, std::vector<Function<void(Result<>)>> waiters,
                                const Result<>& outcome) {
  File& file = files_[directory];
  file.writing = false;
  if (!outcome) {
    file.failed = true;
    std::ranges::move(std::exchange(file.waiters, {}), std::back_inserter(waiters));
    on_failure_(directory, outcome.error());
  } else if (file.changed) {
    write(directory);
  }
  for (Function<void(Result<>)>& waiter : waiters) {
    waiter(outcome);
  }
  tell_if_idle();
}

void CleanedOffsets::stop(Callback idle) {
  idle_ = std::move(idle);
  tell_if_idle();
}

void CleanedOffsets::tell_if_idle() {
  const bool busy = std::ranges::any_of(files_, [](const auto& file) { return file.second.writing; });
  if (!busy && idle_) {
    Callback idle = std::move(idle_);
    idle();
  }
}

}  // namespace moldau::storage
