// DescribeLogDirs v1-v5 and AlterReplicaLogDirs v1-v2: what this node's log directories hold, and moves between them.
//
// Source: KafkaApis.handleDescribeLogDirsRequest, handleAlterReplicaLogDirsRequest; ReplicaManager.describeLogDirs,
//         alterReplicaLogDirs; KIP-113, KIP-827 (bytes of the disk), KIP-1066 (cordoned). Difference: topics and
//         partitions are answered in the order of their names, where Kafka has that of its hash maps.
#pragma once

#include "broker/handlers/log_dir_channel.h"
#include "broker/handlers/shard_context.h"
#include "broker/request/dispatcher.h"

namespace moldau::broker {

class DescribeLogDirsHandler final : public Handler {
 public:
  DescribeLogDirsHandler(ShardContext& context, LogDirChannel& directories)
      : context_(context), directories_(directories) {}
  void handle(Request request) override;

 private:
  ShardContext& context_;
  LogDirChannel& directories_;
};

class AlterReplicaLogDirsHandler final : public Handler {
 public:
  AlterReplicaLogDirsHandler(ShardContext& context, LogDirChannel& directories)
      : context_(context), directories_(directories) {}
  void handle(Request request) override;

 private:
  ShardContext& context_;
  LogDirChannel& directories_;
};

}  // namespace moldau::broker
