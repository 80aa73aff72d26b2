// What a Partition is given: where its wishes go, who hears of its events, what it shares with the others of its shard.
//
// Shard:      the partition's; every call is made on it.
#pragma once

#include "base/callback.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/result.h"
#include "replication/core/types.h"

namespace moldau::record {
class Scratch;
}
namespace moldau::runtime {
class FileSystem;
class Shard;
}  // namespace moldau::runtime
namespace moldau::storage {
class SyncGroup;
}

namespace moldau::replication {

class Partition;

// Told in the turn of the event, in the order of registration. A listener may remove itself, and may call the
// partition's questions, but not append, from inside.
class PartitionListener {
 public:
  virtual ~PartitionListener() = default;
  virtual void on_high_watermark(Partition&, Offset) {}
  virtual void on_durable_end(Partition&, Offset) {}
  virtual void on_leadership_gained(Partition&, LeaderEpoch) {}  // also when only the epoch changed
  virtual void on_leadership_lost(Partition&) {}
  virtual void on_offline(Partition&) {}
  virtual void on_deleted(Partition&) {}
};

// Where a leader's wishes for another ISR go.
class AlterPartitionSender {
 public:
  virtual ~AlterPartitionSender() = default;
  // The answer comes back through Partition::on_alter_partition_answer, in a later turn.
  virtual void send(Partition& partition, const AlterPartition& request) = 0;
};

// The partition's log directory, on whatever shard it lives.
class DirectoryLink {
 public:
  virtual ~DirectoryLink() = default;
  // An advanced log start must be durable before DeleteRecords is answered: `done(true)` on this shard once a
  // checkpoint that holds the partition's present log start is on the disk. Never from inside the call.
  virtual void keep_log_start(Partition& partition, Function<void(bool)> done) = 0;
  // A rolled segment has reached the disk: a good moment to write the durable ends.
  virtual void on_roll_synced(Partition& partition) = 0;
  // A write or a sync failed. The directory goes offline, and with it its other partitions, in a later turn.
  virtual void on_storage_failure(Partition& partition, const Error& error) = 0;
};

// What the partitions of one shard share. Outlives them.
struct PartitionEnvironment {
  runtime::Shard& shard;
  storage::SyncGroup& sync;
  runtime::FileSystem& fs;
  record::Scratch& scratch;  // for lookups by time
  const BrokerView& brokers;
  AlterPartitionSender& alter_partition;
  DirectoryLink& directory;
  Logger& logger;
  NodeId self = kNoNode;
  MonoMs replica_lag_max = 30'000;  // replica.lag.time.max.ms
};

}  // namespace moldau::replication
