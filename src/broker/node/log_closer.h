// Closes the logs of a node that stops: many at once, so that they share the flushes of the disks.
#pragma once

#include <vector>

#include "base/callback.h"
#include "base/log.h"
#include "broker/partitions/partition_seed.h"
#include "runtime/shard.h"
#include "runtime/workers.h"
#include "storage/directory/checkpointer.h"

namespace moldau::broker {

struct ClosingLog {
  PartitionSeed seed;
  storage::PartitionMarks marks;  // brought up to date by the close
};

// `done(closed, clean)` on `shard`: not clean if one of them has damage that only a start without the clean mark finds
// again, or could not be closed. Their logs are gone then.
void close_logs(runtime::Workers& workers, runtime::Shard& shard, Logger& logger, std::vector<ClosingLog> logs,
                Function<void(std::vector<storage::PartitionMarks>, bool)> done);

}  // namespace moldau::broker
