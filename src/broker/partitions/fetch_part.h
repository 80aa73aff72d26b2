// The part of one fetch that concerns the partitions of one shard: reads them, then waits for those that may have more.
//
// Shard:      the owner of all its partitions. Its user may live on another shard: then it is told what to do by post()
//             and hears by `deliver`, values both ways.
// Invariants: F1 after park(), a change that lets a partition be read further, or that ends its reading, is delivered:
//                park() reads again whatever moved since the last read, so that no event is missed in between.
//             F2 `deliver` is called in a turn of its own after a wake, once for all partitions that woke in it.
// Source:     kafka.server.DelayedFetch. Difference: the event wakes the fetch; nothing is polled or re-read in vain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "broker/partitions/operation_set.h"
#include "protocol/errors/error_code.h"
#include "replication/partition/partition_types.h"
#include "replication/partition/waiters.h"
#include "runtime/shard.h"

namespace moldau::broker {

class PartitionRouter;

struct FetchItem {
  std::size_t index = 0;  // in the request
  TopicIdPartition id;
  replication::ReadRequest read;
};

struct FetchRead {
  std::size_t index = 0;
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  NodeId leader = kNoNode;  // with NOT_LEADER_OR_FOLLOWER and FENCED_LEADER_EPOCH (KIP-951)
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  bool asked = false;    // an owner was asked; false: decided before
  bool dropped = false;  // nothing of it fits into the answer
  replication::ReadResult result;
};

// Up to where such a read may see, exclusive.
[[nodiscard]] Offset bound_of(const replication::ReadResult& result, replication::FetchIsolation isolation);

class FetchPart final : public Operation, private runtime::TurnEndHook {
 public:
  using Deliver = Function<void(std::vector<FetchRead>)>;

  FetchPart(PartitionRouter& router, std::vector<FetchItem> items, Deliver deliver);
  ~FetchPart() override;

  // Reads everything and delivers it at once.
  void read_all();
  // Waits for more; only after read_all().
  void park();

 private:
  struct Parked {
    explicit Parked(Function<void(replication::WakeReason)> wake) : waiter(std::move(wake)) {}
    replication::FetchWaiter waiter;
  };

  void on_turn_end() override;
  void on_woken(std::size_t item);
  [[nodiscard]] FetchRead read_one(const FetchItem& item);

  PartitionRouter& router_;
  std::vector<FetchItem> items_;
  Deliver deliver_;
  std::vector<Offset> seen_;                     // by item: the bound at the last read
  std::vector<std::unique_ptr<Parked>> parked_;  // by item, once park() was called
  // Every item is in one of these or parked, so that a wake costs what woke, not what is waited for.
  std::vector<std::size_t> woken_;     // to be read at the end of this turn
  std::vector<std::size_t> unparked_;  // read, to be parked at the next park()
};

}  // namespace moldau::broker
