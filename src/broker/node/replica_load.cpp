// How a ReplicaHost opens what the log directories hold, and what it makes of what it finds.
#include <chrono>
#include <map>
#include <utility>

#include "base/assert.h"
#include "base/probe.h"
#include "broker/node/replica_host.h"
#include "replication/partition/partition_types.h"
#include "storage/directory/partition_directory.h"

namespace moldau::broker {
namespace {

constexpr std::chrono::seconds kPatience{1};  // then what is open serves while the rest recovers

}  // namespace

void ReplicaHost::inherit(const metadata::BrokerRegistration* newest, const Uuid& incarnation, Callback done) {
  directories_.inherit(newest, incarnation, [this, done = std::move(done)]() mutable {
    if (directories_.online() > 0) {
      done();
    }
  });
}

bool ReplicaHost::is_ours(const TopicIdPartition& id) const {
  const auto* partition = image_->partition(id);
  return partition != nullptr && metadata::contains(partition->replicas, environment_.config.node_id);
}

storage::LoadVerdict ReplicaHost::decide(HostedDirectory& directory, const TopicPartition& name, const Uuid& topic_id) {
  using storage::LoadVerdict;
  const metadata::Topic* topic = image_->topic(topic_id);
  if (topic != nullptr && topic->name == name.topic && is_ours({topic_id, name.partition})) {
    return LoadVerdict::kOpen;
  }
  const storage::DirectoryContents& contents = directory.directory().contents();
  const metadata::Topic* named = image_->topic(name.topic);
  // Nothing is ever made under a name before its last holder's directory is gone: with records of the name's topic on
  // record, this is their directory.
  const bool damaged = named != nullptr && is_ours({named->id, name.partition}) &&
                       (topic_id.is_zero() || contents.durable_ends.contains(name)) &&
                       storage::was_there(contents, name, named->id);
  return damaged ? LoadVerdict::kDamaged : LoadVerdict::kStray;
}

std::optional<storage::LogConfig> ReplicaHost::config_of(const TopicPartition& name, const Uuid& topic_id) {
  if (!is_ours({topic_id, name.partition})) {
    return std::nullopt;
  }
  return environment_.topic_configs.config_of(*image_, name.topic).log;
}

void ReplicaHost::load(BrokerEpoch epoch, Callback serve) {
  MOLDAU_ASSERT(!loading_ && !loaded_ && !stopping_);
  loading_ = true;
  epoch_ = epoch;
  serve_ = std::move(serve);
  settle_futures(directories_, *image_, environment_.config.node_id, shard_, environment_.world.workers, logger_,
                 [alive = alive_](std::vector<InterruptedMove> interrupted) mutable {
                   if (ReplicaHost* host = *alive) {
                     host->interrupted_ = std::move(interrupted);
                     host->open_logs();
                   }
                 });
}

void ReplicaHost::open_logs() {
  if (!stopping_) {
    patience_.arm(shard_.clock().now() + kPatience);
  }
  directories_.load({environment_.world.fs, logger_, environment_.random}, *this, [this] { on_load_ended(); });
}

void ReplicaHost::on_strays(HostedDirectory& directory, std::vector<TopicPartition> names) {
  for (TopicPartition& name : names) {
    busy_names_.try_emplace(name, std::nullopt);
    strays_.push_back({&directory, std::move(name)});
  }
}

void ReplicaHost::on_loaded(HostedDirectory& directory, storage::LoadedLog log) {
  const TopicPartition name = log.name;
  const TopicIdPartition id{log.topic_id, name.partition};
  const bool expected = stop_expecting(name);
  if (!directory.online()) {
    directory.partitions -= expected ? 1 : 0;
    refuse(name, {.topic_id = id.topic_id, .where = &directory, .has_directory = true, .lost = true},
           *directory.directory().failure());
    return release_name(name);
  }
  if (log.log->fenced() || log.log->offline()) {
    damaged_.insert(name);
    directory.keep(directory.marks_found(name, id.topic_id));
  }
  directory.partitions += expected ? 0 : 1;
  if (expected && is_ours(id) && !log.log->fenced()) {
    log.log->on_config(environment_.topic_configs.config_of(*image_, name.topic).log);  // it may have changed since
  }
  environment_.home.add(
      {.name = name, .topic_id = id.topic_id, .log = std::move(log.log), .high_watermark = log.high_watermark});
  tell_directory(id, directory);
  if (!expected || stopping_) {
    return;
  }
  for (PartitionRouter* router : environment_.routers) {
    router->shard().post([router, id] { router->on_hosted(id); });
  }
  if (!is_ours(id)) {
    return remove(id, name);  // deleted while it was being opened
  }
  release_name(name);
  begin_interrupted();
}

void ReplicaHost::on_unloaded(HostedDirectory& directory, const storage::UnloadedLog& log) {
  directory.all_loaded = false;
  damaged_.insert(log.name);
  const bool expected = stop_expecting(log.name);
  directory.partitions -= expected ? 1 : 0;
  const metadata::Topic* topic = image_->topic(log.name.topic);
  if (topic != nullptr && is_ours({topic->id, log.name.partition}) && (!expected || topic->id == log.topic_id)) {
    directory.keep(directory.marks_found(log.name, topic->id));
    refuse(log.name,
           {.topic_id = topic->id,
            .where = &directory,
            .has_directory = true,
            .has_its_id = log.topic_id == topic->id,
            .lost = !directory.online()},
           log.error);
    if (expected) {
      release_name(log.name);
    }
  } else if (expected && !stopping_) {
    damaged_.erase(log.name);
    remove_stray({.where = &directory, .name = log.name, .deleted = true});  // deleted while it was being opened
  }
}

void ReplicaHost::on_unwanted(HostedDirectory& directory, const TopicPartition& name) {
  const Stray stray{.where = &directory, .name = name, .deleted = true};
  busy_names_.try_emplace(name, std::nullopt);
  if (!stop_expecting(name)) {
    return strays_.push_back(stray);
  }
  --directory.partitions;
  if (!stopping_) {
    remove_stray(stray);
  }
}

// Whether it was expected: a name that was not is of a log that was open before the service began.
bool ReplicaHost::stop_expecting(const TopicPartition& name) {
  const auto found = opening_.extract(name);
  if (found.empty()) {
    return false;
  }
  found.mapped().where->stop_keeping(name);
  return true;
}

// From now on what is not open is known by name, and the checkpoints keep what they say of it.
void ReplicaHost::expect_unopened() {
  for (const auto& directory : directories_.all()) {
    for (const storage::FoundPartition& found : directory->directory().contents().partitions) {
      if (!found.topic_id || environment_.home.hosts({*found.topic_id, found.name.partition}) ||
          unserved_.contains(found.name) || busy_names_.contains(found.name) || damaged_.contains(found.name)) {
        continue;
      }
      opening_.emplace(found.name, Opening{.topic_id = *found.topic_id, .where = directory.get()});
      busy_names_.try_emplace(found.name, std::nullopt);
      ++directory->partitions;
      directory->keep(directory->marks_found(found.name, *found.topic_id));
    }
  }
}

void ReplicaHost::on_load_ended() {
  patience_.cancel();
  if (stopping_) {
    // What was not opened stays as it is: its marks, too.
    expect_unopened();
    set_epochs();
  } else {
    serve();
  }
  for (const auto& [name, opening] : std::map(opening_)) {
    if (stopping_ || opening.where->online()) {
      continue;
    }
    opening_.erase(name);
    if (is_ours({opening.topic_id, name.partition})) {
      refuse(name,
             {.topic_id = opening.topic_id,
              .where = opening.where,
              .has_directory = true,
              .has_its_id = true,
              .lost = true},
             *opening.where->directory().failure());
    }
    release_name(name);
  }
  directories_.forget_contents();
  loading_ = false;
  loaded_ = true;
  if (stop_once_loaded_) {
    std::exchange(stop_once_loaded_, {})();
  }
}

// Not before: until the durable ends were read, a crash leaves them as they were found.
void ReplicaHost::set_epochs() {
  for (const auto& directory : directories_.all()) {
    directory->checkpointer().set_broker_epoch(epoch_);
  }
}

void ReplicaHost::serve() {
  if (serving_ || stopping_ || directories_.online() == 0) {
    return;
  }
  serving_ = true;
  set_epochs();
  expect_unopened();
  if (!opening_.empty()) {
    MOLDAU_PROBE("replicas.served_while_loading");
    moldau::log(logger_, LogLevel::kInfo, "storage", "{} partitions are served once they are open{}", opening_.size(),
                directories_.load_progress());
  }
  find_lost();
  cleaner_.adopt_checkpoints();
  begin_service();
  std::exchange(serve_, {})();
}

// Records were here, and there is no directory.
void ReplicaHost::find_lost() {
  for (const auto& [topic_id, topic] : image_->topics()) {
    for (const auto& [index, partition] : topic->partitions) {
      const TopicPartition name{topic->name, index};
      const TopicIdPartition id{topic_id, index};
      if (!is_ours(id) || environment_.home.hosts(id) || unserved_.contains(name) || busy_names_.contains(name)) {
        continue;
      }
      if (HostedDirectory* where = directories_.last_holder_of(name, topic_id)) {
        where->keep(where->marks_found(name, topic_id));
        refuse(name, {.topic_id = topic_id, .where = where},
               Error(ErrorKind::kNotFound, "its directory is missing, and had records"));
      }
    }
  }
}

void ReplicaHost::refuse(const TopicPartition& name, const Unserved& unserved, const Error& error) {
  const TopicIdPartition id{unserved.topic_id, name.partition};
  if (unserved.lost) {
    ++lost_partitions_;
  } else {
    moldau::log(logger_, LogLevel::kError, "storage", "partition {} is not served: {}",
                storage::partition_directory_name(name), error.message());
    damaged_.insert(name);
  }
  unserved_.insert_or_assign(name, unserved);
  for (PartitionRouter* router : environment_.routers) {
    router->shard().post([router, id] { router->on_not_served(id); });
  }
  environment_.home.cancel_opening(id);
}

void ReplicaHost::begin_service() {
  for (const Stray& stray : std::exchange(strays_, {})) {
    remove_stray(stray);
  }
  // What the metadata gives to this node and the disk does not have is made now.
  for (const auto& [id, topic] : image_->topics()) {
    for (const auto& [index, partition] : topic->partitions) {
      host_if_ours(*image_, *topic, index);
    }
  }
  for (const auto& directory : directories_.all()) {
    if (directory->online()) {
      directory->checkpointer().start();
    }
  }
  begin_interrupted();
  upkeep_.start();
  cleaner_.start(*image_);
}

void ReplicaHost::begin_interrupted() {
  for (const InterruptedMove& move : std::exchange(interrupted_, {})) {
    if (opening_.contains(move.name)) {
      interrupted_.push_back(move);  // once it is open
    } else if (environment_.home.hosts({move.topic_id, move.name.partition}) && move.from->online() &&
               move.to->online()) {
      moves_.start(move.name, move.topic_id, *move.from, *move.to, nullptr);
    }
  }
}

void ReplicaHost::remove_stray(const Stray& stray) {
  free_name(stray.name, [this, stray](Function<void(Result<>)> freed) {
    if (stray.deleted) {
      const auto config = environment_.topic_configs.config_of(*image_, stray.name.topic).log;
      stray.where->remover().remove(stray.name, std::chrono::milliseconds(config.file_delete_delay_ms),
                                    std::move(freed));
    } else {
      stray.where->remover().set_aside(stray.name, std::move(freed));
    }
  });
}

}  // namespace moldau::broker
