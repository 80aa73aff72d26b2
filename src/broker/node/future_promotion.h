// Before a node opens its logs: what an earlier process left of moves between log directories is finished or removed.
//
//   the metadata says that the replica is in the copy's directory    the copy is whole: it gets the partition's name,
//                                                                    the original, if there is one, goes
//   anything else                                                    the copy goes; if the original is here, the move
//                                                                    begins anew once the node serves
//
// Shard:      the home shard; files are renamed on a worker.
// Durability: the original is away for good before the copy has its name, so that no start ever finds both.
// Source:     kafka.log.LogManager.recoverAbandonedFutureLogs; KIP-858. Difference: where the metadata knows no
//             directories, a copy without any original counts as whole, if no log directory is lost.
#pragma once

#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "base/log.h"
#include "broker/node/hosted_directories.h"
#include "metadata/image/image.h"
#include "runtime/shard.h"
#include "runtime/workers.h"

namespace moldau::broker {

// A move that begins anew.
struct InterruptedMove {
  TopicPartition name;
  Uuid topic_id;
  HostedDirectory* from = nullptr;
  HostedDirectory* to = nullptr;
};

// `done` on the shard. What the directories' contents say is brought up to date.
void settle_futures(HostedDirectories& directories, const metadata::Image& image, NodeId self, runtime::Shard& shard,
                    runtime::Workers& workers, Logger& logger, Function<void(std::vector<InterruptedMove>)> done);

}  // namespace moldau::broker
