// How a ReplicaHost opens what the log directories hold, and what it makes of what it finds.
#include <utility>

#include "base/assert.h"
#include "broker/node/replica_host.h"
#include "replication/partition/partition_types.h"
#include "storage/directory/partition_directory.h"

namespace moldau::broker {

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

storage::LoadDecision ReplicaHost::decide(const HostedDirectory& directory, const TopicPartition& name,
                                          const Uuid& topic_id) const {
  using storage::LoadVerdict;
  const metadata::Topic* topic = image_->topic(topic_id);
  if (topic != nullptr && topic->name == name.topic && is_ours({topic_id, name.partition})) {
    return {.verdict = LoadVerdict::kOpen, .config = environment_.topic_configs.config_of(*image_, name.topic).log};
  }
  const storage::DirectoryContents& contents = directory.directory().contents();
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
  settle_futures(directories_, *image_, environment_.config.node_id, shard_, environment_.world.workers, logger_,
                 [alive = alive_, epoch, done = std::move(done)](std::vector<InterruptedMove> interrupted) mutable {
                   if (ReplicaHost* host = *alive) {
                     host->interrupted_ = std::move(interrupted);
                     host->open_logs(epoch, std::move(done));
                   }
                 });
}

void ReplicaHost::open_logs(BrokerEpoch epoch, Callback done) {
  directories_.load(
      {environment_.world.fs, logger_, environment_.random},
      [alive = alive_](const HostedDirectory& directory, const TopicPartition& name, const Uuid& topic_id) {
        const ReplicaHost* host = *alive;
        return host != nullptr ? host->decide(directory, name, topic_id)
                               : storage::LoadDecision{.verdict = storage::LoadVerdict::kStray, .config = {}};
      },
      [alive = alive_, epoch, done = std::move(done)](std::vector<HostedDirectories::Loaded> loaded) mutable {
        ReplicaHost* host = *alive;
        if (host == nullptr) {
          return;
        }
        // Not before: until every log was opened, a crash leaves the durable ends as they were found.
        for (const auto& directory : host->directories_.all()) {
          directory->checkpointer().set_broker_epoch(epoch);
        }
        host->on_loaded(std::move(loaded));
        if (host->stopping_) {
          return std::exchange(host->stop_once_loaded_, {})();
        }
        if (host->directories_.online() > 0) {
          host->begin_service();
          done();
        }
      });
}

void ReplicaHost::on_loaded(std::vector<HostedDirectories::Loaded> loaded) {
  for (HostedDirectories::Loaded& one : loaded) {
    take_loaded(*one.directory, std::move(one.result.loaded));
    take_unloaded(*one.directory, one.result.unloaded);
    for (TopicPartition& name : one.result.strays) {
      busy_names_.try_emplace(name, std::nullopt);
      strays_.push_back({one.directory, std::move(name)});
    }
  }
  find_lost();
  cleaner_.adopt_checkpoints();
  directories_.forget_contents();
  loading_ = false;
  loaded_ = true;
}

void ReplicaHost::take_loaded(HostedDirectory& directory, std::vector<storage::LoadedLog> logs) {
  for (storage::LoadedLog& log : logs) {
    const TopicIdPartition id{log.topic_id, log.name.partition};
    if (!directory.online()) {
      refuse(log.name, {.topic_id = log.topic_id, .where = &directory, .has_directory = true, .lost = true},
             *directory.directory().failure());
      continue;
    }
    if (log.log->fenced() || log.log->offline()) {
      damaged_.insert(log.name);
      directory.keep(directory.marks_found(log.name, log.topic_id));
    }
    ++directory.partitions;
    environment_.home.add({.name = std::move(log.name),
                           .topic_id = log.topic_id,
                           .log = std::move(log.log),
                           .high_watermark = log.high_watermark});
    tell_directory(id, directory);
  }
}

void ReplicaHost::take_unloaded(HostedDirectory& directory, const std::vector<storage::UnloadedLog>& logs) {
  directory.all_loaded = logs.empty();
  for (const storage::UnloadedLog& log : logs) {
    damaged_.insert(log.name);
    const metadata::Topic* topic = image_->topic(log.name.topic);
    if (topic != nullptr && is_ours({topic->id, log.name.partition})) {
      directory.keep(directory.marks_found(log.name, topic->id));
      refuse(log.name,
             {.topic_id = topic->id,
              .where = &directory,
              .has_directory = true,
              .has_its_id = log.topic_id == topic->id,
              .lost = !directory.online()},
             log.error);
    }
  }
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
    free_name(stray.name, [stray](Function<void(Result<>)> freed) {
      stray.where->remover().set_aside(stray.name, std::move(freed));
    });
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
  for (const InterruptedMove& move : std::exchange(interrupted_, {})) {
    if (environment_.home.hosts({move.topic_id, move.name.partition}) && move.from->online() && move.to->online()) {
      moves_.start(move.name, move.topic_id, *move.from, *move.to, nullptr);
    }
  }
  upkeep_.start();
  cleaner_.start(*image_);
}

}  // namespace moldau::broker
