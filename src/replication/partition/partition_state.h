// What the source files of Partition share.
#pragma once

#include <algorithm>
#include <vector>

#include "replication/partition/partition.h"
#include "runtime/timer.h"

namespace moldau::replication {

// A DeleteRecords that waits for the checkpoint and for the other replicas.
struct Partition::DeleteWait {
  DeleteWait(Partition& partition, Offset offset, DeleteRecordsDone callback);
  Offset target;
  bool durable = false;
  runtime::MonoTime sync_deadline{};
  DeleteRecordsDone done;
  runtime::Timer timer;
};

template <class Tell>
void Partition::tell(Tell&& call) {
  // A listener may remove itself, or another; the copy keeps the walk whole.
  const std::vector<PartitionListener*> told = listeners_;
  for (PartitionListener* listener : told) {
    if (std::find(listeners_.begin(), listeners_.end(), listener) != listeners_.end()) {
      call(*listener);
    }
  }
}

}  // namespace moldau::replication
