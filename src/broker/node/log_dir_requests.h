// What clients ask of the log directories: what is in them, and that replicas move.
//
// Shard:      the home shard.
// Bound:      kPreferredMax partitions that are not here yet and have a directory chosen for them.
// Source:     kafka.server.ReplicaManager.describeLogDirs, alterReplicaLogDirs; inventory §6, 35 and 57.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "broker/handlers/log_dir_channel.h"
#include "broker/node/hosted_directories.h"
#include "broker/node/log_dir_report.h"
#include "broker/node/replica_moves.h"
#include "metadata/image/image.h"
#include "protocol/errors/error_code.h"

namespace moldau::broker {

class LogDirRequests {
 public:
  static constexpr std::size_t kPreferredMax = 10'000;

  LogDirRequests(HostedDirectories& directories, LogDirReport::Environment report, ReplicaMoves& moves);
  ~LogDirRequests();

  void on_image(std::shared_ptr<const metadata::Image> image) { image_ = std::move(image); }

  // As LogDirChannel's.
  void describe(std::optional<std::vector<TopicPartition>> only, Function<void(std::vector<LogDirView>)> reply);
  void move(std::vector<LogDirMove> moves, Function<void(std::vector<protocol::ErrorCode>)> reply);

  // Where a move asked for a partition before it was here; null: nowhere, or not online. Forgotten with the answer.
  [[nodiscard]] HostedDirectory* take_preferred(const TopicPartition& name);

 private:
  struct Round;

  void begin_next();
  void begin(const std::shared_ptr<Round>& round, const std::vector<LogDirView>& views);
  // The code at once, or nothing: the move begins out of `from`.
  [[nodiscard]] std::optional<protocol::ErrorCode> judge(const LogDirMove& move, HostedDirectory* from);
  void start(const std::shared_ptr<Round>& round, std::size_t index, const Uuid& topic_id, HostedDirectory& from,
             HostedDirectory& to);
  void count_down(Round& round);

  HostedDirectories& directories_;
  LogDirReport report_;
  ReplicaMoves& moves_;
  PartitionHome& home_;
  std::shared_ptr<const metadata::Image> image_ = std::make_shared<const metadata::Image>();
  std::deque<std::shared_ptr<Round>> rounds_;  // one at a time: the last word about a replica is the last one said
  std::map<TopicPartition, std::string> preferred_;
  std::shared_ptr<LogDirRequests*> alive_;
};

}  // namespace moldau::broker
