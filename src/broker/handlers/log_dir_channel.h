// The log directories of this node as the handlers of a shard reach them: values there and back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "protocol/errors/error_code.h"

namespace moldau::broker {

struct ReplicaOnDisk {
  TopicPartition partition;
  std::uint64_t size_bytes = 0;
  std::int64_t offset_lag = 0;  // -1: unknown
  bool is_future = false;       // a copy on its way here from another directory
};

struct LogDirView {
  std::string path;
  protocol::ErrorCode error = protocol::ErrorCode::kNone;  // then the rest is unknown
  std::int64_t total_bytes = -1;
  std::int64_t usable_bytes = -1;
  bool is_cordoned = false;
  std::vector<ReplicaOnDisk> replicas;  // by partition
};

struct LogDirMove {
  TopicPartition partition;
  std::string path;  // of the directory that it is to be in
};

// One per shard. A reply comes once, on the asking shard; not if the node goes before.
class LogDirChannel {
 public:
  virtual ~LogDirChannel() = default;
  // Every directory of log.dirs, in their order, with those replicas that `only` names; nullopt: all of them.
  virtual void describe(std::optional<std::vector<TopicPartition>> only,
                        Function<void(std::vector<LogDirView>)> reply) = 0;
  // One code a move, in order: kNone once the copy has begun, or there is nothing to do; kLogDirNotFound,
  // kKafkaStorageError (the directory, or the replica, is offline), kReplicaNotAvailable (no such replica here),
  // kInvalidTopicException (the name is too long), kInvalidReplicaAssignment (the directory is cordoned).
  virtual void move(std::vector<LogDirMove> moves, Function<void(std::vector<protocol::ErrorCode>)> reply) = 0;
};

}  // namespace moldau::broker
