#include "broker/node/hosted_marks.h"

#include <cstddef>
#include <utility>

#include "replication/partition/partition.h"

namespace moldau::broker {
namespace {

storage::PartitionMarks marks_of(replication::Partition& partition) {
  return {.name = partition.name(),
          .topic_id = partition.topic_id(),
          .high_watermark = partition.high_watermark(),
          .recovery_point = partition.log()->recovery_point(),
          .log_start = partition.log_start(),
          .durable_end = partition.durable_end(),
          .keep_durable_end = partition.config().acks_all_sync};
}

}  // namespace

storage::PartitionMarks marks_of(const PartitionSeed& seed, bool keep_durable_end) {
  return {.name = seed.name,
          .topic_id = seed.topic_id,
          .high_watermark = seed.high_watermark,
          .recovery_point = seed.log->recovery_point(),
          .log_start = seed.log->log_start(),
          .durable_end = seed.log->durable_end(),
          .keep_durable_end = keep_durable_end};
}

bool lies_in(const storage::LogDirectory& directory, replication::Partition& partition) {
  return partition.log() != nullptr && directory.holds(partition.log()->directory());
}

HostedMarks::HostedMarks(runtime::Shard& shard, const TopicConfigs& configs, PartitionHome& home,
                         std::vector<PartitionRouter*> routers)
    : shard_(shard),
      configs_(configs),
      home_(home),
      routers_(std::move(routers)),
      alive_(std::make_shared<HostedMarks*>(this)) {}

HostedMarks::~HostedMarks() {
  *alive_ = nullptr;
}

bool HostedMarks::keeps_durable_end(std::string_view topic) const {
  return configs_.config_of(*image_, topic).acks_all_sync;
}

void HostedMarks::collect_marks(const storage::LogDirectory& directory,
                                Function<void(std::vector<storage::PartitionMarks>)> done) {
  struct Gathering {
    std::vector<storage::PartitionMarks> marks;
    std::size_t left = 0;
    Function<void(std::vector<storage::PartitionMarks>)> done;
  };
  auto gathering = std::make_shared<Gathering>();
  gathering->done = [alive = alive_, done = std::move(done)](std::vector<storage::PartitionMarks> marks) mutable {
    if (*alive != nullptr) {
      done(std::move(marks));
    }
  };
  gathering->left = routers_.size();
  home_.for_each_seed([&](PartitionSeed& seed) {
    if (directory.holds(seed.log->directory())) {
      gathering->marks.push_back(marks_of(seed, keeps_durable_end(seed.name.topic)));
    }
  });
  for (PartitionRouter* router : routers_) {
    router->shard().post([&home = shard_, router, gathering, &directory]() mutable {
      std::vector<storage::PartitionMarks> marks;
      router->for_each([&](replication::Partition& partition) {
        if (lies_in(directory, partition)) {
          marks.push_back(marks_of(partition));
        }
      });
      home.post([gathering = std::move(gathering), marks = std::move(marks)]() mutable {
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

void HostedMarks::on_recovery_points(const storage::LogDirectory& directory, const storage::PartitionOffsets& points) {
  const auto shared = std::make_shared<const storage::PartitionOffsets>(points);
  for (PartitionRouter* router : routers_) {
    router->shard().post([router, shared, &directory] {
      router->for_each([&](replication::Partition& partition) {
        if (const auto found = shared->find(partition.name());
            found != shared->end() && lies_in(directory, partition)) {
          partition.log()->on_recovery_point_checkpointed(found->second);
        }
      });
    });
  }
}

}  // namespace moldau::broker
