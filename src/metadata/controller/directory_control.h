// Decides what the metadata says of the log directories that hold a broker's replicas.
//
// Source: Kafka's ReplicationControlManager.handleAssignReplicasToDirs; KIP-858.
#pragma once

#include <vector>

#include "base/ids.h"
#include "base/uuid.h"
#include "metadata/controller/cluster_control.h"
#include "metadata/controller/controller_result.h"
#include "metadata/controller/controller_state.h"

namespace moldau::metadata {

// AssignReplicasToDirs (API 73): a broker tells where its replicas are.
struct AssignReplicasToDirs {
  struct Assignment {
    TopicIdPartition partition;
    Uuid directory;
  };
  NodeId broker = kNoNode;
  BrokerEpoch epoch = kNoBrokerEpoch;
  std::vector<Assignment> assignments;
};

class DirectoryControl {
 public:
  explicit DirectoryControl(const ControllerState& state) : state_(state), cluster_(state) {}

  // The outcome of each assignment, in order: kUnknownTopicId, kUnknownTopicOrPartition, kNotLeaderOrFollower (no
  // replica of this broker). A replica that is said to be in a directory that is not online stops leading.
  // kUnsupportedVersion: the metadata.version has no directories. kStaleBrokerEpoch.
  [[nodiscard]] Decision<std::vector<ErrorCode>> assign(const AssignReplicasToDirs& request) const;

 private:
  [[nodiscard]] ErrorCode assign_one(const AssignReplicasToDirs::Assignment& assignment, NodeId broker,
                                     RecordBatch& out) const;

  const ControllerState& state_;
  ClusterControl cluster_;
};

}  // namespace moldau::metadata
