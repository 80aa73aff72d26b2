#include "broker/node/replica_host.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "broker/node/log_closer.h"
#include "broker/node/topic_journal.h"
#include "replication/partition/partition.h"
#include "storage/directory/partition_directory.h"

namespace moldau::broker {
namespace {

constexpr std::size_t kJobsMax = 16;  // that make and remove partitions, at a time

// What one partition's log reports and the whole directory has.
bool ends_directory(const Error& error) {
  return error.kind() == ErrorKind::kIo || error.kind() == ErrorKind::kNoSpace || error.kind() == ErrorKind::kOffline;
}

}  // namespace

ReplicaHost::ReplicaHost(const Environment& environment, Events events)
    : environment_(environment),
      events_(std::move(events)),
      shard_(environment.world.shard(0)),
      logger_(environment.world.logger),
      workers_(environment.world.workers, shard_, kJobsMax),
      marks_(shard_, environment.topic_configs, environment.home, environment.routers),
      directories_({.world = environment.world,
                    .config = environment.config,
                    .directories = environment.directories,
                    .lost = environment.lost},
                   marks_, workers_,
                   [this](HostedDirectory& directory, const Error& error) { on_directory_failed(directory, error); }),
      assigner_(shard_, logger_),
      cleaner_(environment.world, environment.config, environment.topic_configs, environment.home, environment.routers,
               directories_),
      moves_({.world = environment.world,
              .config = environment.config,
              .topic_configs = environment.topic_configs,
              .assigner = assigner_,
              .cleaner = cleaner_,
              .random = environment.random,
              .home = environment.home,
              .routers = environment.routers}),
      requests_(directories_,
                {.world = environment.world,
                 .config = environment.config,
                 .directories = directories_,
                 .home = environment.home,
                 .routers = environment.routers},
                moves_),
      upkeep_(environment.world, environment.config, environment.home,
              [this](const PartitionSeed& seed, const Error& error) {
                if (ends_directory(error)) {
                  // Later: the seeds are being looked at, and some are about to go.
                  shard_.post([alive = alive_, path = seed.log->directory(), error] {
                    if (ReplicaHost* host = *alive) {
                      host->on_storage_failure(path, error);
                    }
                  });
                  return;
                }
                moldau::log(logger_, LogLevel::kError, "storage", "{} is damaged, found by the retention check: {}",
                            seed.log->directory(), error.message());
                damaged_.insert(seed.name);
              }),
      patience_(shard_.timers(), [this] { serve(); }),
      alive_(std::make_shared<ReplicaHost*>(this)) {}

ReplicaHost::~ReplicaHost() {
  *alive_ = nullptr;
}

// --- following the metadata ---

void ReplicaHost::take_image(std::shared_ptr<const metadata::Image> image) {
  image_ = std::move(image);
  marks_.on_image(image_);
  moves_.on_image(image_);
  requests_.on_image(image_);
  std::string cordoned = environment_.topic_configs.broker_value(*image_, metadata::kCordonedLogDirsConfig);
  if (cordoned != cordoned_) {
    cordoned_ = std::move(cordoned);
    directories_.cordon(cordoned_);
    events_.on_cordoned(directories_.cordoned());
  }
}

void ReplicaHost::on_image(const metadata::ImageUpdate& update) {
  take_image(update.after);
  if (!serving_ || stopping_) {
    return;
  }
  log_topic_changes(logger_, update);
  // Deletions first: a topic that was deleted and created again waits for its own name.
  for (const auto& [topic_id, name] : update.changes->deleted_topics) {
    for (const auto& [index, partition] : update.before->topic(topic_id)->partitions) {
      remove({topic_id, index}, {name, index});
    }
  }
  apply(*update.after, *update.changes);
}

void ReplicaHost::apply(const metadata::Image& image, const metadata::ImageChanges& changes) {
  for (const auto& [topic_id, indexes] : changes.topics) {
    const metadata::Topic* topic = image.topic(topic_id);
    for (const PartitionIndex index : indexes) {
      host_if_ours(image, *topic, index);
    }
  }
  if (!changes.configs.empty()) {
    cleaner_.on_image(image);
    environment_.home.for_each_seed([&](PartitionSeed& seed) {
      seed.log->on_config(environment_.topic_configs.config_of(image, seed.name.topic).log);
    });
  }
}

void ReplicaHost::host_if_ours(const metadata::Image& image, const metadata::Topic& topic, PartitionIndex index) {
  const auto* partition = image.partition({topic.id, index});
  const TopicIdPartition id{topic.id, index};
  if (partition == nullptr || !metadata::contains(partition->replicas, environment_.config.node_id) ||
      environment_.home.hosts(id) || environment_.home.is_expected(id)) {
    return;
  }
  if (const auto found = unserved_.find({topic.name, index});
      found != unserved_.end() && found->second.topic_id == topic.id) {
    return;
  }
  if (const auto found = opening_.find({topic.name, index});
      found != opening_.end() && found->second.topic_id == topic.id) {
    return;
  }
  environment_.home.expect(id);
  Creation creation{.name = {topic.name, index}, .topic_id = topic.id};
  if (const auto taken = busy_names_.find(creation.name); taken != busy_names_.end()) {
    if (taken->second) {  // created and deleted again while the name was still taken
      environment_.home.cancel_opening({taken->second->topic_id, index});
    }
    taken->second = std::move(creation);
    return;
  }
  create(std::move(creation));
}

// Where its log is to be made; null: it may be in a directory that is lost.
HostedDirectory* ReplicaHost::place(const Creation& creation) {
  const auto* partition = image_->partition({creation.topic_id, creation.name.partition});
  if (partition == nullptr) {
    return directories_.emptiest();  // deleted meanwhile: it goes as soon as it is made
  }
  if (HostedDirectory* preferred = requests_.take_preferred(creation.name)) {
    return preferred;
  }
  const Uuid id = partition->directory(environment_.config.node_id).value_or(kUnassignedDirectory);
  if (HostedDirectory* told = directories_.online_by_id(id)) {
    return told;
  }
  const bool is_assigned = id != kUnassignedDirectory && !id.is_zero();
  // Each start of this node raises the epoch of what it leads.
  const bool is_new = partition->leader_epoch == LeaderEpoch(0);
  if (directories_.any_lost() && (is_assigned || !is_new)) {
    return nullptr;
  }
  return directories_.emptiest();
}

void ReplicaHost::create(Creation creation) {
  if (stopping_) {
    return;
  }
  HostedDirectory* where = place(creation);
  if (where == nullptr) {
    const TopicPartition name = creation.name;
    refuse(name, {.topic_id = creation.topic_id, .lost = true},
           Error(ErrorKind::kOffline, "its log directory is lost"));
    release_name(name);
    return;
  }
  busy_names_.try_emplace(creation.name, std::nullopt);
  ++where->partitions;
  const TopicPartition name = creation.name;
  forget(name, [this, where, creation = std::move(creation)]() mutable {
    if (!stopping_) {
      make(std::move(creation), *where);
    }
  });
}

void ReplicaHost::make(Creation creation, HostedDirectory& where) {
  struct Job {
    Creation creation;
    std::string directory;
    storage::LogEnvironment logs;
    storage::LogConfig config;
    std::int64_t now_ms = 0;
    Result<std::unique_ptr<storage::Log>> log = fail(ErrorKind::kOffline, "the log directory has failed");
  };
  if (!where.online()) {
    return on_made(creation, where, fail(ErrorKind::kOffline, "the log directory has failed"));
  }
  const storage::LogConfig config = environment_.topic_configs.config_of(*image_, creation.name.topic).log;
  const storage::LogEnvironment logs{environment_.world.fs, logger_, environment_.random};
  auto job =
      std::make_shared<Job>(std::move(creation), where.directory().path(), logs, config, shard_.clock().wall_ms());
  workers_.run(
      [job] {
        job->log = storage::make_log(job->directory, job->logs, job->creation.name, job->creation.topic_id, job->config,
                                     job->now_ms);
      },
      shard_, [this, job, &where] { on_made(job->creation, where, std::move(job->log)); });
}

void ReplicaHost::on_made(const Creation& creation, HostedDirectory& where, Result<std::unique_ptr<storage::Log>> log) {
  const TopicIdPartition id{creation.topic_id, creation.name.partition};
  if (!log && ends_directory(log.error())) {
    moldau::log(logger_, LogLevel::kError, "storage", "partition {} could not be made: {}",
                storage::partition_directory_name(creation.name), log.error().message());
    where.directory().fail(log.error());
  }
  if (!where.online()) {
    // Nothing was ever written to it: another directory may have it.
    --where.partitions;
    if (directories_.online() > 0) {
      return create(creation);
    }
    return environment_.home.cancel_opening(id);
  }
  if (!log) {
    --where.partitions;
    where.keep({.name = creation.name, .topic_id = id.topic_id});
    refuse(creation.name, {.topic_id = id.topic_id, .where = &where, .has_directory = true}, log.error());
  } else {
    environment_.home.add(
        {.name = creation.name, .topic_id = id.topic_id, .log = *std::move(log), .high_watermark = Offset{0}});
    tell_directory(id, where);
  }
  if (stopping_) {
    return;
  }
  if (image_->topic(id.topic_id) == nullptr) {
    remove(id, creation.name);  // deleted while it was being made
  } else {
    release_name(creation.name);
  }
}

// The metadata is told where a replica is, if it does not know.
void ReplicaHost::tell_directory(const TopicIdPartition& id, HostedDirectory& where) {
  const auto version = image_->metadata_version();
  const auto* partition = image_->partition(id);
  if (version && metadata::has_directory_assignment(*version) && partition != nullptr &&
      partition->directory(environment_.config.node_id) != where.directory().id()) {
    assigner_.tell(id, where.directory().id());
  }
}

void ReplicaHost::remove(const TopicIdPartition& id, const TopicPartition& name) {
  if (const auto found = unserved_.find(name); found != unserved_.end() && found->second.topic_id == id.topic_id) {
    const Unserved unserved = found->second;
    unserved_.erase(found);
    return remove_unserved(name, unserved);
  }
  if (!environment_.home.hosts(id)) {
    return;
  }
  busy_names_.try_emplace(name, std::nullopt);
  if (moves_.cancel(name, [this, id, name](bool) { remove(id, name); })) {
    return;
  }
  damaged_.erase(name);
  for (const auto& directory : directories_.all()) {
    directory->stop_keeping(name);
  }
  environment_.home.remove(id, [alive = alive_](PartitionSeed seed) {
    if (ReplicaHost* host = *alive) {
      host->on_removed(std::move(seed));
    }
  });
}

void ReplicaHost::on_removed(PartitionSeed seed) {
  HostedDirectory* where = directories_.holder_of(seed.log->directory());
  MOLDAU_ASSERT(where != nullptr);
  --where->partitions;
  const TopicPartition name = seed.name;
  const std::chrono::milliseconds delay(seed.log->config().file_delete_delay_ms);
  auto closing = std::make_shared<PartitionSeed>(std::move(seed));
  cleaner_.leave(closing->id(), [this, closing, where, name, delay] {
    workers_.run(
        [closing, &logger = logger_] {
          if (const Result<> closed = closing->log->close(false); !closed) {
            // What a close writes is about to be removed.
            moldau::log(logger, LogLevel::kDebug, "storage", "{}, deleted: {}", closing->log->directory(),
                        closed.error().message());
          }
          closing->log.reset();
        },
        shard_,
        [this, where, name, delay] {
          free_name(name, [where, name, delay](Function<void(Result<>)> freed) {
            where->remover().remove(name, delay, std::move(freed));
          });
        });
  });
}

void ReplicaHost::remove_unserved(const TopicPartition& name, const Unserved& unserved) {
  if (unserved.lost) {
    --lost_partitions_;
  }
  damaged_.erase(name);
  for (const auto& directory : directories_.all()) {
    directory->stop_keeping(name);
  }
  busy_names_.try_emplace(name, std::nullopt);
  free_name(name, [this, name, unserved](Function<void(Result<>)> freed) {
    if (!unserved.has_directory || unserved.where == nullptr) {
      freed({});
    } else if (unserved.has_its_id) {
      const auto config = environment_.topic_configs.config_of(*image_, name.topic).log;
      unserved.where->remover().remove(name, std::chrono::milliseconds(config.file_delete_delay_ms), std::move(freed));
    } else {
      unserved.where->remover().set_aside(name, std::move(freed));
    }
  });
}

// In this order: when a crash comes in between, the directory still explains what the checkpoints say of its name. In a
// directory that has failed the name stays; the next start finds a stray.
void ReplicaHost::free_name(const TopicPartition& name, Function<void(Function<void(Result<>)>)> rename) {
  forget(name, [this, name, rename = std::move(rename)]() mutable {
    if (stopping_) {
      return;  // the next start finds a stray
    }
    rename([this, name](const Result<>&) {
      if (!stopping_) {
        release_name(name);
      }
    });
  });
}

void ReplicaHost::forget(const TopicPartition& name, Callback done) {
  directories_.forget(name, [this, name, done = std::move(done)]() mutable { cleaner_.forget(name, std::move(done)); });
}

void ReplicaHost::release_name(const TopicPartition& name) {
  auto node = busy_names_.extract(name);
  if (!node.empty() && node.mapped()) {
    create(*std::move(node.mapped()));
  }
}

// --- directories that fail ---

void ReplicaHost::on_storage_failure(std::string_view partition_path, const Error& error) {
  if (HostedDirectory* where = directories_.holder_of(partition_path)) {
    where->directory().fail(error);
  }
}

void ReplicaHost::on_directory_failed(HostedDirectory& directory, const Error& error) {
  const storage::LogDirectory& failed = directory.directory();
  for (PartitionRouter* router : environment_.routers) {
    router->shard().post([this, router, &directory, alive = alive_] {
      std::vector<TopicIdPartition> lost;
      router->for_each([&](replication::Partition& partition) {
        if (lies_in(directory.directory(), partition)) {
          partition.on_directory_failed();
          lost.push_back({partition.topic_id(), partition.name().partition});
        }
      });
      shard_.post([alive, &directory, lost = std::move(lost)] {
        if (ReplicaHost* host = *alive) {
          for (const TopicIdPartition& id : lost) {
            host->tell_directory(id, directory);
          }
        }
      });
    });
  }
  lose_seeds(directory);
  moves_.on_directory_failed(directory);
  if (directories_.online() == 0) {
    const bool only = directories_.all().size() + directories_.lost_at_start().size() == 1;
    return events_.on_fatal("log directory " + failed.path() + " failed, and it is the " + (only ? "only" : "last") +
                            " one: " + error.message());
  }
  if (&failed == environment_.metadata) {
    return events_.on_fatal("log directory " + failed.path() +
                            " failed, and it has the metadata log: " + error.message());
  }
  std::vector<Uuid> ids;
  for (const auto& each : directories_.all()) {
    if (!each->online()) {
      ids.push_back(each->directory().id());
    }
  }
  events_.on_directories_lost(std::move(ids));
}

// Nobody may open what nobody has used yet: it answers KAFKA_STORAGE_ERROR from now on.
void ReplicaHost::lose_seeds(HostedDirectory& directory) {
  const std::vector<PartitionSeed> lost = environment_.home.take_seeds(
      [&directory](const PartitionSeed& seed) { return directory.directory().holds(seed.log->directory()); });
  for (const PartitionSeed& seed : lost) {
    refuse(seed.name,
           {.topic_id = seed.topic_id, .where = &directory, .has_directory = true, .has_its_id = true, .lost = true},
           *directory.directory().failure());
    tell_directory(seed.id(), directory);
  }
}

// --- checkpoints ---

void ReplicaHost::keep_log_starts(std::string_view partition_path, Function<void(bool)> done) {
  HostedDirectory* where = directories_.holder_of(partition_path);
  if (where == nullptr) {
    return done(false);
  }
  where->checkpointer().keep_log_starts(std::move(done));
}

void ReplicaHost::on_roll(std::string_view partition_path) {
  if (HostedDirectory* where = directories_.holder_of(partition_path)) {
    where->checkpointer().on_roll();
  }
}

// --- stopping ---

void ReplicaHost::stop(Function<void(Result<>)> done) {
  stopping_ = true;
  patience_.cancel();
  upkeep_.stop();
  directories_.stop_loading();
  if (!serving_ && !loading_) {
    return done(fail(ErrorKind::kClosed, "the logs were not opened yet"));
  }
  Callback close = [this, done = std::move(done)]() mutable { close_all(std::move(done)); };
  if (serving_) {
    moves_.stop([this, close = std::move(close)]() mutable {
      assigner_.close();
      cleaner_.stop([this, close = std::move(close)]() mutable {
        workers_.stop([this, close = std::move(close)]() mutable { once_loaded(std::move(close)); });
      });
    });
  } else {
    once_loaded(std::move(close));
  }
}

void ReplicaHost::once_loaded(Callback then) {
  if (loading_) {
    stop_once_loaded_ = std::move(then);
  } else {
    then();
  }
}

void ReplicaHost::close_all(Function<void(Result<>)> done) {
  for (const auto& directory : directories_.all()) {
    directory->checkpointer().rest();
  }
  environment_.home.take_all([this, done = std::move(done)](std::vector<PartitionSeed> seeds) mutable {
    std::vector<ClosingLog> logs;
    for (PartitionSeed& seed : seeds) {
      storage::PartitionMarks marks = marks_of(seed, marks_.keeps_durable_end(seed.name.topic));
      logs.push_back({std::move(seed), std::move(marks)});
    }
    directories_.close(std::move(logs), std::move(done));
  });
}

}  // namespace moldau::broker
