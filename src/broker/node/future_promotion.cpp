#include "broker/node/future_promotion.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "storage/directory/partition_directory.h"

namespace moldau::broker {
namespace {

struct Promotion {
  storage::FoundPartition copy;
  HostedDirectory* to = nullptr;
  HostedDirectory* from = nullptr;  // null: there is no original
  std::string original;
  std::string aside;  // what the original is called when it is to go
  std::string path;   // what the copy is called
  Result<> left;      // the original's directory
  Result<> entered;   // the copy's

  // On a worker.
  void run(runtime::FileSystem& fs) {
    if (from != nullptr) {
      left = fs.rename(original, aside);
      if (left) {
        left = fs.sync_dir(runtime::parent_path(aside));
      }
    }
    if (left) {
      entered = fs.rename(copy.directory, path);
      if (entered) {
        entered = fs.sync_dir(runtime::parent_path(path));
      }
    }
  }
  void settle() const;
};

// Where the partition lies under its own name.
HostedDirectory* holder_of(const HostedDirectories& directories, const TopicPartition& name, const Uuid& topic_id) {
  for (const auto& directory : directories.all()) {
    const auto& found = directory->directory().contents().partitions;
    if (directory->online() && std::ranges::any_of(found, [&](const storage::FoundPartition& partition) {
          return partition.name == name && partition.topic_id && *partition.topic_id == topic_id;
        })) {
      return directory.get();
    }
  }
  return nullptr;
}

void raise_to(storage::PartitionOffsets& offsets, const storage::PartitionOffsets& other, const TopicPartition& name) {
  if (const auto known = other.find(name); known != other.end()) {
    Offset& mine = offsets[name];
    mine = std::max(mine, known->second);
  }
}

// As if a scan had found it so.
void Promotion::settle() const {
  if (from != nullptr && !left) {
    return from->directory().fail(left.error());
  }
  storage::DirectoryContents& here = to->directory().contents();
  if (from != nullptr) {
    storage::DirectoryContents& there = from->directory().contents();
    std::erase_if(there.partitions, [&](const storage::FoundPartition& found) { return found.name == copy.name; });
    from->remover().remove_leftover(aside);
    raise_to(here.log_starts, there.log_starts, copy.name);
    raise_to(here.high_watermarks, there.high_watermarks, copy.name);
  }
  if (!entered) {
    return to->directory().fail(entered.error());
  }
  here.partitions.push_back({.directory = path, .name = copy.name, .topic_id = copy.topic_id});
}

}  // namespace

void settle_futures(HostedDirectories& directories, const metadata::Image& image, NodeId self, runtime::Shard& shard,
                    runtime::Workers& workers, Logger& logger, Function<void(std::vector<InterruptedMove>)> done) {
  auto promotions = std::make_shared<std::vector<Promotion>>();
  std::vector<InterruptedMove> interrupted;
  const auto version = image.metadata_version();
  const bool knows_directories = version && metadata::has_directory_assignment(*version);
  for (const auto& to : directories.all()) {
    if (!to->online()) {
      continue;
    }
    for (storage::FoundPartition& copy : std::exchange(to->directory().contents().futures, {})) {
      const Uuid topic_id = copy.topic_id.value_or(kZeroUuid);
      const metadata::Topic* topic = image.topic(topic_id);
      const auto* partition = image.partition({topic_id, copy.name.partition});
      const bool ours = topic != nullptr && topic->name == copy.name.topic && partition != nullptr &&
                        metadata::contains(partition->replicas, self);
      HostedDirectory* from = ours ? holder_of(directories, copy.name, topic_id) : nullptr;
      const bool whole = ours && (knows_directories ? partition->directory(self) == to->directory().id()
                                                    : from == nullptr && !directories.any_lost());
      if (!whole) {
        log(logger, LogLevel::kInfo, "storage", "{} is not whole, and goes", copy.directory);
        to->remover().remove_leftover(copy.directory);
        if (from != nullptr) {
          interrupted.push_back({.name = copy.name, .topic_id = topic_id, .from = from, .to = to.get()});
        }
        continue;
      }
      log(logger, LogLevel::kInfo, "storage", "{} takes the place of its original", copy.directory);
      Promotion promotion{.copy = copy, .to = to.get(), .from = from};
      promotion.path = runtime::join_path(to->directory().path(), storage::partition_directory_name(copy.name));
      if (from != nullptr) {
        promotion.original = runtime::join_path(from->directory().path(), storage::partition_directory_name(copy.name));
        promotion.aside = runtime::join_path(
            from->directory().path(),
            storage::set_aside_directory_name(copy.name, storage::DirectoryKind::kDelete, shard.random().uuid()));
      }
      promotions->push_back(std::move(promotion));
    }
  }
  if (promotions->empty()) {
    return done(std::move(interrupted));
  }
  runtime::FileSystem& fs = directories.all().front()->directory().fs();
  workers.run(
      [promotions, &fs] {
        for (Promotion& promotion : *promotions) {
          promotion.run(fs);
        }
      },
      shard,
      [promotions, interrupted = std::move(interrupted), done = std::move(done)]() mutable {
        for (const Promotion& promotion : *promotions) {
          promotion.settle();
        }
        done(std::move(interrupted));
      });
}

}  // namespace moldau::broker
