#include "broker/node/cleaner_logs.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "replication/partition/partition.h"

namespace moldau::broker {
namespace {

using storage::SurveyedLog;

Offset last_stable_of(const PartitionSeed& seed) {
  return std::min(seed.high_watermark, seed.log->first_unstable_offset().value_or(seed.high_watermark));
}

bool is_usable(replication::Partition& partition) {
  return partition.log() != nullptr && !partition.offline();
}

}  // namespace

void CleanerLogs::survey(const storage::LogSurvey& survey, Function<void(std::vector<SurveyedLog>)> done) {
  struct Gathering {
    std::vector<SurveyedLog> logs;
    std::size_t left = 0;
    Function<void(std::vector<SurveyedLog>)> done;
  };
  auto gathering = std::make_shared<Gathering>();
  gathering->left = routers_.size();
  gathering->done = [paused = paused_, done = std::move(done)](std::vector<SurveyedLog> logs) mutable {
    std::erase_if(logs, [&](const SurveyedLog& log) { return paused->contains(log.id); });
    done(std::move(logs));
  };
  home_.for_each_seed([&](PartitionSeed& seed) {
    if (auto seen = survey.look(seed.id(), *seed.log, last_stable_of(seed))) {
      gathering->logs.push_back(*std::move(seen));
    }
  });
  for (PartitionRouter* router : routers_) {
    router->shard().post([router, survey, gathering, &home_shard = shard_]() mutable {
      std::vector<SurveyedLog> logs;
      router->for_each([&](replication::Partition& partition) {
        if (!is_usable(partition)) {
          return;
        }
        const TopicIdPartition id{partition.topic_id(), partition.name().partition};
        if (auto seen = survey.look(id, *partition.log(), partition.last_stable_offset())) {
          logs.push_back(*std::move(seen));
        }
      });
      home_shard.post([gathering = std::move(gathering), logs = std::move(logs)]() mutable {
        std::ranges::move(logs, std::back_inserter(gathering->logs));
        if (--gathering->left == 0) {
          gathering->done(std::move(gathering->logs));
        }
      });
    });
  }
}

void CleanerLogs::with_log(const TopicIdPartition& id, Function<void(storage::Log&, Offset)> use,
                           Function<void(bool)> done) {
  const PartitionHome::Whereabouts at = home_.find(id);
  if (at.seed != nullptr) {
    use(*at.seed->log, last_stable_of(*at.seed));
    return done(true);
  }
  if (at.router == nullptr) {
    return done(false);
  }
  at.router->shard().post(
      [router = at.router, id, use = std::move(use), done = std::move(done), &home_shard = shard_]() mutable {
        replication::Partition* partition = router->local(id);
        const bool found = partition != nullptr && is_usable(*partition);
        if (found) {
          use(*partition->log(), partition->last_stable_offset());
        }
        home_shard.post([done = std::move(done), found]() mutable { done(found); });
      });
}

}  // namespace moldau::broker
