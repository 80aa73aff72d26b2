// Stand-ins for what a Partition is given: brokers that are alive, wishes and failures that are written down.
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "base/result.h"
#include "replication/partition/partition_environment.h"

namespace moldau::replication::testing {

class FakeBrokers final : public BrokerView {
 public:
  std::optional<BrokerStatus> status(NodeId broker) const override {
    const auto found = known.find(broker);
    return found == known.end() ? std::nullopt : std::optional(found->second);
  }
  std::map<NodeId, BrokerStatus> known{{NodeId(1), {BrokerEpoch(11), false, false}},
                                       {NodeId(2), {BrokerEpoch(12), false, false}},
                                       {NodeId(3), {BrokerEpoch(13), false, false}}};
};

class FakeSender final : public AlterPartitionSender {
 public:
  void send(Partition&, const AlterPartition& request) override { sent.push_back(request); }
  std::vector<AlterPartition> sent;
};

class FakeDirectory final : public DirectoryLink {
 public:
  void keep_log_start(Partition&, Function<void(bool)> done) override { waiting.push_back(std::move(done)); }
  void on_roll_synced(Partition&) override { ++rolls; }
  void on_storage_failure(Partition&, const Error& error) override { failures.push_back(error); }
  void keep_all(bool kept) {
    for (auto& done : std::exchange(waiting, {})) {
      done(kept);
    }
  }
  std::vector<Function<void(bool)>> waiting;
  std::vector<Error> failures;
  int rolls = 0;
};

}  // namespace moldau::replication::testing
