#include "broker/node/hosted_directory.h"

#include <chrono>
#include <set>
#include <utility>

#include "storage/checkpoint/durable_end_file.h"

namespace moldau::broker {
namespace {

constexpr std::chrono::minutes kLeftoverDelay{1};  // of directories that an earlier process was to remove

storage::CheckpointIntervals intervals_of(const NodeConfig& config) {
  storage::CheckpointIntervals intervals;
  intervals.high_watermarks = config.high_watermark_checkpoint_interval;
  intervals.recovery_points = config.recovery_point_checkpoint_interval;
  intervals.log_starts = config.log_start_checkpoint_interval;
  return intervals;
}

}  // namespace

HostedDirectory::HostedDirectory(storage::LogDirectory& directory, storage::MarkSource& marks,
                                 const runtime::World& world, runtime::Workers& workers, const NodeConfig& config)
    : directory_(directory),
      marks_(marks),
      shard_(world.shard(0)),
      load_workers_(world.workers),
      workers_(workers),
      checkpointer_(directory, *this, shard_, world.workers, intervals_of(config)),
      remover_(directory, shard_, workers, kLeftoverDelay) {}

void HostedDirectory::inherit(const metadata::BrokerRegistration* newest, const Uuid& incarnation, Callback done) {
  const storage::DirectoryContents& contents = directory_.contents();
  storage::DurableEndHeirs heirs;
  if (newest != nullptr) {
    trusted_epoch_ =
        storage::epoch_that_counts(contents.durable_ends, contents.heirs, newest->epoch(), newest->incarnation_id());
    heirs[newest->incarnation_id()] = trusted_epoch_;  // until the new registration is durable, the old one is newest
    heirs[incarnation] = trusted_epoch_;
  }
  auto written = std::make_shared<Result<>>();
  workers_.run([written, heirs = std::move(heirs), &fs = directory_.fs(),
                path = directory_.path_of(
                    storage::kDurableEndHeirsFile)] { *written = storage::write_durable_end_heirs(fs, path, heirs); },
               shard_,
               [this, written, done = std::move(done)]() mutable {
                 if (!*written) {
                   directory_.fail(written->error());
                 }
                 done();
               });
}

void HostedDirectory::load(storage::LogEnvironment logs, storage::LoadPlan plan, Function<void(bool)> done) {
  plan.trusted_epoch = trusted_epoch_;
  plan.progress = progress_;
  storage::load_logs(directory_, logs, shard_, load_workers_, std::move(plan), std::move(done));
}

void HostedDirectory::collect_marks(const storage::LogDirectory& directory,
                                    Function<void(std::vector<storage::PartitionMarks>)> done) {
  marks_.collect_marks(directory, [this, done = std::move(done)](std::vector<storage::PartitionMarks> marks) mutable {
    keep_as_read(marks);
    done(std::move(marks));
  });
}

void HostedDirectory::keep_as_read(std::vector<storage::PartitionMarks>& marks) const {
  if (kept_.empty()) {
    return;
  }
  std::set<TopicPartition> named;
  for (storage::PartitionMarks& mark : marks) {
    if (const auto found = kept_.find(mark.name); found != kept_.end()) {
      mark = found->second;
      named.insert(mark.name);
    }
  }
  for (const auto& [name, kept] : kept_) {
    if (!named.contains(name)) {
      marks.push_back(kept);
    }
  }
}

}  // namespace moldau::broker
