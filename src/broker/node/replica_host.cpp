#include "broker/node/replica_host.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.h"
#include "broker/node/remove_files.h"
#include "broker/node/topic_journal.h"
#include "replication/partition/partition.h"
#include "storage/checkpoint/durable_end_file.h"
#include "storage/directory/partition_directory.h"

namespace moldau::broker {
namespace {

constexpr std::size_t kJobsMax = 16;     // that make and remove partitions, at a time
constexpr std::size_t kClosingMax = 16;  // of a stop, that close logs

storage::CheckpointIntervals intervals_of(const NodeConfig& config) {
  storage::CheckpointIntervals intervals;
  intervals.high_watermarks = config.high_watermark_checkpoint_interval;
  intervals.recovery_points = config.recovery_point_checkpoint_interval;
  intervals.log_starts = config.log_start_checkpoint_interval;
  return intervals;
}

storage::PartitionMarks marks_of(const PartitionSeed& seed, bool keep_durable_end) {
  return {.name = seed.name,
          .topic_id = seed.topic_id,
          .high_watermark = seed.high_watermark,
          .recovery_point = seed.log->recovery_point(),
          .log_start = seed.log->log_start(),
          .durable_end = seed.log->durable_end(),
          .keep_durable_end = keep_durable_end};
}

storage::PartitionMarks marks_of(replication::Partition& partition) {
  return {.name = partition.name(),
          .topic_id = partition.topic_id(),
          .high_watermark = partition.high_watermark(),
          .recovery_point = partition.log()->recovery_point(),
          .log_start = partition.log_start(),
          .durable_end = partition.durable_end(),
          .keep_durable_end = partition.config().acks_all_sync};
}

// What one partition's log reports and the whole directory has.
bool ends_directory(const Error& error) {
  return error.kind() == ErrorKind::kIo || error.kind() == ErrorKind::kNoSpace || error.kind() == ErrorKind::kOffline;
}

}  // namespace

ReplicaHost::ReplicaHost(const Environment& environment, Function<void(const Error&)> on_failure)
    : environment_(environment),
      shard_(environment.world.shard(0)),
      logger_(environment.world.logger),
      workers_(environment.world.workers, shard_, kJobsMax),
      checkpointer_(environment.directory, *this, shard_, environment.world.workers, intervals_of(environment.config)),
      remover_(environment.directory, shard_, workers_, std::chrono::minutes(1)),
      config_warnings_(environment.topic_configs, logger_),
      retention_timer_(shard_.timers(), [this] { keep_seeds(); }),
      expiry_timer_(shard_.timers(), [this] { expire_seeds_producers(); }),
      alive_(std::make_shared<ReplicaHost*>(this)) {
  environment_.directory.on_failure(
      [this, alive = alive_, on_failure = std::move(on_failure)](storage::LogDirectory&, const Error& error) mutable {
        if (*alive == nullptr) {
          return;  // a load in flight has outlived the host
        }
        for (PartitionRouter* router : environment_.routers) {
          router->shard().post([router] {
            router->for_each([](replication::Partition& partition) { partition.on_directory_failed(); });
          });
        }
        on_failure(error);
      });
}

ReplicaHost::~ReplicaHost() {
  *alive_ = nullptr;
}

void ReplicaHost::inherit(const metadata::BrokerRegistration* newest, const Uuid& incarnation, Callback done) {
  const storage::DirectoryContents& contents = environment_.directory.contents();
  storage::DurableEndHeirs heirs;
  if (newest != nullptr) {
    trusted_epoch_ =
        storage::epoch_that_counts(contents.durable_ends, contents.heirs, newest->epoch(), newest->incarnation_id());
    heirs[newest->incarnation_id()] = trusted_epoch_;  // until the new registration is durable, the old one is newest
    heirs[incarnation] = trusted_epoch_;
  }
  auto written = std::make_shared<Result<>>();
  workers_.run([written, heirs = std::move(heirs), &fs = environment_.world.fs,
                path = environment_.directory.path_of(
                    storage::kDurableEndHeirsFile)] { *written = storage::write_durable_end_heirs(fs, path, heirs); },
               shard_,
               [this, written, done = std::move(done)]() mutable {
                 if (*written) {
                   done();
                 } else {
                   environment_.directory.fail(written->error());
                 }
               });
}

bool ReplicaHost::is_ours(const TopicIdPartition& id) const {
  const auto* partition = image_->partition(id);
  return partition != nullptr && metadata::contains(partition->replicas, environment_.config.node_id);
}

storage::LoadDecision ReplicaHost::decide(const TopicPartition& name, const Uuid& topic_id) const {
  using storage::LoadVerdict;
  const metadata::Topic* topic = image_->topic(topic_id);
  if (topic != nullptr && topic->name == name.topic && is_ours({topic_id, name.partition})) {
    return {.verdict = LoadVerdict::kOpen, .config = environment_.topic_configs.config_of(*image_, name.topic).log};
  }
  const storage::DirectoryContents& contents = environment_.directory.contents();
  const metadata::Topic* named = image_->topic(name.topic);
  // Nothing is ever made under a name before its last holder's directory is gone: with records of the name's topic on
  // record, this is their directory.
  const bool damaged = named != nullptr && is_ours({named->id, name.partition}) &&
                       (topic_id.is_zero() || contents.durable_ends.contains(name)) &&
                       storage::was_there(contents, name, named->id);
  return {.verdict = damaged ? LoadVerdict::kDamaged : LoadVerdict::kStray, .config = {}};
}

void ReplicaHost::load(BrokerEpoch epoch, Callback done) {
  MOLDAU_ASSERT(!loading_ && !loaded_ && !stopping_);
  loading_ = true;
  storage::LoadPlan plan;
  plan.trusted_epoch = trusted_epoch_;
  plan.parallel_max = static_cast<std::size_t>(environment_.config.recovery_threads);
  plan.decide = [alive = alive_](const TopicPartition& name, const Uuid& topic_id) {
    const ReplicaHost* host = *alive;
    return host != nullptr ? host->decide(name, topic_id)
                           : storage::LoadDecision{.verdict = storage::LoadVerdict::kStray, .config = {}};
  };
  const storage::LogEnvironment logs{environment_.world.fs, logger_, environment_.random};
  storage::load_logs(environment_.directory, logs, shard_, environment_.world.workers, std::move(plan),
                     [alive = alive_, epoch, done = std::move(done)](storage::LoadResult result) mutable {
                       ReplicaHost* host = *alive;
                       if (host == nullptr) {
                         return;
                       }
                       // Not before: until every log was opened, a crash leaves the durable ends as they were found.
                       host->checkpointer_.set_broker_epoch(epoch);
                       host->on_loaded(std::move(result));
                       if (host->stopping_) {
                         return std::exchange(host->stop_once_loaded_, {})();
                       }
                       if (!host->environment_.directory.offline()) {
                         host->begin_service();
                         done();
                       }
                     });
}

void ReplicaHost::on_loaded(storage::LoadResult result) {
  for (storage::LoadedLog& log : result.loaded) {
    if (log.log->fenced() || log.log->offline()) {
      damaged_.insert(log.name);
      fenced_.emplace(log.name,
                      storage::marks_found(environment_.directory.contents(), log.name, log.topic_id, trusted_epoch_));
    }
    environment_.home.add({.name = std::move(log.name),
                           .topic_id = log.topic_id,
                           .log = std::move(log.log),
                           .high_watermark = log.high_watermark});
  }
  for (const storage::UnloadedLog& log : result.unloaded) {
    damaged_.insert(log.name);
    const metadata::Topic* topic = image_->topic(log.name.topic);
    if (topic != nullptr && is_ours({topic->id, log.name.partition})) {
      refuse({.marks = storage::marks_found(environment_.directory.contents(), log.name, topic->id, trusted_epoch_),
              .has_directory = true,
              .has_its_id = log.topic_id == topic->id},
             log.error);
    }
  }
  find_lost(result.strays);
  environment_.directory.forget_contents();
  all_loaded_ = result.unloaded.empty();
  loading_ = false;
  loaded_ = true;
}

// Records were here, and there is no directory; and what lies here under a name that is not its own.
void ReplicaHost::find_lost(const std::vector<TopicPartition>& strays) {
  for (const TopicPartition& name : strays) {
    busy_names_.try_emplace(name, std::nullopt);
  }
  const storage::DirectoryContents& contents = environment_.directory.contents();
  for (const auto& [id, topic] : image_->topics()) {
    for (const auto& [index, partition] : topic->partitions) {
      const TopicPartition name{topic->name, index};
      const TopicIdPartition partition_id{topic->id, index};
      if (is_ours(partition_id) && !environment_.home.hosts(partition_id) && !unserved_.contains(name) &&
          !busy_names_.contains(name) && storage::was_there(contents, name, topic->id)) {
        refuse({.marks = storage::marks_found(contents, name, topic->id, trusted_epoch_)},
               Error(ErrorKind::kNotFound, "its directory is missing, and had records"));
      }
    }
  }
}

void ReplicaHost::refuse(Unserved unserved, const Error& error) {
  const TopicPartition name = unserved.marks.name;
  const TopicIdPartition id{unserved.marks.topic_id, name.partition};
  moldau::log(logger_, LogLevel::kError, "storage", "partition {} is not served: {}",
              storage::partition_directory_name(name), error.message());
  damaged_.insert(name);
  unserved_.insert_or_assign(name, std::move(unserved));
  for (PartitionRouter* router : environment_.routers) {
    router->shard().post([router, id] { router->on_not_served(id); });
  }
  environment_.home.cancel_opening(id);
}

void ReplicaHost::keep_as_read(std::vector<storage::PartitionMarks>& marks) const {
  for (storage::PartitionMarks& mark : marks) {
    if (const auto found = fenced_.find(mark.name); found != fenced_.end()) {
      mark = found->second;
    }
  }
  for (const auto& [name, unserved] : unserved_) {
    marks.push_back(unserved.marks);
  }
}

void ReplicaHost::begin_service() {
  for (const auto& [name, waiting] : std::map(busy_names_)) {
    free_name(name, [this, name](Function<void(Result<>)> freed) { remover_.set_aside(name, std::move(freed)); });
  }
  // What the metadata gives to this node and the disk does not have is made now.
  for (const auto& [id, topic] : image_->topics()) {
    for (const auto& [index, partition] : topic->partitions) {
      host_if_ours(*image_, *topic, index);
    }
  }
  checkpointer_.start();
  retention_timer_.arm(shard_.clock().now() + environment_.config.retention_check_interval);
  expiry_timer_.arm(shard_.clock().now() + environment_.config.producer_expiry_check_interval);
  config_warnings_.look_at_all(*image_);
}

void ReplicaHost::on_image(const metadata::ImageUpdate& update) {
  image_ = update.after;
  if (!loaded_ || stopping_) {
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
  config_warnings_.look_at(image, changes);
  if (!changes.configs.empty()) {
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
      found != unserved_.end() && found->second.marks.topic_id == topic.id) {
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

void ReplicaHost::create(Creation creation) {
  if (stopping_ || environment_.directory.offline()) {
    return;
  }
  busy_names_.try_emplace(creation.name, std::nullopt);
  const TopicPartition name = creation.name;
  checkpointer_.forget(name, [this, creation = std::move(creation)](const Result<>& forgotten) mutable {
    if (forgotten) {
      make(std::move(creation));
    }
  });
}

void ReplicaHost::make(Creation creation) {
  struct Job {
    Creation creation;
    std::string directory;
    storage::LogEnvironment logs;
    storage::LogConfig config;
    std::int64_t now_ms = 0;
    Result<std::unique_ptr<storage::Log>> log = fail(ErrorKind::kInvalid, "not made yet");
  };
  const storage::LogConfig config = environment_.topic_configs.config_of(*image_, creation.name.topic).log;
  const storage::LogEnvironment logs{environment_.world.fs, logger_, environment_.random};
  auto job =
      std::make_shared<Job>(std::move(creation), environment_.directory.path(), logs, config, shard_.clock().wall_ms());
  workers_.run(
      [job] {
        job->log = storage::make_log(job->directory, job->logs, job->creation.name, job->creation.topic_id, job->config,
                                     job->now_ms);
      },
      shard_, [this, job] { on_made(job->creation, std::move(job->log)); });
}

void ReplicaHost::on_made(const Creation& creation, Result<std::unique_ptr<storage::Log>> log) {
  const TopicIdPartition id{creation.topic_id, creation.name.partition};
  if (!log) {
    if (ends_directory(log.error())) {
      moldau::log(logger_, LogLevel::kError, "storage", "partition {} could not be made: {}",
                  storage::partition_directory_name(creation.name), log.error().message());
      environment_.home.cancel_opening(id);
      environment_.directory.fail(log.error());
      return;
    }
    refuse({.marks = {.name = creation.name, .topic_id = id.topic_id}, .has_directory = true}, log.error());
  } else {
    environment_.home.add(
        {.name = creation.name, .topic_id = id.topic_id, .log = *std::move(log), .high_watermark = Offset{0}});
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

void ReplicaHost::remove(const TopicIdPartition& id, const TopicPartition& name) {
  if (const auto found = unserved_.find(name);
      found != unserved_.end() && found->second.marks.topic_id == id.topic_id) {
    return remove_unserved(std::move(unserved_.extract(found).mapped()));
  }
  if (!environment_.home.hosts(id)) {
    return;
  }
  damaged_.erase(name);
  fenced_.erase(name);
  busy_names_.try_emplace(name, std::nullopt);
  environment_.home.remove(id, [alive = alive_](PartitionSeed seed) {
    ReplicaHost* host = *alive;
    if (host == nullptr) {
      return;
    }
    const TopicPartition name = seed.name;
    const std::chrono::milliseconds delay(seed.log->config().file_delete_delay_ms);
    auto closing = std::make_shared<PartitionSeed>(std::move(seed));
    host->workers_.run(
        [closing, &logger = host->logger_] {
          if (const Result<> closed = closing->log->close(false); !closed) {
            // What a close writes is about to be removed.
            moldau::log(logger, LogLevel::kDebug, "storage", "{}, deleted: {}", closing->log->directory(),
                        closed.error().message());
          }
          closing->log.reset();
        },
        host->shard_,
        [host, name, delay] {
          host->free_name(name, [host, name, delay](Function<void(Result<>)> freed) {
            host->remover_.remove(name, delay, std::move(freed));
          });
        });
  });
}

void ReplicaHost::remove_unserved(Unserved unserved) {
  const TopicPartition name = unserved.marks.name;
  damaged_.erase(name);
  busy_names_.try_emplace(name, std::nullopt);
  free_name(name, [this, name, unserved = std::move(unserved)](Function<void(Result<>)> freed) {
    if (!unserved.has_directory) {
      freed({});
    } else if (unserved.has_its_id) {
      const auto config = environment_.topic_configs.config_of(*image_, name.topic).log;
      remover_.remove(name, std::chrono::milliseconds(config.file_delete_delay_ms), std::move(freed));
    } else {
      remover_.set_aside(name, std::move(freed));
    }
  });
}

// In this order: when a crash comes in between, the directory still explains what the checkpoints say of its name.
void ReplicaHost::free_name(const TopicPartition& name, Function<void(Function<void(Result<>)>)> rename) {
  checkpointer_.forget(name, [this, name, rename = std::move(rename)](const Result<>& forgotten) mutable {
    if (!forgotten) {
      return;  // the directory failed, or the node stops: the next start finds a stray
    }
    rename([this, name](const Result<>& freed) {
      if (freed) {
        release_name(name);
      }
    });
  });
}

void ReplicaHost::release_name(const TopicPartition& name) {
  auto node = busy_names_.extract(name);
  if (!node.empty() && node.mapped()) {
    create(*std::move(node.mapped()));
  }
}

void ReplicaHost::collect_marks(const storage::LogDirectory& /*directory*/,
                                Function<void(std::vector<storage::PartitionMarks>)> done) {
  struct Gathering {
    std::vector<storage::PartitionMarks> marks;
    std::size_t left = 0;
    Function<void(std::vector<storage::PartitionMarks>)> done;
  };
  auto gathering = std::make_shared<Gathering>();
  gathering->done = [alive = alive_, done = std::move(done)](std::vector<storage::PartitionMarks> marks) mutable {
    if (const ReplicaHost* host = *alive) {
      host->keep_as_read(marks);
      done(std::move(marks));
    }
  };
  gathering->left = environment_.routers.size();
  environment_.home.for_each_seed([&](PartitionSeed& seed) {
    gathering->marks.push_back(
        marks_of(seed, environment_.topic_configs.config_of(*image_, seed.name.topic).acks_all_sync));
  });
  for (PartitionRouter* router : environment_.routers) {
    router->shard().post([this, router, gathering]() mutable {
      std::vector<storage::PartitionMarks> marks;
      router->for_each([&](replication::Partition& partition) { marks.push_back(marks_of(partition)); });
      shard_.post([gathering = std::move(gathering), marks = std::move(marks)]() mutable {
        for (storage::PartitionMarks& mark : marks) {
          gathering->marks.push_back(std::move(mark));
        }
        if (--gathering->left == 0) {
          gathering->done(std::move(gathering->marks));
        }
      });
    });
  }
}

void ReplicaHost::on_recovery_points(const storage::LogDirectory& /*directory*/,
                                     const storage::PartitionOffsets& points) {
  const auto shared = std::make_shared<const storage::PartitionOffsets>(points);
  for (PartitionRouter* router : environment_.routers) {
    router->shard().post([router, shared] {
      router->for_each([&](replication::Partition& partition) {
        if (const auto found = shared->find(partition.name()); found != shared->end()) {
          partition.log()->on_recovery_point_checkpointed(found->second);
        }
      });
    });
  }
}

// Retention does not wait for a user: partitions that nobody opened are kept in bounds here.
void ReplicaHost::keep_seeds() {
  const std::int64_t now_ms = shard_.clock().wall_ms();
  environment_.home.for_each_seed([&](PartitionSeed& seed) {
    if (seed.log->fenced()) {
      return;
    }
    if (const auto removed = seed.log->enforce_retention(now_ms, seed.high_watermark); !removed) {
      if (ends_directory(removed.error())) {
        environment_.directory.fail(removed.error());
      } else {
        moldau::log(logger_, LogLevel::kError, "storage", "{} is damaged, found by the retention check: {}",
                    seed.log->directory(), removed.error().message());
        damaged_.insert(seed.name);
      }
    }
    remove_files(environment_.world, shard_, seed.log->take_due_deletions(now_ms));
    seed.log->release_idle_resources();  // what the check itself may have opened
  });
  retention_timer_.arm(shard_.clock().now() + environment_.config.retention_check_interval);
}

void ReplicaHost::expire_seeds_producers() {
  const std::int64_t now_ms = shard_.clock().wall_ms();
  environment_.home.for_each_seed([now_ms](PartitionSeed& seed) { seed.log->expire_producers(now_ms); });
  expiry_timer_.arm(shard_.clock().now() + environment_.config.producer_expiry_check_interval);
}

void ReplicaHost::stop(Function<void(Result<>)> done) {
  stopping_ = true;
  retention_timer_.cancel();
  expiry_timer_.cancel();
  if (loading_) {
    stop_once_loaded_ = [this, done = std::move(done)]() mutable { close_all(std::move(done)); };
  } else if (loaded_) {
    workers_.stop([this, done = std::move(done)]() mutable { close_all(std::move(done)); });
  } else {
    done(fail(ErrorKind::kClosed, "the logs were not opened yet"));
  }
}

void ReplicaHost::close_all(Function<void(Result<>)> done) {
  environment_.home.take_all([this, done = std::move(done)](std::vector<PartitionSeed> seeds) mutable {
    close_logs(std::move(seeds),
               [this, done = std::move(done)](std::vector<storage::PartitionMarks> marks, bool clean) mutable {
                 keep_as_read(marks);
                 // What could not be opened now is not recovered either.
                 checkpointer_.stop(std::move(marks), clean && all_loaded_ && unserved_.empty(), std::move(done));
               });
  });
}

void ReplicaHost::close_logs(std::vector<PartitionSeed> seeds,
                             Function<void(std::vector<storage::PartitionMarks>, bool)> done) {
  struct Closing {
    std::vector<PartitionSeed> seeds;
    std::vector<storage::PartitionMarks> marks;
    bool clean = true;
    // On a worker.
    void run(Logger& logger) {
      for (std::size_t i = 0; i < seeds.size(); ++i) {
        storage::Log& log = *seeds[i].log;
        // A fenced log has damage that only a start without the clean mark finds again.
        clean = clean && !log.fenced() && !log.offline();
        if (const Result<> closed = log.close(!log.offline()); !closed) {
          clean = false;
          moldau::log(logger, LogLevel::kError, "storage", "{} did not close cleanly: {}", log.directory(),
                      closed.error().message());
        }
        marks[i].recovery_point = log.recovery_point();
        marks[i].log_start = log.log_start();
        marks[i].durable_end = log.durable_end();
      }
    }
  };
  struct All {
    std::vector<storage::PartitionMarks> marks;
    bool clean = true;
    std::size_t left = 0;
    Function<void(std::vector<storage::PartitionMarks>, bool)> done;
  };
  // Each close waits for the disk several times: many at once share its flushes.
  const std::size_t width = std::clamp<std::size_t>(seeds.size(), 1, kClosingMax);
  auto all = std::make_shared<All>();
  all->left = width;
  all->done = std::move(done);
  std::vector<std::shared_ptr<Closing>> parts;
  for (std::size_t i = 0; i < width; ++i) {
    parts.push_back(std::make_shared<Closing>());
  }
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    Closing& part = *parts[i % width];
    part.marks.push_back(
        marks_of(seeds[i], environment_.topic_configs.config_of(*image_, seeds[i].name.topic).acks_all_sync));
    part.seeds.push_back(std::move(seeds[i]));
  }
  for (const std::shared_ptr<Closing>& part : parts) {
    environment_.world.workers.run([part, &logger = logger_] { part->run(logger); }, shard_,
                                   [part, all] {
                                     std::ranges::move(part->marks, std::back_inserter(all->marks));
                                     all->clean = all->clean && part->clean;
                                     if (--all->left == 0) {
                                       all->done(std::move(all->marks), all->clean);
                                     }
                                   });
  }
}

}  // namespace moldau::broker
